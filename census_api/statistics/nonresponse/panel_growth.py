"""Growth of the organisations that answered twice, with its interval (methods.md 1.3, 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from census_api.statistics.comparability.identity import ratio, subtract_part
from census_api.statistics.nonresponse.estimates import make_interval
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy


@dataclass(frozen=True, slots=True)
class Matched:
    """A component that answered twice, with the parent that answered for it."""

    parent: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class LinkEstimate:
    """Growth of the matched panel and its interval, as ratios of 1; None where it cannot be known."""

    link: float | None
    variance: float | None
    interval: tuple[float, float] | None


def link_interval(
    matched: Sequence[Matched],
    frame_units: int,
    size_coverage: float | None,
    policy: EstimatePolicy = DEFAULT_POLICY.estimate,
) -> LinkEstimate:
    """Link relative with a jackknife that leaves out a parent with both its years at a time (methods.md 2)."""
    before, after = math.fsum(unit.before for unit in matched), math.fsum(unit.after for unit in matched)
    link = ratio(after, before)
    parents: dict[str, list[Matched]] = {}
    for unit in matched:
        parents.setdefault(unit.parent, []).append(unit)
    left_out = [
        ratio(after - math.fsum(u.after for u in units), subtract_part(before, math.fsum(u.before for u in units)))
        for units in parents.values()
    ]
    known = [value for value in left_out if value is not None]
    n = len(parents)
    if link is None or n < 2 or len(known) < n:
        return LinkEstimate(link, None, None)
    unanswered = max(0.0, 1 - len(matched) / frame_units)
    variance = unanswered * (n - 1) / n * math.fsum((value - link) ** 2 for value in known)
    return LinkEstimate(link, variance, make_interval(link, variance, size_coverage, policy))
