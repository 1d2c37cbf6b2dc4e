"""Soft edits: what stands out from last year and from peers (methods.md 6). They ask; they never refuse."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from census_api.statistics.comparability.bounds import percentile
from census_api.statistics.policy import DEFAULT_POLICY, PlausibilityPolicy

NORMAL_FROM_MAD = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""
NORMAL_FROM_MEAN = 1.2533
"""The same for the mean absolute deviation."""


@dataclass(frozen=True, slots=True)
class Limits:
    low: float
    high: float

    def outside(self, effects: Sequence[float | None]) -> tuple[int, ...]:
        """Positions of the effects that lie outside; a limit itself is inside."""
        return tuple(i for i, e in enumerate(effects) if e is not None and not self.low <= e <= self.high)


@dataclass(frozen=True, slots=True)
class HBEdit:
    """The edit of Hidiroglou and Berthelot. `effects` are by position, None where a year is 0 or not reported."""

    effects: tuple[float | None, ...]
    centre: float
    classic: Limits | None
    floored: Limits | None
    """The limits to use: the classic ones collapse when most units did not change."""

    @property
    def flagged(self) -> tuple[int, ...]:
        return self.floored.outside(self.effects) if self.floored else ()


def hb_edit(
    before: Sequence[float | None],
    after: Sequence[float | None],
    policy: PlausibilityPolicy = DEFAULT_POLICY.plausibility,
) -> HBEdit:
    """Effects and limits over the units of one class, both years by position (methods.md 6).

    r = y1/y0; s = 1 - med/r where r < med, else r/med - 1; E = s max(y0, y1)^U; limits med(E) -/+ C d with d the
    quartile distance, at least |A med(E)|; floored also at least A med(max(y)^U). A zero in either year is left to
    the check of births and deaths.
    """
    pairs = [(y0, y1) if y0 and y1 and y0 > 0 and y1 > 0 else None for y0, y1 in zip(before, after, strict=True)]
    given = [pair for pair in pairs if pair]
    if not given:
        return HBEdit((None,) * len(pairs), 0.0, None, None)
    middle = statistics.median(y1 / y0 for y0, y1 in given)
    effects = tuple(None if pair is None else _effect(*pair, middle, policy.hb_u) for pair in pairs)
    known = [effect for effect in effects if effect is not None]
    centre = statistics.median(known)
    least = abs(policy.hb_a * centre)
    floor = max(least, policy.hb_a * statistics.median(max(pair) ** policy.hb_u for pair in given))
    spread = (centre - percentile(known, 25), percentile(known, 75) - centre)
    classic, floored = (_limits(centre, spread, smallest, policy.hb_c) for smallest in (least, floor))
    return HBEdit(effects, centre, classic, floored)


def _effect(y0: float, y1: float, middle: float, u: float) -> float:
    growth = y1 / y0
    s = 1 - middle / growth if growth < middle else growth / middle - 1
    return float(s * max(y0, y1) ** u)


def _limits(centre: float, spread: tuple[float, float], least: float, c: float) -> Limits:
    return Limits(centre - c * max(spread[0], least), centre + c * max(spread[1], least))


def ratio_outside(
    before: float | None,
    after: float | None,
    limits: Limits,
    policy: PlausibilityPolicy = DEFAULT_POLICY.plausibility,
) -> bool:
    """after / before lies outside the class bounds, judged where both are above 0 and the larger is not small."""
    if not before or not after or max(before, after) < policy.ratio_floor:
        return False
    return not limits.low <= after / before <= limits.high


@dataclass(frozen=True, slots=True)
class RobustZ:
    """How far a value lies from the median of its peers, in robust standard deviations; None where it is unknown."""

    z: float | None
    flag: bool


def robust_z(
    value: float | None,
    peers: Sequence[float | None],
    parent: Sequence[float | None] = (),
    policy: PlausibilityPolicy = DEFAULT_POLICY.plausibility,
) -> RobustZ:
    """(value - median) / (1.4826 MAD) among peers, the value's own included (methods.md 6).

    Fewer than eight peers: the parent group is used where it is given. MAD 0: 1.2533 x the mean absolute deviation
    about the median; if that is 0 as well, nothing differs and z is 0 unless the value itself does.
    """
    known = [peer for peer in peers if peer is not None]
    if len(known) < policy.z_min_group:
        known = [peer for peer in parent if peer is not None] or known
    if value is None or not known:
        return RobustZ(None, False)
    middle = statistics.median(known)
    scale = _spread(known, middle)
    if scale == 0:
        # only a value that is not among its peers can differ here
        return RobustZ(0.0, False) if value == middle else RobustZ(None, True)
    z = (value - middle) / scale
    return RobustZ(z, abs(z) > policy.z_limit)


def _spread(values: Sequence[float], middle: float) -> float:
    deviations = [abs(value - middle) for value in values]
    mad = statistics.median(deviations)
    # equal decimals can differ in their last binary digit; that is no spread
    if mad > 1e-12 * max(1e-3, abs(middle)):
        return NORMAL_FROM_MAD * mad
    return NORMAL_FROM_MEAN * statistics.fmean(deviations)


def measure_heaping(counts: Sequence[int], base: int) -> float | None:
    """Share of the non-zero counts that are multiples of `base` (5 or 10): for information, never a query alone."""
    given = [count for count in counts if count]
    return math.fsum(count % base == 0 for count in given) / len(given) if given else None
