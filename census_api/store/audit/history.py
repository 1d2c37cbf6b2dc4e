"""The audit events of one return, for its history."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from census_api.domain.collecting.history import HistoryEntry, sentence_of
from census_api.domain.kit.paging import Page, cursor_after
from census_api.store.kit.tables import AuditEventRow


def page_history(
    session: Session, collection: int, organisation_id: uuid.UUID, actions: Collection[str], *,
    before: int | None, limit: int,
) -> Page[HistoryEntry]:  # fmt: skip
    """What happened to a return, newest first, of these kinds, before the event `before`."""
    query = select(AuditEventRow).where(
        AuditEventRow.collection_year == collection,
        AuditEventRow.organisation_id == organisation_id,
        AuditEventRow.action.in_(actions),
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if before is not None:
        query = query.where(AuditEventRow.id < before)
    rows = session.scalars(query.order_by(AuditEventRow.id.desc()).limit(limit + 1)).all()
    items = tuple(_entry(row) for row in rows[:limit])
    return Page(items, cursor_after(rows[limit - 1].id) if len(rows) > limit else None, total)


def _entry(row: AuditEventRow) -> HistoryEntry:
    return HistoryEntry(row.at, row.actor, row.action, sentence_of(row.action, row.actor, row.detail) or row.action)
