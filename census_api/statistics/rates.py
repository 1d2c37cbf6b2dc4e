"""Rates as ratios of sums, each with its numerator, denominator and base (methods.md 3).

The base (headcount or WTE) is part of what a rate is: rates of different bases are never mixed. A value is None
where it is not known, with a reason; blank answers are None, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from census_api.statistics.comparability.identity import ratio
from census_api.statistics.policy import DEFAULT_POLICY, RatesPolicy


class RateBase(StrEnum):
    HEADCOUNT = "headcount"
    WTE = "wte"


class NoRate(StrEnum):
    """Why there is no rate."""

    ZERO_DENOMINATOR = "zero_denominator"
    NUMERATOR_WITHOUT_DENOMINATOR = "numerator_without_denominator"
    NOT_REPORTED = "not_reported"
    TOO_FEW_MONTHS = "too_few_months"


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as a share of 1. `reason` is given exactly where `value` is None."""

    value: float | None
    numerator: float | None
    denominator: float | None
    base: RateBase
    reason: NoRate | None = None


def make_rate(numerator: float | None, denominator: float | None, base: RateBase) -> Rate:
    """numerator / denominator, or the reason why there is none (methods.md 3)."""
    if numerator is None or denominator is None:
        return Rate(None, numerator, denominator, base, NoRate.NOT_REPORTED)
    if denominator == 0:
        reason = NoRate.NUMERATOR_WITHOUT_DENOMINATOR if numerator > 0 else NoRate.ZERO_DENOMINATOR
        return Rate(None, numerator, denominator, base, reason)
    return Rate(numerator / denominator, numerator, denominator, base)


def _sum(*parts: float | None) -> float | None:
    """The sum, unknown where one part is."""
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None


def vacancy_rate(vacant_wte: float | None, in_post_wte: float | None) -> Rate:
    """V / (V + S) in WTE at the reference date. Vacancies with nobody in post are a rate of 1."""
    return make_rate(vacant_wte, _sum(vacant_wte, in_post_wte), RateBase.WTE)


def establishment_vacancy_rate(vacant_wte: float | None, establishment_wte: float | None) -> Rate:
    """V / E in WTE: a series of its own, never mixed with `vacancy_rate`."""
    return make_rate(vacant_wte, establishment_wte, RateBase.WTE)


def average_headcount(opening: float | None, closing: float | None) -> float | None:
    """(H_open + H_close) / 2."""
    total = _sum(opening, closing)
    return None if total is None else total / 2


def turnover_avg(leavers: float | None, opening: float | None, closing: float | None) -> Rate:
    """Leavers over average headcount. Transfers (TUPE) are not leavers."""
    return make_rate(leavers, average_headcount(opening, closing), RateBase.HEADCOUNT)


def turnover_yearend(leavers: float | None, closing: float | None) -> Rate:
    """Leavers over closing headcount: a series of its own, never mixed with `turnover_avg`."""
    return make_rate(leavers, closing, RateBase.HEADCOUNT)


def starters_rate(starters: float | None, opening: float | None, closing: float | None) -> Rate:
    """Starters over average headcount, the denominator of `turnover_avg`."""
    return make_rate(starters, average_headcount(opening, closing), RateBase.HEADCOUNT)


def flow_gap(
    opening: float | None,
    closing: float | None,
    starters: float | None,
    leavers: float | None,
    transfers_in: float | None = 0,
    transfers_out: float | None = 0,
) -> float | None:
    """H_close - (H_open + starters - leavers - transfers_out + transfers_in); 0 where the flows explain the change."""
    expected = _sum(opening, starters, transfers_in)
    gone = _sum(leavers, transfers_out)
    if closing is None or expected is None or gone is None:
        return None
    return closing - (expected - gone)


@dataclass(frozen=True, slots=True)
class Stability:
    """Share of those in post at opening who did not leave; bounds where only all leavers are known."""

    index: Rate
    lower: float | None
    upper: float | None


def measure_stability(
    opening: float | None,
    cohort_leavers: float | None = None,
    leavers: float | None = None,
    starters: float | None = None,
) -> Stability:
    """1 - (leavers among those in post at opening) / H_open (methods.md 3).

    The bounds hold whoever the leavers were: 1 - min(L, H_open) / H_open to 1 - max(0, L - starters) / H_open.
    """
    gone = make_rate(cohort_leavers, opening, RateBase.HEADCOUNT)
    stayed = None if opening is None or cohort_leavers is None else opening - cohort_leavers
    index = Rate(None if gone.value is None else 1 - gone.value, stayed, opening, RateBase.HEADCOUNT, gone.reason)
    if not opening or leavers is None:
        return Stability(index, None, None)
    lower = 1 - min(leavers, opening) / opening
    upper = None if starters is None else 1 - max(0.0, leavers - starters) / opening
    return Stability(index, lower, upper)


def regulated_ratio(regulated: float | None, unregulated: float | None, base: RateBase) -> Rate:
    """Regulated to unregulated staff (psychologists and mental health and wellbeing practitioners are regulated)."""
    return make_rate(regulated, unregulated, base)


def share_of(part: float | None, rest: float | None, base: RateBase) -> Rate:
    """part / (part + rest): the unpaid share of a workforce, or the regulated share."""
    return make_rate(part, _sum(part, rest), base)


@dataclass(frozen=True, slots=True)
class PartYear:
    """Turnover of an organisation open for part of the flow period."""

    raw: Rate
    """Leavers over average headcount, not scaled to a year."""
    exposure: float | None
    """Average headcount x months / 12: its weight in a pooled rate; None where it is left out of it."""
    annualised: Rate


def part_year(
    leavers: float | None,
    opening: float | None,
    closing: float | None,
    months: float,
    policy: RatesPolicy = DEFAULT_POLICY.rates,
) -> PartYear:
    """Turnover by exposure (methods.md 3). Open for fewer than three months: left out, and said."""
    raw = turnover_avg(leavers, opening, closing)
    if months < policy.min_months:
        return PartYear(raw, None, Rate(None, leavers, None, RateBase.HEADCOUNT, NoRate.TOO_FEW_MONTHS))
    average = average_headcount(opening, closing)
    exposure = None if average is None else average * months / 12
    return PartYear(raw, exposure, make_rate(leavers, exposure, RateBase.HEADCOUNT))


@dataclass(frozen=True, slots=True)
class PooledRate:
    """A rate over many lines, from those that gave both items."""

    rate: Rate
    excluded: tuple[int, ...]
    """Positions of lines with something above 0 of nothing: out of the pool, and queried."""
    denominator_coverage: float | None
    """Share of all that is known of the denominator that stands in the pool."""


def pooled_rate(pairs: Sequence[tuple[float | None, float | None]], base: RateBase) -> PooledRate:
    """Sum of numerators over sum of denominators, (numerator, denominator) a line (methods.md 3)."""
    both = [(i, n, d) for i, (n, d) in enumerate(pairs) if n is not None and d is not None]
    excluded = tuple(i for i, n, d in both if d == 0 and n > 0)
    pool = [(n, d) for i, n, d in both if i not in set(excluded)]
    denominator = math.fsum(d for _, d in pool)
    numerator = math.fsum(n for n, _ in pool)
    known = math.fsum(d for _, d in pairs if d is not None)
    of_pool = make_rate(numerator, denominator, base) if pool else make_rate(None, None, base)
    return PooledRate(of_pool, excluded, ratio(denominator, known))


def mean_of_ratios(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    """The mean of the lines' own rates: shown only to warn how far it lies from the pooled rate."""
    rates = [n / d for n, d in pairs if n is not None and d]
    return math.fsum(rates) / len(rates) if rates else None
