from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.totals import (
    MarginsRefused,
    StaffCount,
    check_equal_totals,
    eligible_margin,
    largest_remainder,
    rescale_margin,
)

shares = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=12).filter(lambda parts: sum(parts) > 1e-6)


def staff(
    category: str, count: int | None, *, paid: bool | None = True, route: str | None = "la_commissioned"
) -> StaffCount:
    return StaffCount(category, paid, head_office=False, count=count, route=route)


@given(shares, st.integers(0, 100_000))
def test_whole_numbers_add_up_and_stay_within_one_of_their_share(parts: list[float], total: int) -> None:
    counts = largest_remainder(parts, total)
    whole = sum(Fraction(repr(part)) for part in parts)

    assert sum(counts) == total
    for part, count in zip(parts, counts, strict=True):
        assert abs(count - Fraction(repr(part)) * total / whole) < 1 + Fraction(1, 10**8)


@pytest.mark.parametrize(
    ("parts", "total", "counts"),
    [
        ([1 / 3, 1 / 3, 1 / 3], 10, (4, 3, 3)),
        ([1 / 6, 2 / 3, 1 / 6], 9, (2, 6, 1)),
        ([0.15, 0.35, 0.5], 10, (2, 3, 5)),
        ([50, 25, 25], 7, (3, 2, 2)),
        ([0.0, 1.0], 5, (0, 5)),
        ([0.4, 0.6], 0, (0, 0)),
    ],
)
def test_equal_remainders_go_by_order(parts: list[float], total: int, counts: tuple[int, ...]) -> None:
    assert largest_remainder(parts, total) == counts


def test_shares_of_nothing_are_refused() -> None:
    with pytest.raises(MarginsRefused, match="add up to nothing"):
        largest_remainder([0, 0], 5)


def test_only_paid_people_outside_head_office_on_a_route_in_scope_count() -> None:
    found = eligible_margin(
        [
            staff("worker", 50),
            staff("worker", 7, route="other"),
            staff("volunteer", 10, paid=False),
            staff("manager", None),
            staff("manager", 15, route="commissioning_team"),
            StaffCount("director", paid=True, head_office=True, count=5, route="la_commissioned"),
        ]
    )

    assert found.total == 65
    assert found.counts == {"worker": 50, "manager": 15}
    assert found.shares == {"worker": Fraction(10, 13), "manager": Fraction(3, 13)}


def test_nobody_eligible_has_no_shares() -> None:
    assert eligible_margin([staff("worker", 0)]).shares == {"worker": None}


def test_an_unanswered_flag_is_not_guessed() -> None:
    with pytest.raises(MarginsRefused, match="worker") as refused:
        eligible_margin([staff("worker", 5, paid=None)])
    assert refused.value.reason == "eligibility_unknown"


def test_a_margin_is_scaled_up_to_two_per_cent_and_no_further() -> None:
    found = rescale_margin([60, 40], 102)
    assert found.factor == Fraction("1.02")
    assert found.margin == (Fraction("61.2"), Fraction("40.8"))

    assert rescale_margin([60, 40], 98).factor == Fraction("0.98")
    for master in (102.001, 97.999):
        with pytest.raises(MarginsRefused, match="do not count the same people"):
            rescale_margin([60, 40], master)


def test_a_margin_of_nothing_cannot_be_scaled() -> None:
    with pytest.raises(MarginsRefused) as refused:
        rescale_margin([0, 0], 100)
    assert refused.value.reason == "zero_denominator"


def test_margins_with_different_totals_are_named() -> None:
    assert check_equal_totals({"region": {"a": 0.1, "b": 0.2}, "type": {"c": 0.3}}) == Fraction("0.3")
    with pytest.raises(MarginsRefused, match="region and type"):
        check_equal_totals({"region": {"a": 60, "b": 40}, "type": {"c": 99}})


def test_figures_below_zero_or_not_finite_are_refused() -> None:
    for broken in (-1, float("nan"), float("inf")):
        with pytest.raises(InvalidRequest):
            rescale_margin([broken, 100], 100)
