"""Standing in for those who did not answer, one class at a time (methods.md 2).

`estimates` applies these to a whole frame. y is the measure, z the size known before the year.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from census_api.statistics.comparability.identity import ratio, subtract_part
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy, is_above


@dataclass(frozen=True, slots=True)
class RatioEstimate:
    """A class total weighted up by size, with two measures of its variance. None: cannot be known."""

    factor: float | None
    total: float | None
    var_linear: float | None
    var_jackknife: float | None


def ratio_adjust(
    y: Sequence[float],
    z: Sequence[float],
    z_frame: float,
    frame_units: int,
    parents: Sequence[Hashable] | None = None,
) -> RatioEstimate:
    """Class total sum(y) x Z_F / Z_R with linearised and delete-one jackknife variance (methods.md 2).

    y and z are of the respondents; `frame_units` counts all units of the class. With `parents`, one a respondent, the
    jackknife leaves out an organisation with all its units at a time. A class that answered fully has variance 0; one
    respondent alone says nothing of it.
    """
    n = len(y)
    size = math.fsum(z)
    factor = ratio(z_frame, size)
    if factor is None or n == 0:
        return RatioEstimate(None, None, None, None)
    total = math.fsum(y) * factor
    unanswered = max(0.0, 1 - n / frame_units)
    if unanswered == 0:
        return RatioEstimate(factor, total, 0.0, 0.0)
    linear = None
    if n > 1:
        slope = math.fsum(y) / size
        squares = math.fsum((yi - slope * zi) ** 2 for yi, zi in zip(y, z, strict=True))
        linear = unanswered * factor**2 * n / (n - 1) * squares
    groups = range(n) if parents is None else parents
    return RatioEstimate(factor, total, linear, _jackknife(y, z, groups, z_frame, unanswered))


def _jackknife(
    y: Sequence[float], z: Sequence[float], groups: Sequence[Hashable], z_frame: float, unanswered: float
) -> float | None:
    parts: dict[Hashable, tuple[list[float], list[float]]] = {}
    for group, yi, zi in zip(groups, y, z, strict=True):
        ys, zs = parts.setdefault(group, ([], []))
        ys.append(yi)
        zs.append(zi)
    sum_y, sum_z = math.fsum(y), math.fsum(z)
    whole = sum_y / sum_z
    slopes = [ratio(sum_y - math.fsum(ys), subtract_part(sum_z, math.fsum(zs))) for ys, zs in parts.values()]
    known = [slope for slope in slopes if slope is not None]
    if len(known) < len(parts) or len(parts) < 2:
        return None
    squares = math.fsum((slope - whole) ** 2 for slope in known) * z_frame**2
    return unanswered * (len(parts) - 1) / len(parts) * squares


@dataclass(frozen=True, slots=True)
class RollForward:
    """A class total with its missing units stood in for one by one; None where one cannot be."""

    link: float | None
    imputed: tuple[float | None, ...]
    total: float | None
    imputed_share: float | None


def roll_forward(
    matched: tuple[float, float],
    respondents: tuple[float, float],
    previous: Sequence[float],
    never_sizes: Sequence[float],
) -> RollForward:
    """Roll forward what the missing last reported, construct those who never did from their size (methods.md 2).

    `matched` is (before, after) of those who answered twice, `respondents` is (y, z) of those who answered now.
    `imputed` holds the units of `previous` x LR first, then those of `never_sizes` x B.
    """
    link = ratio(matched[1], matched[0])
    per_size = ratio(*respondents)
    imputed = tuple(None if link is None else value * link for value in previous)
    imputed += tuple(None if per_size is None else size * per_size for size in never_sizes)
    known = [value for value in imputed if value is not None]
    if len(known) < len(imputed):
        return RollForward(link, imputed, None, None)
    total = math.fsum((respondents[0], *known))
    return RollForward(link, imputed, total, ratio(math.fsum(known), total))


@dataclass(frozen=True, slots=True)
class ClassSums:
    """A weighting class of one sector: its respondents, their y and z, and the z of all its units."""

    respondents: int
    y: float
    z: float
    z_frame: float

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(
            self.respondents + other.respondents, self.y + other.y, self.z + other.z, self.z_frame + other.z_frame
        )

    @property
    def factor(self) -> float | None:
        return ratio(self.z_frame, self.z)

    @property
    def total(self) -> float | None:
        """y weighted up to the frame; None where there is a frame and nobody of any size answered."""
        if not self.z:
            return None if self.z_frame else self.y
        return self.y * self.z_frame / self.z

    def is_weak(self, policy: EstimatePolicy) -> bool:
        """Too few respondents, or too large a factor, to stand alone."""
        factor = self.factor
        return self.respondents < policy.min_respondents or factor is None or is_above(factor, policy.max_factor)


def collapse_classes(
    classes: Sequence[ClassSums], policy: EstimatePolicy = DEFAULT_POLICY.estimate
) -> list[tuple[int, ...]]:
    """Which classes stand together, by position; `classes` are the size bands of one sector in order (methods.md 2).

    A weak class joins the next size band (the last one the band before). If what comes of it is still weak, all size
    bands stand together, weak or not.
    """
    groups = [[i] for i in range(len(classes))]
    place = 0
    while place < len(groups):
        if len(groups) == 1 or not _pool(classes, groups[place]).is_weak(policy):
            place += 1
            continue
        first = min(place, len(groups) - 2)
        groups[first : first + 2] = [groups[first] + groups[first + 1]]
        if _pool(classes, groups[first]).is_weak(policy):
            return [tuple(range(len(classes)))]
        place = first + 1
    return [tuple(group) for group in groups]


def _pool(classes: Sequence[ClassSums], group: Sequence[int]) -> ClassSums:
    return sum((classes[i] for i in group[1:]), classes[group[0]])


def collapsed_total(classes: Sequence[ClassSums], groups: Sequence[Sequence[int]]) -> float | None:
    """The sum of the pooled classes' totals; None where one of them has none."""
    totals = [_pool(classes, group).total for group in groups]
    known = [total for total in totals if total is not None]
    return math.fsum(known) if len(known) == len(totals) else None


class Treatment(StrEnum):
    """How the missing of a class were stood in for."""

    WEIGHTED = "weighting"
    ROLLED_FORWARD = "individual_roll_forward"
    CONSTRUCTED = "individual_construction"


@dataclass(frozen=True, slots=True)
class Missing:
    """A unit that did not answer: its size, and what it reported the year before if it did."""

    size: float
    previous: float | None = None


@dataclass(frozen=True, slots=True)
class DominantEstimate:
    """A class total in which a missing unit that is too large to weight others up for stands for itself."""

    plain_factor: float | None
    plain_total: float | None
    used: Treatment
    total: float | None
    imputed_share: float | None


def dominant_nonrespondent(
    respondents: ClassSums,
    link: float | None,
    missing: Sequence[Missing],
    policy: EstimatePolicy = DEFAULT_POLICY.estimate,
) -> DominantEstimate:
    """Take the largest missing units out of the weighting until the factor is within its cap (methods.md 2).

    `link` is the class's link relative. A unit taken out is rolled forward, or constructed from its size where it did
    not report the year before.
    """
    plain_factor, plain_total = respondents.factor, respondents.total
    rest, alone = split_dominant(respondents, missing, policy)
    values = [_individual(unit, link, ratio(respondents.y, respondents.z)) for unit in alone]
    known = [value for value in values if value is not None]
    complete = rest.total is not None and len(known) == len(values)
    total = math.fsum((rest.total or 0.0, *known)) if complete else None
    share = None if total is None else ratio(total - respondents.y, total)
    used = Treatment.WEIGHTED
    if alone:
        rolled = link is not None and any(unit.previous is not None for unit in alone)
        used = Treatment.ROLLED_FORWARD if rolled else Treatment.CONSTRUCTED
    return DominantEstimate(plain_factor, plain_total, used, total, share)


def split_dominant(
    respondents: ClassSums, missing: Sequence[Missing], policy: EstimatePolicy
) -> tuple[ClassSums, list[Missing]]:
    """The class without its dominating missing units, and those units, largest first."""
    rest, alone = respondents, []
    for unit in sorted(missing, key=lambda one: -one.size):
        factor = rest.factor
        if factor is None or not is_above(factor, policy.max_factor):
            break
        alone.append(unit)
        rest = ClassSums(rest.respondents, rest.y, rest.z, rest.z_frame - unit.size)
    return rest, alone


def _individual(unit: Missing, link: float | None, per_size: float | None) -> float | None:
    if unit.previous is not None and link is not None:
        return unit.previous * link
    return None if per_size is None else unit.size * per_size
