"""Progress and the chase list: who is expected, who answered and when, and whose silence would move most."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Forbidden, NotFound
from census_api.domain.register.lineage import LineageEdge, LineKey
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting import life
from census_api.services.kit.platform import Platform
from census_api.services.progress import reminders
from census_api.services.progress.chase import chase_list
from census_api.services.progress.response import measure_progress
from census_api.services.progress.sizes import carry_sizes, known_sizes
from census_api.services.register import lineage
from census_api.services.register.organisations import load_frame, load_organisations
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, NOW, PIPELINE, TEAM
from tests.factories.answered_twice import YEAR, expect, send, tree_of
from tests.factories.people import add_person
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot

HERE, THERE, ADULT = "E06000001", "E06000002", "adult_community"
BEFORE = {HERE: 14.0, THERE: 7.0}
"""Paid people of last year's clean return: this year's opening headcounts."""


@pytest.fixture
def two_years(platform: Platform) -> Platform:
    """ALPHA and BETA answered last year; ALPHA's return of this year is accepted, GAMMA is new and silent."""
    expect(platform, {"ALPHA": "voluntary", "BETA": "nhs", "GAMMA": "nhs"}, 2023, YEAR)
    for code, sector in (("ALPHA", "voluntary"), ("BETA", "nhs")):
        send(platform, code, tree_of(platform, code, sector, 2023), accepted=True)
    send(platform, "ALPHA", tree_of(platform, "ALPHA", "voluntary"), accepted=True)
    return platform


def test_counts_shares_and_days(two_years: Platform) -> None:
    found = measure_progress(two_years, ANALYST, YEAR)
    cell = found.overall
    assert (found.collection, found.framed, found.at) == (YEAR, True, NOW)
    assert (cell.organisations, cell.answered, cell.lines, cell.lines_answered) == (3, 1, 6, 2)
    assert dict(cell.states) == {"accepted": 1, "not_started": 2}
    assert (cell.on_time, cell.late) == (1, 0)
    assert cell.unit_share == pytest.approx(2 / 6)
    # GAMMA never gave a size: each of its lines counts as the median, (7 + 14) / 2
    assert cell.size_share == pytest.approx(21 / (42 + 2 * 10.5))
    assert cell.largest_missing == pytest.approx(14 / 63)
    assert [(day.day, day.received, day.signed) for day in found.days] == [(NOW.date(), 1, 1)]


def test_cells_of_every_dimension(two_years: Platform) -> None:
    by = measure_progress(two_years, TEAM, YEAR).by
    assert [(one.key, one.label, one.lines, one.unit_share) for one in by["sector"]] == [
        ("voluntary", "Voluntary sector", 2, 1.0),
        ("nhs", "NHS", 4, 0.0),
    ]
    assert [(one.key, one.organisations, one.lines) for one in by["local_authority"]] == [(HERE, 3, 3), (THERE, 3, 3)]
    assert [(one.key, one.lines) for one in by["region"]] == [("E12000001", 6)]
    assert [(one.label, one.lines) for one in by["service_type"]] == [("Adult community treatment", 6)]
    assert by["sector"][1].size_share == 0.0


def test_a_late_sign_off_counts_as_late_and_a_queried_one_as_no_answer_yet(platform: Platform) -> None:
    expect(platform, {"ALPHA": "voluntary", "BETA": "nhs"}, YEAR)
    closes = platform.spec(YEAR).collection.closes
    late = replace(platform, clock=lambda: dt.datetime.combine(closes, dt.time(12), dt.UTC) + dt.timedelta(days=2))
    send(late, "ALPHA", tree_of(platform, "ALPHA", "voluntary"), accepted=True)
    cell = measure_progress(late, TEAM, YEAR).overall
    assert (cell.answered, cell.on_time, cell.late) == (1, 0, 1)
    assert (cell.size_share, cell.largest_missing) == (None, None)
    life.reopen_return(late, TEAM, YEAR, "ALPHA", reason="Agreed by telephone with the employer")
    assert measure_progress(late, TEAM, YEAR).overall.answered == 0


def test_sectors_are_those_of_the_reference_date(platform: Platform) -> None:
    expect(platform, {"ALPHA": "voluntary"}, YEAR)
    load_organisations(platform, TEAM, [Organisation("ALPHA", "ALPHA Services", "nhs")], {"ALPHA": dt.date(2024, 7, 1)})
    assert [cell.key for cell in measure_progress(platform, TEAM, YEAR).by["sector"]] == ["voluntary"]


def test_without_a_frame_nobody_is_expected(platform: Platform) -> None:
    found = measure_progress(platform, TEAM, YEAR)
    assert (found.framed, found.overall.lines, found.overall.unit_share, found.days) == (False, 0, None, ())
    assert chase_list(platform, TEAM, YEAR) == []
    with pytest.raises(NotFound):
        measure_progress(platform, TEAM, 1999)


def test_who_may_see_what(two_years: Platform) -> None:
    for actor in (ANALYST, TEAM, ADMINISTRATOR):
        assert measure_progress(two_years, actor, YEAR).overall.lines == 6
    for actor in (EDITOR, PIPELINE):
        with pytest.raises(Forbidden):
            measure_progress(two_years, actor, YEAR)
    for actor in (ANALYST, EDITOR, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            chase_list(two_years, actor, YEAR)


def test_the_chase_list_is_ranked_by_what_is_missing(two_years: Platform) -> None:
    beta, gamma = chase_list(two_years, TEAM, YEAR)
    assert (beta.organisation, gamma.organisation) == ("BETA", "GAMMA")
    # fewer than five answered lines: no growth is assumed. Of NHS' 21 known people BETA has all
    assert (beta.size, beta.total, beta.state) == (21.0, "NHS", "not_started")
    assert beta.score == pytest.approx(100.0)
    assert (gamma.size, gamma.total) == (None, "NHS")
    assert gamma.score == pytest.approx(100 * 2 * 10.5 / 21)
    assert beta.sentence == (
        "It has sent nothing. It last had 21 paid people; what it may have now is 100.0% of the last known headcount of "
        "NHS. It has nobody to write to: invite somebody."
    )
    assert "has never given a headcount; typical lines of its sector are 100.0%" in gamma.sentence


def test_the_chase_list_says_who_was_reminded(two_years: Platform) -> None:
    add_person(two_years, "bea", at={"BETA": ["editor"]})
    assert chase_list(two_years, TEAM, YEAR)[0].sentence.endswith("It has not been reminded.")
    reminders.remind_employers(two_years, TEAM, YEAR)
    first = chase_list(two_years, TEAM, YEAR)[0]
    assert (first.people, first.reminded_at) == (1, NOW)
    assert first.sentence.endswith("It was last reminded on 15 July 2024 at 13:30.")


def test_who_was_declined_is_not_chased_and_stays_expected(two_years: Platform) -> None:
    life.decline_return(two_years, TEAM, YEAR, "BETA", reason="Closed all its services in May.")
    assert [one.organisation for one in chase_list(two_years, TEAM, YEAR)] == ["GAMMA"]
    assert measure_progress(two_years, TEAM, YEAR).overall.organisations == 3


def test_sizes_come_from_the_snapshot_where_there_is_one(two_years: Platform) -> None:
    with two_years.database.transaction() as session:
        sizes = known_sizes(session, YEAR)
        assert {key.local_authority_code: size for key, size in sizes.items() if key.organisation == "BETA"} == BEFORE
        made = [LineRow("ALPHA", HERE), LineRow("BETA", HERE, reported=False, size=50.0), LineRow("BETA", THERE)]
        make_snapshot(session, 2023, lines=made, staff=[StaffRow(1, items={"paid_headcount": 30.0})])
    with two_years.database.snapshot(SYSTEM) as session:
        found = known_sizes(session, YEAR)
    assert found == {
        LineKey("ALPHA", HERE, ADULT): 30.0,
        LineKey("BETA", HERE, ADULT): 50.0,
        LineKey("BETA", THERE, ADULT): 0.0,
    }


def test_sizes_follow_confirmed_lineage(two_years: Platform) -> None:
    load_organisations(two_years, TEAM, [Organisation("DELTA", "Delta", "nhs")])
    load_frame(two_years, TEAM, YEAR, [FrameLine(YEAR, "DELTA", HERE, ADULT), FrameLine(YEAR, "BETA", THERE, ADULT)])
    edge = LineageEdge(
        2023, LineKey("BETA", HERE, ADULT), YEAR, LineKey("DELTA", HERE, ADULT), "contract_transfer",
        dt.date(2024, 4, 1), "Award notice",
    )  # fmt: skip
    lineage.load_edges(two_years, TEAM, [edge])
    assert chase_list(two_years, TEAM, YEAR)[0].organisation == "BETA"
    lineage.load_edges(two_years, TEAM, [replace(edge, state="confirmed")])
    assert [(one.organisation, one.size) for one in chase_list(two_years, TEAM, YEAR)] == [
        ("DELTA", 14.0),
        ("BETA", 7.0),
    ]


def test_what_is_carried_is_never_more_or_less() -> None:
    lines = [LineKey(code, HERE, ADULT) for code in "ABCD"]
    a, b, c, d = lines
    edges = [
        LineageEdge(2023, source, 2024, target, "split", dt.date(2024, 4, 1), "x", state)  # type: ignore[arg-type]  # the state is one of pytest's parameters
        for source, target, state in ((a, b, "confirmed"), (a, c, "confirmed"), (d, b, "suggested"))
    ]
    sizes = carry_sizes({a: 10.0, b: 4.0, d: 3.0}, edges, [b, c])
    assert sizes == {b: 9.0, c: 5.0, d: 3.0}
    assert carry_sizes({a: 10.0}, edges, [a, b, c]) == {a: 10 / 3, b: 10 / 3, c: 10 / 3}


def test_figures_that_are_no_numbers_are_left_out(two_years: Platform) -> None:
    wrong = tree_of(two_years, "BETA", "nhs", paid_headcount="about ten", paid_wte="NK")
    send(two_years, "BETA", wrong, accepted=False)
    from census_api.store.progress.queries import line_items

    with two_years.database.snapshot(SYSTEM) as session:
        now = line_items(session, YEAR, "standing", ["paid_headcount", "paid_wte"])
        assert session.scalar(text("SELECT 1")) == 1
    assert now[LineKey("BETA", HERE, ADULT)] == {"paid_headcount": 7.0, "paid_wte": pytest.approx(5.2)}
