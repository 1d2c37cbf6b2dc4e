"""Aggregates of a snapshot: what can be asked, and what a figure says beside its value.

A figure is made of tallies: sums and counts of staff rows that were answered in the same way. Which rows count is
decided here, by how each item was answered (methods.md 3): what is not known adds nothing, and is never a zero.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, ROLE_DIMENSIONS, Answer, Base, Item, Measure

BREAKDOWNS = ("pay", "contract", "hours", "length_of_service", "age", "gender", "ethnicity", "disability")
"""Breakdowns of paid headcount: asked once an organisation, so that a breakdown by place is part of the answer only."""
DIMENSIONS = (*LINE_DIMENSIONS, *ROLE_DIMENSIONS, PAID, *BREAKDOWNS)
PAID_VALUES = ("paid", "unpaid")

TALLIED: tuple[Item, ...] = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "opening_headcount", "starters", "leavers",
    "vacant_wte",
)  # fmt: skip
"""The items that measures are made of, in the order of the sums of a tally and of the letters of its states."""
ZEROS: tuple[str, ...] = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "starters", "leavers", "vacant_wte", "wte",
    "headcount",
)  # fmt: skip
"""What a row can say zero to, in the order of the zeros of a tally: an item, or paid and unpaid together."""
POOLED = ("turnover_avg", "turnover_yearend", "starters_rate")
"""Rates that can have something above 0 of nothing: a line where they do stays out of them (methods.md 3)."""

Reason = Literal[
    "not_reported",
    "not_applicable",
    "blank",
    "not_known",
    "refused",
    "zero_denominator",
    "numerator_without_denominator",
    "bounds_only",
]
REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        "not_reported": "No line here has reported.",
        "not_applicable": "It does not apply to anybody here.",
        "blank": "Everybody here left it blank.",
        "not_known": "Nobody here could say.",
        "refused": "Everybody here refused to say.",
        "zero_denominator": "There is nobody to divide by.",
        "numerator_without_denominator": "There is something to divide, and nobody to divide it by.",
        "bounds_only": "The census does not ask for it: only the bounds between which it lies are known.",
    }
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a snapshot: measures by dimensions, of the rows that pass all filters (dimension -> codes)."""

    by: tuple[str, ...]
    measures: tuple[Measure, ...]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sheet(self) -> str | None:
        """The breakdown that it is about, None for Staff."""
        return next((name for name in (*self.by, *self.filters) if name in BREAKDOWNS), None)

    def used(self, dimensions: Iterable[str]) -> tuple[str, ...]:
        """Those of the dimensions that it breaks down by, in its order."""
        among = set(dimensions)
        return tuple(name for name in self.by if name in among)

    def filtered(self, dimensions: Iterable[str]) -> dict[str, tuple[str, ...]]:
        among = set(dimensions)
        return {name: codes for name, codes in self.filters.items() if name in among}


@dataclass(slots=True)
class Tally:
    """Rows that were answered in the same way: `states` has a letter for each item of TALLIED.

    `left_out` has bit n set when the rows stand on a line that stays out of POOLED[n]. `regulated` is of the role.
    """

    states: str
    left_out: int
    regulated: bool
    rows: int
    sums: tuple[float, ...]
    zeros: tuple[int, ...]

    def sum_of(self, parts: Iterable[tuple[Item, float]]) -> float:
        return sum(self.sums[_PLACE[item]] * factor for item, factor in parts)


_PLACE = {item: place for place, item in enumerate(TALLIED)}
_ZERO_PLACE = {name: place for place, name in enumerate(ZEROS)}


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """How many rows gave which answer. A zero is a value too, and is counted apart."""

    value: int = 0
    zero: int = 0
    blank: int = 0
    not_known: int = 0
    refused: int = 0
    not_applicable: int = 0

    @property
    def known(self) -> int:
        return self.value + self.zero

    @property
    def asked(self) -> int:
        """Rows that it applies to."""
        return self.known + self.blank + self.not_known + self.refused


@dataclass(frozen=True, slots=True)
class FigureCoverage:
    """How much of a cell its figure rests on, as shares of 1; None where there is nothing to have a share of.

    `rows`: of the rows that it applies to. `paid_headcount`: of the people on them. `denominator`: of all that is
    known of a rate's denominator.
    """

    rows: float | None
    paid_headcount: float | None
    denominator: float | None = None


@dataclass(frozen=True, slots=True)
class AggregateFigure:
    """One measure of one cell. `reason` is given exactly where `value` is None.

    A level is its own numerator, and has no denominator. `lower` and `upper` bound what cannot be known (stability).
    `share` is the level's share of the whole breakdown. `left_out` counts rows kept out of a rate: their line has
    something above 0 of nothing.
    """

    measure: str
    definition: str
    base: Base
    value: float | None
    reason: Reason | None
    numerator: float | None
    denominator: float | None
    lower: float | None
    upper: float | None
    share: float | None
    coverage: FigureCoverage
    answers: AnswerCounts
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Contributors:
    """Who stands behind a cell: organisations with a row in it, their parents, and the lines of its places.

    `expected` counts lines in the frame, `reported` those of them and others that reported; None for a breakdown of
    people, which is asked once an organisation.
    """

    organisations: int = 0
    parents: int = 0
    expected: int | None = None
    reported: int | None = None


@dataclass(frozen=True, slots=True)
class AggregateCell:
    """One place of a breakdown: a code for each dimension (None: the frame does not say), and its figures."""

    by: tuple[str | None, ...]
    contributors: Contributors
    figures: tuple[AggregateFigure, ...]


@dataclass(frozen=True, slots=True)
class Aggregates:
    """The answer: cells in the order of their codes, made as they are read, and the total over all of them.

    A combination of codes that no row has is not listed. `labels`: dimension -> code -> words.
    """

    snapshot_id: uuid.UUID
    name: str
    collection: int
    content_hash: str
    query: Query
    labels: Mapping[str, Mapping[str, str]]
    total: AggregateCell
    cells: Iterable[AggregateCell]
    size: int
    notes: tuple[str, ...] = ()


def answer_of(measure: Measure, states: str) -> Answer:
    """How a row with these states answers the measure. One item that is missing where it applies makes it unknown."""
    letters = {states[_PLACE[item]] for item in measure.items}
    missing: tuple[Answer, ...] = ("B", "N", "R")
    for letter in missing:
        if letter in letters:
            return letter
    return "V" if "V" in letters else "A"


def is_known(parts: Iterable[tuple[Item, float]], states: str) -> bool:
    """Whether a row gives every item of these that applies to it."""
    return all(states[_PLACE[item]] in "VA" for item, _ in parts)


def is_left_out(measure: Measure, tally: Tally) -> bool:
    return measure.key in POOLED and bool(tally.left_out >> POOLED.index(measure.key) & 1)


def zeros_of(measure: Measure, tally: Tally) -> int:
    """How many of the rows say zero: to the level, or to what a rate counts."""
    return tally.zeros[_ZERO_PLACE[_counted(measure)]]


def list_needed(measures: Iterable[Measure]) -> tuple[frozenset[Item], frozenset[str]]:
    """The items and the zeros that the figures of these measures are made of, split by paid or not."""
    items: set[Item] = {"paid_headcount"}
    zeros = set()
    for measure in measures:
        items.update(measure.items)
        zeros.add(_counted(measure))
        if holds_both(measure):
            zeros.update(measure.items)
        if measure.key == "stability":
            items.add("starters")
    return frozenset(items), frozenset(zeros)


def _counted(measure: Measure) -> str:
    """What the zeros of a measure are zeros of: the level itself, or what a rate counts."""
    if measure.key == "stability":
        return "leavers"
    return measure.numerator[0][0] if measure.is_rate or len(measure.numerator) == 1 else measure.key


def restrict_measure(measure: Measure, paid: str) -> Measure:
    """The paid or the unpaid part of a level that holds both."""
    kept = tuple((item, factor) for item, factor in measure.numerator if item.startswith(f"{paid}_"))
    return Measure(measure.key, measure.label, measure.base, kept, flow=measure.flow)


def holds_both(measure: Measure) -> bool:
    """Whether the measure is a level of paid and unpaid staff together."""
    return not measure.is_rate and len(measure.numerator) > 1


def merge_tallies(tallies: Iterable[Tally]) -> Iterator[Tally]:
    """The same rows with one tally for each way of answering."""
    found: dict[tuple[str, int, bool], Tally] = {}
    for tally in tallies:
        key = tally.states, tally.left_out, tally.regulated
        first = found.get(key)
        if first is None:
            found[key] = Tally(*key, tally.rows, tally.sums, tally.zeros)
        else:
            first.rows += tally.rows
            first.sums = tuple(map(sum, zip(first.sums, tally.sums, strict=True)))
            first.zeros = tuple(map(sum, zip(first.zeros, tally.zeros, strict=True)))
    return iter(found.values())


WHOLE_MEASURES = tuple(key for key, measure in MEASURES.items() if holds_both(measure))
"""Measures that can be split into paid and unpaid."""
