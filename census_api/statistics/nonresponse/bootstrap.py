"""Rescaled bootstrap for statistics that have no simple variance, such as ratios and quantiles (methods.md 2).

Parents are resampled within their class, after Rao and Wu. The seed is stored with the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Respondent:
    """A unit that answered: its parent and class. The caller keeps its values in the same order."""

    parent: str
    group: str


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """Standard error and 95% percentile interval over the draws for which the statistic exists."""

    standard_error: float
    interval: tuple[float, float]
    draws: int
    seed: int


def bootstrap_interval(
    respondents: Sequence[Respondent],
    response: dict[str, float],
    statistic: Callable[[Weights], float | None],
    seed: int,
    policy: EstimatePolicy = DEFAULT_POLICY.estimate,
) -> BootstrapInterval | None:
    """Variation of `statistic(multipliers)`, one multiplier (mean 1) a respondent in each draw.

    `response` is the share of each class's parents that answered: 1 leaves no non-response variation. None where
    fewer than two draws have a statistic.

    Raises:
        InvalidRequest: a class without its response share, or one that is not between 0 and 1.
    """
    if any(not 0 <= response.get(one.group, -1) <= 1 for one in respondents):
        raise InvalidRequest("Every class needs its response share, a number from 0 to 1.")
    random = np.random.default_rng(seed)
    layout = _layout(respondents)
    outcomes = [
        statistic(_multipliers(layout, response, len(respondents), random)) for _ in range(policy.bootstrap_draws)
    ]
    values = np.array([value for value in outcomes if value is not None])
    if len(values) < 2:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return BootstrapInterval(float(values.std(ddof=1)), (float(low), float(high)), len(values), seed)


_Layout = dict[str, list[list[int]]]


def _layout(respondents: Sequence[Respondent]) -> _Layout:
    """Class -> parents -> positions, sorted so that a seed gives the same draws whatever the order of the classes."""
    found: dict[str, dict[str, list[int]]] = {}
    for place, one in enumerate(respondents):
        found.setdefault(one.group, {}).setdefault(one.parent, []).append(place)
    return {group: [parents[name] for name in sorted(parents)] for group, parents in sorted(found.items())}


def _multipliers(layout: _Layout, response: dict[str, float], count: int, random: np.random.Generator) -> Weights:
    weights = np.ones(count)
    for group, parents in layout.items():
        n = len(parents)
        if n < 2:
            continue
        # n - 1 of n parents are drawn: the square root of what is left unanswered is then the right scale
        scale = np.sqrt(1 - response[group])
        drawn = np.bincount(random.integers(0, n, n - 1), minlength=n)
        for positions, times in zip(parents, drawn, strict=True):
            weights[positions] = 1 - scale + scale * n / (n - 1) * times
    return weights
