"""What the census team does: questions, acceptance, reopening after a freeze, longer time, many returns at once."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.collecting.deadlines import end_of
from census_api.domain.collecting.questions import Subject
from census_api.domain.collecting.returns import note_on
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, Stale
from census_api.services.collecting import life
from census_api.services.collecting.diffs import compare_submissions
from census_api.services.collecting.history import get_history
from census_api.services.collecting.life import MOST_AT_ONCE, accept_many, extend_deadline
from census_api.services.collecting.return_queries import ask_query, list_questions, reply_to_query
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submissions import list_submissions
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANN, EDITOR, NOW, OTHER_EDITOR, OTHER_SIGNATORY, SIGNATORY, TEAM
from tests.factories.life import (
    BRING_TO,
    ROLE,
    WHOLE,
    WHY,
    YEAR,
    asking_upload,
    clean_upload,
    explain_all,
    nil_upload,
    now,
    question,
    send,
    sign,
    tree_of,
    upload_of,
)
from tests.factories.people import add_person

SECOND = dt.timedelta(seconds=1)


def at(platform: Platform, moment: dt.datetime) -> Platform:
    return replace(platform, clock=lambda: moment)


def told(platform: Platform) -> list[tuple[str, str]]:
    with platform.database.transaction() as session:
        rows = session.execute(text("SELECT kind, recipient FROM mail ORDER BY created_at, recipient"))
        return [(row.kind, row.recipient) for row in rows]


def sentences(platform: Platform) -> list[str]:
    return [entry.sentence for entry in reversed(get_history(platform, EDITOR, YEAR, "ALPHA").items)]


def test_questions_about_a_finding_a_line_and_the_whole_return(platform: Platform) -> None:
    report = send(platform, asking_upload(platform)).report
    assert report is not None
    explain_all(platform)
    sign(platform)
    for subject in (
        Subject("finding", finding_key=report.findings[0].key),
        Subject("line", local_authority_code="E06000001", service_type="adult_community"),
        WHOLE,
    ):
        ask_query(platform, TEAM, YEAR, "ALPHA", subject, "Please look at this again.")
    asked = list_questions(platform, EDITOR, YEAR, "ALPHA")
    assert {entry.subject.about for entry in asked} == {"finding", "line", "return"}
    assert all(entry.is_open and entry.submission == 1 and entry.asked_by == "tess" for entry in asked)
    answered = reply_to_query(platform, EDITOR, YEAR, "ALPHA", asked[0].id, " It is right. ").result
    assert [(entry.text, entry.replied_by, entry.replied_at) for entry in answered.replies] == [
        ("It is right.", "eddie", NOW)
    ]
    assert len([entry for entry in list_questions(platform, TEAM, YEAR, "ALPHA") if entry.is_open]) == 2


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        (Subject("finding"), InvalidRequest),
        (Subject("finding", finding_key="0" * 16), NotFound),
        (Subject("line", local_authority_code="E06000001"), InvalidRequest),
        (Subject("line", local_authority_code="E06000009", service_type="adult_community"), NotFound),
        (Subject("return", finding_key="0" * 16), InvalidRequest),
        (Subject("return", local_authority_code="E06000001", service_type="adult_community"), InvalidRequest),
        (Subject("return", service_type="adult_community"), InvalidRequest),
    ],
)
def test_a_question_is_about_something_that_is_there(
    platform: Platform, subject: Subject, problem: type[Exception]
) -> None:
    send(platform)
    sign(platform)
    with pytest.raises(problem):
        ask_query(platform, TEAM, YEAR, "ALPHA", subject, "Please look at this again.")
    assert now(platform).state == "signed_off"


def test_a_reply_belongs_to_a_question_of_the_same_return(platform: Platform) -> None:
    send(platform)
    sign(platform)
    asked = question(platform)
    submit_return(platform, OTHER_EDITOR, YEAR, "BETA", nil_upload("BETA"))
    with pytest.raises(NotFound):
        reply_to_query(platform, OTHER_EDITOR, YEAR, "BETA", uuid.UUID(asked), "It is right.")


def test_people_are_told_without_a_figure(platform: Platform) -> None:
    add_person(platform, "eddie", at={"ALPHA": ["editor"]})
    add_person(platform, "otto", at={"BETA": ["editor"]})
    add_person(platform, "tess", "census_team")
    send(platform)
    sign(platform)
    asked = question(platform)
    reply_to_query(platform, EDITOR, YEAR, "ALPHA", uuid.UUID(asked), "It is right.")
    sign(platform)
    life.accept_return(platform, TEAM, YEAR, "ALPHA")
    life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    by_kind = dict.fromkeys(told(platform))
    assert set(by_kind) == {
        ("receipt", "eddie@example.org"),
        ("query", "eddie@example.org"),
        ("reply", "tess@example.org"),
        ("accepted", "eddie@example.org"),
        ("reopened", "eddie@example.org"),
    }


@pytest.mark.parametrize(("move", "kind"), [(life.decline_return, "declined"), (life.withdraw_return, "withdrawn")])
def test_members_hear_that_their_return_was_ended(platform: Platform, move: Callable[..., object], kind: str) -> None:
    add_person(platform, "eddie", at={"ALPHA": ["editor"]})
    add_person(platform, "otto", at={"BETA": ["editor"]})
    send(platform)
    move(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    assert told(platform) == [(kind, "eddie@example.org")]
    life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    move(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    assert Counter(told(platform)) == {(kind, "eddie@example.org"): 2, ("reopened", "eddie@example.org"): 1}


def test_accepting_another_submission_than_the_signed_one_is_refused(platform: Platform) -> None:
    send(platform)
    sign(platform)
    send(platform)
    with pytest.raises(Conflict, match="Submission 1 is the one that is signed off"):
        life.accept_return(platform, TEAM, YEAR, "ALPHA", submission=2)
    assert life.accept_return(platform, TEAM, YEAR, "ALPHA", submission=1).accepted == 1


def test_an_acceptance_is_audited_with_the_hash_of_what_was_accepted(platform: Platform) -> None:
    send(platform)
    sign(platform)
    life.accept_return(platform, TEAM, YEAR, "ALPHA")
    with platform.database.transaction() as session:
        noted = session.scalar(text("SELECT after_hash FROM audit_event WHERE action = 'return.accepted'"))
        assert noted == session.scalar(text("SELECT content_sha256 FROM submission WHERE number = 1"))
        assert re.fullmatch("[0-9a-f]{64}", noted or "")


def test_a_stale_version_changes_nothing_and_says_who_and_when(platform: Platform) -> None:
    send(platform)
    seen = now(platform).version
    sign(platform)
    with pytest.raises(Stale, match=r"15 July 2024 at 13:30: Sigrid, Director of Workforce, signed off submission 1"):
        life.accept_return(platform, TEAM, YEAR, "ALPHA", expected=seen)
    assert now(platform).state == "signed_off"
    life.accept_return(platform, TEAM, YEAR, "ALPHA", expected=now(platform).version)


def test_reopening_after_a_freeze_leaves_the_snapshot_and_says_so(platform: Platform) -> None:
    BRING_TO["accepted"](platform)
    snapshot = uuid.uuid4()
    with platform.database.transaction() as session:
        session.execute(text("UPDATE return SET frozen_in = :snapshot"), {"snapshot": snapshot})
    reopened = life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    assert (reopened.state, reopened.frozen_in, reopened.accepted) == ("reopened", snapshot, None)
    assert "next revision only" in (note_on(reopened) or "")
    assert any("changes count in its next revision only" in sentence for sentence in sentences(platform))


@pytest.mark.parametrize("move", [life.reopen_return, life.decline_return, life.withdraw_return])
@pytest.mark.parametrize("reason", ["", "   ", "because", "1234567890123"])
def test_a_move_of_the_team_needs_a_reason_in_words(platform: Platform, move: object, reason: str) -> None:
    with pytest.raises(InvalidRequest, match="A reason"):
        move(platform, TEAM, YEAR, "ALPHA", reason=reason)  # type: ignore[operator]  # the moves are pytest's parameters


def test_a_withdrawn_return_is_no_basis_for_next_year(platform: Platform) -> None:
    before = tree_of(platform) | {"census_year": 2023}
    submit_return(platform, ANN, 2023, "ALPHA", upload_of(before))
    send(platform)
    assert compare_submissions(platform, EDITOR, YEAR, "ALPHA", 1, "last_year").before == (2023, 1)
    life.withdraw_return(platform, TEAM, 2023, "ALPHA", reason=WHY)
    with pytest.raises(NotFound, match="no return for 2023"):
        compare_submissions(platform, EDITOR, YEAR, "ALPHA", 1, "last_year")


def test_the_difference_of_two_submissions_is_shown_a_page_at_a_time(platform: Platform) -> None:
    send(platform)
    send(platform, clean_upload(platform, paid_wte="8.6", starters=4))
    found = compare_submissions(platform, EDITOR, YEAR, "ALPHA", 2, 1, limit=1)
    first = found.changes.items[0]
    assert (first.sheet, first.column, first.before, first.after, first.difference) == (
        "staff",
        "paid_wte",
        "8.4",
        "8.6",
        "0.2",
    )
    assert (found.before, found.after, found.changes.total) == ((YEAR, 1), (YEAR, 2), 2)
    rest = compare_submissions(platform, EDITOR, YEAR, "ALPHA", 2, 1, cursor=found.changes.next, limit=1)
    assert [change.column for change in rest.changes.items] == ["starters"]
    assert rest.changes.next is None
    assert compare_submissions(platform, EDITOR, YEAR, "ALPHA", 2, 2).changes.total == 0


def test_many_are_accepted_each_with_its_own_event(platform: Platform) -> None:
    send(platform)
    sign(platform)
    submit_return(platform, OTHER_EDITOR, YEAR, "BETA", nil_upload("BETA"))
    done = accept_many(platform, TEAM, YEAR, ["ALPHA", "BETA", "GAMMA"])
    assert [(entry.organisation, entry.problem is None) for entry in done] == [
        ("ALPHA", True),
        ("BETA", False),
        ("GAMMA", False),
    ]
    assert "has not been signed off" in (done[1].problem or "")
    sign_off(platform, OTHER_SIGNATORY, YEAR, "BETA", 1, role=ROLE)
    again = accept_many(platform, TEAM, YEAR, ["ALPHA", "BETA"])
    assert [entry.problem is None for entry in again] == [False, True]
    with platform.database.transaction() as session:
        noted = session.scalar(text("SELECT count(*) FROM audit_event WHERE action = 'return.accepted'"))
    assert noted == 2


def test_many_is_bounded_and_for_the_team(platform: Platform) -> None:
    for wrong in ([], ["ALPHA", "ALPHA"], [f"ORG{index}" for index in range(MOST_AT_ONCE + 1)]):
        with pytest.raises(InvalidRequest):
            accept_many(platform, TEAM, YEAR, wrong)
    with pytest.raises(Forbidden):
        accept_many(platform, SIGNATORY, YEAR, ["ALPHA"])


def test_the_deadline_is_decided_at_receipt_to_the_second(platform: Platform) -> None:
    window = platform.spec(YEAR).collection
    opens = dt.datetime(2024, 7, 2, 23, tzinfo=dt.UTC)
    closes, late = end_of(window.closes), end_of(window.late_until)
    upload = clean_upload(platform)
    for moment, timing in (
        (opens - SECOND, None),
        (opens, "on_time"),
        (closes - SECOND, "on_time"),
        (closes, "late"),
        (closes + SECOND, "late"),
        (late - SECOND, "late"),
        (late, None),
        (late + SECOND, None),
    ):
        before = now(platform).latest
        if timing is None:
            with pytest.raises(Conflict, match="This census"):
                submit_return(at(platform, moment), EDITOR, YEAR, "ALPHA", upload)
            assert now(platform).latest == before
        else:
            answer = submit_return(at(platform, moment), EDITOR, YEAR, "ALPHA", upload)
            assert answer.submission.received_at == moment
            assert timings(platform)[-1] == timing


def timings(platform: Platform) -> list[str]:
    with platform.database.transaction() as session:
        query = "SELECT timing FROM arrival JOIN submission ON id = submission_id ORDER BY number"
        return list(session.scalars(text(query)))


def test_longer_time_for_one_organisation_is_its_own(platform: Platform) -> None:
    late = end_of(platform.spec(YEAR).collection.late_until)
    until = end_of(dt.date(2024, 10, 27))  # the day on which clocks go back
    extended = extend_deadline(
        at(platform, late), TEAM, YEAR, "ALPHA", dt.date(2024, 10, 27), reason="Payroll system moved."
    )
    assert (extended.extended_to, extended.deadline) == (until, until)
    upload = clean_upload(platform)
    assert submit_return(at(platform, until - SECOND), EDITOR, YEAR, "ALPHA", upload).submission.number == 1
    assert timings(platform) == ["extended"]
    for moment in (until, until + SECOND):
        with pytest.raises(Conflict, match="closed at the end of 27 October 2024"):
            submit_return(at(platform, moment), EDITOR, YEAR, "ALPHA", upload)
    with pytest.raises(Conflict, match="closed at the end of 13 October 2024"):
        submit_return(at(platform, until - SECOND), OTHER_EDITOR, YEAR, "BETA", nil_upload("BETA"))
    assert "Tess gave more time; it ends at the end of 27 October 2024. Payroll system moved." in sentences(platform)


@pytest.mark.parametrize("day", [dt.date(2024, 7, 1), dt.date(2026, 1, 1)])
def test_longer_time_has_bounds(platform: Platform, day: dt.date) -> None:
    with pytest.raises(InvalidRequest, match="An extension"):
        extend_deadline(platform, TEAM, YEAR, "ALPHA", day, reason="Payroll system moved.")


def test_who_is_asked_after_the_end_has_time_to_answer(platform: Platform) -> None:
    send(platform)
    sign(platform)
    winter = at(platform, dt.datetime(2024, 12, 2, 10, tzinfo=dt.UTC))
    asked = ask_query(winter, TEAM, YEAR, "ALPHA", WHOLE, "Is the team complete?").result
    assert now(platform).extended_to == end_of(dt.date(2024, 12, 16))
    reply_to_query(winter, EDITOR, YEAR, "ALPHA", asked.id, "It was not. Here is the whole team.")
    answer = submit_return(winter, EDITOR, YEAR, "ALPHA", clean_upload(platform))
    sign_off(winter, SIGNATORY, YEAR, "ALPHA", answer.submission.number or 0, role=ROLE)
    assert timings(platform)[-1] == "extended"


def test_the_team_sends_on_an_employers_behalf_under_its_own_name(platform: Platform) -> None:
    answer = submit_return(platform, TEAM, YEAR, "ALPHA", clean_upload(platform))
    assert answer.submission.received_by == "tess"
    (sent,) = list_submissions(platform, EDITOR, YEAR, "ALPHA").items
    assert (sent.on_behalf, sent.timing) == (True, "on_time")
    assert sentences(platform) == ["Tess sent submission 1 on the organisation's behalf. It was checked: clean."]
    with pytest.raises(Forbidden):
        sign_off(platform, TEAM, YEAR, "ALPHA", 1, role=ROLE)


def test_the_history_of_a_return_reads_as_sentences(platform: Platform) -> None:
    BRING_TO["reopened"](platform)
    told_story = sentences(platform)
    expected = [
        "Eddie sent submission 1. It was checked: with queries.",
        "Eddie explained a query of submission 1 (STF-017).",
        "Sigrid, Director of Workforce, signed off submission 1. Receipt",
        "Tess asked a question about submission 1.",
        "Eddie replied to a question about submission 1.",
        "Sigrid, Director of Workforce, signed off submission 1. Receipt",
        "Tess accepted the return as signed in submission 1.",
        f"Tess reopened the return. Reason: {WHY}",
    ]
    assert [sentence.split(" Receipt")[0] for sentence in told_story] == [s.split(" Receipt")[0] for s in expected]
    pages = get_history(platform, EDITOR, YEAR, "ALPHA", limit=3)
    assert (len(pages.items), pages.total) == (3, len(expected))
    following = get_history(platform, EDITOR, YEAR, "ALPHA", cursor=pages.next, limit=200)
    assert len(following.items) == len(expected) - 3
    with pytest.raises(NotFound):
        get_history(platform, OTHER_EDITOR, YEAR, "ALPHA")
