"""Figures out of tallies: which rows count, what they add up to, and why there is no value where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from census_api.domain.aggregates import (
    AggregateFigure,
    AnswerCounts,
    FigureCoverage,
    Reason,
    Tally,
    answer_of,
    is_known,
    is_left_out,
    zeros_of,
)
from census_api.domain.kit.measures import Answer, Measure
from census_api.statistics import rates
from census_api.store.aggregates.queries import BreakdownTally

_PLACES = 6
"""Answers have two decimals; what stands beyond the sixth comes from adding them up."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The lines of a cell: how many reported, and how many of those have staff rows or are a nil return's."""

    reported: int
    answering: int


@dataclass(slots=True)
class _Sums:
    numerator: float = 0
    denominator: float = 0
    known_denominator: float = 0
    people: float = 0
    known_people: float = 0
    more_starters: float = 0
    starters_given: bool = False
    left_out: int = 0
    zeros: int = 0
    pooled: int = 0
    rows: dict[Answer, int] = field(default_factory=lambda: {"V": 0, "B": 0, "N": 0, "R": 0, "A": 0})

    def add(self, measure: Measure, tally: Tally) -> None:
        answer = answer_of(measure, tally.states)
        self.rows[answer] += tally.rows
        counted, divided = _sides(measure, tally)
        if divided and answer != "A" and is_known(measure.denominator, tally.states):
            self.known_denominator += tally.sum_of(measure.denominator)
        if answer != "A":
            self.people += tally.sum_of((("paid_headcount", 1),))
        if answer != "V":
            return
        self.known_people += tally.sum_of((("paid_headcount", 1),))
        self.zeros += zeros_of(measure, tally)
        if is_left_out(measure, tally):
            self.left_out += tally.rows
            return
        self.pooled += tally.rows
        self.numerator += tally.sum_of(measure.numerator) if counted else 0
        self.denominator += tally.sum_of(measure.denominator) if divided else 0
        if is_known((("starters", 1),), tally.states):
            self.starters_given = True
            self.more_starters += tally.sum_of((("starters", 1), ("leavers", -1)))

    @property
    def counts(self) -> AnswerCounts:
        rows = self.rows
        return AnswerCounts(rows["V"] - self.zeros, self.zeros, rows["B"], rows["N"], rows["R"], rows["A"])


def figure_of(
    measure: Measure, tallies: Iterable[Tally], lines: Answering | None = None, whole: float | None = None
) -> AggregateFigure:
    """The measure over these rows. `lines` are those of the cell's place, None where there is a row for certain.

    `whole` is the value over the whole breakdown, of which a level's share is given.
    """
    sums = _Sums()
    for tally in tallies:
        sums.add(measure, tally)
    missing = _missing(sums.counts, lines)
    if measure.key == "stability":
        return _stability(measure, sums, missing)
    if measure.is_rate:
        return _rate(measure, sums, missing)
    value = None if missing else _rounded(sums.numerator)
    return _figure(measure, sums, value, missing, numerator=value, share=share_of(value, whole))


def breakdown_figure(
    measure: Measure,
    tallies: Iterable[BreakdownTally],
    *,
    asked: float | None,
    covered: float,
    whole: float | None = None,
) -> AggregateFigure:
    """People in a category. `asked`: paid headcount of the Staff sheet there; `covered`: people in all categories."""
    rows = {"V": 0, "B": 0, "N": 0, "R": 0, "A": 0}
    value, zeros = 0.0, 0
    for tally in tallies:
        rows[tally.state] += tally.rows
        value += tally.value
        zeros += tally.zeros
    counts = AnswerCounts(rows["V"] - zeros, zeros, rows["B"], rows["N"], rows["R"], rows["A"])
    missing = _missing(counts, None)
    people = _share(covered, asked)
    known = None if missing else _rounded(value)
    coverage = FigureCoverage(_share(counts.known, counts.asked), people)
    return AggregateFigure(
        measure.key, measure.definition, measure.base, known, missing, known, None, None, None,
        share_of(known, whole), coverage, counts,
    )  # fmt: skip


def share_of(value: float | None, whole: float | None) -> float | None:
    """The share of the whole, None where one of them is not known or the whole is 0."""
    return None if value is None or not whole else _rounded(value / whole)


def _sides(measure: Measure, tally: Tally) -> tuple[bool, bool]:
    """Whether rows count above the line, and below it."""
    return (True, True) if measure.of is None else (tally.regulated, not tally.regulated)


def _missing(counts: AnswerCounts, lines: Answering | None) -> Reason | None:
    """Why nothing is known of a measure; None where something is."""
    if counts.known:
        return None
    if not counts.asked and not counts.not_applicable:
        if lines is None or not lines.reported:
            return "not_reported"
        # a line that reports, and has no row of what is asked for, has nothing of it
        return None if lines.answering else "not_known"
    if not counts.asked:
        return "not_applicable"
    if counts.blank == counts.asked:
        return "blank"
    return "refused" if counts.refused == counts.asked else "not_known"


def _rate(measure: Measure, sums: _Sums, missing: Reason | None) -> AggregateFigure:
    if missing:
        return _figure(measure, sums, None, missing)
    base = rates.RateBase(measure.base)
    found = rates.make_rate(_rounded(sums.numerator), _rounded(sums.denominator), base)
    reason: Reason | None = None
    if found.reason is not None:
        # rows that were left out are something above 0 of nothing
        above = found.reason is rates.NoRate.NUMERATOR_WITHOUT_DENOMINATOR or (sums.left_out and not sums.pooled)
        reason = "numerator_without_denominator" if above else "zero_denominator"
    value = None if found.value is None else _rounded(found.value)
    return _figure(measure, sums, value, reason, numerator=found.numerator, denominator=found.denominator)


def _stability(measure: Measure, sums: _Sums, missing: Reason | None) -> AggregateFigure:
    """Only bounds: the census does not ask which of the leavers were in post at opening."""
    if missing:
        return _figure(measure, sums, None, missing)
    opening = _rounded(sums.denominator)
    leavers = _rounded(sums.denominator - sums.numerator)
    starters = _rounded(leavers + sums.more_starters) if sums.starters_given else None
    bounds = rates.measure_stability(opening, leavers=leavers, starters=starters)
    reason: Reason = "bounds_only" if opening else "zero_denominator"
    lower, upper = (None if bound is None else _rounded(bound) for bound in (bounds.lower, bounds.upper))
    return _figure(measure, sums, None, reason, denominator=opening, lower=lower, upper=upper)


def _figure(
    measure: Measure,
    sums: _Sums,
    value: float | None,
    reason: Reason | None,
    *,
    numerator: float | None = None,
    denominator: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    share: float | None = None,
) -> AggregateFigure:
    counts = sums.counts
    pooled = _share(sums.denominator, sums.known_denominator) if measure.is_rate else None
    coverage = FigureCoverage(_share(counts.known, counts.asked), _share(sums.known_people, sums.people), pooled)
    return AggregateFigure(
        measure.key, measure.definition, measure.base, value, reason, numerator, denominator, lower, upper, share,
        coverage, counts, sums.left_out,
    )  # fmt: skip


def _share(part: float, whole: float | None) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    # -0.0 is a zero like any other
    return round(value, _PLACES) + 0.0
