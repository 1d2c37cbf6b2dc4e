"""A total for the whole frame, reported and estimated side by side, with its interval (methods.md 2).

Classes are sector x size band. Units of a partial return are its lines, so what was reported of it stands and only
the missing lines are stood in for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from census_api.statistics.comparability.identity import ratio, subtract_part
from census_api.statistics.nonresponse.classes import ClassSums, Missing, collapse_classes, split_dominant
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy, is_above, is_below


@dataclass(frozen=True, slots=True)
class FrameUnit:
    """A line in the frame. `value` is this year's, `previous` last year's; None where not reported.

    `size` is the headcount known before the year. `band` orders the size bands of a sector. `parent` is the
    organisation that answers or not as a whole.
    """

    unit: str
    parent: str
    sector: str
    band: int
    size: float | None
    value: float | None
    previous: float | None = None


class ImputationStep(StrEnum):
    """How a unit's value came about, in the order in which the ways are tried."""

    REPORTED = "reported"
    ROLLED_FORWARD = "rolled_forward"
    CONSTRUCTED = "constructed"
    CLASS_MEDIAN = "class_median"
    NOT_ESTIMATED = "not_estimated"


class Advice(StrEnum):
    """Whether an estimate may be published."""

    PUBLISH = "publish"
    CAUTION = "caution"
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True)
class UnitValue:
    unit: str
    value: float | None
    step: ImputationStep


@dataclass(frozen=True, slots=True)
class Estimate:
    """A total in the unit of the measure. `estimated` is None where a unit could not be stood in for.

    `interval` is the non-response interval: it assumes organisations like those that answered. The reported total is
    shown wherever the estimated one is.
    """

    reported: float
    estimated: float | None
    variance: float | None
    interval: tuple[float, float] | None
    imputed_share: float | None
    size_coverage: float | None
    advice: Advice
    units: tuple[UnitValue, ...]

    @property
    def cv(self) -> float | None:
        """Standard error over estimate; None where either is unknown."""
        if self.estimated is None or self.variance is None:
            return None
        return ratio(math.sqrt(self.variance), self.estimated)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a class's ratios are made of: matched values of both years, and y and z of respondents of known size."""

    matched_before: float = 0.0
    matched_after: float = 0.0
    y: float = 0.0
    z: float = 0.0

    def less(self, other: Sums) -> Sums:
        return Sums(
            subtract_part(self.matched_before, other.matched_before),
            subtract_part(self.matched_after, other.matched_after),
            subtract_part(self.y, other.y),
            subtract_part(self.z, other.z),
        )


@dataclass(frozen=True, slots=True)
class StandIn:
    """How to stand in for a unit of a class. A ratio is None where the class has no base for it."""

    link: float | None
    per_size: float | None
    typical: float | None

    def value(self, unit: FrameUnit) -> UnitValue:
        if unit.previous is not None and self.link is not None:
            return UnitValue(unit.unit, unit.previous * self.link, ImputationStep.ROLLED_FORWARD)
        if unit.size is not None and self.per_size is not None:
            return UnitValue(unit.unit, unit.size * self.per_size, ImputationStep.CONSTRUCTED)
        step = ImputationStep.NOT_ESTIMATED if self.typical is None else ImputationStep.CLASS_MEDIAN
        return UnitValue(unit.unit, self.typical, step)

    def total(self, units: Iterable[FrameUnit]) -> float:
        return math.fsum(self.value(unit).value or 0.0 for unit in units)


def estimate_total(frame: Sequence[FrameUnit], policy: EstimatePolicy = DEFAULT_POLICY.estimate) -> Estimate:
    """Reported and estimated total of a stock over its frame, with a delete-one jackknife over parents.

    Flows (leavers, starters, vacancies) are never rolled forward: see `estimate_flow`.
    """
    pools = pools_of(frame, policy)
    values = [value for pool in pools for value in _values(pool)]
    order = {unit.unit: place for place, unit in enumerate(frame)}
    values.sort(key=lambda one: order[one.unit])
    reported = math.fsum(one.value or 0.0 for one in values if one.step is ImputationStep.REPORTED)
    known = [one.value for one in values if one.value is not None]
    total = math.fsum(known) if len(known) == len(values) else None
    variances = [_variance(pool) for pool in pools]
    parts = [variance for variance in variances if variance is not None]
    variance = math.fsum(parts) if len(parts) == len(variances) else None
    imputed = None if total is None else ratio(total - reported, total)
    size_coverage = _size_coverage(frame)
    return Estimate(
        reported=reported,
        estimated=total,
        variance=variance,
        interval=make_interval(total, variance, size_coverage, policy),
        imputed_share=imputed,
        size_coverage=size_coverage,
        advice=give_advice(total, variance, imputed, policy),
        units=tuple(values),
    )


def make_interval(
    total: float | None, variance: float | None, size_coverage: float | None, policy: EstimatePolicy
) -> tuple[float, float] | None:
    """The 95% non-response interval, a quarter wider where coverage by size is low or unknown (methods.md 2)."""
    if total is None or variance is None:
        return None
    thin = size_coverage is None or is_below(size_coverage, policy.widen_below_coverage)
    half = policy.interval_z * math.sqrt(variance) * (policy.widen_by if thin else 1.0)
    return total - half, total + half


def give_advice(
    total: float | None, variance: float | None, imputed_share: float | None, policy: EstimatePolicy
) -> Advice:
    """Suppress, caution or publish, by share imputed and coefficient of variation. What is unknown is suppressed."""
    if total == 0 and variance == 0:
        return Advice.PUBLISH
    if not total or variance is None or imputed_share is None:
        return Advice.SUPPRESS
    cv = math.sqrt(variance) / abs(total)
    if is_above(imputed_share, policy.suppress_imputed) or is_above(cv, policy.suppress_cv):
        return Advice.SUPPRESS
    if is_above(imputed_share, policy.caution_imputed) or is_above(cv, policy.caution_cv):
        return Advice.CAUTION
    return Advice.PUBLISH


def _size_coverage(frame: Sequence[FrameUnit]) -> float | None:
    sizes = [(unit.size, unit.value is not None) for unit in frame if unit.size is not None]
    return ratio(math.fsum(size for size, answered in sizes if answered), math.fsum(size for size, _ in sizes))


def pools_of(frame: Sequence[FrameUnit], policy: EstimatePolicy) -> list[list[FrameUnit]]:
    """The frame by class, weak classes pooled within their sector."""
    classes: dict[tuple[str, int], list[FrameUnit]] = {}
    for unit in frame:
        classes.setdefault((unit.sector, unit.band), []).append(unit)
    pools: list[list[FrameUnit]] = []
    for sector in sorted({sector for sector, _ in classes}):
        bands = [units for (of, _), units in sorted(classes.items(), key=lambda item: item[0]) if of == sector]
        groups = collapse_classes([_class_sums(units, policy) for units in bands], policy)
        pools += [[unit for place in group for unit in bands[place]] for group in groups]
    return pools


def _class_sums(units: Sequence[FrameUnit], policy: EstimatePolicy) -> ClassSums:
    """Units too large to weight others up for are left out: a class is not weak because one of them is missing."""
    answered = [unit for unit in units if unit.value is not None]
    sums = sums_of(answered)
    whole = ClassSums(len(answered), sums.y, sums.z, math.fsum(unit.size or 0.0 for unit in units))
    if len(answered) < policy.min_respondents:
        return whole
    missing = [Missing(unit.size or 0.0) for unit in units if unit.value is None]
    # one large non-respondent stands for itself; many small ones make the class weak
    rest, alone = split_dominant(whole, missing, policy)
    return rest if len(alone) == 1 else whole


def sums_of(units: Iterable[FrameUnit]) -> Sums:
    """What the ratios of a class are made of, from those of its units that answered."""
    answered = [(unit, unit.value) for unit in units if unit.value is not None]
    matched = [(unit.previous, value) for unit, value in answered if unit.previous is not None]
    sized = [(value, unit.size) for unit, value in answered if unit.size is not None]
    return Sums(
        math.fsum(before for before, _ in matched),
        math.fsum(after for _, after in matched),
        math.fsum(value for value, _ in sized),
        math.fsum(size for _, size in sized),
    )


def stand_in_of(sums: Sums, typical: float | None) -> StandIn:
    """How the missing of a class with these sums are stood in for."""
    return StandIn(ratio(sums.matched_after, sums.matched_before), ratio(sums.y, sums.z), typical)


def typical_of(pool: Sequence[FrameUnit]) -> float | None:
    """The median of what was reported: for units of which nothing is known."""
    values = [unit.value for unit in pool if unit.value is not None]
    return statistics.median(values) if values else None


def _values(pool: Sequence[FrameUnit]) -> list[UnitValue]:
    model = stand_in_of(sums_of(pool), typical_of(pool))
    return [
        model.value(unit) if unit.value is None else UnitValue(unit.unit, unit.value, ImputationStep.REPORTED)
        for unit in pool
    ]


def _variance(pool: Sequence[FrameUnit]) -> float | None:
    """(1 - n/N) (n-1)/n x sum of squared changes when one parent that answered is treated as missing.

    0 where every line answered; None where only one parent did, or leaving one out leaves no ratio.
    """
    missing = [unit for unit in pool if unit.value is None]
    if not missing:
        return 0.0
    parents: dict[str, list[FrameUnit]] = {}
    for unit in pool:
        if unit.value is not None:
            parents.setdefault(unit.parent, []).append(unit)
    n = len(parents)
    if n < 2:
        return None
    sums, typical = sums_of(pool), typical_of(pool)
    whole = stand_in_of(sums, typical)
    stand_in = _Grouped.of(missing, whole)
    changes = []
    for units in parents.values():
        model = stand_in_of(sums.less(sums_of(units)), typical)
        if (model.link is None) != (whole.link is None) or (model.per_size is None) != (whole.per_size is None):
            return None
        own = math.fsum(unit.value for unit in units if unit.value is not None)
        changes.append(stand_in.total(model) - stand_in.total(whole) + model.total(units) - own)
    # lines, not parents: a parent that answered for half its lines has half of them missing
    unanswered = len(missing) / len(pool)
    return unanswered * (n - 1) / n * math.fsum(change**2 for change in changes)


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Missing units by how they are stood in for, so that a model's total of them takes one step."""

    previous: float
    size: float
    typical: int

    @classmethod
    def of(cls, missing: Sequence[FrameUnit], model: StandIn) -> _Grouped:
        steps = [(unit, model.value(unit).step) for unit in missing]
        return cls(
            math.fsum(unit.previous or 0.0 for unit, step in steps if step is ImputationStep.ROLLED_FORWARD),
            math.fsum(unit.size or 0.0 for unit, step in steps if step is ImputationStep.CONSTRUCTED),
            sum(step is ImputationStep.CLASS_MEDIAN for _, step in steps),
        )

    def total(self, model: StandIn) -> float:
        parts = ((self.previous, model.link), (self.size, model.per_size), (self.typical, model.typical))
        return math.fsum(amount * (per or 0.0) for amount, per in parts)


@dataclass(frozen=True, slots=True)
class FlowUnit:
    """A unit's flow, None where not reported, and its stock, reported or estimated."""

    unit: str
    group: str
    flow: float | None
    stock: float


def estimate_flow(units: Sequence[FlowUnit]) -> list[UnitValue]:
    """Missing flows as the class's pooled rate this year x the unit's stock (methods.md 2), in the order given."""
    sums: dict[str, tuple[list[float], list[float]]] = {}
    for unit in units:
        flows, stocks = sums.setdefault(unit.group, ([], []))
        if unit.flow is not None:
            flows.append(unit.flow)
            stocks.append(unit.stock)
    rates = {group: ratio(math.fsum(flows), math.fsum(stocks)) for group, (flows, stocks) in sums.items()}
    return [_flow(unit, rates[unit.group]) for unit in units]


def _flow(unit: FlowUnit, rate: float | None) -> UnitValue:
    if unit.flow is not None:
        return UnitValue(unit.unit, unit.flow, ImputationStep.REPORTED)
    if rate is None:
        return UnitValue(unit.unit, None, ImputationStep.NOT_ESTIMATED)
    return UnitValue(unit.unit, rate * unit.stock, ImputationStep.CONSTRUCTED)
