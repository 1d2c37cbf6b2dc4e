"""Snapshots to take margins of: organisations of every type in every region, with people in every profession."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from census_api.services.kit.platform import Platform
from census_api.statistics.margins.document import MarginDocument
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot

AREAS = (
    "E06000001",
    "E06000008",
    "E06000010",
    "E06000015",
    "E06000019",
    "E06000031",
    "E09000002",
    "E06000035",
    "E06000022",
)
"""One in each region."""


def paid(line: int, people: int | None, role: str = "DAW") -> StaffRow:
    return StaffRow(line, role, {"paid_headcount": people})


def heads(row: StaffRow) -> int:
    """The people of a row whose number is known."""
    value = row.items["paid_headcount"]
    assert isinstance(value, int | float)
    return int(value)


def freeze(
    platform: Platform,
    lines: Sequence[LineRow],
    staff: Sequence[StaffRow],
    year: int = 2024,
    revision: int = 1,
    nil: Sequence[str] = (),
) -> None:
    """A frozen snapshot of these rows."""
    with platform.database.transaction() as session:
        make_snapshot(session, year, revision, lines=lines, staff=staff, nil=nil)


def many(people: int = 20) -> tuple[list[LineRow], list[StaffRow]]:
    """Six organisations of every type in every region, each with people in every profession."""
    sectors = ("voluntary", "nhs", "independent", "la_delivered", "lero", "la_commissioning")
    lines, staff = [], []
    for sector in sectors:
        service = {"lero": "lero", "la_commissioning": "commissioning"}.get(sector, "adult_community")
        route = "commissioning_team" if sector == "la_commissioning" else "la_commissioned"
        for area in AREAS:
            for number in range(6):
                lines.append(
                    LineRow(f"{sector}-{number}", area, service, sector, size=float(people), commissioning_route=route)
                )
                staff += [
                    paid(len(lines), people + len(lines) % 7, role)
                    for role in ("DAW", "NURSE_B5", "ADMIN", "PSW", "COMM_LEAD")
                ]
    return lines, staff


def margins_of(document: MarginDocument) -> dict[str, dict[str, Fraction]]:
    return {name: dict(part) for name, part in document.margins.items()}
