"""Estimates of a whole frame at once, for any number of domains and measures of one frame (methods.md 2).

The formulas are those of `estimates.estimate_total`, over arrays: of one domain the answer is the same. Ratios are those of the class (`pool`) over the whole country, whatever the domain: the domains' totals add up to that
of the frame. Arrays have one entry a unit; nan stands for what was not reported or is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from census_api.statistics.comparability.identity import ratio
from census_api.statistics.nonresponse.estimates import (
    Estimate,
    FrameUnit,
    ImputationStep,
    give_advice,
    make_interval,
    pools_of,
)
from census_api.statistics.policy import EstimatePolicy

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


STEPS: Sequence[ImputationStep] = tuple(ImputationStep)


@dataclass(frozen=True, slots=True)
class UnitFrame:
    """Units with their class, parent and domain as numbers from 0; `value` this year's, `previous` last year's."""

    pool: Places
    parent: Places
    domain: Places
    size: Floats
    value: Floats
    previous: Floats

    @property
    def answered(self) -> Flags:
        return ~np.isnan(self.value)

    @property
    def domains(self) -> int:
        return int(self.domain.max()) + 1 if len(self.domain) else 0


@dataclass(frozen=True, slots=True)
class Imputed:
    """`values` of every unit and `steps` (places in STEPS); by domain the reported and whole totals and the variance.

    A whole total is nan where a unit could not be stood in for, a variance where it cannot be known.
    """

    values: Floats
    steps: Places
    reported: Floats
    total: Floats
    variance: Floats


def make_classes(units: Sequence[FrameUnit], policy: EstimatePolicy) -> Places:
    """The class of every unit as a number, weak classes pooled within their sector."""
    places = {unit.unit: place for place, unit in enumerate(units)}
    numbers = np.zeros(len(units), dtype=np.int64)
    for number, pool in enumerate(pools_of(units, policy)):
        numbers[[places[unit.unit] for unit in pool]] = number
    return numbers


def as_estimates(frame: UnitFrame, found: Imputed, policy: EstimatePolicy) -> list[Estimate]:
    """The estimate of every domain, without its units."""
    sizes = np.nan_to_num(frame.size)
    whole = np.bincount(frame.domain, sizes, frame.domains)
    answered = np.bincount(frame.domain, np.where(frame.answered, sizes, 0.0), frame.domains)
    rows = zip(found.reported, found.total, found.variance, answered, whole, strict=True)
    return [
        _estimate(float(reported), _known(total), _known(variance), ratio(float(size), float(of)), policy)
        for reported, total, variance, size, of in rows
    ]


def _estimate(
    reported: float, total: float | None, variance: float | None, coverage: float | None, policy: EstimatePolicy
) -> Estimate:
    share = None if total is None else ratio(total - reported, total)
    return Estimate(
        reported=reported,
        estimated=total,
        variance=variance,
        interval=make_interval(total, variance, coverage, policy),
        imputed_share=share,
        size_coverage=coverage,
        advice=give_advice(total, variance, share, policy),
        units=(),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def impute_frame(frame: UnitFrame) -> Imputed:
    """Every missing unit stood in for by the first way that applies, with a delete-one jackknife over parents."""
    values, steps = frame.value.copy(), np.zeros(len(frame.value), dtype=np.int64)
    variance = np.zeros(frame.domains)
    for pool in np.unique(frame.pool):
        here = np.flatnonzero(frame.pool == pool)
        own = _Pool(frame, here)
        values[here], steps[here] = own.values, own.steps
        variance += own.variance(frame.domains)
    reported = _sums(frame.domain, np.where(frame.answered, frame.value, 0.0), frame.domains)
    return Imputed(values, steps, reported, _sums(frame.domain, values, frame.domains), variance)


@dataclass(frozen=True, slots=True)
class _Ratios:
    """Growth of those that answered twice, and value by size, each nan where the class has no base for it."""

    link: Floats
    per_size: Floats


class _Pool:
    """The units of one class."""

    def __init__(self, frame: UnitFrame, here: Places) -> None:
        self.value, self.previous, self.size = frame.value[here], frame.previous[here], frame.size[here]
        self.domain, self.answered = frame.domain[here], frame.answered[here]
        _, self.parent = np.unique(frame.parent[here], return_inverse=True)
        self.twice = self.answered & ~np.isnan(self.previous)
        self.sized = self.answered & ~np.isnan(self.size)
        self.typical = float(np.median(self.value[self.answered])) if self.answered.any() else np.nan
        self.sums = [float(part.sum()) for part in self._parts()]
        self.ratios = _ratios(*(np.asarray(part) for part in self.sums))
        self.steps = np.where(self.answered, 0, self._ways())
        stood_in = self._stood_in(self.ratios.link, self.ratios.per_size)
        self.values = np.where(self.answered, self.value, stood_in)

    def _parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Of every unit: earlier and later value of those that answered twice, value and size of those of known size."""
        return (
            np.where(self.twice, self.previous, 0.0),
            np.where(self.twice, self.value, 0.0),
            np.where(self.sized, self.value, 0.0),
            np.where(self.sized, self.size, 0.0),
        )

    def _ways(self) -> Places:
        """The step that stands in for each unit if it is missing."""
        last = STEPS.index(ImputationStep.NOT_ESTIMATED if np.isnan(self.typical) else ImputationStep.CLASS_MEDIAN)
        by_size = ~np.isnan(self.size) & ~np.isnan(self.ratios.per_size)
        rolled = ~np.isnan(self.previous) & ~np.isnan(self.ratios.link)
        constructed = np.where(by_size, STEPS.index(ImputationStep.CONSTRUCTED), last)
        ways: Places = np.where(rolled, STEPS.index(ImputationStep.ROLLED_FORWARD), constructed)
        return ways

    def _stood_in(self, link: Floats, per_size: Floats) -> Floats:
        """What each unit would be taken for under ratios, the same for all or one a unit."""
        ways = self._ways()
        values: Floats = np.where(
            ways == STEPS.index(ImputationStep.ROLLED_FORWARD),
            self.previous * link,
            np.where(ways == STEPS.index(ImputationStep.CONSTRUCTED), self.size * per_size, self.typical),
        )
        return values

    def variance(self, domains: int) -> Floats:
        """(1 - n/N) (n-1)/n x sum of squared changes when one parent that answered is treated as missing, by domain.

        0 where every unit of a domain answered; nan where only one parent did, or leaving one out leaves no ratio.
        """
        missing = np.bincount(self.domain[~self.answered], minlength=domains)
        if not missing.any():
            return np.zeros(domains)
        who = np.unique(self.parent[self.answered])
        n = len(who)
        left_out = self._without_each()
        lost = [np.isnan(one[who]) != np.isnan(whole) for one, whole in left_out]
        if n < 2 or any(gap.any() for gap in lost):
            return np.where(missing > 0, np.nan, 0.0)
        (link, _), (per_size, _) = left_out
        counts = np.bincount(self.domain, minlength=domains)
        found = np.zeros(domains)
        own = np.where(self.answered, self._stood_in(link[self.parent], per_size[self.parent]) - self.value, 0.0)
        for domain in np.flatnonzero(missing):
            inside = self.domain == domain
            changes = np.bincount(self.parent[inside], own[inside], len(link)) + self._shift(inside, link, per_size)
            # units, not parents: a parent that answered for half its lines has half of them missing
            unanswered = missing[domain] / counts[domain]
            found[domain] = unanswered * (n - 1) / n * float(np.square(changes[who]).sum())
        return found

    def _without_each(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """The ratios when a parent is left out, one a parent, each beside that of all."""
        count = int(self.parent.max()) + 1
        left = [
            _without(total, _sums(self.parent, part, count))
            for total, part in zip(self.sums, self._parts(), strict=True)
        ]
        ratios = _ratios(*left)
        return (ratios.link, self.ratios.link), (ratios.per_size, self.ratios.per_size)

    def _shift(self, inside: Flags, link: Floats, per_size: Floats) -> Floats:
        """How far the missing of a domain move when a parent is left out, one a parent."""
        absent = inside & ~self.answered
        rolled = self.previous[absent & (self.steps == STEPS.index(ImputationStep.ROLLED_FORWARD))].sum()
        sized = self.size[absent & (self.steps == STEPS.index(ImputationStep.CONSTRUCTED))].sum()
        moved = np.zeros(len(link))
        if rolled:
            moved = moved + rolled * (link - self.ratios.link)
        if sized:
            moved = moved + sized * (per_size - self.ratios.per_size)
        return moved


def _ratios(before: Floats, after: Floats, y: Floats, z: Floats) -> _Ratios:
    return _Ratios(_over(after, before), _over(y, z))


def _sums(of: Places, values: Floats, count: int) -> Floats:
    """Sums by number; of floats they are floats, which the library's own types do not say."""
    return np.bincount(of, values, count).astype(np.float64)


def _over(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(denominator != 0, numerator / denominator, np.nan)
    return found


def _without(total: float, part: Floats) -> Floats:
    """As `identity.without`: exactly 0 where only rounding is left."""
    left = total - part
    found: Floats = np.where(np.abs(left) <= 1e-12 * abs(total), 0.0, left)
    return found
