"""Mail by the calendar and in bulk: who still has something to do hears of it, once, in time, and nobody else does."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.collecting.collection import window_of
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting.collections import set_window
from census_api.services.kit.platform import Platform
from census_api.services.progress.reminders import Reminded, get_plan, remind_employers, run_schedule, set_plan
from census_api.services.register.organisations import load_frame, load_organisations
from tests.factories.actors import ANN, EDITOR, NOW, TEAM
from tests.factories.mail import add_person, mails, set_state

CODES = ("NEW", "HALF", "ASKED", "AGAIN", "DONE", "SIGNED", "REFUSED", "SILENT")
LAST_DAY = dt.date(2024, 9, 30)


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """A collection from 1 July to 30 September 2024, late until 31 October, with a return in every state."""
    for year in (2022, 2023, 2025):
        far = dt.date(year + 20, 1, 1)
        set_window(platform, ANN, year, window_of(far, far, far))
    set_window(platform, ANN, 2024, window_of(dt.date(2024, 7, 1), LAST_DAY, dt.date(2024, 10, 31)))
    load_organisations(platform, ANN, [Organisation(code, f"{code.title()} Care", "voluntary") for code in CODES])
    load_frame(platform, ANN, 2024, [FrameLine(2024, code, "E06000001", "adult_community") for code in CODES])
    states: dict[str, ReturnState] = {
        "HALF": "in_progress", "ASKED": "queried", "AGAIN": "reopened", "DONE": "accepted", "SIGNED": "signed_off",
        "REFUSED": "declined",
    }  # fmt: skip
    for code, state in states.items():
        set_state(platform, code, state)
    for code in CODES[:-1]:
        add_person(platform, f"{code.lower()}@example.org", code, name=f"Person Of {code.title()}")
    # not in the frame, so nothing is expected of it
    add_person(platform, "alpha@example.org", "ALPHA")
    return platform


def at(platform: Platform, month: int, day: int, hour: int = 10) -> Platform:
    moment = dt.datetime(2024, month, day, hour, tzinfo=dt.UTC)
    return replace(platform, clock=lambda: moment)


def told(platform: Platform, kind: str = "reminder") -> list[str]:
    return sorted(mail.organisation or "" for mail in mails(platform) if mail.kind == kind)


def extend(platform: Platform, code: str, until: dt.datetime) -> None:
    with platform.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO extension SELECT 2024, id, :until, 'illness', 'tess', :now FROM organisation WHERE code = :code"
            ),
            {"until": until, "now": NOW, "code": code},
        )


def test_on_a_day_of_the_plan_those_with_something_to_do_are_reminded(platform: Platform) -> None:
    today = at(platform, 9, 23)
    assert run_schedule(today) == 4
    assert told(platform) == ["AGAIN", "ASKED", "HALF", "NEW"]
    mail = next(mail for mail in mails(platform) if mail.organisation == "NEW")
    assert mail.facts == {
        "organisation": "New Care", "name": "Person Of New", "closes": "30 September 2024", "days_left": "7",
    }  # fmt: skip
    assert mail.links == {"return": "/collections/2024/returns/NEW"}


@pytest.mark.parametrize(
    ("month", "day", "written"),
    [
        (9, 1, 0),
        (9, 2, 4),
        (9, 3, 0),
        (9, 16, 4),
        (9, 28, 4),
        (9, 29, 0),
        (9, 30, 4),
        (10, 1, 4),
        (10, 2, 0),
        (10, 31, 0),
    ],
)
def test_the_plan_says_which_days(platform: Platform, month: int, day: int, written: int) -> None:
    assert run_schedule(at(platform, month, day)) == written


def test_however_often_it_runs_a_day_has_one_reminder(platform: Platform) -> None:
    assert [run_schedule(at(platform, 9, 23, hour)) for hour in (9, 12, 15)] == [4, 0, 0]
    assert remind_employers(at(platform, 9, 23, 16), TEAM, 2024).people == 0
    assert run_schedule(at(platform, 9, 28)) == 4


@pytest.mark.parametrize(("hour", "written"), [(7, 0), (8, 4), (16, 4), (17, 0), (23, 0)])
def test_nobody_is_written_to_outside_office_hours_in_england(platform: Platform, hour: int, written: int) -> None:
    assert run_schedule(at(platform, 9, 23, hour)) == written


def test_an_opening_is_told_once_to_those_who_have_not_begun(platform: Platform) -> None:
    assert run_schedule(at(platform, 6, 30)) == 0
    assert run_schedule(at(platform, 7, 1)) == 1
    assert told(platform, "opening") == ["NEW"]
    # somebody who joins within the week hears of it too, the others not again
    add_person(platform, "silent@example.org", "SILENT")
    assert run_schedule(at(platform, 7, 3)) == 1
    assert told(platform, "opening") == ["NEW", "SILENT"]
    assert run_schedule(at(platform, 7, 9)) == 0


def test_longer_time_moves_the_reminders(platform: Platform) -> None:
    extend(platform, "NEW", dt.datetime(2024, 11, 15, tzinfo=dt.UTC))
    run_schedule(at(platform, 9, 23))
    assert told(platform) == ["AGAIN", "ASKED", "HALF"]
    # the collection is closed to the others, but not to this one: its last day is 14 November
    assert run_schedule(at(platform, 11, 7)) == 1
    assert mails(platform)[-1].facts["closes"] == "14 November 2024"
    assert mails(platform)[-1].facts["days_left"] == "7"
    assert run_schedule(at(platform, 11, 16)) == 0


def test_the_plan_is_data(platform: Platform) -> None:
    assert get_plan(platform, TEAM, 2024).days_left == (28, 14, 7, 2, 0, -1)
    after = set_plan(platform, TEAM, 2024, opening=False, days_left=[3, 10])
    assert after == get_plan(platform, TEAM, 2024)
    assert (after.opening, after.days_left) == (False, (10, 3))
    set_plan(platform, TEAM, 2024, opening=False, days_left=[5])
    assert run_schedule(at(platform, 7, 1)) == 0
    assert run_schedule(at(platform, 9, 23)) == 0
    assert run_schedule(at(platform, 9, 25)) == 4
    with pytest.raises(InvalidRequest):
        set_plan(platform, TEAM, 2024, opening=True, days_left=[500])
    with pytest.raises(NotFound):
        set_plan(platform, TEAM, 1999, opening=True, days_left=[5])


def test_the_team_reminds_by_state_and_days_left(platform: Platform) -> None:
    today = at(platform, 9, 10)
    extend(platform, "HALF", dt.datetime(2024, 12, 1, tzinfo=dt.UTC))
    assert remind_employers(today, TEAM, 2024, states=["queried"]).written == ("ASKED",)
    answer = remind_employers(today, TEAM, 2024, days_left_at_most=20)
    assert answer == Reminded(written=("AGAIN", "NEW"), before=("ASKED",), nobody=("SILENT",), people=2)
    assert remind_employers(today, TEAM, 2024, organisations=["HALF", "ALPHA", "DONE"]).written == ("HALF",)


def test_a_preview_writes_nothing(platform: Platform) -> None:
    today = at(platform, 9, 10)
    answer = remind_employers(today, TEAM, 2024, preview=True)
    assert answer == Reminded(written=("AGAIN", "ASKED", "HALF", "NEW"), nobody=("SILENT",), people=4)
    assert mails(platform) == []
    assert remind_employers(today, TEAM, 2024) == answer


def test_each_return_has_its_own_event(platform: Platform) -> None:
    remind_employers(at(platform, 9, 10), TEAM, 2024)
    with platform.database.transaction() as session:
        rows = session.execute(
            text("SELECT code, actor, detail FROM audit_event JOIN organisation ON organisation.id = organisation_id "
                 "WHERE action = 'mail.reminder_written' ORDER BY code")
        ).all()  # fmt: skip
    assert [(row.code, row.actor) for row in rows] == [(code, TEAM.name) for code in ("AGAIN", "ASKED", "HALF", "NEW")]
    assert rows[0].detail == {"people": 1, "days_left": 20}


def test_what_cannot_be_asked_for_is_said(platform: Platform) -> None:
    with pytest.raises(Forbidden):
        remind_employers(platform, EDITOR, 2024)
    with pytest.raises(Forbidden):
        get_plan(platform, EDITOR, 2024)
    with pytest.raises(InvalidRequest, match="in_progress, not_started, queried, reopened"):
        remind_employers(platform, TEAM, 2024, states=["accepted"])
    with pytest.raises(InvalidRequest):
        remind_employers(platform, TEAM, 2024, states=[])
    with pytest.raises(Conflict, match="not opened"):
        remind_employers(platform, TEAM, 2023)
    with pytest.raises(NotFound):
        remind_employers(platform, TEAM, 1999)


def test_without_a_frame_every_open_organisation_is_expected(platform: Platform) -> None:
    set_window(platform, ANN, 2023, window_of(dt.date(2024, 7, 1), LAST_DAY, LAST_DAY))
    answer = remind_employers(at(platform, 9, 10), TEAM, 2023)
    assert "ALPHA" in answer.written
    assert "BETA" in answer.nobody


def test_an_address_that_cannot_get_mail_stops_nobody_else(platform: Platform) -> None:
    add_person(platform, "no one@example.org", "HALF")
    add_person(platform, "no one else@example.org", "SILENT")
    answer = remind_employers(at(platform, 9, 10), TEAM, 2024)
    assert (answer.people, "HALF" in answer.written, answer.nobody) == (4, True, ("SILENT",))
