"""What every cell of a comparison needs, levels and rates alike: coverage, definitions, open questions of lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from census_api.domain.comparing import ComparisonQuestion, Place
from census_api.services.comparing.definitions import Definitions
from census_api.services.comparing.panels import Panel, Side, cell_key
from census_api.statistics.comparability.coverage import ExpectedUnit, FrameCoverage, measure_coverage
from census_api.statistics.comparability.identity import ratio
from census_api.statistics.comparability.status import GateVerdict
from census_api.statistics.policy import Policy

ComparisonCell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """A question about two years, with all that its answer follows from."""

    asked: ComparisonQuestion
    panel: Panel
    definitions: Definitions
    policy: Policy


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered for a cell in one year; `items` and `people` are shares of rows, and of their paid people, that
    give the measure."""

    found: FrameCoverage
    expected: int
    answered: int
    items: float | None
    people: float | None

    def as_dict(self, match_rate: float | None) -> dict[str, float | int | None]:
        return {
            "unit": tidy_number(self.found.unit), "size": tidy_number(self.found.size),
            "largest_missing": tidy_number(self.found.largest_missing), "match_rate": tidy_number(match_rate),
            "expected": self.expected, "answered": self.answered,
            "items": tidy_number(self.items), "items_by_people": tidy_number(self.people),
        }  # fmt: skip


NOBODY = Answered(FrameCoverage(None, None, None), 0, 0, None, None)


def count_answered(side: Side, by: Sequence[str]) -> dict[Place, Answered]:
    """Coverage by cell. Who was expected is known of lines, not of roles: a role has the coverage of its lines."""
    outer = [name for name in by if name in side.outer]
    expected = {
        cell_key(row, outer): _expected(row["units"])
        for row in group_rows(
            side.units.filter("in_frame"), outer, pl.struct("key", "size", "reported").sort_by("key").alias("units")
        )
    }
    sums = [pl.col(name).sum() for name in ("rows", "known", "people", "known_people")]
    facts = side.facts.join(side.units.select("unit", *outer), on="unit")
    items = {cell_key(row, by): row for row in group_rows(facts, by, *sums)}
    places = [name for name in by if name in outer]
    found: dict[Place, Answered] = {}
    for key in items.keys() | (expected.keys() if not set(by) - set(outer) else set()):
        own = expected.get(tuple(value for name, value in zip(by, key, strict=True) if name in places), [])
        row = items.get(key, {"rows": 0, "known": 0, "people": 0, "known_people": 0})
        found[key] = Answered(
            measure_coverage(own), len(own), sum(unit.responded for unit in own),
            ratio(row["known"], row["rows"]), ratio(row["known_people"], row["people"]),
        )  # fmt: skip
    return found


def _expected(units: Iterable[Mapping[str, Any]]) -> list[ExpectedUnit]:
    return [ExpectedUnit(unit["key"], unit["size"], unit["reported"]) for unit in units]


def places_of(cells: Iterable[Place], coverages: Iterable[Mapping[Place, Answered]], by: Sequence[str]) -> list[Place]:
    """Every place that has figures or is expected to, in order; the whole country is always one."""
    found = {*cells, *(place for coverage in coverages for place in coverage), *([] if by else [()])}
    return sorted(found, key=lambda place: tuple((value is None, value or "") for value in place))


def find_undecided(panel: Panel, by: Sequence[str]) -> set[Place]:
    """The cells that a suggested edge touches: with people, where the breakdown is one of people."""
    touched: set[Place] = set()
    for side, units in zip(panel.sides, panel.unresolved, strict=True):
        inner = [name for name in by if name not in side.outer]
        frame = units.join(side.facts.select("unit", *inner).unique(), on="unit") if inner else units
        touched |= {cell_key(row, by) for row in frame.select(by).unique().to_dicts()} if by else set()
        if not by and not units.is_empty():
            touched.add(())
    return touched


def group_rows(frame: pl.DataFrame, by: Sequence[str], *sums: pl.Expr) -> list[dict[str, Any]]:
    """Rows of aggregates by cell, in order of the cell; without dimensions the one row of all, if there is any."""
    if frame.is_empty():
        return []
    if not by:
        return frame.group_by(pl.lit(0).alias("all")).agg(*sums).drop("all").to_dicts()
    return frame.group_by(*by).agg(*sums).sort(by).to_dicts()


def start_cell(work: Work, place: Place, by: Sequence[str], verdict: GateVerdict) -> ComparisonCell:
    """The beginning of a cell: where it is, and whether its two years may be compared."""
    return {
        "by": dict(zip(by, place, strict=True)),
        "measure": work.asked.measure.key,
        "from": None,
        "to": None,
        "status": verdict.status.value,
        "reasons": [reason.value for reason in verdict.reasons],
        "change": None,
        "change_pct": None,
    }


def finish_cell(work: Work, place: Place, by: Sequence[str]) -> ComparisonCell:
    """The end of a cell: what it was made under."""
    definition = work.asked.measure.definition
    changes = work.definitions.changes(dict(zip(by, place, strict=True)))
    return {"policy": work.policy.digest, "definitions": {"from": definition, "to": definition, "changes": changes}}


def tidy_number(value: float | None) -> float | None:
    """Without what is only left of binary fractions."""
    return None if value is None else round(value, 10) + 0.0


def percent_change(change: float | None, base: float | None) -> float | None:
    """A change in per cent of a base; None where either is unknown or the base is 0."""
    return None if change is None or not base else tidy_number(100 * change / base)
