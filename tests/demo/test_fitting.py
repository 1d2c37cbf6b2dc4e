"""Whole numbers with a given sum, raking, and rounding that carries its remainder."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.demo.fitting import Carry, apportion_total, draw_around, draw_chance, fit_total, rake_cells

_CELLS = st.lists(
    st.tuples(st.floats(0.01, 500), st.floats(0, 0.999), st.integers(0, 3), st.integers(3, 60)), min_size=1, max_size=40
)


@given(_CELLS, st.floats(0, 1))
def test_fit_meets_every_total_that_the_bounds_allow(cells: list[tuple[float, float, int, int]], where: float) -> None:
    weights, offsets, low, high = (list(part) for part in zip(*cells, strict=True))
    total = sum(low) + int(where * (sum(high) - sum(low)))
    numbers = fit_total(total, weights, offsets, low, high)
    assert sum(numbers) == total
    assert all(least <= number <= most for least, number, most in zip(low, numbers, high, strict=True))


def test_fit_gives_the_nearest_sum_when_the_bounds_forbid_the_total() -> None:
    assert fit_total(100, [1.0, 2.0], [0.5, 0.5], [0, 0], [3, 4]) == [3, 4]
    assert fit_total(0, [1.0, 2.0], [0.5, 0.5], [1, 2], [3, 4]) == [1, 2]
    assert fit_total(5, [], [], [], []) == []


def test_fit_keeps_cells_where_they_were_when_the_total_hardly_moves() -> None:
    weights = [1 + 5 * draw_chance("weight", i) for i in range(200)]
    offsets = [draw_chance("offset", i) for i in range(200)]
    before = fit_total(900, weights, offsets, [0] * 200, [900] * 200)
    after = fit_total(905, weights, offsets, [0] * 200, [900] * 200)
    assert sum(after) == 905
    assert sum(abs(new - old) for new, old in zip(after, before, strict=True)) == 5


@given(st.integers(0, 5000), st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_apportion_is_within_one_of_the_exact_share(total: int, ideals: list[float]) -> None:
    numbers = apportion_total(total, ideals)
    whole = sum(ideals)
    assert sum(numbers) == (total if whole > 0 else 0)
    if whole > 0:
        assert all(abs(n - total * ideal / whole) < 1 + 1e-6 for n, ideal in zip(numbers, ideals, strict=True))


def test_rake_meets_both_margins_and_leaves_empty_cells_empty() -> None:
    cells = {("a", "x"): 1.0, ("a", "y"): 4.0, ("b", "x"): 2.0, ("b", "y"): 0.0, ("b", "z"): 3.0}
    margins = [
        ([("a", "x"), ("a", "y")], 30.0), ([("b", "x"), ("b", "y"), ("b", "z")], 20.0),
        ([("a", "x"), ("b", "x")], 18.0), ([("a", "y"), ("b", "y")], 20.0), ([("b", "z")], 12.0),
    ]  # fmt: skip
    raked = rake_cells(cells, margins, rounds=200)
    assert raked["b", "y"] == 0
    for keys, total in margins:
        assert math.isclose(sum(raked[key] for key in keys), total, rel_tol=1e-6)


@given(st.lists(st.integers(1, 40), min_size=30, max_size=80), st.integers(0, 10**6))
def test_carry_keeps_every_row_whole_and_the_sum_near_the_shares(rows: list[int], seed: int) -> None:
    shares = [0.5, 0.3, 0.15, 0.05]
    carry = Carry(len(shares))
    sums = [0] * len(shares)
    for number, people in enumerate(rows):
        tilts = [draw_around(0.2, seed, number, category) for category in range(len(shares))]
        placed = carry.place(people, shares, tilts, people // 5)
        assert sum(placed) == people
        assert min(placed) >= 0
        assert placed[-1] <= people // 5
        sums = [total + got for total, got in zip(sums, placed, strict=True)]
    for total, share in zip(sums, shares, strict=True):
        assert abs(total - share * sum(rows)) <= 0.1 * sum(rows)


def test_chance_is_the_same_on_every_machine() -> None:
    assert draw_chance(20260630, "area", "E06000001") == pytest.approx(0.004036881324, abs=1e-12)
    assert all(0.7 <= draw_around(0.3, "width", i) <= 1.3 for i in range(500))
