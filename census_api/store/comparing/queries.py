"""What a comparison reads of a snapshot: its lines, and its staff rows and breakdowns grouped to line and cell.

Grouping is the database's; what comes out goes straight into data frames, so that millions of rows cost no objects.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.kit.measures import ITEMS, PAID, ROLE_DIMENSIONS, Item, Measure, Part
from census_api.domain.snapshots.revisions import Snapshot
from census_api.store.kit.copy import driver_of
from census_api.store.kit.tables_snapshots import ComparisonResult

NUMBERS = ("num", "den", "rows", "known", "people", "known_people")
"""Of a group of rows: numerator and denominator over known rows, rows and paid people, all and of known rows."""


@dataclass(frozen=True, slots=True)
class FactQuery:
    """A measure by dimensions of people."""

    measure: Measure
    inner: tuple[str, ...] = ()


def lines_of(session: Session, snapshot: Snapshot) -> pl.DataFrame:
    """One row a line, in order of its number: line_no, organisation, parent, its attributes, in_frame, reported, nil,
    size (None where unknown)."""
    query = sql.SQL(
        "SELECT line_no, line.organisation, line.parent, local_authority_code AS local_authority, service_type, region,"
        " line.sector, line.organisation_type, in_frame, reported, coalesce(nil_return, false) AS nil, size"
        " FROM snapshot_line AS line LEFT JOIN snapshot_return AS sent USING (collection_year, snapshot_id, organisation)"
        " WHERE {here} ORDER BY line_no"
    ).format(here=_here(snapshot))
    schema = {
        "line_no": pl.Int64, "organisation": pl.String, "parent": pl.String, "local_authority": pl.String,
        "service_type": pl.String, "region": pl.String, "sector": pl.String, "organisation_type": pl.String,
        "in_frame": pl.Boolean, "reported": pl.Boolean, "nil": pl.Boolean, "size": pl.Float64,
    }  # fmt: skip
    return _frame(session, query, schema)


def facts_of(session: Session, snapshot: Snapshot, query: FactQuery) -> pl.DataFrame:
    """Sums by line_no and the dimensions asked for, with the columns of NUMBERS."""
    inner = [sql.Identifier(name) for name in query.inner]
    grouped = sql.SQL(
        "SELECT {keys}, {sums} FROM ({rows}) AS row GROUP BY {keys}"
    ).format(keys=sql.SQL(", ").join([sql.Identifier("line_no"), *inner]), sums=_SUMS, rows=_rows(snapshot, query))  # fmt: skip
    return _frame(session, grouped, {"line_no": pl.Int64} | dict.fromkeys(query.inner, pl.String) | _NUMBERS)


def doubtful_of(session: Session, snapshot: Snapshot, measure: Measure) -> pl.DataFrame:
    """The rows (line_no, role) that do not give what the measure needs: blank, not known or refused."""
    query = sql.SQL("SELECT line_no, role FROM ({rows}) AS row WHERE NOT is_known").format(
        rows=_rows(snapshot, FactQuery(measure, ("role",)))
    )
    return _frame(session, query, {"line_no": pl.Int64, "role": pl.String})


def rows_of(
    session: Session, snapshot: Snapshot, query: FactQuery, lines: Sequence[int], roles: Sequence[str]
) -> pl.DataFrame:
    """The known ones of some rows, each given by its line and role: line_no, atom (the role), dimensions, num, den."""
    inner = [sql.Identifier(name) for name in query.inner]
    wanted = sql.SQL(
        "SELECT {columns} FROM ({rows}) AS row JOIN unnest({lines}::int[], {roles}::text[]) AS wanted (line_no, atom)"
        " USING (line_no, atom) WHERE is_known"
    ).format(
        columns=sql.SQL(", ").join([sql.Identifier("line_no"), sql.Identifier("atom"), *inner, sql.SQL("num, den")]),
        rows=_rows(snapshot, query), lines=sql.Literal(list(lines)), roles=sql.Literal(list(roles)),
    )  # fmt: skip
    schema = {"line_no": pl.Int64, "atom": pl.String} | dict.fromkeys(query.inner, pl.String)
    return _frame(session, wanted, schema | {"num": pl.Float64, "den": pl.Float64})


def items_of(session: Session, snapshot: Snapshot, item: Item, inner: Sequence[str] = ()) -> pl.DataFrame:
    """The sum of one item by line_no and dimensions, over rows that give it: its column is `stock`."""
    return facts_of(session, snapshot, FactQuery(Measure(item, item, "headcount", ((item, 1),)), tuple(inner))).select(
        "line_no", *inner, pl.col("num").alias("stock"), "known"
    )


def breakdown_of(session: Session, snapshot: Snapshot, sheet: str, inner: Sequence[str]) -> pl.DataFrame:
    """Sums of a breakdown by organisation and dimensions, with the columns of NUMBERS; rows are those of the sheet."""
    keys = sql.SQL(", ").join(map(sql.Identifier, ("organisation", *inner)))
    query = sql.SQL("SELECT {keys}, {sums} FROM ({rows}) AS row GROUP BY {keys}").format(
        keys=keys, sums=_SUMS, rows=_breakdown_rows(snapshot, sheet)
    )
    return _frame(session, query, {"organisation": pl.String} | dict.fromkeys(inner, pl.String) | _NUMBERS)


def breakdown_doubtful(session: Session, snapshot: Snapshot, sheet: str) -> pl.DataFrame:
    """The rows (organisation, role) of a breakdown that are not answered in full; `role` is a role or a role group."""
    query = sql.SQL("SELECT DISTINCT organisation, atom AS role FROM ({rows}) AS row WHERE NOT is_known").format(
        rows=_breakdown_rows(snapshot, sheet)
    )
    return _frame(session, query, {"organisation": pl.String, "role": pl.String})


def breakdown_rows_of(
    session: Session, snapshot: Snapshot, sheet: str, inner: Sequence[str], organisations: Sequence[str]
) -> pl.DataFrame:
    """The known rows of some organisations: organisation, atom, the dimensions, num and den."""
    columns = sql.SQL(", ").join(map(sql.Identifier, ("organisation", "atom", *inner, "num", "den")))
    query = sql.SQL(
        "SELECT {columns} FROM ({rows}) AS row WHERE is_known AND organisation = ANY({codes})"
    ).format(columns=columns, rows=_breakdown_rows(snapshot, sheet), codes=sql.Literal(list(organisations)))  # fmt: skip
    schema = {"organisation": pl.String, "atom": pl.String} | dict.fromkeys(inner, pl.String)
    return _frame(session, query, schema | {"num": pl.Float64, "den": pl.Float64})


def roles_of(session: Session, snapshot: Snapshot) -> list[dict[str, str]]:
    """The roles of the snapshot with their attributes, in order."""
    query = sql.SQL("SELECT role, role_group, regulated, profession_group FROM snapshot_role WHERE {} ORDER BY role")
    return _frame(session, query.format(_here(snapshot)), dict.fromkeys(ROLE_DIMENSIONS, pl.String)).to_dicts()


def kept_result(session: Session, key: str) -> dict[str, Any] | None:
    """A comparison that was worked out before, with everything in its order."""
    document = session.scalar(select(ComparisonResult.document).where(ComparisonResult.key == key))
    return None if document is None else dict(json.loads(document["json"]))


def keep_result(session: Session, key: str, document: dict[str, Any], at: dt.datetime) -> None:
    """Keeps a comparison. One that is there already is the same."""
    # as text: the database's own JSON would forget the order of the dimensions
    values = {"key": key, "document": {"json": json.dumps(document, allow_nan=False)}, "stored_at": at}
    session.execute(insert(ComparisonResult).values(values).on_conflict_do_nothing())


_NUMBERS: dict[str, Any] = dict.fromkeys(NUMBERS, pl.Float64)
_SUMS = sql.SQL(
    "coalesce(sum(num), 0) AS num, coalesce(sum(den), 0) AS den, count(*) AS rows, count(*) FILTER (WHERE is_known)"
    " AS known, coalesce(sum(people), 0) AS people, coalesce(sum(people) FILTER (WHERE is_known), 0) AS known_people"
)


def _here(snapshot: Snapshot) -> sql.Composable:
    return sql.SQL("collection_year = {} AND snapshot_id = {}").format(
        sql.Literal(snapshot.collection), sql.Literal(snapshot.id)
    )


def _rows(snapshot: Snapshot, query: FactQuery) -> sql.Composable:
    """Staff rows with num, den (NULL where not known), is_known, people and the dimensions; `atom` names the row."""
    dimensions = [sql.SQL("{0}").format(sql.Identifier(name)) for name in query.inner if name != PAID]
    paid = PAID in query.inner
    if paid:
        dimensions.append(sql.SQL("half AS {}").format(sql.Identifier(PAID)))
    num, den = _values(query.measure, paid=paid)
    return sql.SQL(
        "SELECT line_no, role AS atom, {dimensions} CASE WHEN {known} THEN {num} END AS num,"
        " CASE WHEN {known} THEN {den} END AS den, {known} AS is_known, coalesce(paid_headcount, 0) AS people"
        " FROM snapshot_staff JOIN snapshot_role USING (collection_year, snapshot_id, role){halves} WHERE {here}"
    ).format(
        dimensions=sql.SQL("").join(sql.SQL("{}, ").format(one) for one in dimensions),
        known=_known(query.measure.items), num=num, den=den, here=_here(snapshot),
        halves=sql.SQL(" CROSS JOIN (VALUES ('paid'), ('unpaid')) AS halves (half)" if paid else ""),
    )  # fmt: skip


def _known(items: Sequence[Item]) -> sql.Composable:
    """A value, or an item that does not apply to the role: every other answer leaves the row unknown."""
    letters = [
        sql.SQL("substr(states, {}, 1) IN ('V', 'A')").format(sql.Literal(ITEMS.index(item) + 1)) for item in items
    ]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(letters))


def _values(measure: Measure, *, paid: bool) -> tuple[sql.Composable, sql.Composable]:
    """Numerator and denominator of a known row."""
    if measure.of is not None:
        has = sql.SQL("CASE WHEN regulated <> 'no' THEN {} ELSE 0 END").format(_sum(measure.numerator))
        others = sql.SQL("CASE WHEN regulated <> 'no' THEN 0 ELSE {} END").format(_sum(measure.denominator))
        return has, others
    if paid:
        halves = [
            [part for part in measure.numerator if part[0].startswith("unpaid") is unpaid] for unpaid in (False, True)
        ]
        by_half = sql.SQL("CASE half WHEN 'paid' THEN {} ELSE {} END").format(*map(_sum, halves))
        return by_half, sql.SQL("0")
    return _sum(measure.numerator), _sum(measure.denominator)


def _sum(parts: Sequence[Part]) -> sql.Composable:
    if not parts:
        return sql.SQL("0")
    return sql.SQL(" + ").join(
        sql.SQL("{} * coalesce({}, 0)").format(sql.Literal(weight), sql.Identifier(item)) for item, weight in parts
    )


def _breakdown_rows(snapshot: Snapshot, sheet: str) -> sql.Composable:
    """Cells of a breakdown; a row of the sheet is known when every cell of it is."""
    return sql.SQL(
        "SELECT organisation, row_key AS atom, category AS {category}, coalesce(role, row_key) AS role,"
        " coalesce(role_group, row_key) AS role_group, regulated, profession_group, is_known,"
        " CASE WHEN is_known THEN value END AS num, 0 AS den, coalesce(value, 0) AS people FROM ("
        "SELECT *, bool_and(state IN ('V', 'A')) OVER (PARTITION BY organisation, row_key) AS is_known"
        " FROM snapshot_breakdown WHERE {here} AND sheet = {sheet}) AS cell"
        " LEFT JOIN snapshot_role ON (snapshot_role.collection_year, snapshot_role.snapshot_id, role)"
        " = (cell.collection_year, cell.snapshot_id, row_key)"
    ).format(category=sql.Identifier(sheet), here=_here(snapshot), sheet=sql.Literal(sheet))


def _frame(session: Session, query: sql.Composable, schema: dict[str, Any]) -> pl.DataFrame:
    """What a query gives, without an object a row."""
    buffer = io.BytesIO()
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER true)").format(query)
    driver = driver_of(session)
    # of a snapshot that was frozen a moment ago the planner knows too little, and would go through it row by row
    driver.execute("SET LOCAL enable_nestloop = off")
    with driver.cursor() as cursor, cursor.copy(command) as copied:
        for part in copied:
            buffer.write(part)
    # booleans come as t and f, which the reader does not take
    flags = [name for name, kind in schema.items() if kind == pl.Boolean]
    read = {name: pl.String if name in flags else kind for name, kind in schema.items()}
    frame = pl.read_csv(buffer.getvalue(), schema=read)
    return frame.with_columns(pl.col(name) == "t" for name in flags)
