from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.statistics.disclosure.attacker import Requirement, audit_pattern
from census_api.statistics.disclosure.linked_table import LinkedTable, Values, with_published_totals, with_totals
from census_api.statistics.disclosure.suppression import (
    Pattern,
    SuppressionProblem,
    insider_requirements,
    suppress_cells,
)


def both_ways(table: LinkedTable, cells: list[int], need: float) -> tuple[Requirement, ...]:
    down = [Requirement(cell, -1, min(need, float(table.values[cell]))) for cell in cells]
    return (*down, *(Requirement(cell, 1, need) for cell in cells))


def random_problem(seed: int, prior_reach: float = 20) -> SuppressionProblem:
    """A 4 x 4 x 3 table with totals, about a tenth of it sensitive."""
    chance = np.random.default_rng(seed)
    table = with_totals(chance.poisson(chance.lognormal(2.5, 1, (4, 4, 3))).astype(float), prior_reach)
    filled = np.flatnonzero(table.values > 0)
    primary = sorted(chance.choice(filled, size=len(filled) // 10, replace=False).tolist())
    return SuppressionProblem(table, frozenset(primary), np.log1p(table.values), both_ways(table, primary, 2))


def cheapest_by_trying_all(problem: SuppressionProblem) -> float | None:
    costs = [
        float(np.sum(problem.weights[list(some)]))
        for size in range(len(problem.candidates) + 1)
        for some in itertools.combinations(problem.candidates, size)
        if not audit_pattern(problem.table, problem.primary | set(some), problem.requirements)
    ]
    return min(costs, default=None)


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 6, 8, 20, 40]), min_size=6, max_size=6),
    st.sampled_from([1, 2, 5]),
    st.data(),
)
def test_no_safe_pattern_is_cheaper(cells: list[int], need: int, data: st.DataObject) -> None:
    table = with_published_totals(np.array(cells, dtype=float).reshape(2, 3))
    filled = [cell for cell, value in enumerate(cells) if value]
    primary = data.draw(st.sets(st.sampled_from(filled), min_size=1, max_size=2)) if filled else set()
    problem = SuppressionProblem(table, frozenset(primary), table.values, both_ways(table, sorted(primary), need))
    found = suppress_cells(problem)
    best = cheapest_by_trying_all(problem)

    assert (best is None) == bool(found.unattainable)
    if best is not None:
        assert found.proved
        assert found.safe
        assert found.cost == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_the_attacker_finds_nothing_in_a_table_of_three_dimensions(seed: int) -> None:
    problem = random_problem(seed)
    assert audit_pattern(problem.table, problem.primary, problem.requirements), (
        "the table needs no protection, so shows nothing"
    )
    found = suppress_cells(problem)

    assert found.proved
    assert found.gap == 0
    assert not found.breaches
    attainable = [each for each in problem.requirements if each not in found.unattainable]
    assert not audit_pattern(problem.table, problem.primary | set(found.secondary), attainable)


def test_without_time_the_pattern_is_still_safe_and_says_how_good_it_is() -> None:
    problem = random_problem(1)
    best, hurried = suppress_cells(problem), suppress_cells(problem, time_limit=0.0)

    assert not hurried.proved
    assert not hurried.breaches
    assert hurried.cost >= best.cost - 1e-6
    assert hurried.lower_bound <= best.cost + 1e-6
    assert 0 <= hurried.gap <= 1


def test_organisations_that_stand_alone_cost_more_cells_and_then_learn_nothing() -> None:
    table = with_published_totals(np.array([[20.0, 50, 10, 30], [8, 19, 22, 11], [17, 32, 12, 40], [9, 7, 14, 6]]))
    mine, other = table.cell(1, 2), table.cell(0, 0)
    outside = both_ways(table, [mine, other], 3)
    inside = insider_requirements(table, outside, [frozenset({table.cell(1, 0)})])
    assert inside
    assert all(each.known == {table.cell(1, 0)} for each in inside)

    open_to_insiders = suppress_cells(SuppressionProblem(table, frozenset({mine, other}), table.values, outside))
    safe = suppress_cells(SuppressionProblem(table, frozenset({mine, other}), table.values, (*outside, *inside)))
    assert safe.safe
    assert safe.cost >= open_to_insiders.cost


def test_insiders_attack_only_what_shares_a_sum_with_their_cells() -> None:
    table = with_published_totals(np.ones((3, 3)))
    needs = [Requirement(table.cell(0, 1), 1, 1), Requirement(table.cell(1, 1), 1, 1), Requirement(0, 1, 1)]
    found = insider_requirements(table, needs, [frozenset({0})])
    assert found == (Requirement(table.cell(0, 1), 1, 1, frozenset({0})),)


def test_true_zeros_and_fixed_cells_stay_published() -> None:
    values: Values = np.array([[5.0, 0, 9], [0, 3, 9], [9, 9, 9]])
    table = with_published_totals(values)
    needs = both_ways(table, [0], 2)
    found = suppress_cells(SuppressionProblem(table, frozenset({0}), np.ones(9), needs, fixed=frozenset({2})))
    assert not set(found.secondary) & {1, 2, 3}
    assert found.unattainable == needs


def test_what_no_pattern_can_protect_is_named_and_the_rest_protected() -> None:
    table = with_published_totals(np.array([[5.0, 0, 0], [0, 30, 40], [0, 50, 60]]))
    needs = both_ways(table, [0, 4], 2)
    found = suppress_cells(SuppressionProblem(table, frozenset({0, 4}), np.ones(9), needs))
    assert {each.cell for each in found.unattainable} == {0}
    assert found.secondary == (5, 7, 8)
    assert not found.breaches
    assert not found.safe


def test_nothing_sensitive_costs_nothing() -> None:
    table = with_published_totals(np.ones((2, 2)))
    assert suppress_cells(SuppressionProblem(table, frozenset(), np.ones(4), ())) == Pattern(
        (), 0.0, 0.0, proved=True, unattainable=(), breaches=()
    )
