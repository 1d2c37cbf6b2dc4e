"""Reading the audit: pages of events, and the chains link by link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.orm import Session

from census_api.domain.audit import AuditEvent, AuditFilter, ChainEnd
from census_api.domain.kit.paging import Page, cursor_after
from census_api.store.kit.tables import AuditEventRow as Row
from census_api.store.kit.tables import OrganisationRow
from census_api.store.kit.tables_audit import AuditChain, AuditLink

_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One place of a chain. `facts` are what its hash covers of the event, None when the event is not there."""

    collection: int
    position: int
    event_id: int
    hash: str
    action: str | None
    facts: tuple[object, ...] | None


def page_events(session: Session, wanted: AuditFilter, before: int | None, limit: int) -> Page[AuditEvent]:
    """Events that pass the filter, newest first, older than the one of id `before`."""
    conditions = _passing(wanted)
    source = select(Row, OrganisationRow.code).outerjoin(OrganisationRow, OrganisationRow.id == Row.organisation_id)
    counted = select(Row.id).outerjoin(OrganisationRow, OrganisationRow.id == Row.organisation_id).where(*conditions)
    total = session.scalar(select(func.count()).select_from(counted.subquery())) or 0
    if before is not None:
        conditions.append(Row.id < before)
    rows = session.execute(source.where(*conditions).order_by(Row.id.desc()).limit(limit + 1)).all()
    items = tuple(_event(row, organisation) for row, organisation in rows[:limit])
    return Page(items, cursor_after(items[-1].id) if len(rows) > limit else None, total)


def iterate_links(session: Session) -> Iterator[ChainLink]:
    """All links of all chains, chain by chain, in order of position."""
    written_at = func.to_char(func.timezone("UTC", Row.at), 'YYYY-MM-DD"T"HH24:MI:SS.US')
    facts = (
        Row.id, written_at, Row.actor, cast(Row.actor_id, Text), Row.actor_kind, Row.action,
        cast(Row.organisation_id, Text), Row.collection_year, Row.subject, cast(Row.detail, Text), Row.before_hash,
        Row.after_hash, Row.address,
    )  # fmt: skip
    query = (
        select(AuditLink.collection_year, AuditLink.position, AuditLink.event_id, AuditLink.hash, *facts)
        .outerjoin(Row, Row.id == AuditLink.event_id)
        .order_by(AuditLink.collection_year, AuditLink.position)
    )
    for row in session.execute(query, execution_options={"yield_per": _AT_ONCE}):
        collection, position, event_id, digest, *values = row
        there = values[0] is not None
        yield ChainLink(collection, position, event_id, digest, values[5], tuple(values) if there else None)


def list_ends(session: Session) -> list[ChainEnd]:
    """Where each chain should end."""
    rows = session.execute(
        select(AuditChain.collection_year, AuditChain.position, AuditChain.hash).order_by(AuditChain.collection_year)
    )
    return [ChainEnd(*row) for row in rows]


def count_unchained(session: Session) -> int:
    """How many events are in no chain."""
    chained = select(AuditLink.event_id).where(AuditLink.event_id == Row.id).exists()
    return session.scalar(select(func.count()).select_from(Row).where(~chained)) or 0


def _passing(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.collection is not None:
        conditions.append(Row.collection_year == wanted.collection)
    if wanted.organisation is not None:
        conditions.append(OrganisationRow.code == wanted.organisation)
    if wanted.actor is not None:
        conditions.append(Row.actor == wanted.actor)
    if wanted.action is not None and wanted.action.endswith(".*"):
        conditions.append(Row.action.startswith(wanted.action[:-1], autoescape=True))
    elif wanted.action is not None:
        conditions.append(Row.action == wanted.action)
    return conditions


def _event(row: Row, organisation: str | None) -> AuditEvent:
    return AuditEvent(
        id=row.id,
        at=row.at,
        actor=row.actor,
        actor_kind=row.actor_kind,
        action=row.action,
        organisation=organisation,
        collection=row.collection_year,
        subject=row.subject,
        detail=dict(row.detail),
        before=row.before_hash,
        after=row.after_hash,
        address=row.address,
    )
