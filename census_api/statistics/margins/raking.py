"""Weights that make a sample add up like its population, and what they cost in precision (methods, sections 4.3, 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from census_api.statistics.exact import Number
from census_api.statistics.margins.totals import DEFAULT_MARGIN_POLICY, MarginPolicy, MarginsRefused, check_equal_totals

Table = NDArray[np.float64]

TOLERANCE = 1e-12
"""Achieved shares are this close to their targets when raking ends."""
_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Precision:
    """Kish's measure for weights alone: what unequal weights cost, not the variance of a raked estimate."""

    n: float
    deff: float
    n_eff: float


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each cell of the sample table, 1 on average over its answers; NaN where nobody answered."""

    weights: Table
    precision: Precision
    rounds: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Weights as raked, and after the largest were cut and the rest raked again."""

    before: Weights
    after: Weights
    cut: int


def measure_precision(sample: Table, weights: Table) -> Precision:
    """The design effect n * sum(n w^2) / sum(n w)^2 of cell weights, and the sample size that is left of n."""
    used = sample > 0
    counts, values = sample[used], weights[used]
    total, spread = float(np.sum(counts * values)), float(np.sum(counts * values**2))
    n = float(np.sum(counts))
    return Precision(n, n * spread / total**2, total**2 / spread)


def oneway_weights(sample: Sequence[Number], target: Sequence[Number]) -> Weights:
    """Target share over sample share, category by category. `target` may be shares, percentages or totals."""
    return rake_weights(np.asarray(sample, dtype=float), [np.asarray(target, dtype=float)])


def rake_weights(sample: Table, margins: Sequence[Table], start: Table | None = None) -> Weights:
    """Iterative proportional fitting of a table of answers to one margin for each of its dimensions.

    Shapes: `sample` (a, b, ...), `margins` [(a,), (b,), ...] with one common total; `start` are weights to begin from.
    Raises MarginsRefused: unequal totals, people in a category nobody answered for, or margins that no weights reach.
    """
    shares = _shares(sample, margins)
    answers = float(np.sum(sample))
    fitted = sample / answers if start is None else np.where(sample > 0, sample * np.nan_to_num(start), 0.0)
    for rounds in range(1, _ROUNDS + 1):
        before = fitted
        for axis, share in enumerate(shares):
            fitted = _scaled(fitted, axis, share)
        if _reached(fitted, shares):
            break
        if rounds % 100 == 0 and float(np.max(np.abs(fitted - before))) < TOLERANCE / 1000:
            raise _unreachable()
    else:
        raise _unreachable()
    weights = np.divide(fitted * answers, sample, out=np.full_like(fitted, np.nan), where=sample > 0)
    return Weights(weights, measure_precision(sample, weights), rounds)


def rake_trimmed(sample: Table, margins: Sequence[Table], policy: MarginPolicy = DEFAULT_MARGIN_POLICY) -> Trimmed:
    """Rakes, cuts weights at `trim_at` times the mean, and rakes the cut weights again.

    The second raking keeps the margins exact, so a weight may end a little above the cut.
    """
    first = rake_weights(sample, margins)
    limit = float(policy.trim_at)
    cut = int(np.sum(first.weights > limit))
    if not cut:
        return Trimmed(first, first, 0)
    return Trimmed(first, rake_weights(sample, margins, start=np.minimum(first.weights, limit)), cut)


def worst_miss(sample: Table, weights: Table, margins: Sequence[Table]) -> float:
    """The largest distance between an achieved share and its target: what to look at before weights are used."""
    weighted = np.where(sample > 0, sample * np.nan_to_num(weights), 0.0)
    achieved = weighted / np.sum(weighted)
    return max(
        float(np.max(np.abs(_totals(achieved, axis) - margin / np.sum(margin)))) for axis, margin in enumerate(margins)
    )


def _shares(sample: Table, margins: Sequence[Table]) -> list[Table]:
    if sample.ndim != len(margins) or any(
        len(margin) != size for margin, size in zip(margins, sample.shape, strict=False)
    ):
        raise MarginsRefused("shape", "The sample table and the margins do not have the same categories.")
    values = [sample, *margins]
    if any(not np.all(np.isfinite(value)) or np.any(value < 0) for value in values):
        raise MarginsRefused("not_a_count", "Answers and margins must be ordinary numbers that are not below zero.")
    total = check_equal_totals(
        {f"number {axis + 1}": {str(place): float(x) for place, x in enumerate(m)} for axis, m in enumerate(margins)}
    )
    if total == 0 or not np.any(sample):
        raise MarginsRefused("zero_denominator", "The sample or the margins add up to nothing.")
    for axis, margin in enumerate(margins):
        empty = (margin > 0) & (_totals(sample, axis) == 0)
        if np.any(empty):
            raise MarginsRefused(
                "empty_category",
                f"Margin number {axis + 1} has people in category number {int(np.argmax(empty)) + 1}, but nobody of "
                "them answered. Join that category with another on both sides.",
            )
    return [margin / np.sum(margin) for margin in margins]


def _totals(table: Table, axis: int) -> Table:
    others = tuple(place for place in range(table.ndim) if place != axis)
    return np.asarray(np.sum(table, axis=others), dtype=float)


def _scaled(table: Table, axis: int, share: Table) -> Table:
    totals = _totals(table, axis)
    factors = np.divide(share, totals, out=np.zeros_like(share), where=totals > 0)
    shape = [1] * table.ndim
    shape[axis] = len(share)
    return table * factors.reshape(shape)


def _reached(table: Table, shares: Sequence[Table]) -> bool:
    return all(float(np.max(np.abs(_totals(table, axis) - share))) < TOLERANCE for axis, share in enumerate(shares))


def _unreachable() -> MarginsRefused:
    return MarginsRefused(
        "not_reached",
        "No weights bring this sample to these margins: too many combinations have no answers. "
        "Join thin categories on both sides and try again.",
    )
