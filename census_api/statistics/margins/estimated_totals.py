"""The people a survey speaks for, as one table of region, profession group and organisation type (methods, 2 and 4).

Reported: who was counted. Adjusted: lines that did not answer are stood in for by lines of their class, and the people
on them spread over the profession groups as last year, or as on answered lines of the same kind. Both estimators are
one joint table, so that all margins of it have one total.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from census_api.statistics.comparability.identity import ratio
from census_api.statistics.margins.totals import MarginsRefused
from census_api.statistics.nonresponse.estimates import (
    FrameUnit,
    ImputationStep,
    StandIn,
    pools_of,
    stand_in_of,
    sums_of,
    typical_of,
)
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy

DIMENSIONS = ("region", "profession_group", "organisation_type")
SIZE_BANDS = (10, 50)
"""Lines of up to 9, up to 49, and 50 or more people are classes of their own, as far as enough of them answered."""
_PLACES = 12

MarginCell = tuple[str, str, str]
"""Region, profession group, organisation type."""
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EligibleLine:
    """A line on which people of the survey's population may work: not of a head office.

    `counts` are eligible people by profession group, None where the line did not report; `previous` the same of the
    year before. `size` is the headcount known before the year.
    """

    unit: str
    parent: str
    sector: str
    service_type: str
    region: str
    organisation_type: str
    in_frame: bool
    size: float | None
    counts: Mapping[str, float] | None
    previous: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class JointTotals:
    """The joint table in people, and the standard error of each category by dimension; None where it is unknown."""

    joint: Mapping[MarginCell, Fraction]
    standard_error: Mapping[str, Mapping[str, float | None]]

    @property
    def total(self) -> Fraction:
        return sum(self.joint.values(), Fraction(0))

    def margin(self, axis: int) -> dict[str, Fraction]:
        """Category -> people along one dimension."""
        found: dict[str, Fraction] = {}
        for cell, value in self.joint.items():
            found[cell[axis]] = found.get(cell[axis], Fraction(0)) + value
        return found


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the categories of each dimension stand in one vector."""

    categories: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.categories))

    def vector(self, line: EligibleLine, counts: Mapping[str, float]) -> Vector:
        """What these people on that line add to each category."""
        regions, professions, types = self.categories
        found = np.zeros(self.size)
        total = math.fsum(counts.values())
        found[regions.index(line.region)] = total
        for profession, count in counts.items():
            found[len(regions) + professions.index(profession)] += count
        found[len(regions) + len(professions) + types.index(line.organisation_type)] = total
        return found

    def named(self, values: Sequence[float | None]) -> dict[str, dict[str, float | None]]:
        """The vector by dimension and category."""
        found, start = {}, 0
        for dimension, names in zip(DIMENSIONS, self.categories, strict=True):
            found[dimension] = dict(zip(names, values[start : start + len(names)], strict=True))
            start += len(names)
        return found


def report_totals(lines: Sequence[EligibleLine], categories: Sequence[Sequence[str]]) -> JointTotals:
    """The people who were counted. The standard error is that of the category's share, in people of the total.

    `categories` are those of each dimension, in order: a category without people is a zero, not a gap.
    """
    layout = _Layout(tuple(map(tuple, categories)))
    joint = _empty(layout)
    by_parent: dict[str, Vector] = {}
    for line in lines:
        if line.counts is not None:
            _add(joint, line, line.counts)
            added = layout.vector(line, line.counts)
            by_parent[line.parent] = by_parent.get(line.parent, np.zeros(layout.size)) + added
    framed = [line for line in lines if line.in_frame]
    unanswered = ratio(sum(line.counts is None for line in framed), len(framed)) or 0.0
    errors = _share_errors(list(by_parent.values()), len(layout.categories[0]), unanswered)
    return JointTotals(joint, layout.named(errors if errors is not None else [None] * layout.size))


def adjust_totals(
    lines: Sequence[EligibleLine],
    categories: Sequence[Sequence[str]],
    policy: EstimatePolicy = DEFAULT_POLICY.estimate,
) -> JointTotals:
    """The same with the missing lines of the frame stood in for; the standard error is a jackknife over parents.

    Raises MarginsRefused where a line cannot be stood in for, because nobody of its kind answered.
    """
    layout = _Layout(tuple(map(tuple, categories)))
    joint = _empty(layout)
    for line in (*lines, *stand_ins(lines, policy)):
        _add(joint, line, line.counts or {})
    expected = _expected(lines)
    by_unit, splits = {line.unit: line for line in expected}, _Splits.of(expected)
    variance = np.zeros(layout.size)
    for pool in pools_of([_frame_unit(line) for line in expected], policy):
        variance += _pool_variance(pool, by_unit, splits, layout)
    errors = [None if math.isnan(value) else math.sqrt(value) for value in variance.tolist()]
    return JointTotals(joint, layout.named(errors))


def stand_ins(lines: Sequence[EligibleLine], policy: EstimatePolicy = DEFAULT_POLICY.estimate) -> list[EligibleLine]:
    """The missing lines of the frame, with the people who stand in for theirs. Raises MarginsRefused as `adjust_totals`."""
    expected = _expected(lines)
    by_unit, splits = {line.unit: line for line in expected}, _Splits.of(expected)
    found = []
    for pool in pools_of([_frame_unit(line) for line in expected], policy):
        model = stand_in_of(sums_of(pool), typical_of(pool))
        for unit in pool:
            if unit.value is None:
                line = by_unit[unit.unit]
                found.append(replace(line, counts=_stood_in(line, unit, model, splits)))
    return found


def _expected(lines: Sequence[EligibleLine]) -> list[EligibleLine]:
    """Those that answered, and those of the frame that did not."""
    return [line for line in lines if line.counts is not None or line.in_frame]


@dataclass(frozen=True, slots=True)
class _Splits:
    """How people spread over profession groups on answered lines: of one service of a sector, of a sector, of all."""

    sums: Mapping[tuple[str, str], Mapping[str, float]]

    @classmethod
    def of(cls, lines: Sequence[EligibleLine]) -> _Splits:
        sums: dict[tuple[str, str], dict[str, float]] = {}
        for line in lines:
            for profession, count in (line.counts or {}).items():
                for key in ((line.sector, line.service_type), (line.sector, ""), ("", "")):
                    group = sums.setdefault(key, {})
                    group[profession] = group.get(profession, 0.0) + count
        return cls(sums)

    def spread(self, line: EligibleLine, people: float) -> dict[str, float]:
        """People over profession groups; as last year where that is known."""
        choices = (line.previous, *(self.sums.get(key) for key in _kinds(line)))
        for shares in choices:
            total = math.fsum(shares.values()) if shares else 0.0
            if shares and total:
                return {profession: people * count / total for profession, count in shares.items()}
        if people:
            raise _cannot_adjust(line)
        return {}


def _kinds(line: EligibleLine) -> tuple[tuple[str, str], ...]:
    return ((line.sector, line.service_type), (line.sector, ""), ("", ""))


def _frame_unit(line: EligibleLine) -> FrameUnit:
    value = None if line.counts is None else math.fsum(line.counts.values())
    previous = None if line.previous is None else math.fsum(line.previous.values())
    band = sum(1 for start in SIZE_BANDS if (line.size or 0) >= start)
    return FrameUnit(line.unit, line.parent, line.sector, band, line.size, value, previous)


def _stood_in(line: EligibleLine, unit: FrameUnit, model: StandIn, splits: _Splits) -> dict[str, float]:
    value = model.value(unit).value
    if value is None:
        raise _cannot_adjust(line)
    return splits.spread(line, value)


def _pool_variance(
    pool: Sequence[FrameUnit], by_unit: Mapping[str, EligibleLine], splits: _Splits, layout: _Layout
) -> Vector:
    """(1 - n/N) (n-1)/n x the sum of squared changes when one parent that answered is taken for missing."""
    missing = [unit for unit in pool if unit.value is None]
    if not missing:
        return np.zeros(layout.size)
    parents: dict[str, list[FrameUnit]] = {}
    for unit in pool:
        if unit.value is not None:
            parents.setdefault(unit.parent, []).append(unit)
    sums, typical = sums_of(pool), typical_of(pool)
    whole = stand_in_of(sums, typical)
    bases = _bases(missing, whole, by_unit, splits, layout)
    touched = sum((np.abs(base) for base in bases.values()), np.zeros(layout.size)) > 0
    n = len(parents)
    if n < 2:
        return np.where(touched, np.nan, 0.0)
    squares = np.zeros(layout.size)
    for units in parents.values():
        model = stand_in_of(sums.less(sums_of(units)), typical)
        if (model.link is None) != (whole.link is None) or (model.per_size is None) != (whole.per_size is None):
            return np.where(touched, np.nan, 0.0)
        change = bases[ImputationStep.ROLLED_FORWARD] * ((model.link or 0.0) - (whole.link or 0.0))
        change = change + bases[ImputationStep.CONSTRUCTED] * ((model.per_size or 0.0) - (whole.per_size or 0.0))
        for unit in units:
            line = by_unit[unit.unit]
            stood_in = splits.spread(line, model.value(unit).value or 0.0)
            change = change + layout.vector(line, stood_in) - layout.vector(line, line.counts or {})
        squares += change**2
    return np.asarray(len(missing) / len(pool) * (n - 1) / n * squares)


def _bases(
    missing: Sequence[FrameUnit],
    model: StandIn,
    by_unit: Mapping[str, EligibleLine],
    splits: _Splits,
    layout: _Layout,
) -> dict[ImputationStep, Vector]:
    """What the ratios of the class multiply, by category: last year's people, and sizes."""
    found = {
        step: np.zeros(layout.size)
        for step in (ImputationStep.ROLLED_FORWARD, ImputationStep.CONSTRUCTED, ImputationStep.CLASS_MEDIAN)
    }
    for unit in missing:
        step = model.value(unit).step
        base = {ImputationStep.ROLLED_FORWARD: unit.previous, ImputationStep.CONSTRUCTED: unit.size}.get(
            step, 1.0
        ) or 0.0
        line = by_unit[unit.unit]
        found[step] += layout.vector(line, splits.spread(line, base))
    return found


def _share_errors(parents: Sequence[Vector], regions: int, unanswered: float) -> list[float | None] | None:
    """None where one parent alone answered although others did not: nothing says how much that matters."""
    if not parents or not unanswered:
        return [0.0] * len(parents[0]) if parents else None
    each = np.array(parents)
    whole = each.sum(axis=0)
    totals = each[:, :regions].sum(axis=1)
    total, n = float(totals.sum()), len(parents)
    if n < 2 or np.any(total - totals <= 0):
        return None
    shares = (whole - each) / (total - totals)[:, None]
    variance = unanswered * (n - 1) / n * np.sum((shares - whole / total) ** 2, axis=0)
    return [float(value) for value in total * np.sqrt(variance)]


def _empty(layout: _Layout) -> dict[MarginCell, Fraction]:
    regions, professions, types = layout.categories
    return {(a, b, c): Fraction(0) for a in regions for b in professions for c in types}


def _add(joint: dict[MarginCell, Fraction], line: EligibleLine, counts: Mapping[str, float]) -> None:
    for profession, count in counts.items():
        # rounded once, here: every total made of the table is then exactly the sum of its cells
        joint[line.region, profession, line.organisation_type] += Fraction(round(count * 10**_PLACES), 10**_PLACES)


def _cannot_adjust(line: EligibleLine) -> MarginsRefused:
    return MarginsRefused(
        "cannot_adjust",
        f"Services of the kind {line.sector}, {line.service_type} that did not answer cannot be stood in for, because "
        "nobody like them did. Use the reported figures.",
    )
