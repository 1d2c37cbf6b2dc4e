"""Building a snapshot: in a worker, or at once for who waits for it. Resumed after any death, never frozen twice."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import CensusError, Unavailable
from census_api.domain.snapshots.revisions import Snapshot
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.store.aggregates.cube import build_cube
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import find_latest
from census_api.store.progress.sizes import set_sizes
from census_api.store.snapshots import freezing
from census_api.store.snapshots import queries as snapshots
from census_api.store.snapshots.freezing import Batch, Meaning
from census_api.store.snapshots.queries import SnapshotCounts

log = structlog.get_logger(__name__)

WORKER = Actor("the worker", kind="system")
SILENT = dt.timedelta(seconds=60)
"""Who builds says so every few seconds; who has been silent for so long is dead, or as good as."""
_ORGANISATIONS_AT_ONCE = 100
_SHARE_BEFORE_FACTS = 0.1
_SHARE_AFTER_FACTS = 0.8
_SHARE_BEFORE_SEAL = 0.95
_GAVE_UP = (
    "The snapshot could not be frozen because of a fault of the platform. Nothing was changed. Please tell the people "
    "who run the platform, and ask for it again."
)
_UNCHANGED = "Nothing had changed any more since the revision before, so there was nothing to freeze."
_INTERRUPTED = "The freezing was interrupted. Nothing was changed. Ask for it again."

Progress = Callable[[int, int], None]
"""Told how many organisations are done, and of how many."""


class NothingNewError(CensusError):
    """What was to be frozen is what the revision before holds."""

    code = "nothing_new"


class _OvertakenError(Exception):
    """Another attempt has taken over; ours comes to nothing."""


@dataclass(frozen=True, slots=True)
class _FreezeAttempt:
    """One try at building one snapshot."""

    snapshot: Snapshot
    number: int
    actor: Actor

    @property
    def year(self) -> int:
        return self.snapshot.collection


def put_back_lost(platform: Platform) -> int:
    """Puts snapshots whose builder has died back on the queue. Says how many."""
    with platform.database.transaction(WORKER) as session:
        lost = snapshots.put_back_lost(session, platform.clock() - SILENT)
    for year, snapshot_id in lost:
        log.warning("snapshot_put_back", collection=year, snapshot=str(snapshot_id))
    return len(lost)


def build_queued(platform: Platform, year: int, snapshot_id: uuid.UUID) -> None:
    """Builds a snapshot that is on the queue. Nothing happens when that is done already.

    Raises whatever went wrong when it is worth another try; after the last try the snapshot is failed.
    """
    with platform.database.transaction(WORKER) as session:
        begun = snapshots.begin_attempt(session, year, snapshot_id, platform.clock())
    if begun is None:
        return
    snapshot, number, tries = begun
    attempt = _FreezeAttempt(snapshot, number, WORKER)
    if platform.gives_up(tries):
        end_failed(platform, attempt, _GAVE_UP)
        return
    try:
        _build(platform, attempt, None)
    except NothingNewError as problem:
        end_failed(platform, attempt, problem.message)


def build_now(platform: Platform, actor: Actor, snapshot: Snapshot, progress: Progress | None) -> None:
    """Builds a snapshot while the caller waits. Whatever goes wrong, it is not left as if somebody built it."""
    with platform.database.transaction(actor) as session:
        begun = snapshots.begin_attempt(session, snapshot.collection, snapshot.id, platform.clock())
    if begun is None:
        return
    attempt = _FreezeAttempt(begun[0], begun[1], actor)
    try:
        _build(platform, attempt, progress)
    except BaseException as problem:
        message = problem.message if isinstance(problem, CensusError) else _GAVE_UP
        message = _INTERRUPTED if isinstance(problem, KeyboardInterrupt) else message
        with suppress(Unavailable):
            end_failed(platform, attempt, message)
        raise


def _build(platform: Platform, attempt: _FreezeAttempt, progress: Progress | None) -> None:
    try:
        with platform.database.transaction(attempt.actor) as session:
            snapshots.wait_for_earlier_attempts(session, attempt.snapshot.id)
            _fill(platform, session, attempt, progress or (lambda _done, _total: None))
    except _OvertakenError:
        log.warning("snapshot_given_up", snapshot=str(attempt.snapshot.id), attempt=attempt.number)


def _fill(platform: Platform, session: Session, attempt: _FreezeAttempt, progress: Progress) -> None:
    """Everything that the snapshot holds, its hash and its event, in the transaction of the session."""
    snapshot, meaning = attempt.snapshot, meaning_of(platform.spec(attempt.year))
    _tell(platform, attempt, "noting the accepted returns", 0.01)
    freezing.prepare_facts(session)
    total = freezing.pin_returns(session, meaning)
    pin_sizes(platform, session, meaning.year)
    fresh = freezing.pinned_hash(session, meaning, snapshot.policy_digest)
    before = find_latest(session, snapshot.collection, frozen=True)
    if before is not None and before.content_hash == fresh:
        raise NothingNewError(_UNCHANGED)
    counts = _copy(platform, session, attempt, meaning, total, progress)
    _tell(platform, attempt, "adding up", _SHARE_AFTER_FACTS)
    freezing.analyse_tables(session, freezing.FACT_TABLES)
    build_cube(session, snapshot.collection, snapshot.id)
    freezing.analyse_tables(session, freezing.CUBE_TABLES)
    _tell(platform, attempt, "sealing", _SHARE_BEFORE_SEAL)
    _seal(platform, session, attempt, fresh, counts, before)


def _copy(
    platform: Platform, session: Session, attempt: _FreezeAttempt, meaning: Meaning, total: int, progress: Progress
) -> SnapshotCounts:
    """The facts, some organisations at a time: no statement is long, and everybody sees how far it is."""
    returns = freezing.add_returns(session, meaning, attempt.snapshot.id)
    lines = facts = 0
    for first in range(1, total + 1, _ORGANISATIONS_AT_ONCE):
        last = min(total, first + _ORGANISATIONS_AT_ONCE - 1)
        share = _SHARE_BEFORE_FACTS + (first - 1) / total * (_SHARE_AFTER_FACTS - _SHARE_BEFORE_FACTS)
        _tell(platform, attempt, "copying the answers", share)
        more_lines, more_facts = freezing.add_facts(session, meaning, attempt.snapshot.id, Batch(first, last, lines))
        lines, facts = lines + more_lines, facts + more_facts
        progress(last, total)
    return SnapshotCounts(returns, lines, facts)


def _seal(
    platform: Platform,
    session: Session,
    attempt: _FreezeAttempt,
    content_hash: str,
    counts: SnapshotCounts,
    before: Snapshot | None,
) -> None:
    snapshot, now = attempt.snapshot, platform.clock()
    changes = freezing.changes_since(session, snapshot.collection, None if before is None else before.id)
    freezing.mark_returns(session, snapshot.collection, snapshot.id)
    ours = snapshots.seal_frozen(
        session, snapshot.collection, snapshot.id, attempt.number, content_hash, counts, changes, now
    )
    if not ours:
        raise _OvertakenError
    audit.record(
        session,
        attempt.actor,
        "snapshot.frozen",
        collection=snapshot.collection,
        subject=f"snapshot {snapshot.name}",
        detail={
            "id": str(snapshot.id), "asked_by": snapshot.started_by, "returns": counts.returns, "lines": counts.lines,
            "facts": counts.facts, "changes": len(changes),
        },
        before=None if before is None else before.content_hash,
        after=content_hash,
        at=now,
    )  # fmt: skip


def pin_sizes(platform: Platform, session: Session, year: int) -> None:
    """Fills in how large the pinned lines of the frame were when they were last heard of."""
    set_sizes(session, year, lambda before: _unpaid_roles(platform, before))


def meaning_of(spec: Spec) -> Meaning:
    """What the codes of a year mean. An authority that is no more keeps the region it had."""
    areas = spec.code_lists["local_authorities"]
    return Meaning(
        year=spec.year,
        spec_digest=spec.digest,
        regions={area.code: area.attributes["region"] for area in (*areas.former, *areas.codes)},
        organisation_types={entry.code: entry.attributes["organisation_type"] for entry in spec.code_lists["sectors"].codes},
        roles=tuple(
            {"role": role.code, "label": role.label, **{name: role.attributes[name] for name in _OF_A_ROLE}}
            for role in spec.code_lists["roles"].codes
        ),
        breakdowns=tuple(
            (sheet.key, str(sheet.rows_by), tuple(question.key for question in sheet.counts))
            for sheet in spec.breakdowns
        ),
    )  # fmt: skip


_OF_A_ROLE = ("role_group", "regulated", "profession_group", "pay_basis")


def _unpaid_roles(platform: Platform, year: int) -> list[str]:
    """None for a year that has no spec any more: then every blank is one that is not known."""
    if year not in platform.specs.years:
        return []
    roles = platform.spec(year).code_lists["roles"].codes
    return [role.code for role in roles if role.attributes["pay_basis"] == "unpaid"]


def _tell(platform: Platform, attempt: _FreezeAttempt, stage: str, share: float) -> None:
    """In a transaction of its own, so that everybody sees it. A busy database is no reason to stop."""
    with suppress(Unavailable), platform.database.transaction(attempt.actor) as session:
        ours = snapshots.tell_progress(
            session, attempt.year, attempt.snapshot.id, attempt.number, stage, share, platform.clock()
        )
        if not ours:
            raise _OvertakenError


def end_failed(platform: Platform, attempt: _FreezeAttempt, message: str) -> None:
    snapshot = attempt.snapshot
    with platform.database.transaction(attempt.actor) as session:
        if not snapshots.fail_attempt(session, snapshot.collection, snapshot.id, attempt.number, message):
            return
        audit.record(
            session,
            attempt.actor,
            "snapshot.failed",
            collection=snapshot.collection,
            subject=f"snapshot {snapshot.name}",
            detail={
                "id": str(snapshot.id),
                "asked_by": snapshot.started_by,
                "attempt": attempt.number,
                "reason": message,
            },
            at=platform.clock(),
        )
    log.error("snapshot_failed", snapshot=str(snapshot.id), collection=snapshot.collection, attempt=attempt.number)
