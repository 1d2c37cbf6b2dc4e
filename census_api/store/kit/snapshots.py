"""Which snapshot is meant: by its name, the latest of a year, or that of the year before. Asked by every room."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from census_api.domain.snapshots.revisions import SNAPSHOT_STATES, ReturnChange, Snapshot
from census_api.store.kit.tables_snapshots import SnapshotRow as Row

if TYPE_CHECKING:
    from census_api.domain.snapshots.revisions import ChangeKind

_NAME = re.compile(r"([0-9]{4})(?:\.([0-9]{1,6}))?")


def find_snapshot(session: Session, wanted: str) -> Snapshot | None:
    """A snapshot by its UUID, as "2024.2", or as "2024": the latest frozen revision of the year."""
    named = _NAME.fullmatch(wanted)
    query = select(Row)
    if named is None:
        try:
            key = uuid.UUID(wanted)
        except ValueError:
            return None
        query = query.where(Row.id == key)
    else:
        query = query.where(Row.collection_year == int(named[1]))
        query = query.where(Row.state == "frozen" if named[2] is None else Row.revision == int(named[2]))
    row = session.scalars(query.order_by(Row.revision.desc()).limit(1)).first()
    return None if row is None else as_domain(row)


def find_latest(session: Session, year: int, *, frozen: bool = False) -> Snapshot | None:
    """The newest snapshot of a year, in whatever state or, with `frozen`, of those that are frozen."""
    query = select(Row).where(Row.collection_year == year)
    if frozen:
        query = query.where(Row.state == "frozen")
    row = session.scalars(query.order_by(Row.revision.desc()).limit(1)).first()
    return None if row is None else as_domain(row)


def find_year_before(session: Session, snapshot: Snapshot) -> Snapshot | None:
    """The snapshot of the year before: its latest revision that was frozen when this one was.

    A later revision of that year changes nothing about it. None for one that is not frozen, and for a first year.
    """
    if snapshot.frozen_at is None:
        return None
    row = session.scalar(
        select(Row)
        .where(
            Row.collection_year == snapshot.collection - 1,
            Row.state == "frozen",
            Row.frozen_at <= snapshot.frozen_at,
        )
        .order_by(Row.revision.desc())
        .limit(1)
    )
    return None if row is None else as_domain(row)


def list_frozen(session: Session) -> list[Snapshot]:
    """Every frozen snapshot, in order of collection and revision."""
    rows = session.scalars(select(Row).where(Row.state == "frozen").order_by(Row.collection_year, Row.revision))
    return [as_domain(row) for row in rows]


def as_domain(row: Row) -> Snapshot:
    return Snapshot(
        id=row.id,
        collection=row.collection_year,
        revision=row.revision,
        state=next(state for state in SNAPSHOT_STATES if state == row.state),
        share=row.share,
        stage=row.stage,
        content_hash=row.content_hash,
        spec_digest=row.spec_digest,
        policy_digest=row.policy_digest,
        started_at=row.started_at,
        started_by=row.started_by,
        frozen_at=row.frozen_at,
        previous=row.previous,
        returns=row.returns,
        lines=row.lines,
        facts=row.facts,
        changes=tuple(_change(entry) for entry in row.changes),
        message=row.message,
    )


def _change(entry: Mapping[str, Any]) -> ReturnChange:
    kind: ChangeKind = entry["kind"]
    return ReturnChange(kind, entry["organisation"], entry["before_sha256"], entry["after_sha256"])
