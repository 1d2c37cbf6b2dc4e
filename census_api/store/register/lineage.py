"""Edges of lineage. They are added and decided; no year is ever changed by them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.kit.paging import Page
from census_api.domain.register.lineage import EDGE_KINDS, EDGE_STATES, EdgeFilter, EdgeState, LineageEdge, LineKey
from census_api.store.kit import tables
from census_api.store.kit.copy import make_storable
from census_api.store.kit.keyset import Key, page_rows
from census_api.store.kit.tables_snapshots import LineageEdgeRow as EdgeRow

_ENDS = (
    "from_year", "from_organisation", "from_local_authority", "from_service_type",
    "to_year", "to_organisation", "to_local_authority", "to_service_type",
)  # fmt: skip
_DECIDED = ("kind", "effective", "evidence", "state", "suggested_by", "decided_by", "decided_at")
_ORDER = (EdgeRow.to_year, EdgeRow.effective, *(getattr(EdgeRow, name) for name in _ENDS))
EDGE_KEY = (int, dt.date, *(int if name.endswith("_year") else str for name in _ENDS))
"""The kinds of what edges are ordered by."""
_AT_ONCE = 1_000


def edges_between(session: Session, from_year: int, to_year: int) -> list[LineageEdge]:
    """Every edge, in whatever state, from `from_year` to `to_year` and between the years that lie between them."""
    query = select(EdgeRow).where(EdgeRow.from_year >= from_year, EdgeRow.to_year <= to_year).order_by(*_ORDER)
    return [_as_domain(row) for row in session.scalars(query)]


def page_edges(session: Session, wanted: EdgeFilter, after: Key | None, limit: int) -> Page[LineageEdge]:
    """Edges in order of year, date and ends, those behind `after`: a key of EDGE_KEY."""
    conditions = _passing(wanted)
    total = session.scalar(select(func.count()).select_from(EdgeRow).where(*conditions)) or 0
    rows, following = page_rows(session, select(EdgeRow).where(*conditions), _ORDER, after, limit)
    return Page(tuple(_as_domain(row) for (row,) in rows), following, total)


def add_edges(session: Session, edges: Sequence[LineageEdge]) -> int:
    """Adds edges and says how many were new or took a suggestion's place. What somebody has decided stays."""
    changed = 0
    for start in range(0, len(edges), _AT_ONCE):
        statement = insert(EdgeRow).values([_values(edge) for edge in edges[start : start + _AT_ONCE]])
        replaced = statement.on_conflict_do_update(
            constraint="uq_lineage_edge_ends",
            set_={name: statement.excluded[name] for name in _DECIDED},
            where=and_(EdgeRow.state == "suggested", statement.excluded.state != "suggested"),
        )
        changed += len(session.execute(replaced.returning(EdgeRow.id)).all())
    session.expire_all()
    return changed


def find_edge(session: Session, edge_id: uuid.UUID, *, lock: bool = False) -> LineageEdge | None:
    row = session.get(EdgeRow, edge_id, with_for_update=lock)
    return None if row is None else _as_domain(row)


def decide_edge(
    session: Session, edge_id: uuid.UUID, state: EdgeState, evidence: str, by: str, at: dt.datetime
) -> None:
    """Writes a decision on an edge that is known to exist."""
    row = session.get_one(EdgeRow, edge_id)
    row.state, row.evidence, row.decided_by, row.decided_at = state, make_storable(evidence, "The evidence"), by, at
    session.flush()


def forget_edges(session: Session, edges: Collection[uuid.UUID]) -> None:
    """Deletes edges that the platform made itself and that no longer follow from spec and frame."""
    session.execute(delete(EdgeRow).where(EdgeRow.id.in_(edges)))


def framed_lines(session: Session, year: int) -> list[LineKey]:
    """The expected lines of a collection, in order."""
    query = (
        select(tables.OrganisationRow.code, tables.FrameLineRow.local_authority_code, tables.FrameLineRow.service_type)
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.FrameLineRow.organisation_id)
        .where(tables.FrameLineRow.collection_year == year)
        .order_by(
            tables.OrganisationRow.code, tables.FrameLineRow.local_authority_code, tables.FrameLineRow.service_type
        )
    )
    return [LineKey(*row) for row in session.execute(query)]


def framed_years(session: Session) -> list[int]:
    """The collections that have a frame, in order."""
    query = select(tables.CollectionRow.year).where(tables.CollectionRow.framed).order_by(tables.CollectionRow.year)
    return list(session.scalars(query))


def _passing(wanted: EdgeFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.from_year is not None:
        conditions.append(EdgeRow.from_year == wanted.from_year)
    if wanted.to_year is not None:
        conditions.append(EdgeRow.to_year == wanted.to_year)
    if wanted.state is not None:
        conditions.append(EdgeRow.state == wanted.state)
    if wanted.organisation is not None:
        code = wanted.organisation
        conditions.append(or_(EdgeRow.from_organisation == code, EdgeRow.to_organisation == code))
    return conditions


def _values(edge: LineageEdge) -> dict[str, object]:
    ends: Iterable[object] = (
        edge.from_year, edge.source.organisation, edge.source.local_authority_code, edge.source.service_type,
        edge.to_year, edge.target.organisation, edge.target.local_authority_code, edge.target.service_type,
    )  # fmt: skip
    return {
        "id": edge.id or uuid.uuid4(),
        **dict(zip(_ENDS, ends, strict=True)),
        "kind": edge.kind,
        "effective": edge.effective,
        "evidence": make_storable(edge.evidence, "The evidence"),
        "state": edge.state,
        "suggested_by": edge.suggested_by,
        "decided_by": edge.decided_by,
        "decided_at": edge.decided_at,
    }


def _as_domain(row: EdgeRow) -> LineageEdge:
    return LineageEdge(
        from_year=row.from_year,
        source=LineKey(row.from_organisation, row.from_local_authority, row.from_service_type),
        to_year=row.to_year,
        target=LineKey(row.to_organisation, row.to_local_authority, row.to_service_type),
        kind=next(kind for kind in EDGE_KINDS if kind == row.kind),
        effective=row.effective,
        evidence=row.evidence,
        state=next(state for state in EDGE_STATES if state == row.state),
        suggested_by=row.suggested_by,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        id=row.id,
    )
