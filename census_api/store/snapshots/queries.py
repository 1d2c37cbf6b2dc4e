"""Snapshots as they are asked for, begun, watched and ended. The facts in them are made in freezing.py."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.kit.paging import Page
from census_api.domain.snapshots.revisions import Snapshot
from census_api.store.kit import tables
from census_api.store.kit.durable import DurableWork, queue_job
from census_api.store.kit.keyset import Key, page_rows
from census_api.store.kit.locks import AdvisoryLock, wait_for_lock_on
from census_api.store.kit.snapshots import as_domain
from census_api.store.kit.tables_snapshots import SnapshotRow as Row
from census_api.store.kit.tables_snapshots import StoredPolicy

FREEZE_TASK = "freeze_snapshot"
BUILDING = DurableWork(Row, Row.attempt, Row.state == "building")
"""Snapshots that are asked for and not yet frozen."""
_WAITING = "waiting for its turn"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new snapshot starts from. `policy` is the document that its digest is of."""

    year: int
    spec_digest: str
    policy_digest: str
    policy_version: str
    policy: Mapping[str, Any]
    by: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class SnapshotCounts:
    returns: int
    lines: int
    facts: int


def page_snapshots(session: Session, year: int | None, after: Key | None, limit: int) -> Page[Snapshot]:
    """Snapshots behind that of the year and revision `after`, the newest year and revision first."""
    query = select(Row) if year is None else select(Row).where(Row.collection_year == year)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = (Row.collection_year, Row.revision)
    rows, following = page_rows(session, query, order, after, limit, descending=True)
    return Page(tuple(as_domain(row) for (row,) in rows), following, total)


def lock_collection(session: Session, year: int) -> bool:
    """Makes others who begin a snapshot of the year wait for this transaction. False when there is no collection."""
    query = select(tables.CollectionRow.year).where(tables.CollectionRow.year == year)
    return session.scalar(query.with_for_update(key_share=True)) is not None


def start_snapshot(
    session: Session, beginning: Beginning, previous: Snapshot | None, failed: Snapshot | None
) -> Snapshot:
    """A snapshot that waits to be built: the next revision, or the one that failed, taken up again."""
    session.execute(
        insert(StoredPolicy)
        .values(
            digest=beginning.policy_digest,
            version=beginning.policy_version,
            document=dict(beginning.policy),
            stored_at=beginning.at,
        )
        .on_conflict_do_nothing()
    )
    if failed is None:
        revision = 1 + (session.scalar(_highest(beginning.year)) or 0)
        row = Row(collection_year=beginning.year, id=uuid.uuid4(), revision=revision)
        session.add(row)
    else:
        row = session.get_one(Row, (beginning.year, failed.id), with_for_update={"key_share": True})
        row.attempts_before = row.attempt
    row.state, row.stage, row.share, row.message = "building", _WAITING, 0, None
    row.spec_digest, row.policy_digest = beginning.spec_digest, beginning.policy_digest
    row.started_at, row.started_by, row.told_at = beginning.at, beginning.by, beginning.at
    row.previous = None if previous is None else previous.id
    session.flush()
    session.refresh(row)
    return as_domain(row)


def queue_building(session: Session, year: int, snapshot_id: uuid.UUID) -> None:
    """Puts the building of a snapshot on the queue, in the session's transaction."""
    queue_job(session, FREEZE_TASK, f"snapshots of {year}", year=year, snapshot_id=str(snapshot_id))


def begin_attempt(
    session: Session, year: int, snapshot_id: uuid.UUID, at: dt.datetime
) -> tuple[Snapshot, int, int] | None:
    """Takes a snapshot for a new attempt: an earlier one that still runs can no longer freeze it.

    The snapshot, the number of the attempt, and how often it was tried. None when there is nothing left to do.
    """
    # the facts of an attempt that still runs keep the row's key locked, and must not keep us waiting
    row = BUILDING.take(session, _one(year, snapshot_id), key_share=True)
    if row is None:
        return None
    row.told_at = at
    session.flush()
    return as_domain(row), row.attempt, row.attempt - row.attempts_before


def wait_for_earlier_attempts(session: Session, snapshot_id: uuid.UUID) -> None:
    """Waits until no other transaction builds the snapshot, and keeps others waiting until this one ends.

    A builder that has stopped is ended by the database after a while, and then has nothing to show.
    """
    for setting in ("statement_timeout = '15min'", "idle_in_transaction_session_timeout = '20s'", "jit = off"):
        session.execute(text(f"SET LOCAL {setting}"))
    wait_for_lock_on(session, AdvisoryLock.BUILDING_SNAPSHOT, str(snapshot_id))


def tell_progress(
    session: Session, year: int, snapshot_id: uuid.UUID, attempt: int, stage: str, share: float, at: dt.datetime
) -> bool:
    """Says how far this attempt is. False when another has taken over."""
    return BUILDING.write(session, _one(year, snapshot_id), attempt, stage=stage, share=share, told_at=at)


def seal_frozen(
    session: Session, year: int, snapshot_id: uuid.UUID, attempt: int, content_hash: str, counts: SnapshotCounts,
    changes: Sequence[Mapping[str, Any]], at: dt.datetime,
) -> bool:  # fmt: skip
    """Ends the building. False when another attempt has taken over: this transaction must then be given up."""
    return BUILDING.write(
        session, _one(year, snapshot_id), attempt,
        state="frozen", stage="frozen", share=1, content_hash=content_hash, frozen_at=at, returns=counts.returns,
        lines=counts.lines, facts=counts.facts, changes=[dict(change) for change in changes],
    )  # fmt: skip


def fail_attempt(session: Session, year: int, snapshot_id: uuid.UUID, attempt: int, message: str) -> bool:
    """Ends the building without a snapshot. False when another attempt has taken over."""
    return BUILDING.write(session, _one(year, snapshot_id), attempt, state="failed", stage="failed", message=message)


def put_back_lost(session: Session, silent_since: dt.datetime) -> list[tuple[int, uuid.UUID]]:
    """Puts snapshots that nobody builds and the queue does not know back on it; says which."""
    silent = func.coalesce(Row.told_at, Row.started_at) < silent_since
    rows = BUILDING.list_lost(session, FREEZE_TASK, "snapshot_id", Row.id, [silent])
    lost = [(row.collection_year, row.id) for row in rows]
    for year, snapshot_id in lost:
        queue_building(session, year, snapshot_id)
    return lost


def is_silent(session: Session, snapshot: Snapshot, silent_since: dt.datetime) -> bool:
    """Whether nobody has given a sign of building it since then."""
    told = session.scalar(select(Row.told_at).where(Row.collection_year == snapshot.collection, Row.id == snapshot.id))
    return told is None or told < silent_since


def policy_document(session: Session, digest: str) -> Mapping[str, Any] | None:
    """The thresholds of a digest, None when no result has ever used them."""
    return session.scalar(select(StoredPolicy.document).where(StoredPolicy.digest == digest))


def list_policies(session: Session) -> list[tuple[str, str, Mapping[str, Any], dt.datetime]]:
    """(digest, version, document, when first used) of every policy, the newest first."""
    query = select(StoredPolicy.digest, StoredPolicy.version, StoredPolicy.document, StoredPolicy.stored_at)
    return [tuple(row) for row in session.execute(query.order_by(StoredPolicy.stored_at.desc(), StoredPolicy.digest))]


def _highest(year: int) -> Any:
    return select(func.max(Row.revision)).where(Row.collection_year == year)


def _one(year: int, snapshot_id: uuid.UUID) -> list[ColumnElement[bool]]:
    return [Row.collection_year == year, Row.id == snapshot_id]
