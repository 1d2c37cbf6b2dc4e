"""Small frozen years, line by line, for what compares them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.lineage import EdgeKind, EdgeState, LineageEdge, LineKey
from census_api.services.kit.platform import Platform
from census_api.store.register import lineage
from tests.factories.actors import NOW
from tests.factories.snapshots import Given, LineRow, StaffRow, make_snapshot

Rows = list[tuple[LineRow, dict[str, dict[str, Given]]]]
"""Lines, each with its staff rows by role."""


def wte(value: Given) -> dict[str, dict[str, Given]]:
    return {"DAW": {"paid_wte": value, "paid_headcount": 10}}


def freeze(platform: Platform, year: int, rows: Rows, **more: Any) -> None:
    staff = [
        StaffRow(number, role, items)
        for number, (_, roles) in enumerate(rows, start=1)
        for role, items in roles.items()
    ]
    with platform.database.transaction(SYSTEM) as session:
        make_snapshot(session, year, lines=[line for line, _ in rows], staff=staff, **more)


def draw_edge(
    platform: Platform, source: LineKey, target: LineKey, kind: EdgeKind = "continues", state: EdgeState = "confirmed",
    from_year: int = 2023, to_year: int = 2024,
) -> None:  # fmt: skip
    decided = (None, None) if state == "suggested" else ("the census team", NOW)
    edge = LineageEdge(
        from_year, source, to_year, target, kind, dt.date(to_year, 1, 1), "a letter", state, None, *decided
    )
    with platform.database.transaction(SYSTEM) as session:
        lineage.add_edges(session, [edge])


def line(organisation: str, area: str = "E06000001", **more: Any) -> LineRow:
    return LineRow(organisation, area, **{"size": 10, **more})


def absent(organisation: str, **more: Any) -> LineRow:
    return line(organisation, reported=False, data_available=None, **more)


def terms(cell: dict[str, Any]) -> dict[str, float]:
    return {term: value for term, value in cell["terms"].items() if value}
