from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.comparability.bounds import Growth, cell_bounds, change_bounds, growth_range, percentile
from census_api.statistics.comparability.components import LineYear
from census_api.statistics.comparability.coverage import ExpectedUnit, FrameCoverage, chained_index, measure_coverage
from tests.statistics.comparability.panels import Panel


def test_coverage_by_number_and_by_size_and_the_largest_missing() -> None:
    frame = [
        ExpectedUnit("a", 500, True),
        ExpectedUnit("b", 200, False),
        ExpectedUnit("c", 100, True),
        ExpectedUnit("d", 50, False),
    ]
    assert measure_coverage(frame) == FrameCoverage(0.5, 600 / 850, 200 / 850)


def test_an_unknown_size_is_the_median_of_the_cell() -> None:
    frame = [
        ExpectedUnit("a", 10, True),
        ExpectedUnit("b", 20, True),
        ExpectedUnit("c", 60, True),
        ExpectedUnit("new", None, False),
    ]
    assert measure_coverage(frame).size == 90 / 110


def test_coverage_of_nothing_is_not_known() -> None:
    assert measure_coverage([]) == FrameCoverage(None, None, None)
    assert measure_coverage([ExpectedUnit("a", None, True)]) == FrameCoverage(1.0, None, None)
    assert measure_coverage([ExpectedUnit("a", 5, True)]) == FrameCoverage(1.0, 1.0, 0.0)


def test_the_index_chains_links_and_ends_at_a_gap() -> None:
    assert chained_index([1.1, 0.5]) == [100, pytest.approx(110), pytest.approx(55)]
    assert chained_index([1.1, None, 1.2]) == [100, pytest.approx(110), None, None]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_percentiles_lie_within_the_values_and_keep_their_order(values: list[float]) -> None:
    points = [percentile(values, percent) for percent in (0, 10, 25, 50, 75, 90, 100)]
    assert points[0] == min(values)
    assert points[-1] == pytest.approx(max(values))
    assert all(low <= high + 1e-6 for low, high in itertools.pairwise(points))


def test_growth_is_read_from_the_parent_cell_where_the_cell_is_small() -> None:
    own = [(10.0, 10.0 + i) for i in range(19)]
    parent = [(10.0, 20.0 + i) for i in range(21)]

    def limits(pairs: list[tuple[float, float]], of: Sequence[tuple[float, float]] = ()) -> tuple[float, float]:
        growth = growth_range(pairs, of)
        assert growth is not None
        return growth.low, growth.high

    assert limits([*own, (10.0, 29.0)], parent) == pytest.approx((1.19, 2.71))
    assert limits([*own, (0.0, 29.0)], parent) == pytest.approx((2.2, 3.8))
    assert limits(own) == pytest.approx((1.18, 2.62))
    assert growth_range([(0.0, 5.0)]) is None


def test_bounds_without_missing_units_are_the_real_change() -> None:
    bounds = change_bounds(6, 0, 0, Growth(0.9, 1.2))
    assert (bounds.low, bounds.high, bounds.reported) == (6, 6, 6)
    assert bounds.reported_inside


def test_a_growth_of_zero_bounds_the_lost_but_not_the_recovered() -> None:
    assert change_bounds(0, 40, 0, Growth(0, 1)).low == -40
    open_below = change_bounds(0, 40, 25, Growth(0, 1))
    assert open_below.low is None
    assert open_below.high == 0
    assert open_below.reported_inside


@given(st.floats(-100, 100), st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 1), st.floats(1, 3))
def test_bounds_hold_for_any_growth_of_the_missing_within_the_range(
    real: float, lost: float, recovered: float, low: float, high: float
) -> None:
    bounds = change_bounds(real, lost, recovered, Growth(low, high))
    for growth in (low, 1.0, high):
        change = real + lost * (growth - 1) + recovered * (1 - 1 / growth)
        assert bounds.low is not None
        assert bounds.high is not None
        assert bounds.low - 1e-9 <= change <= bounds.high + 1e-9


def test_a_cell_that_lost_a_large_answer_lies_outside_its_bounds() -> None:
    panel = Panel(
        (LineYear("a", "A", True, 200.0), LineYear("b", "B", True, 40.0), LineYear("c", "C", True, None)),
        (LineYear("a", "A", True, 206.0), LineYear("b", "B", True, None), LineYear("c", "C", True, 25.0)),
    )
    bounds = cell_bounds(panel.decomposed(), Growth(0.9, 1.2))
    assert bounds is not None
    assert bounds.reported == -9
    assert math.isclose(bounds.low or 0, -0.7777777777777786)
    assert not bounds.reported_inside
    assert cell_bounds(panel.decomposed(), None) is None
