"""The thresholds of disclosure control: defaults that are stored, named, with every release made under them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """Methods, section 5.2. Percentages are of 100; counts are people or organisations.

    `nk` is (how many contributors, per cent of the cell they may hold together) and None where it is not applied.
    An attacker is assumed to know beforehand that a cell of value a lies between 0 and a + max(a, `prior_reach`).
    """

    version: str = "2026-1"
    min_count: int = 5
    min_parents: int = 3
    min_parents_personal: int = 5
    p_percent: Decimal = Decimal(10)
    nk: tuple[int, Decimal] | None = None
    few_parents_percent: Decimal = Decimal(10)
    prior_reach: int = 20
    round_base: int = 5
    symbol: str = "c"


DEFAULT_POLICY = DisclosurePolicy()
