"""Margins as they are kept, and what they are made of: the lines and paid people of a frozen snapshot."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from census_api.domain.snapshots.revisions import Snapshot
from census_api.store.kit import tables_snapshots as tables
from census_api.store.kit.locks import AdvisoryLock, wait_for_lock


@dataclass(frozen=True, slots=True)
class FrozenLine:
    """A line of a snapshot; `nil`: its organisation's return says that there is nothing to report."""

    number: int
    organisation: str
    parent: str
    local_authority: str
    service_type: str
    region: str | None
    sector: str
    organisation_type: str
    route: str | None
    in_frame: bool
    reported: bool
    nil: bool
    size: float | None


@dataclass(frozen=True, slots=True)
class PaidPeople:
    """Paid headcount of one staff row; `applies` False where the role has no paid people."""

    line: int
    role: str
    people: float | None
    applies: bool


@dataclass(frozen=True, slots=True)
class StoredMargins:
    """Margins by their id; `document` is the canonical JSON without it."""

    id: str
    snapshot_id: uuid.UUID
    revision: int
    document: str
    supersedes: str | None


def list_lines(session: Session, snapshot: Snapshot) -> list[FrozenLine]:
    """Every line, in order."""
    line, answer = tables.SnapshotLine, tables.SnapshotReturn
    joined = (
        (answer.collection_year == line.collection_year)
        & (answer.snapshot_id == line.snapshot_id)
        & (answer.organisation == line.organisation)
    )
    rows = session.execute(
        select(
            line.line_no.label("number"),
            line.organisation,
            line.parent,
            line.local_authority_code.label("local_authority"),
            line.service_type,
            line.region,
            line.sector,
            line.organisation_type,
            line.commissioning_route.label("route"),
            line.in_frame,
            line.reported,
            func.coalesce(answer.nil_return, False).label("nil"),
            line.size,
        )
        .join(answer, joined, isouter=True)
        .where(line.collection_year == snapshot.collection, line.snapshot_id == snapshot.id)
        .order_by(line.line_no)
    )
    return [FrozenLine(**row) for row in rows.mappings()]


def paid_people(session: Session, snapshot: Snapshot) -> list[PaidPeople]:
    """The paid headcount of every staff row, by line and role."""
    row = tables.SnapshotStaff
    found = session.execute(
        select(row.line_no, row.role, row.paid_headcount, func.left(row.states, 1))
        .where(row.collection_year == snapshot.collection, row.snapshot_id == snapshot.id)
        .order_by(row.line_no, row.role)
    )
    return [PaidPeople(line, role, people, state != "A") for line, role, people, state in found]


def read_policy(session: Session, digest: str) -> dict[str, Any]:
    """The thresholds with this digest, as they were stored."""
    return session.get_one(tables.StoredPolicy, digest).document


def find_margins(session: Session, identity: str) -> StoredMargins | None:
    """The margins with this id."""
    return next(iter(_stored(session, tables.Margin.id == identity)), None)


def of_collection(session: Session, year: int) -> list[StoredMargins]:
    """All margins of a collection, newest first."""
    return _stored(session, tables.Margin.collection_year == year)


def one_at_a_time(session: Session, year: int) -> None:
    """Waits until nobody else is storing margins of the collection, and holds that until the transaction ends."""
    wait_for_lock(session, AdvisoryLock.KEEPING_MARGINS, offset=year)


def add_margins(
    session: Session, identity: str, snapshot: Snapshot, document: str, supersedes: str | None, at: dt.datetime
) -> None:
    """Keeps margins, for ever."""
    session.add(
        tables.Margin(
            id=identity,
            collection_year=snapshot.collection,
            snapshot_id=snapshot.id,
            document=document,
            supersedes=supersedes,
            stored_at=at,
        )
    )
    session.flush()


def _stored(session: Session, condition: ColumnElement[bool]) -> list[StoredMargins]:
    margin, snapshot = tables.Margin, tables.SnapshotRow
    rows = session.execute(
        select(margin.id, margin.snapshot_id, snapshot.revision, margin.document, margin.supersedes)
        .join(snapshot, (snapshot.collection_year == margin.collection_year) & (snapshot.id == margin.snapshot_id))
        .where(condition)
        .order_by(margin.stored_at.desc(), margin.id)
    )
    return [StoredMargins(*row) for row in rows]
