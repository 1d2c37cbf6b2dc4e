"""What a change can have been, given how those who answered twice have grown (methods.md 1.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from census_api.statistics.comparability.identity import Decomposition
from census_api.statistics.policy import DEFAULT_POLICY, SLACK, BoundsPolicy


@dataclass(frozen=True, slots=True)
class Growth:
    """Low and high plausible year-on-year ratio of a unit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the change on the full frame, in the unit of the measure. None: no bound on that side."""

    low: float | None
    high: float | None
    reported: float

    @property
    def reported_inside(self) -> bool:
        slack = SLACK * max(1.0, abs(self.reported))
        above_low = self.low is None or self.reported >= self.low - slack
        return above_low and (self.high is None or self.reported <= self.high + slack)


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile of values, interpolated linearly between order statistics. values is not empty."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def growth_range(
    pairs: Sequence[tuple[float, float]],
    parent: Sequence[tuple[float, float]] = (),
    policy: BoundsPolicy = DEFAULT_POLICY.bounds,
) -> Growth | None:
    """The growth percentiles of matched units, (before, after) each; of the parent cell where the cell has too few.

    Units that were 0 before have no ratio. None where neither cell has a ratio.
    """
    ratios = _ratios(pairs)
    if len(ratios) < policy.min_units:
        ratios = _ratios(parent) or ratios
    if not ratios:
        return None
    return Growth(percentile(ratios, policy.low_percentile), percentile(ratios, policy.high_percentile))


def _ratios(pairs: Sequence[tuple[float, float]]) -> list[float]:
    return [after / before for before, after in pairs if before > 0]


def change_bounds(real: float, lost: float, recovered: float, growth: Growth) -> Bounds:
    """Bounds of the change when the missing have grown within `growth`.

    `real` is the real change, `lost` the earlier values of those who have since not reported, `recovered` the later
    values of those who had not reported before. A low growth of 0 puts no bound on what the recovered had been.
    """
    return Bounds(
        low=_bound(real, lost, recovered, growth.low),
        high=_bound(real, lost, recovered, growth.high),
        reported=real - lost + recovered,
    )


def _bound(real: float, lost: float, recovered: float, growth: float) -> float | None:
    if recovered and not growth:
        return None
    return real + lost * (growth - 1) + (recovered * (1 - 1 / growth) if recovered else 0.0)


def cell_bounds(cell: Decomposition, growth: Growth | None) -> Bounds | None:
    """Bounds of a decomposed cell; what it reported is its whole change, partial components included."""
    if growth is None:
        return None
    bounds = change_bounds(cell.real, cell.lost, cell.recovered, growth)
    return Bounds(bounds.low, bounds.high, cell.change)
