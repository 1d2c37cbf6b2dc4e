from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from census_api.statistics.margins.raking import Table, oneway_weights, rake_trimmed, rake_weights, worst_miss
from census_api.statistics.margins.totals import MarginPolicy, MarginsRefused

SURVEY = np.array(
    [
        [4, 48, 8, 6, 1],
        [62, 720, 122, 87, 11],
        [18, 196, 33, 23, 3],
        [39, 459, 78, 54, 7],
        [10, 116, 21, 14, 1],
    ],
    dtype=float,
)
"""The survey's tables 2.1 and 2.2 joined under independence; professions by organisation types."""

PROFESSIONS = np.array([3.0, 55, 12, 25, 5])
TYPES = np.array([3.0, 78, 8, 9, 2])

PUBLISHED_WEIGHTS = [
    [0.4603, 1.0345, 0.6244, 0.9969, 1.7560],
    [0.5672, 1.2748, 0.7694, 1.2285, 2.1638],
    [0.4551, 1.0228, 0.6173, 0.9857, 1.7362],
    [0.4055, 0.9113, 0.5500, 0.8782, 1.5469],
    [0.3212, 0.7218, 0.4356, 0.6956, 1.2252],
]


def margins_of(*parts: list[float]) -> list[Table]:
    return [np.array(part, dtype=float) for part in parts]


def test_the_worked_case_of_the_methods() -> None:
    found = rake_weights(SURVEY, [PROFESSIONS, TYPES])

    assert found.precision.n == 2141
    assert found.precision.deff == pytest.approx(1.076805, abs=5e-7)
    assert found.precision.n_eff == pytest.approx(1988.29, abs=5e-3)
    assert found.weights == pytest.approx(np.array(PUBLISHED_WEIGHTS), abs=6e-5)
    assert found.weights.max() / found.weights.min() == pytest.approx(6.74, abs=5e-3)
    assert worst_miss(SURVEY, found.weights, [PROFESSIONS, TYPES]) < 1e-9


@pytest.mark.parametrize(
    ("answers", "target", "deff", "n_eff"),
    [
        ([67, 1002, 273, 637, 162], PROFESSIONS, 1.031158, 2076.31),
        ([135, 1566, 267, 187, 24], TYPES, 1.044013, 2087.14),
    ],
)
def test_one_margin_alone(answers: list[int], target: Table, deff: float, n_eff: float) -> None:
    found = oneway_weights(answers, target.tolist()).precision
    assert found.deff == pytest.approx(deff, abs=1e-5)
    assert found.n_eff == pytest.approx(n_eff, abs=0.02)


def test_commissioners_who_all_work_for_councils_get_another_weight_at_the_same_precision() -> None:
    commissioners = np.array([0.0, 0, 162, 0, 0])
    others = np.outer(SURVEY[:4].sum(axis=1), SURVEY.sum(axis=0) - commissioners) / SURVEY[:4].sum()
    found = rake_weights(np.vstack([others, commissioners]), [PROFESSIONS, TYPES])

    assert found.precision.deff == pytest.approx(1.0665, abs=1e-3)
    assert found.weights[4, 2] == pytest.approx(0.658, abs=5e-3)


@given(
    arrays(np.int64, (3, 4, 2), elements=st.integers(1, 80)),
    arrays(np.int64, (3, 4, 2), elements=st.integers(1, 80)),
)
def test_margins_of_a_real_population_are_achieved(sample: Table, population: Table) -> None:
    margins = [
        population.sum(axis=tuple(other for other in range(3) if other != axis)).astype(float) for axis in range(3)
    ]
    found = rake_weights(sample.astype(float), margins)

    assert worst_miss(sample.astype(float), found.weights, margins) < 1e-9
    assert np.sum(sample * found.weights) == pytest.approx(sample.sum())
    assert found.precision.deff >= 1 - 1e-12


def test_cells_without_answers_have_no_weight() -> None:
    found = rake_weights(np.array([[10.0, 0], [5, 5]]), margins_of([0.4, 0.6], [0.6, 0.4]))
    assert np.isnan(found.weights[0, 1])
    assert found.weights[1, 1] == pytest.approx(0.4 * 20 / 5)


def test_a_category_of_nobody_in_the_population_weighs_nothing() -> None:
    found = oneway_weights([10, 10], [1, 0])
    assert found.weights.tolist() == [2, 0]
    assert found.precision.n_eff == pytest.approx(10)


@pytest.mark.parametrize(
    ("sample", "margins", "reason"),
    [
        ([[5.0, 5], [5, 5]], margins_of([0.5, 0.5], [0.5, 0.6]), "unequal_totals"),
        ([[5.0, 5], [0, 0]], margins_of([0.5, 0.5], [0.5, 0.5]), "empty_category"),
        ([[5.0, 0], [0, 5]], margins_of([0.5, 0.5], [0.4, 0.6]), "not_reached"),
        ([[5.0, 5], [5, 5]], margins_of([0.5, 0.5], [1.0]), "shape"),
        ([[5.0, -5], [5, 5]], margins_of([0.5, 0.5], [0.5, 0.5]), "not_a_count"),
        ([[0.0, 0], [0, 0]], margins_of([0.5, 0.5], [0.5, 0.5]), "zero_denominator"),
    ],
)
def test_misuse_is_refused_by_name(sample: list[list[float]], margins: list[Table], reason: str) -> None:
    with pytest.raises(MarginsRefused) as refused:
        rake_weights(np.array(sample), margins)
    assert refused.value.reason == reason


def test_trimming_cuts_the_largest_and_still_achieves_the_margins() -> None:
    sample, margins = np.array([[2.0, 300], [300, 300]]), margins_of([0.4, 0.6], [0.5, 0.5])
    found = rake_trimmed(sample, margins)

    assert found.cut == 1
    assert found.before.weights.max() > 5
    assert found.after.weights.max() < 5.02
    assert worst_miss(sample, found.after.weights, margins) < 1e-9
    assert rake_trimmed(sample, margins, MarginPolicy(trim_at=Decimal(6))).cut == 0
