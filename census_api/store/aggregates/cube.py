"""The cube: what the facts of a snapshot add up to, made once, when it is frozen.

A cell holds the sums of rows that agree in place, role and the way that they were answered. Which of them count for a
measure is decided by who reads them, from `states`: so a measure that changes needs no new sums.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from census_api.domain.aggregates import POOLED, TALLIED, ZEROS
from census_api.domain.kit.measures import ITEMS, MEASURES, Item, Part

STAFF = "staff"
OF_SNAPSHOT = "(collection_year, snapshot_id) = (:year, :id)"


def build_cube(session: Session, year: int, snapshot_id: uuid.UUID) -> None:
    """Adds up the facts of a snapshot that is being built: once, when all of them are in their tables.

    Afterwards `snapshot_cell`, `snapshot_breakdown_cell` and `snapshot_contributor` hold what aggregates are read from.
    """
    key = {"year": year, "id": snapshot_id}
    plan_for_sums(session)
    for statement in (_NUMBERED_KEYS, _STAFF_CONTRIBUTORS, _CELLS, _SHEET_CONTRIBUTORS, _SHEET_CELLS):
        session.execute(text(statement), key)
    session.execute(text("DROP TABLE numbered_keys"))


def plan_for_sums(session: Session) -> None:
    """For the rest of the transaction: statements that add up many rows, of tables that are too new to have statistics.

    Without these a join is taken for one of a few rows, and compiling a query takes longer than running it.
    """
    for setting in ("enable_nestloop = off", "enable_sort = off", "work_mem = '64MB'", "jit = off"):
        session.execute(text(f"SET LOCAL {setting}"))


def list_positions(session: Session, year: int, snapshot_id: uuid.UUID) -> dict[str, int]:
    """Role or role group -> the bit that stands for it in `snapshot_contributor.has`."""
    query = text(f"SELECT key FROM ({_KEYS}) AS keys {_IN_ORDER}")
    keys = session.scalars(query, {"year": year, "id": snapshot_id})
    return {key: place for place, key in enumerate(keys)}


def _gives(parts: Sequence[Part], states: str = "states") -> str:
    """Whether a row gives every one of these items that applies to it."""
    letters = dict.fromkeys(ITEMS, ".") | {item: "[VA]" for item, _ in parts}
    return f"{states} ~ '^{''.join(letters[item] for item in ITEMS)}'"


def _sum_of(parts: Sequence[Part]) -> str:
    return " + ".join(f"coalesce({item}, 0) * {factor}" for item, factor in parts)


def _left_out() -> str:
    """A bit for each of POOLED: set where a line has something above 0 of nothing."""
    bits = []
    for place, key in enumerate(POOLED):
        measure = MEASURES[key]
        given = f"FILTER (WHERE {_gives((*measure.numerator, *measure.denominator))})"
        above = f"coalesce(sum({_sum_of(measure.numerator)}) {given}, 0) > 0"
        nothing = f"coalesce(sum({_sum_of(measure.denominator)}) {given}, 0) = 0"
        bits.append(f"CASE WHEN {above} AND {nothing} THEN {1 << place} ELSE 0 END")
    return f"({' + '.join(bits)})::smallint"


def _is_zero(parts: Sequence[Item]) -> str:
    """Whether a row has a value for one of these items at least, and 0 for all that it gives."""
    given = f"coalesce({', '.join(parts)}) IS NOT NULL" if len(parts) > 1 else f"{parts[0]} IS NOT NULL"
    return f"{given} AND {' + '.join(f'coalesce({item}, 0)' for item in parts)} = 0"


_KEYS = (
    f"SELECT role AS key FROM snapshot_role WHERE {OF_SNAPSHOT} UNION "
    f"SELECT role_group FROM snapshot_role WHERE {OF_SNAPSHOT}"
)
# the same on every server, whatever its language: the bits stay for ever
_IN_ORDER = 'ORDER BY key COLLATE "C"'
_PLACES = "region, local_authority_code, sector, organisation_type, service_type"
_NUMBERED_KEYS = f"""
    CREATE TEMP TABLE numbered_keys ON COMMIT DROP AS
    SELECT key, CAST(set_bit(CAST(repeat('0', (count(*) OVER ())::int) AS bit varying),
                             (row_number() OVER ({_IN_ORDER}))::int - 1, 1) AS bit varying) AS bit
    FROM ({_KEYS}) AS keys
"""
_ZERO_OF: Mapping[str, tuple[Item, ...]] = {
    "wte": ("paid_wte", "unpaid_wte"),
    "headcount": ("paid_headcount", "unpaid_headcount"),
    **{name: (name,) for name in TALLIED},
}
_STATES = " || ".join(f"substr(states, {ITEMS.index(item) + 1}, 1)" for item in TALLIED)
_SUMS = ", ".join(f"coalesce(sum({item}), 0)" for item in TALLIED)
_ZEROS = ", ".join(f"count(*) FILTER (WHERE {_is_zero(_ZERO_OF[name])})" for name in ZEROS)
_STAFF_CONTRIBUTORS = f"""
    INSERT INTO snapshot_contributor
        (collection_year, snapshot_id, kind, number, organisation, parent, {_PLACES}, in_frame, reported, answering, has,
         left_out)
    SELECT collection_year, snapshot_id, '{STAFF}', line_no, organisation, line.parent, line.region,
           local_authority_code, line.sector, line.organisation_type, service_type, in_frame, reported,
           reported AND (has IS NOT NULL OR coalesce(nil_return, false)),
           coalesce(has, (SELECT bit & ~bit FROM numbered_keys LIMIT 1)), coalesce(left_out, 0)
    FROM snapshot_line AS line
    LEFT JOIN snapshot_return AS given USING (collection_year, snapshot_id, organisation)
    LEFT JOIN (
        SELECT line_no, bit_or(bit) AS has, {_left_out()} AS left_out
        FROM snapshot_staff JOIN numbered_keys ON key = role WHERE {OF_SNAPSHOT} GROUP BY line_no
    ) AS rows_there USING (line_no)
    WHERE {OF_SNAPSHOT}
"""
_CELLS = f"""
    INSERT INTO snapshot_cell
        (collection_year, snapshot_id, number, {_PLACES}, role, states, left_out, rows, {", ".join(TALLIED)},
         {", ".join(f"zero_{name}" for name in ZEROS)})
    SELECT :year, :id, row_number() OVER (ORDER BY {_PLACES}, role, {_STATES}, left_out), {_PLACES}, role, {_STATES},
           left_out, count(*), {_SUMS}, {_ZEROS}
    FROM snapshot_staff JOIN snapshot_contributor AS line USING (collection_year, snapshot_id)
    WHERE {OF_SNAPSHOT} AND line.kind = '{STAFF}' AND line.number = line_no
    GROUP BY {_PLACES}, role, {_STATES}, left_out
"""
_ONE = ", ".join(
    f"CASE WHEN count(DISTINCT {name}) = 1 AND count({name}) = count(*) THEN min({name}) END AS {name}"
    for name in ("region", "local_authority_code", "service_type")
)
_SHEET_CONTRIBUTORS = f"""
    INSERT INTO snapshot_contributor
        (collection_year, snapshot_id, kind, number, organisation, parent, {_PLACES}, in_frame, reported, answering, has,
         left_out)
    SELECT :year, :id, sheet, row_number() OVER (PARTITION BY sheet ORDER BY organisation), organisation, parent,
           region, local_authority_code, sector, organisation_type, service_type, false, true, true, has, 0
    FROM (
        SELECT sheet, organisation, bit_or(bit) AS has
        FROM snapshot_breakdown JOIN numbered_keys ON key = row_key WHERE {OF_SNAPSHOT} GROUP BY sheet, organisation
    ) AS given
    JOIN (
        SELECT organisation, parent, sector, organisation_type FROM snapshot_return WHERE {OF_SNAPSHOT}
    ) AS known USING (organisation)
    LEFT JOIN (
        SELECT organisation, {_ONE} FROM snapshot_line WHERE {OF_SNAPSHOT} AND reported GROUP BY organisation
    ) AS home USING (organisation)
"""
_SHEET_CELLS = f"""
    INSERT INTO snapshot_breakdown_cell
        (collection_year, snapshot_id, number, sheet, {_PLACES}, row_key, category, state, rows, zeros, value)
    SELECT :year, :id, row_number() OVER (ORDER BY sheet, {_PLACES}, row_key, category, state), sheet, {_PLACES},
           row_key, category, state, count(*), count(*) FILTER (WHERE value = 0), coalesce(sum(value), 0)
    FROM snapshot_breakdown JOIN snapshot_contributor AS who USING (collection_year, snapshot_id, organisation)
    WHERE {OF_SNAPSHOT} AND who.kind = sheet
    GROUP BY sheet, {_PLACES}, row_key, category, state
"""
