"""Collections."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.collecting.collection import CollectionState, Window
from census_api.store.kit import tables


@dataclass(frozen=True, slots=True)
class StoredCollection:
    """What the database knows of a collection; its title and reference date are the spec's."""

    year: int
    spec_digest: str
    window: Window
    state: CollectionState


def all_collections(session: Session) -> list[StoredCollection]:
    """In order of year."""
    return [_stored(row) for row in session.scalars(select(tables.CollectionRow).order_by(tables.CollectionRow.year))]


def find_collection(session: Session, year: int) -> StoredCollection | None:
    row = session.get(tables.CollectionRow, year)
    return None if row is None else _stored(row)


def add_collection(session: Session, year: int, spec_digest: str, window: Window) -> bool:
    """True when the collection was new; an existing one keeps its dates."""
    added = session.execute(
        insert(tables.CollectionRow)
        .values(
            year=year, spec_digest=spec_digest, opens=window.opens, closes=window.closes, late_until=window.late_until
        )
        .on_conflict_do_nothing()
        .returning(tables.CollectionRow.year)
    )
    return added.first() is not None


def set_digest(session: Session, year: int, spec_digest: str) -> None:
    session.get_one(tables.CollectionRow, year).spec_digest = spec_digest


def set_window(session: Session, year: int, window: Window) -> None:
    row = session.get_one(tables.CollectionRow, year)
    row.opens, row.closes, row.late_until = (window.opens, window.closes, window.late_until)


def _stored(row: tables.CollectionRow) -> StoredCollection:
    state: CollectionState = "closed" if row.state == "closed" else "scheduled"
    return StoredCollection(row.year, row.spec_digest, Window(row.opens, row.closes, row.late_until), state)
