"""Organisations and the lines they are expected to answer for."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session, aliased

from census_api.domain.register import FrameLine, Organisation, OrganisationStatus
from census_api.store import tables
from census_api.store.copy import add_rows, copy_rows, driver_of, storable

_COLUMNS = ("id", "code", "name", "sector", "status", "identifiers")


def find_organisation(session: Session, code: str) -> tuple[uuid.UUID, Organisation] | None:
    """The organisation and its key in the database."""
    return _first(session, tables.Organisation.code == code)


def organisation_by_id(session: Session, organisation_id: uuid.UUID) -> Organisation:
    """An organisation that is known to exist."""
    found = _first(session, tables.Organisation.id == organisation_id)
    if found is None:
        raise LookupError("an organisation that others refer to is not in the register")
    return found[1]


def all_codes(session: Session) -> list[str]:
    """The codes of all organisations, in order."""
    return list(session.scalars(select(tables.Organisation.code).order_by(tables.Organisation.code)))


def has_frame(session: Session, collection: int) -> bool:
    """False when nobody has loaded the frame of the collection: then nothing is known of who is expected."""
    return session.scalar(select(tables.Collection.framed).where(tables.Collection.year == collection)) is True


def frame_of(session: Session, collection: int, organisation_id: uuid.UUID) -> tuple[tuple[str, str], ...]:
    """The organisation's expected lines as (local authority code, service type), in order."""
    rows = session.execute(
        select(tables.FrameLine.local_authority_code, tables.FrameLine.service_type)
        .where(tables.FrameLine.collection_year == collection, tables.FrameLine.organisation_id == organisation_id)
        .order_by(tables.FrameLine.local_authority_code, tables.FrameLine.service_type)
    )
    return tuple((authority, service) for authority, service in rows)


def unknown_codes(session: Session, codes: Iterable[str]) -> list[str]:
    """Those of the codes that no organisation has, in order."""
    asked = set(codes)
    known = session.scalars(select(tables.Organisation.code).where(tables.Organisation.code.in_(asked)))
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
                storable(entry.code, "An organisation code"),
                storable(entry.name, f"The name of {entry.code}"),
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


def replace_frame(session: Session, collection: int, lines: Iterable[FrameLine]) -> None:
    """Makes these lines the whole frame of the collection. Every organisation must be in the register."""
    driver_of(session).execute("DELETE FROM frame_line WHERE collection_year = %s", [collection])
    keys = {row.code: row.id for row in session.execute(select(tables.Organisation.code, tables.Organisation.id))}
    rows = [(collection, keys[line.organisation], line.local_authority_code, line.service_type) for line in lines]
    add_rows(
        session, "frame_line", ("collection_year", "organisation_id", "local_authority_code", "service_type"), rows
    )
    session.execute(update(tables.Collection).where(tables.Collection.year == collection).values(framed=bool(rows)))


def _first(session: Session, condition: ColumnElement[bool]) -> tuple[uuid.UUID, Organisation] | None:
    parent, successor = aliased(tables.Organisation), aliased(tables.Organisation)
    row = session.execute(
        select(tables.Organisation, parent.code, successor.code)
        .outerjoin(parent, tables.Organisation.parent == parent.id)
        .outerjoin(successor, tables.Organisation.merged_into == successor.id)
        .where(condition)
    ).first()
    if row is None:
        return None
    stored, parent_code, successor_code = row
    return stored.id, _organisation(stored, parent_code, successor_code)


def _organisation(row: tables.Organisation, parent: str | None, successor: str | None) -> Organisation:
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
