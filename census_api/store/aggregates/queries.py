"""Aggregates of a snapshot, read from the sums that were made when it was frozen (cube.py)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from census_api.domain.aggregates import TALLIED, ZEROS, Query, Tally, list_needed
from census_api.domain.kit.measures import LINE_DIMENSIONS, ROLE_DIMENSIONS
from census_api.store.aggregates.cube import OF_SNAPSHOT, STAFF, list_positions, plan_for_sums

Codes = tuple[str | None, ...]
MOST_TALLIES = 150_000
"""Of one answer: what is held in memory at once. Who gets one more knows that there are too many."""
_COLUMNS: Mapping[str, str] = {
    "region": "region",
    "local_authority": "local_authority_code",
    "sector": "sector",
    "organisation_type": "organisation_type",
    "service_type": "service_type",
    "role": "roles.role",
    "role_group": "roles.role_group",
    "regulated": "roles.regulated",
    "profession_group": "roles.profession_group",
}
"""The expression behind each dimension: a query holds no other name that came from outside."""


@dataclass(frozen=True, slots=True)
class LinePlace:
    """The lines of one place. `answering`: reported lines that have staff rows or belong to a nil return."""

    by: Codes
    expected: int
    reported: int
    answering: int
    organisations: int
    parents: int


@dataclass(frozen=True, slots=True)
class BreakdownTally:
    """Cells of a breakdown that were answered in the same way. `state` is a letter of ANSWERS."""

    by: Codes
    category: str
    state: str
    rows: int
    zeros: int
    value: float


def roles_of(session: Session, year: int, snapshot_id: uuid.UUID) -> list[dict[str, str]]:
    """The snapshot's roles in order of their codes, each with its group and other attributes."""
    query = text(
        "SELECT role, label, role_group, regulated, profession_group FROM snapshot_role "
        f"WHERE {OF_SNAPSHOT} ORDER BY role"
    )
    rows = session.execute(query, {"year": year, "id": snapshot_id}).mappings()
    return [{name: str(value) for name, value in row.items()} for row in rows]


def list_places(session: Session, year: int, snapshot_id: uuid.UUID, query: Query) -> list[LinePlace]:
    """Expected and reported lines, and who is behind the reported ones, by the query's dimensions of place."""
    names = query.used(LINE_DIMENSIONS)
    where, values = _where(query, LINE_DIMENSIONS)
    # organisations first, so that there is little left to count as distinct
    statement = f"""
        SELECT {_listed(names)} coalesce(sum(expected), 0)::int, coalesce(sum(reporting), 0)::int,
               coalesce(sum(answers), 0)::int, count(*) FILTER (WHERE reporting > 0),
               count(DISTINCT parent) FILTER (WHERE reporting > 0)
        FROM (
            SELECT {_listed(names)} parent, count(*) FILTER (WHERE in_frame) AS expected,
                   count(*) FILTER (WHERE reported) AS reporting, count(*) FILTER (WHERE answering) AS answers
            FROM snapshot_contributor WHERE {OF_SNAPSHOT} AND kind = '{STAFF}' AND {where}
            GROUP BY {_listed(names)} organisation, parent
        ) AS contributor {_grouped(names)}
    """
    rows = _read(session, statement, {"year": year, "id": snapshot_id, **values})
    return [LinePlace(tuple(row[: len(names)]), *row[len(names) :]) for row in rows]


def iterate_tallies(
    session: Session, year: int, snapshot_id: uuid.UUID, query: Query, *, by_regulated: bool
) -> Iterator[tuple[Codes, Tally]]:
    """Staff rows by the query's dimensions of place and role, and by the way that they were answered.

    `by_regulated` keeps rows of regulated roles apart, for the measure that sets one against the other.
    """
    names = query.used((*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
    where, values = _where(query, (*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
    regulated = "roles.regulated <> 'no'" if by_regulated else "false"
    of_roles = by_regulated or query.used(ROLE_DIMENSIONS) or query.filtered(ROLE_DIMENSIONS)
    roles = "JOIN snapshot_role AS roles USING (collection_year, snapshot_id, role)" if of_roles else ""
    # adding up what no measure asks for would take most of the time
    items, said_zero = list_needed(query.measures)
    sums = ", ".join(f"sum({item})" if item in items else "0.0::float8" for item in TALLIED)
    zeros = ", ".join(f"sum(zero_{name})::int" if name in said_zero else "0" for name in ZEROS)
    groups = len(names) + 3
    statement = f"""
        SELECT {_listed(names)} states, left_out, {regulated}, sum(rows)::int, {sums}, {zeros}
        FROM snapshot_cell AS cell {roles}
        WHERE {OF_SNAPSHOT} AND {where} GROUP BY {", ".join(str(n) for n in range(1, groups + 1))}
        LIMIT {MOST_TALLIES + 1}
    """
    first, last = groups + 1, groups + 1 + len(TALLIED)
    for row in _read(session, statement, {"year": year, "id": snapshot_id, **values}):
        states, left_out, is_regulated, rows = row[len(names) : first]
        tally = Tally(states, left_out, is_regulated, rows, tuple(row[first:last]), tuple(row[last:]))
        yield tuple(row[: len(names)]), tally


def breakdown_tallies(session: Session, year: int, snapshot_id: uuid.UUID, query: Query) -> Iterator[BreakdownTally]:
    """The cells of the query's breakdown by its other dimensions: `by` leaves the category out.

    Breakdowns by place hold only organisations whose reported lines lie in one.
    """
    names = query.used((*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
    where, values = _where(query, (*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
    statement = f"""
        SELECT {_listed(names)} category, state, sum(rows)::int, sum(zeros)::int, sum(value)
        FROM snapshot_breakdown_cell AS cell
        JOIN {_ROLES_OR_GROUPS} AS roles ON roles.key = row_key
        WHERE {OF_SNAPSHOT} AND sheet = :sheet AND {where} {_in_one_place(names)}
        GROUP BY {", ".join(str(n) for n in range(1, len(names) + 3))}
        LIMIT {MOST_TALLIES + 1}
    """
    for row in _read(session, statement, {"year": year, "id": snapshot_id, "sheet": query.sheet, **values}):
        yield BreakdownTally(tuple(row[: len(names)]), *row[len(names) :])


def iterate_contributors(
    session: Session, year: int, snapshot_id: uuid.UUID, query: Query, roles: Sequence[tuple[Codes, Sequence[str]]]
) -> Iterator[tuple[Codes, Codes, int, int]]:
    """(codes of place, codes of role, organisations, parents), of those with at least one row there.

    `roles`: the roles, or for a breakdown by role group the groups, that belong to each combination of codes of role.
    """
    if not roles:
        return
    names = query.used(LINE_DIMENSIONS)
    where, values = _where(query, LINE_DIMENSIONS)
    bits = list_positions(session, year, snapshot_id)
    masks = {f"mask{n}": _mask({bits[key] for key in keys}, len(bits)) for n, (_, keys) in enumerate(roles)}
    listed = ", ".join(f"({n}, CAST(:mask{n} AS bit varying))" for n in range(len(roles)))
    known = _in_one_place(names) if query.sheet else ""
    statement = f"""
        WITH contributor AS (
            SELECT {_listed(names)} organisation, parent, bit_or(has) AS has
            FROM snapshot_contributor WHERE {OF_SNAPSHOT} AND kind = :kind AND {where} {known}
            GROUP BY {_listed(names)} organisation, parent
        )
        SELECT {_listed(names)} n, sum(organisations)::int, count(*) FROM (
            SELECT {_listed(names)} n, parent, count(*) AS organisations
            FROM contributor JOIN (VALUES {listed}) AS wanted (n, mask) ON (has & mask) <> CAST(:none AS bit varying)
            GROUP BY {_listed(names)} n, parent
        ) AS family GROUP BY {_listed(names)} n
    """
    given = {"year": year, "id": snapshot_id, "kind": query.sheet or STAFF, "none": "0" * len(bits), **masks, **values}
    for row in _read(session, statement, given):
        place, organisations, parents = row[len(names) :]
        yield tuple(row[: len(names)]), roles[place][0], organisations, parents


# a breakdown's rows are roles (pay) or role groups (all others), which have a group only
_ROLES_OR_GROUPS = f"""(
    SELECT role AS key, role, role_group, regulated, profession_group FROM snapshot_role WHERE {OF_SNAPSHOT}
    UNION ALL SELECT DISTINCT role_group, NULL, role_group, NULL, NULL FROM snapshot_role WHERE {OF_SNAPSHOT}
)"""


def _read(session: Session, statement: str, values: Mapping[str, object]) -> Iterator[Row[Any]]:
    plan_for_sums(session)
    yield from session.execute(text(statement), values)


def _where(query: Query, dimensions: Sequence[str]) -> tuple[str, dict[str, object]]:
    filters = query.filtered(dimensions)
    conditions = [f"{_COLUMNS[name]} = ANY(:in_{name})" for name in filters]
    return " AND ".join(conditions) or "true", {f"in_{name}": list(codes) for name, codes in filters.items()}


def _in_one_place(names: Sequence[str]) -> str:
    """Leaves out organisations in several places: what they say about people cannot be told apart by place."""
    columns = [_COLUMNS[name] for name in names if name in ("local_authority", "service_type")]
    if "region" in names:
        columns.append("region")
    return "".join(f" AND {column} IS NOT NULL" for column in columns)


def _listed(names: Sequence[str]) -> str:
    return "".join(f"{_COLUMNS[name]}, " for name in names)


def _grouped(names: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(_COLUMNS[name] for name in names)}" if names else ""


def _mask(bits: Collection[int], length: int) -> str:
    return "".join("1" if place in bits else "0" for place in range(length))
