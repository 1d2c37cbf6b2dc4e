"""The demonstration's years as frozen snapshots with their lineage, for whatever compares them."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from census_api.demo.population import iterate_returns
from census_api.domain.collecting.content import Content, ContentCell
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.measures import ITEMS
from census_api.domain.register.lineage import EDGE_KINDS, LineageEdge, LineKey
from census_api.questionnaire.load import load_spec
from census_api.services.kit.platform import Platform
from census_api.store.register import lineage
from tests.factories.actors import NOW
from tests.factories.demo_snapshots import demo_population, demo_rows
from tests.factories.snapshots import BreakdownCell, Given, LineRow, StaffRow, make_snapshot

YEARS = (2022, 2023, 2024)
BREAKDOWNS = ("age", "pay")
"""Those that the snapshots hold: one by role group, one by role."""


def freeze_demonstration(platform: Platform, years: tuple[int, ...] = YEARS) -> None:
    """Snapshots of the years, with every confirmed edge between them."""
    with platform.database.transaction(SYSTEM) as session:
        for year in years:
            rows = demo_rows(year)
            make_snapshot(
                session, year, lines=rows.lines, staff=staff_rows(year), breakdowns=breakdown_cells(year), nil=rows.nil
            )
        lineage.add_edges(session, demonstrated_edges())


def demonstrated_edges() -> list[LineageEdge]:
    return [
        LineageEdge(
            edge.from_year, LineKey(*edge.source), edge.to_year, LineKey(*edge.target),
            next(kind for kind in EDGE_KINDS if kind == edge.kind), edge.effective, edge.evidence, "confirmed",
            None, edge.confirmed_by, NOW,
        )
        for edge in demo_population().edges
    ]  # fmt: skip


@functools.cache
def contents(year: int) -> tuple[tuple[str, Content], ...]:
    return tuple(iterate_returns(demo_population(), year))


@functools.cache
def staff_rows(year: int) -> tuple[StaffRow, ...]:
    """Every staff row that was sent, with all its items."""
    numbers = {_key_of(line): number for number, line in enumerate(demo_rows(year).lines, start=1)}
    return tuple(_staff(year, numbers))


def _staff(year: int, numbers: dict[tuple[str, str, str], int]) -> Iterator[StaffRow]:
    for code, content in contents(year):
        for row in content.table("staff"):
            number = numbers[code, str(row["local_authority_code"]), str(row["service_type"])]
            yield StaffRow(number, str(row["role_code"]), {item: _given(row.get(item)) for item in ITEMS})


@functools.cache
def breakdown_cells(year: int) -> tuple[BreakdownCell, ...]:
    spec = load_spec(year)
    return tuple(
        BreakdownCell(code, sheet.key, str(row[str(sheet.rows_by)]), question.key, _given(row.get(question.key)))
        for code, content in contents(year)
        for sheet in spec.breakdowns
        if sheet.key in BREAKDOWNS
        for row in content.table(sheet.key)
        for question in sheet.counts
    )


def _given(cell: ContentCell | None) -> Given:
    if cell is None or cell in ("NK", "REFUSED", "NA"):
        return cell if isinstance(cell, str) else None
    return float(cell)


def _key_of(line: LineRow) -> tuple[str, str, str]:
    return line.organisation, line.local_authority_code, line.service_type
