"""Real processes, killed in the middle of a burst: nothing acknowledged is lost, doubled or damaged.

The short forms; `python -m tests.faults.long` does many rounds of each and prints a table.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scenarios import Outcome, Rounds
from tests.faults.site import Site


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    with Site(tmp_path_factory.mktemp("site"), 8, hurried=True) as site:
        site.start_web()
        site.start_worker()
        site.wait_for_web()
        yield Rounds(site, seed=1)


def assert_whole(outcome: Outcome) -> None:
    assert outcome.compared.is_whole, outcome


def test_a_web_process_that_is_killed_loses_nothing(rounds: Rounds) -> None:
    assert_whole(rounds.web_killed(16))


def test_a_worker_that_is_killed_loses_nothing(rounds: Rounds) -> None:
    outcome = rounds.worker_killed(16)
    assert_whole(outcome)
    assert outcome.recovered < 120


def test_a_database_that_is_killed_loses_nothing(rounds: Rounds) -> None:
    outcome = rounds.postgres_killed(16)
    assert_whole(outcome)
    assert outcome.recovered < 10 + 5


def test_a_web_process_that_is_told_to_stop_finishes_what_it_has(rounds: Rounds) -> None:
    outcome = rounds.web_told(16)
    assert_whole(outcome)
    assert outcome.exit_code == 0


def test_a_worker_that_is_told_to_stop_hands_its_jobs_back(rounds: Rounds) -> None:
    outcome = rounds.worker_told(16)
    assert_whole(outcome)
    assert outcome.exit_code == 0


def test_a_worker_that_comes_back_too_late_writes_nothing(rounds: Rounds) -> None:
    paused = rounds.worker_paused()
    assert_whole(paused.outcome)
    assert (paused.before.state, paused.before.attempt) == ("done", 2)
    assert paused.before.findings > 0
    assert paused.given_up
    assert paused.after == paused.before
    assert rounds.site.worker is not None
    assert rounds.site.worker.poll() is None


def test_one_poison_file_does_not_hold_up_the_others(rounds: Rounds) -> None:
    outcome = rounds.poisoned(20)
    assert_whole(outcome)
    assert outcome.recovered < 120
