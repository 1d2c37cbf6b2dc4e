"""Two people at once: one wins, the other is told who and when, and nothing is done twice or lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import text

from census_api.domain.kit.errors import Conflict, Overtaken, Stale
from census_api.services.collecting import life
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submissions import get_original, list_submissions
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import EDITOR, SIGNATORY, TEAM, make_actor
from tests.factories.life import BECAUSE, ROLE, WHY, YEAR, asking_upload, clean_upload, now, send, sign
from tests.patience import PATIENCE

ROUNDS = 10
SECOND_EDITOR = make_actor("edna", ALPHA=["editor"])
SECOND_OF_TEAM = make_actor("theo", "census_team")


def together(*calls: Callable[[], object]) -> tuple[list[object], list[Exception]]:
    barrier = threading.Barrier(len(calls))
    answers: list[object] = []
    problems: list[Exception] = []

    def run(call: Callable[[], object]) -> None:
        barrier.wait(PATIENCE)
        try:
            answers.append(call())
        except Exception as problem:  # noqa: BLE001 - the tests say which they expect
            problems.append(problem)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers, problems


def noted(platform: Platform, action: str) -> int:
    with platform.database.transaction() as session:
        query = text("SELECT count(*) FROM audit_event WHERE action = :action")
        return session.scalar(query, {"action": action}) or 0


def test_accepting_twice_at_once_is_one_acceptance_and_one_event(platform: Platform) -> None:
    send(platform)
    sign(platform)
    for round_number in range(1, ROUNDS + 1):
        answers, problems = together(
            lambda: life.accept_return(platform, TEAM, YEAR, "ALPHA"),
            lambda: life.accept_return(platform, SECOND_OF_TEAM, YEAR, "ALPHA"),
        )
        assert len(answers) == 1
        (problem,) = problems
        assert isinstance(problem, Conflict)
        assert "15 July 2024 at 13:30" in problem.message
        assert "accepted the return as signed in submission" in problem.message
        assert noted(platform, "return.accepted") == round_number
        life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
        send(platform)
        sign(platform, 1 + round_number)


def test_signing_twice_at_once_is_one_sign_off(platform: Platform) -> None:
    send(platform)
    signatories = [SIGNATORY, make_actor("saul", ALPHA=["signatory"]), make_actor("sora", ALPHA=["signatory"])]
    answers, problems = together(
        *(partial(sign_off, platform, actor, YEAR, "ALPHA", 1, role=ROLE) for actor in signatories)
    )
    assert (len(answers), len(problems)) == (1, 2)
    assert all(isinstance(problem, Conflict) for problem in problems)
    assert noted(platform, "return.signed_off") == 1


def test_two_people_who_send_at_once_both_keep_their_file_and_the_second_is_told(platform: Platform) -> None:
    mine, theirs = clean_upload(platform), clean_upload(platform, paid_wte="8.5")
    overtaken = 0
    for _ in range(ROUNDS):
        before = now(platform).latest or 0
        answers, problems = together(
            lambda: submit_return(platform, EDITOR, YEAR, "ALPHA", mine),
            lambda: submit_return(platform, SECOND_EDITOR, YEAR, "ALPHA", theirs),
        )
        assert now(platform).latest == before + 2
        assert len(answers) + len(problems) == 2
        overtaken += len(problems)
        for problem in problems:
            assert isinstance(problem, Overtaken)
            assert f"theirs is submission {before + 1}, yours submission {before + 2}" in problem.message
            assert "15 July 2024 at 13:30" in problem.message
        kept = list_submissions(platform, EDITOR, YEAR, "ALPHA", limit=2).items
        assert {entry.received_by for entry in kept} == {"eddie", "edna"}
        for entry in kept:
            sent = mine if entry.received_by == "eddie" else theirs
            assert get_original(platform, EDITOR, YEAR, "ALPHA", entry.number or 0).data == sent.data
    assert overtaken


def test_one_after_the_other_nobody_is_told_anything(platform: Platform) -> None:
    submit_return(platform, EDITOR, YEAR, "ALPHA", clean_upload(platform))
    assert submit_return(platform, SECOND_EDITOR, YEAR, "ALPHA", clean_upload(platform)).submission.number == 2


def test_of_two_who_saw_the_same_version_one_changes_it(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    key = list_explanations(platform, EDITOR, YEAR, "ALPHA", 1).missing[0].key
    for round_number in range(1, ROUNDS + 1):
        seen = now(platform).version

        def give(name: str, seen: int = seen) -> object:
            actor = make_actor(name, ALPHA=["editor"])
            return explain_finding(
                platform, actor, YEAR, "ALPHA", 1, key, reason="checked", text=f"{BECAUSE} {name}", expected=seen
            )

        answers, problems = together(lambda: give("eddie"), lambda: give("edna"))
        assert len(answers) == 1
        (problem,) = problems
        assert isinstance(problem, Stale)
        kept = list_explanations(platform, EDITOR, YEAR, "ALPHA", 1).given[0]
        assert f"{kept.given_by.title()} explained a query of submission 1" in problem.message
        assert noted(platform, "return.explained") == round_number


@pytest.mark.parametrize("times", range(3))
def test_a_file_and_a_sign_off_at_once_never_sign_what_was_not_there(platform: Platform, times: int) -> None:
    send(platform)
    together(
        lambda: submit_return(platform, EDITOR, YEAR, "ALPHA", clean_upload(platform, paid_wte="8.5")),
        lambda: sign_off(platform, SIGNATORY, YEAR, "ALPHA", 1, role=ROLE),
    )
    found = now(platform)
    assert (found.state, found.signed, found.latest) in {("signed_off", 1, 2), ("in_progress", None, 2)}
