from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics import rates
from census_api.statistics.rates import NoRate, Rate, RateBase

COUNTS = st.one_of(st.none(), st.integers(0, 200).map(float))


def test_a_rate_carries_what_it_was_made_of() -> None:
    assert rates.vacancy_rate(8, 92) == Rate(0.08, 8, 100, RateBase.WTE)
    assert rates.establishment_vacancy_rate(8, 160) == Rate(0.05, 8, 160, RateBase.WTE)
    assert rates.turnover_avg(25, 90, 110) == Rate(0.25, 25, 100, RateBase.HEADCOUNT)
    assert rates.starters_rate(45, 90, 110) == Rate(0.45, 45, 100, RateBase.HEADCOUNT)


def test_vacancies_with_nobody_in_post_are_a_rate_of_one() -> None:
    assert rates.vacancy_rate(4, 0).value == 1


@given(COUNTS, COUNTS)
def test_a_rate_has_a_value_or_a_reason(numerator: float | None, denominator: float | None) -> None:
    found = rates.make_rate(numerator, denominator, RateBase.WTE)
    assert (found.value is None) == (found.reason is not None)
    if numerator is None or denominator is None:
        assert found.reason is NoRate.NOT_REPORTED
    elif denominator == 0:
        assert found.reason is (NoRate.NUMERATOR_WITHOUT_DENOMINATOR if numerator else NoRate.ZERO_DENOMINATOR)


@given(
    st.integers(0, 99), st.integers(0, 99), st.integers(0, 50), st.integers(0, 50), st.integers(0, 9), st.integers(0, 9)
)
def test_flows_that_explain_the_change_leave_no_gap(
    opening: int, starters: int, leavers: int, arriving: int, leaving: int, extra: int
) -> None:
    closing = opening + starters - leavers + arriving - leaving
    assert rates.flow_gap(opening, closing + extra, starters, leavers, arriving, leaving) == extra
    assert rates.flow_gap(opening, None, starters, leavers) is None
    assert rates.flow_gap(opening, closing, None, leavers) is None


@given(st.integers(1, 99), st.integers(0, 60), st.integers(0, 60), st.data())
def test_stability_lies_within_its_bounds_whoever_left(
    opening: int, leavers: int, starters: int, data: st.DataObject
) -> None:
    leavers = min(leavers, opening + starters)
    # as many of the leavers as can be were starters, at most all of them
    fewest, most = max(0, leavers - starters), min(leavers, opening)
    cohort = data.draw(st.integers(fewest, most))
    found = rates.measure_stability(opening, cohort, leavers, starters)
    assert found.lower is not None
    assert found.upper is not None
    assert found.index.value is not None
    assert found.lower - 1e-12 <= found.index.value <= found.upper + 1e-12
    assert found.index.numerator == opening - cohort


def test_stability_without_starters_has_only_its_lower_bound() -> None:
    found = rates.measure_stability(80, None, 20, None)
    assert (found.index.value, found.lower, found.upper) == (None, 0.75, None)
    assert found.index.reason is NoRate.NOT_REPORTED


@pytest.mark.parametrize(("months", "exposure"), [(2.9, None), (3, 8.0), (12, 32.0)])
def test_part_years_count_by_exposure_from_three_months(months: float, exposure: float | None) -> None:
    found = rates.part_year(6, 30, 34, months)
    assert found.raw.value == 0.1875
    assert found.exposure == exposure
    assert found.annualised.value == (None if exposure is None else 6 / exposure)
    assert (found.annualised.reason is NoRate.TOO_FEW_MONTHS) == (exposure is None)


@given(st.lists(st.tuples(COUNTS, COUNTS), max_size=12))
def test_the_pool_is_a_ratio_of_sums_over_lines_with_both_items(pairs: list[tuple[float | None, float | None]]) -> None:
    found = rates.pooled_rate(pairs, RateBase.HEADCOUNT)
    kept = [(n, d) for n, d in pairs if n is not None and d is not None and (d > 0 or n == 0)]
    total = sum(d for _, d in kept)
    if total:
        assert found.rate.value == pytest.approx(sum(n for n, _ in kept) / total)
    else:
        assert found.rate.value is None
    assert all(pairs[place][1] == 0 for place in found.excluded)
    assert found.denominator_coverage is None or 0 <= found.denominator_coverage <= 1


def test_the_pool_says_how_much_of_the_denominator_stands_in_it() -> None:
    found = rates.pooled_rate([(1, 10), (None, 30), (2, 0)], RateBase.HEADCOUNT)
    assert found.rate == Rate(0.1, 1, 10, RateBase.HEADCOUNT)
    assert found.excluded == (2,)
    assert found.denominator_coverage == 0.25


def test_regulated_and_unpaid() -> None:
    assert rates.regulated_ratio(12, 60, RateBase.WTE).value == 0.2
    assert rates.regulated_ratio(30, 0, RateBase.WTE).reason is NoRate.NUMERATOR_WITHOUT_DENOMINATOR
    assert rates.share_of(7, 93, RateBase.WTE) == Rate(0.07, 7, 100, RateBase.WTE)
    assert rates.share_of(None, 93, RateBase.WTE).reason is NoRate.NOT_REPORTED
