"""Population totals that a survey is weighted to: who counts, and totals that agree (methods, sections 4.1 and 4.2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.exact import Number, make_exact, measure_exact

IN_SCOPE_ROUTES = frozenset({"la_commissioned", "lero_not_commissioned", "commissioning_team"})
"""Recovery organisations count whether commissioned or not; prisons and private pay do not."""

_TIE = 10**9
"""Remainders closer than this part of one are the same: shares such as thirds have been cut somewhere."""


class MarginsRefused(InvalidRequest):
    """Figures that a survey must not be weighted to. `reason` is a stable word for programs."""

    code: ClassVar[str] = "margins_refused"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MarginPolicy:
    """Methods, sections 4.2 and 4.3: defaults, stored with every margin and weighting made under them."""

    version: str = "2026-1"
    min_sample: int = 20
    min_share: Decimal = Decimal("0.01")
    max_ratio: Decimal = Decimal(5)
    trim_at: Decimal = Decimal(5)
    max_rescale: Decimal = Decimal("0.02")
    equal_totals: Decimal = Decimal("1e-9")


DEFAULT_MARGIN_POLICY = MarginPolicy()


@dataclass(frozen=True, slots=True)
class StaffCount:
    """People of one category. A flag that is None was not answered; `count` None is a blank, not a zero."""

    category: str
    paid: bool | None
    head_office: bool | None
    count: Number | None
    route: str | None


@dataclass(frozen=True, slots=True)
class EligibleMargin:
    """People a survey speaks for, by category. A share is None where there is nobody at all."""

    total: Fraction
    counts: dict[str, Fraction]

    @property
    def shares(self) -> dict[str, Fraction | None]:
        return {name: count / self.total if self.total else None for name, count in self.counts.items()}


@dataclass(frozen=True, slots=True)
class Rescaled:
    """A margin brought to another total, and what it was multiplied by."""

    margin: tuple[Fraction, ...]
    factor: Fraction


def eligible_margin(rows: Iterable[StaffCount]) -> EligibleMargin:
    """Paid people, not of head offices, reached by a commissioning route in scope.

    Raises MarginsRefused where a row lacks one of the three flags: nobody may be guessed in or out.
    """
    counts: dict[str, Fraction] = {}
    for row in rows:
        if is_eligible(row) and row.count is not None:
            counts[row.category] = counts.get(row.category, Fraction(0)) + measure_exact(row.count)
    return EligibleMargin(sum(counts.values(), Fraction(0)), counts)


def rescale_margin(
    margin: Sequence[Number], master_total: Number, policy: MarginPolicy = DEFAULT_MARGIN_POLICY
) -> Rescaled:
    """The margin with the master's total. Raises MarginsRefused where the two differ too much to be the same people."""
    factor = rescale_factor(margin, master_total)
    limit = make_exact(policy.max_rescale)
    if abs(factor - 1) > limit:
        raise MarginsRefused(
            "rescale_factor",
            f"The margin would have to be multiplied by {float(factor):.4f} to reach the master total. More than "
            f"{float(limit):.0%} apart means that the two do not count the same people: find out why first.",
        )
    return Rescaled(tuple(measure_exact(value) * factor for value in margin), factor)


def rescale_factor(margin: Sequence[Number], master_total: Number) -> Fraction:
    """The master total over the margin's own."""
    own = sum((measure_exact(value) for value in margin), Fraction(0))
    if own == 0:
        raise MarginsRefused("zero_denominator", "The margin adds up to nothing, so it cannot be scaled to a total.")
    return measure_exact(master_total) / own


def largest_remainder(shares: Sequence[Number], total: int) -> tuple[int, ...]:
    """Whole numbers in the proportions of `shares` that add up to `total`; equal remainders go by order."""
    parts = [measure_exact(share) for share in shares]
    whole = sum(parts, Fraction(0))
    if total < 0 or (whole == 0 and total):
        raise MarginsRefused("zero_denominator", "Shares that add up to nothing cannot be turned into whole numbers.")
    quotas = [Fraction(round(part * total * _TIE / whole), _TIE) if whole else Fraction(0) for part in parts]
    counts = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda place: counts[place] - quotas[place])
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    return tuple(counts)


def check_equal_totals(
    margins: Mapping[str, Mapping[str, Number]], policy: MarginPolicy = DEFAULT_MARGIN_POLICY
) -> Fraction:
    """The total that every margin has. Raises MarginsRefused that names the first two margins that differ."""
    totals = {
        name: sum((measure_exact(value) for value in parts.values()), Fraction(0)) for name, parts in margins.items()
    }
    if not totals:
        raise MarginsRefused("no_margins", "There is no margin to weight to.")
    first, total = next(iter(totals.items()))
    for name, other in totals.items():
        if abs(other - total) > make_exact(policy.equal_totals) * total:
            raise MarginsRefused(
                "unequal_totals",
                f"The margins {first} and {name} add up to different totals ({float(total):g} and {float(other):g}). "
                "Take both from one table, or scale one to the other.",
            )
    return total


def is_eligible(row: StaffCount) -> bool:
    """Whether the people of a row are of the survey's population. Raises MarginsRefused where a flag is missing."""
    if row.paid is None or row.head_office is None or row.route is None:
        raise MarginsRefused(
            "eligibility_unknown",
            f"Whether {row.category} belongs to the survey's population is not known: paid or unpaid, head office and "
            "commissioning route must all be answered.",
        )
    return row.paid and not row.head_office and row.route in IN_SCOPE_ROUTES
