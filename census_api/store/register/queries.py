"""Organisations and the lines they are expected to answer for."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Iterable, Sequence

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, Row, Select, Text, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONPATH, insert
from sqlalchemy.orm import Session, aliased

from census_api.domain.kit.paging import Page
from census_api.domain.register.organisations import (
    FrameLine,
    Organisation,
    OrganisationFilter,
    OrganisationStatus,
    SectorSpell,
)
from census_api.store.kit import tables
from census_api.store.kit.copy import add_rows, copy_rows, driver_of, make_storable
from census_api.store.kit.keyset import Key, page_rows
from census_api.store.register.tables import OrganisationSector

_COLUMNS = ("id", "code", "name", "sector", "status", "identifiers")


def find_organisation(session: Session, code: str) -> tuple[uuid.UUID, Organisation] | None:
    """The organisation and its key in the database."""
    return _first(session, _one_of("code"), code)


def organisation_by_id(session: Session, organisation_id: uuid.UUID) -> Organisation:
    """An organisation that is known to exist."""
    found = _first(session, _one_of("id"), organisation_id)
    if found is None:
        raise LookupError("an organisation that others refer to is not in the register")
    return found[1]


def all_codes(session: Session) -> list[str]:
    """The codes of all organisations, in order."""
    return list(session.scalars(select(tables.OrganisationRow.code).order_by(tables.OrganisationRow.code)))


def all_organisations(session: Session) -> list[Organisation]:
    """The whole register, in order of code."""
    return [_of_row(row) for row in session.execute(_everything().order_by(tables.OrganisationRow.code))]


def page_organisations(
    session: Session, wanted: OrganisationFilter, after: Key | None, limit: int
) -> Page[Organisation]:
    """Organisations in order of code, those behind the code `after`."""
    conditions = _passing(wanted)
    total = session.scalar(select(func.count()).select_from(tables.OrganisationRow).where(*conditions)) or 0
    query = _everything().where(*conditions)
    rows, following = page_rows(session, query, (tables.OrganisationRow.code,), after, limit)
    return Page(tuple(_of_row(row) for row in rows), following, total)


def sectors_of(session: Session, codes: Iterable[str]) -> dict[str, str | None]:
    """The present sector of those of the organisations that are in the register."""
    query = select(tables.OrganisationRow.code, tables.OrganisationRow.sector)
    return dict(iter(session.execute(query.where(tables.OrganisationRow.code.in_(set(codes))))))


def sector_spells(session: Session, codes: Iterable[str] | None = None) -> dict[str, tuple[SectorSpell, ...]]:
    """The sectors of each organisation (of these, or of all), in order of time; the last is the present one."""
    past = select(tables.OrganisationRow.code, OrganisationSector.until, OrganisationSector.sector).join(
        OrganisationSector, OrganisationSector.organisation_id == tables.OrganisationRow.id
    )
    now = select(tables.OrganisationRow.code, tables.OrganisationRow.sector)
    if codes is not None:
        asked = tables.OrganisationRow.code.in_(set(codes))
        past, now = past.where(asked), now.where(asked)
    spells: dict[str, list[SectorSpell]] = {code: [] for code in session.scalars(now)}
    for code, until, sector in session.execute(past.order_by(tables.OrganisationRow.code, OrganisationSector.until)):
        before = spells[code][-1].until if spells[code] else None
        spells[code].append(SectorSpell(sector, before, until))
    for code, sector in session.execute(now):
        before = spells[code][-1].until if spells[code] else None
        spells[code].append(SectorSpell(sector, before, None))
    return {code: tuple(held) for code, held in spells.items()}


def remember_sector(session: Session, code: str, sector: str | None, until: dt.date) -> None:
    """Notes that the organisation was in a sector until a day. Of two changes on one day the first is kept."""
    key = session.execute(select(tables.OrganisationRow.id).where(tables.OrganisationRow.code == code)).scalar_one()
    values = {"organisation_id": key, "until": until, "sector": sector}
    session.execute(insert(OrganisationSector).values(values).on_conflict_do_nothing())


def move_last_change(session: Session, code: str, day: dt.date) -> None:
    """Corrects the day since when the present sector holds; notes it where no earlier sector is known."""
    key = select(tables.OrganisationRow.id).where(tables.OrganisationRow.code == code).scalar_subquery()
    last = select(func.max(OrganisationSector.until)).where(OrganisationSector.organisation_id == key).scalar_subquery()
    moved = session.execute(
        update(OrganisationSector)
        .where(OrganisationSector.organisation_id == key, OrganisationSector.until == last)
        .values(until=day)
        .returning(OrganisationSector.until)
        .execution_options(synchronize_session=False)
    )
    if moved.first() is None:
        remember_sector(session, code, None, day)


def whole_frame(session: Session, collection: int) -> list[FrameLine]:
    """Every expected line of a collection, in order."""
    query = (
        select(tables.OrganisationRow.code, tables.FrameLineRow.local_authority_code, tables.FrameLineRow.service_type)
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.FrameLineRow.organisation_id)
        .where(tables.FrameLineRow.collection_year == collection)
    )
    return sorted(
        (FrameLine(collection, *row) for row in session.execute(query)),
        key=lambda line: (line.organisation, line.local_authority_code, line.service_type),
    )


def list_answering(session: Session, collection: int) -> frozenset[str]:
    """The codes of organisations that have sent something for the collection."""
    query = (
        select(tables.OrganisationRow.code)
        .join(tables.ReturnRow, tables.ReturnRow.organisation_id == tables.OrganisationRow.id)
        .where(tables.ReturnRow.collection_year == collection, tables.ReturnRow.last_number > 0)
    )
    return frozenset(session.scalars(query))


def has_frame(session: Session, collection: int) -> bool:
    """False when nobody has loaded the frame of the collection: then nothing is known of who is expected."""
    return session.scalar(select(tables.CollectionRow.framed).where(tables.CollectionRow.year == collection)) is True


def frame_of(session: Session, collection: int, organisation_id: uuid.UUID) -> tuple[tuple[str, str], ...]:
    """The organisation's expected lines as (local authority code, service type), in order."""
    rows = session.execute(
        select(tables.FrameLineRow.local_authority_code, tables.FrameLineRow.service_type)
        .where(
            tables.FrameLineRow.collection_year == collection, tables.FrameLineRow.organisation_id == organisation_id
        )
        .order_by(tables.FrameLineRow.local_authority_code, tables.FrameLineRow.service_type)
    )
    return tuple((authority, service) for authority, service in rows)


def unknown_codes(session: Session, codes: Iterable[str]) -> list[str]:
    """Those of the codes that no organisation has, in order."""
    asked = set(codes)
    known = session.scalars(select(tables.OrganisationRow.code).where(tables.OrganisationRow.code.in_(asked)))
    return sorted(asked - set(known))


def upsert_organisations(session: Session, organisations: Sequence[Organisation]) -> None:
    """Adds or replaces organisations by code. Parents and successors are among them or in the register already."""
    driver = driver_of(session)
    driver.execute("CREATE TEMP TABLE incoming (LIKE organisation) ON COMMIT DROP")
    # a merged organisation needs its successor's key, which the second step knows
    driver.execute("ALTER TABLE incoming ADD parent_code text, ADD successor_code text")
    copy_rows(
        session,
        "incoming",
        (*_COLUMNS, "parent_code", "successor_code"),
        (
            (
                uuid.uuid4(),
                make_storable(entry.code, "An organisation code"),
                make_storable(entry.name, f"The name of {entry.code}"),
                entry.sector,
                "open" if entry.merged_into else entry.status,
                Jsonb(dict(entry.identifiers)),
                entry.parent,
                entry.merged_into,
            )
            for entry in organisations
        ),
    )
    names = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    driver.execute(
        sql.SQL(
            "INSERT INTO organisation ({names}) SELECT {names} FROM incoming "
            "ON CONFLICT (code) DO UPDATE SET name = excluded.name, sector = excluded.sector, "
            "status = excluded.status, identifiers = excluded.identifiers, parent = NULL, merged_into = NULL"
        ).format(names=names)
    )
    driver.execute(
        "UPDATE organisation SET parent = parents.id, merged_into = successors.id, "
        "status = CASE WHEN successors.id IS NULL THEN organisation.status ELSE 'merged' END "
        "FROM incoming LEFT JOIN organisation AS parents ON parents.code = parent_code "
        "LEFT JOIN organisation AS successors ON successors.code = successor_code "
        "WHERE organisation.code = incoming.code AND (parent_code IS NOT NULL OR successor_code IS NOT NULL)"
    )
    driver.execute("DROP TABLE incoming")
    session.expire_all()


def lock_frame(session: Session, collection: int) -> None:
    """Who replaces the frame of the collection next waits for this transaction; who sends a return does not."""
    session.execute(
        select(tables.CollectionRow.year).where(tables.CollectionRow.year == collection).with_for_update(key_share=True)
    )


def replace_frame(session: Session, collection: int, lines: Iterable[FrameLine]) -> None:
    """Makes these lines the whole frame of the collection. Every organisation must be in the register."""
    driver_of(session).execute("DELETE FROM frame_line WHERE collection_year = %s", [collection])
    keys = {row.code: row.id for row in session.execute(select(tables.OrganisationRow.code, tables.OrganisationRow.id))}
    rows = [(collection, keys[line.organisation], line.local_authority_code, line.service_type) for line in lines]
    add_rows(
        session, "frame_line", ("collection_year", "organisation_id", "local_authority_code", "service_type"), rows
    )
    session.execute(
        update(tables.CollectionRow).where(tables.CollectionRow.year == collection).values(framed=bool(rows))
    )


_PARENT, _SUCCESSOR = aliased(tables.OrganisationRow), aliased(tables.OrganisationRow)


def _everything() -> Select[tables.OrganisationRow, str | None, str | None]:
    """Each organisation with the codes of its parent and its successor."""
    return (
        select(tables.OrganisationRow, _PARENT.code, _SUCCESSOR.code)
        .outerjoin(_PARENT, tables.OrganisationRow.parent == _PARENT.id)
        .outerjoin(_SUCCESSOR, tables.OrganisationRow.merged_into == _SUCCESSOR.id)
    )


def _passing(wanted: OrganisationFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.search is not None:
        parts = (tables.OrganisationRow.code, tables.OrganisationRow.name)
        found = [part.icontains(wanted.search, autoescape=True) for part in parts]
        # the keys of the schemes are ours, and no part of what is looked for
        numbers = func.jsonb_path_query_array(tables.OrganisationRow.identifiers, cast("$.*", JSONPATH), type_=Text)
        conditions.append(or_(*found, cast(numbers, Text).icontains(wanted.search, autoescape=True)))
    if wanted.sector is not None:
        conditions.append(tables.OrganisationRow.sector == wanted.sector)
    if wanted.status is not None:
        conditions.append(tables.OrganisationRow.status == wanted.status)
    return conditions


_Found = Select[tables.OrganisationRow, str | None, str | None]


@functools.cache
def _one_of(column: str) -> _Found:
    """The question for one organisation: asked of every request, and dear to put together."""
    return _everything().where(getattr(tables.OrganisationRow, column) == bindparam("wanted"))


def _first(session: Session, question: _Found, wanted: str | uuid.UUID) -> tuple[uuid.UUID, Organisation] | None:
    row = session.execute(question, {"wanted": wanted}).first()
    return None if row is None else (row[0].id, _of_row(row))


def _of_row(row: Row[tables.OrganisationRow, str | None, str | None]) -> Organisation:
    return _organisation(row[0], row[1], row[2])


def _organisation(row: tables.OrganisationRow, parent: str | None, successor: str | None) -> Organisation:
    statuses: dict[str, OrganisationStatus] = {"open": "open", "closed": "closed", "merged": "merged"}
    return Organisation(
        code=row.code,
        name=row.name,
        sector=row.sector,
        status=statuses[row.status],
        parent=parent,
        merged_into=successor,
        identifiers=dict(row.identifiers),
    )
