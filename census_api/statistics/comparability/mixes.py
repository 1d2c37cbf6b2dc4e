"""Several crossed mixes, such as sector and role: the average over all orders of change (methods.md 1.7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.comparability.rate_change import Share

Key = tuple[str, ...]
Cells = Mapping[Key, tuple[Share, Share]]

RATE = -1
"""Stands for the rates among the factors; the mixes are numbered from 0."""


def crossed_mixes(cells: Cells) -> tuple[float, list[float]] | None:
    """(within, [mix of dimension 0, mix of dimension 1, ...]) for cells by key, earlier and later year each.

    Adds up exactly to the change of the rate over all cells. With one dimension it is the within and mix of
    `rate_change`. None where the denominators of either year sum to 0.

    Raises:
        InvalidRequest: keys of different lengths.
    """
    lengths = {len(key) for key in cells}
    if len(lengths) > 1:
        raise InvalidRequest("Every cell needs a category for each dimension. Give all cells the same dimensions.")
    totals = [math.fsum(pair[year].denominator for pair in cells.values()) for year in (0, 1)]
    if not cells or not all(totals):
        return None
    weights = [{key: pair[year].denominator / totals[year] for key, pair in cells.items()} for year in (0, 1)]
    rates = [{key: _rate(pair, year) for key, pair in cells.items()} for year in (0, 1)]
    factors = (RATE, *range(lengths.pop()))

    def rate_after(changed: frozenset[int]) -> float:
        mixed = _mixed(weights[0], weights[1], sorted(changed - {RATE}))
        now = rates[1 if RATE in changed else 0]
        return math.fsum(mixed[key] * now[key] for key in cells)

    values = {
        frozenset(some): rate_after(frozenset(some))
        for size in range(len(factors) + 1)
        for some in combinations(factors, size)
    }
    within, *mixes = [_average_effect(factor, factors, values) for factor in factors]
    return within, mixes


def _rate(pair: tuple[Share, Share], year: int) -> float:
    """A cell that is empty in one year has the other year's rate; empty in both, its rate does not matter."""
    for answer in (pair[year], pair[1 - year]):
        if answer.denominator:
            return answer.numerator / answer.denominator
    return 0.0


def _mixed(old: dict[Key, float], new: dict[Key, float], changed: list[int]) -> dict[Key, float]:
    """Weights whose margin over the changed dimensions is new, and within that margin as old."""

    def part(key: Key) -> Key:
        return tuple(key[i] for i in changed)

    margins: list[dict[Key, list[float]]] = [{}, {}]
    for margin, weights in zip(margins, (old, new), strict=True):
        for key, weight in weights.items():
            margin.setdefault(part(key), []).append(weight)
    sums = [{key: math.fsum(weights) for key, weights in margin.items()} for margin in margins]
    # a category that did not exist before has only the new composition
    return {key: old[key] / sums[0][part(key)] * sums[1][part(key)] if sums[0][part(key)] else new[key] for key in old}


def _average_effect(factor: int, factors: tuple[int, ...], values: dict[frozenset[int], float]) -> float:
    """The effect of one factor, averaged over all orders in which the factors can change."""
    others = [other for other in factors if other != factor]
    effects: list[float] = []
    for size in range(len(others) + 1):
        share_of_orders = 1 / (len(factors) * math.comb(len(others), size))
        effects += [
            share_of_orders * (values[frozenset((*some, factor))] - values[frozenset(some)])
            for some in combinations(others, size)
        ]
    return math.fsum(effects)
