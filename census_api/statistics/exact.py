"""Numbers as they were written, so that a value on a threshold is on it: 0.1 is a tenth, not its nearest double."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from census_api.domain.kit.errors import InvalidRequest

Number = int | float | Decimal | Fraction


def make_exact(value: Number) -> Fraction:
    """The number that `value` prints as. Raises InvalidRequest for what is not a finite number."""
    if isinstance(value, Fraction):
        return value
    if not math.isfinite(value):
        raise InvalidRequest("A figure is not a finite number. Every figure must be an ordinary number.")
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def measure_exact(value: Number) -> Fraction:
    """The same for counts and full-time equivalents, of which there cannot be fewer than none."""
    found = make_exact(value)
    if found < 0:
        raise InvalidRequest("A figure is below zero. Counts, totals and shares start at zero.")
    return found


def make_plain(value: Fraction) -> int | float:
    """The number for JSON: whole numbers as integers."""
    return value.numerator if value.denominator == 1 else float(value)
