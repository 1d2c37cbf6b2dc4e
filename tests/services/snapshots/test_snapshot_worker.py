"""Freezing that is killed, overtaken, disturbed or bound to fail: one moment, once, or a failure that says so."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from census_api.domain.kit.errors import Conflict, Unavailable
from census_api.domain.snapshots.revisions import Snapshot
from census_api.questionnaire.resources import find_folder
from census_api.services.collecting import life
from census_api.services.collecting.submissions import get_return
from census_api.services.kit.platform import Platform
from census_api.services.snapshots import freezing as service
from census_api.services.snapshots.freezing import build_queued, put_back_lost
from census_api.services.snapshots.revisions import freeze_collection, get_snapshot, request_freeze
from census_api.store.kit.queue import run_worker_until_empty
from census_api.store.snapshots import freezing
from census_api.store.snapshots import queries as snapshots
from census_api.worker import open_tasks
from tests.factories.actors import ANN, NOW, TEAM
from tests.factories.frozen import HERE, THERE, accepted, framed, tree_for
from tests.patience import PATIENCE

YEAR = 2024
FACTS = ("snapshot_return", "snapshot_line", "snapshot_role", "snapshot_staff", "snapshot_breakdown")
PROGRAM = """
import os, signal, sys
from census_api.domain.kit.access import Actor
from census_api.services.snapshots import freezing as service
from census_api.services.snapshots import revisions
from census_api.services.kit.platform import open_platform
from census_api.settings import Settings
from census_api.store.kit import audit
from census_api.store.snapshots import freezing
from census_api.store.snapshots import queries as store

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

url, where, how = sys.argv[1:]
platform = open_platform(Settings(), url)
team = Actor("tess", kind="system")
asked = revisions.request_freeze(platform, team, 2024).snapshot if how == "queued" else None
module = {
    "pin_returns": freezing, "add_facts": freezing, "mark_returns": freezing, "seal_frozen": store,
    "tell_progress": store, "record": audit,
}
kept = module[where]
if where == "record" and how == "now":
    store.begin_attempt, begin = (lambda *given: (setattr(audit, "record", die), begin(*given))[1]), store.begin_attempt
elif how == "now" and where == "pin_returns":
    store.begin_attempt, begin = (
        (lambda *given: (setattr(freezing, "pin_returns", die), begin(*given))[1]), store.begin_attempt
    )
else:
    setattr(kept, where, die)
if asked is None:
    revisions.freeze_collection(platform, team, 2024)
else:
    service.build_queued(platform, 2024, asked.id)
"""


@pytest.fixture
def platform(platform: Platform) -> Platform:
    framed(platform, YEAR, ("ALPHA", HERE, "adult_community"), ("BETA", THERE, "adult_community"))
    accepted(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR))
    return platform


def facts(platform: Platform) -> dict[str, int]:
    with platform.database.transaction() as session:
        return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in FACTS}


def events(platform: Platform) -> list[str]:
    with platform.database.transaction() as session:
        return list(session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'snapshot.%' ORDER BY id")))


def clean_run(platform: Platform) -> tuple[str | None, dict[str, int]]:
    """What a freeze that nothing disturbs comes to, given up at its end."""
    found: list[tuple[str | None, dict[str, int]]] = []

    class _UndoneError(Exception):
        pass

    def look(session: Any, _year: int, _id: Any, _number: int, content_hash: str, *_: Any) -> bool:
        counts = {table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in FACTS}
        found.append((content_hash, counts))
        raise _UndoneError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshots, "seal_frozen", look)
        with pytest.raises(_UndoneError):
            freeze_collection(platform, TEAM, YEAR)
    return found[0]


def disturbed(monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], object]) -> None:
    """Does something once, in the middle of the next freeze, when everything is pinned and nothing is copied."""
    done: list[bool] = []
    copy = freezing.add_facts

    def add_facts(*given: Any) -> tuple[int, int]:
        if not done:
            done.append(True)
            disturb()
        return copy(*given)

    monkeypatch.setattr(freezing, "add_facts", add_facts)


@pytest.mark.parametrize(
    "where", ["pin_returns", "tell_progress", "add_facts", "mark_returns", "seal_frozen", "record"]
)
@pytest.mark.parametrize("how", ["queued", "now"])
def test_killed_at_any_step_it_is_done_once_by_the_next(platform: Platform, where: str, how: str) -> None:
    content_hash, expected = clean_run(platform)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, platform.database.url(), where, how],
        cwd=find_folder("tests").parent, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert set(facts(platform).values()) == {0}
    later = replace(platform, clock=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=61))
    assert put_back_lost(later) == (1 if how == "now" else 0)
    run_worker_until_empty(open_tasks(later))
    found = get_snapshot(platform, TEAM, "2024.1")
    assert (found.state, found.content_hash) == ("frozen", content_hash)
    assert facts(platform) == expected
    assert events(platform).count("snapshot.frozen") == 1


def test_who_was_overtaken_has_nothing_to_show(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request_freeze(platform, TEAM, YEAR).snapshot

    def take_over() -> None:
        with platform.database.transaction() as session:
            assert snapshots.begin_attempt(session, YEAR, asked.id, NOW) is not None

    disturbed(monkeypatch, take_over)
    build_queued(platform, YEAR, asked.id)
    assert get_snapshot(platform, TEAM, "2024.1").state == "building"
    assert set(facts(platform).values()) == {0}
    build_queued(platform, YEAR, asked.id)
    build_queued(platform, YEAR, asked.id)
    assert get_snapshot(platform, TEAM, "2024.1").state == "frozen"
    assert events(platform) == ["snapshot.started", "snapshot.frozen"]


def test_a_return_that_moves_meanwhile_is_in_the_snapshot_as_it_was(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_hash, expected = clean_run(platform)

    def move() -> None:
        life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason="A mistake was found just now.")
        accepted(platform, "BETA", YEAR, tree_for(platform, "BETA", YEAR))
        framed(platform, YEAR, ("BETA", HERE, "adult_community"))

    disturbed(monkeypatch, move)
    snapshot = freeze_collection(platform, TEAM, YEAR).snapshot
    assert (snapshot.content_hash, facts(platform)) == (content_hash, expected)
    alpha, beta = (get_return(platform, TEAM, YEAR, code) for code in ("ALPHA", "BETA"))
    assert (alpha.state, alpha.frozen_in) == ("reopened", snapshot.id)
    assert (beta.state, beta.frozen_in) == ("accepted", None)


def test_nobody_deletes_meanwhile_what_is_being_frozen(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def delete() -> None:
        try:
            with platform.database.transaction(ANN) as session:
                session.execute(text("SET LOCAL lock_timeout = '200ms'"))
                session.execute(text("SELECT census_erase(2024::smallint, accepted_submission_id) FROM return"))
        except Unavailable as problem:
            refused.append(problem.message)

    disturbed(monkeypatch, delete)
    assert freeze_collection(platform, TEAM, YEAR).snapshot.facts == 7
    assert len(refused) == 1


def test_what_always_fails_is_failed_and_can_be_asked_for_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request_freeze(platform, TEAM, YEAR).snapshot

    def break_down(*_: object) -> None:
        raise RuntimeError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(freezing, "mark_returns", break_down)
        for _ in range(platform.settings.job_attempts):
            with pytest.raises(RuntimeError):
                build_queued(platform, YEAR, asked.id)
        build_queued(platform, YEAR, asked.id)
    failed = get_snapshot(platform, TEAM, "2024.1")
    assert failed.state == "failed"
    assert failed.message is not None
    assert "fault of the platform" in failed.message
    assert set(facts(platform).values()) == {0}
    again = request_freeze(platform, TEAM, YEAR).snapshot
    assert (again.id, again.state, again.message) == (asked.id, "building", None)
    build_queued(platform, YEAR, asked.id)
    assert get_snapshot(platform, TEAM, "2024").id == asked.id
    assert events(platform) == ["snapshot.started", "snapshot.failed", "snapshot.started", "snapshot.frozen"]


def test_who_waits_and_stops_waiting_leaves_it_failed(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    disturbed(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt):
        freeze_collection(platform, TEAM, YEAR)
    left = get_snapshot(platform, TEAM, "2024.1")
    assert left.state == "failed"
    assert left.message is not None
    assert "interrupted" in left.message
    assert freeze_collection(platform, TEAM, YEAR).snapshot.name == "2024.1"


def test_only_one_at_a_time_is_built(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Snapshot | str] = []

    def ask() -> None:
        seen.append(request_freeze(platform, TEAM, YEAR).snapshot)
        try:
            freeze_collection(platform, TEAM, YEAR)
        except Conflict as problem:
            seen.append(problem.message)

    disturbed(monkeypatch, ask)
    done = freeze_collection(platform, TEAM, YEAR).snapshot
    asked, said = seen
    assert isinstance(asked, Snapshot)
    assert isinstance(said, str)
    assert (asked.id, asked.state, asked.stage) == (done.id, "building", "copying the answers")
    assert "tess is having the census of 2024 frozen just now" in said


def test_progress_is_seen_by_others_while_it_is_built(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_ORGANISATIONS_AT_ONCE", 1)
    shares: list[float] = []
    copy = freezing.add_facts

    def add_facts(*given: Any) -> tuple[int, int]:
        shares.append(get_snapshot(platform, TEAM, "2024.1").share)
        return copy(*given)

    monkeypatch.setattr(freezing, "add_facts", add_facts)
    done: list[tuple[int, int]] = []
    freeze_collection(platform, TEAM, YEAR, progress=lambda *pair: done.append(pair))
    assert done == [(1, 2), (2, 2)]
    assert 0 < shares[0] < shares[1] < 1
