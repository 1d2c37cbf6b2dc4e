from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.disclosure.primary import (
    Contribution,
    Differencing,
    Dominance,
    ReleasedFigure,
    by_parent,
    by_unit,
    measure_differencing,
    measure_dominance,
    required_protection,
    round_count,
    sensitive_count,
    sensitive_row,
    sole_contributors,
)

sizes = st.lists(st.integers(0, 500), max_size=8)


@pytest.mark.parametrize(
    ("count", "sensitive"), [(None, False), (0, False), (0.5, True), (1, True), (4, True), (4.99, True), (5, False)]
)
def test_a_count_is_sensitive_from_one_to_below_the_minimum(count: float | None, sensitive: bool) -> None:
    assert sensitive_count(count) is sensitive


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        sensitive_count(-1)


@pytest.mark.parametrize(
    ("row", "cells", "total"),
    [
        ([3, 6, 1], (True, False, True), False),
        ([2, 1, 1], (True, True, True), True),
        ([2, 2, 1], (True, True, True), False),
        ([0, 4, 0], (False, True, False), True),
        ([0, 0, 0], (False, False, False), False),
        # everybody is in the second category, and the zeros would say so
        ([0, 7, 0], (True, False, True), False),
        ([0, 7, None], (False, False, False), False),
        ([], (), False),
    ],
)
def test_rows(row: list[int | None], cells: tuple[bool, ...], total: bool) -> None:
    found = sensitive_row(row)
    assert (found.cells, found.total) == (cells, total)


def test_a_remainder_on_the_threshold_protects() -> None:
    # 0.1 * 70 is above 7 in doubles
    assert not measure_dominance([70, 23, 7]).p_fail
    assert measure_dominance([70, 23, 6.999]).p_fail
    assert measure_dominance([0.7, 0.2, 0.07]).p_need == 0


def test_two_may_hold_exactly_k_per_cent() -> None:
    assert measure_dominance([70, 15, 15], nk=(2, 85)).nk_fail is False
    assert measure_dominance([70, 15.1, 14.9], nk=(2, 85)).nk_fail is True
    assert measure_dominance([70, 15, 15]).nk_fail is None
    assert measure_dominance([100, 0], nk=(2, 85)).nk_fail is True


def test_one_contributor_and_none() -> None:
    alone = measure_dominance([50], nk=(2, 85))
    assert alone == Dominance(contributors=1, p_fail=True, p_need=Fraction(5), nk_fail=True, org_fail=True)
    nobody = measure_dominance([], nk=(2, 85))
    assert nobody == Dominance(contributors=0, p_fail=False, p_need=Fraction(0), nk_fail=False, org_fail=True)


def test_who_adds_nothing_does_not_contribute() -> None:
    assert measure_dominance([70, 20, 10, 0, None]).contributors == 3
    assert measure_dominance([70, 20, 0]).org_fail


@given(sizes, st.randoms(use_true_random=False))
def test_the_order_of_contributions_does_not_matter(values: list[int], shuffler: object) -> None:
    assert measure_dominance(values) == measure_dominance(sorted(values))


@given(st.lists(st.tuples(st.sampled_from(["P", "Q", None]), st.sampled_from("abcde"), st.integers(0, 90))))
def test_parents_are_never_more_than_units_and_hold_the_same_total(records: list[tuple[str | None, str, int]]) -> None:
    contributions = [Contribution(*record) for record in records]
    units, parents = by_unit(contributions), by_parent(contributions)
    assert sum(units) == sum(parents) == sum(value for _, _, value in records)
    assert measure_dominance(parents).contributors <= measure_dominance(units).contributors


def test_organisations_that_stand_alone_are_their_own_parents() -> None:
    records = [
        Contribution(None, "a", 5),
        Contribution(None, "b", 5),
        Contribution("a", "c", 5),
        Contribution(None, "a", 1),
    ]
    assert sorted(by_parent(records)) == [5, 5, 6]


@pytest.mark.parametrize(
    ("later", "parents", "blocked"),
    [
        ("abc", 0, False),
        ("abcd", 1, True),
        ("abcde", 2, True),
        ("abcdef", 3, False),
        ("abd", 2, True),
        ("def", 6, False),
    ],
)
def test_two_releases_differ_by_nobody_or_by_enough(later: str, parents: int, blocked: bool) -> None:
    found = measure_differencing(ReleasedFigure(80, frozenset("abc")), ReleasedFigure(95, frozenset(later)))
    assert found == Differencing(Fraction(15), parents, blocked)


def test_three_organisations_of_one_parent_are_one() -> None:
    later = ReleasedFigure(None, frozenset("abcdef"))
    found = measure_differencing(ReleasedFigure(80, frozenset("abc")), later, parent_of={"d": "P", "e": "P", "f": "P"})
    assert found == Differencing(None, 1, blocked=True)


@pytest.mark.parametrize(
    ("value", "out"),
    [
        (None, None),
        (0, 0),
        (4.9, None),
        (5, 5),
        (7, 5),
        (7.5, 10),
        (12.5, 15),
        (-12.5, -15),
        (-3, None),
        (1002.5, 1005),
    ],
)
def test_rounding_goes_half_away_from_zero(value: float | None, out: int | None) -> None:
    assert round_count(value) == out


def test_rounding_to_another_base() -> None:
    assert [round_count(value, minimum=1, base=10) for value in (4, 5, 14.999, 15)] == [0, 10, 10, 20]
    with pytest.raises(InvalidRequest):
        round_count(7, base=0)


def needs(headcount: int, dominated: Dominance) -> list[Fraction]:
    return list(required_protection(headcount, dominated))


def test_protection_is_the_widest_that_any_rule_asks_for() -> None:
    safe = measure_dominance([10, 10, 10])
    assert needs(30, safe) == [0, 0]
    assert needs(0, measure_dominance([])) == [0, 0]
    assert needs(3, measure_dominance([1, 1, 1])) == [2, 2]
    assert needs(100, measure_dominance([50, 50])) == [10, 10]
    assert needs(100, measure_dominance([70, 25, 5])) == [2, 2]
    assert needs(4, measure_dominance([4])) == [3, 1]


def test_who_stands_alone_knows_the_cell() -> None:
    assert sole_contributors([["a"], ["a", "b"], ["b", "b"], [], ["a"]]) == {"a": {0, 4}, "b": {2}}
