from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.nonresponse.bootstrap import Respondent, Weights, bootstrap_interval
from census_api.statistics.nonresponse.classes import ratio_adjust
from census_api.statistics.nonresponse.estimates import (
    Advice,
    FlowUnit,
    FrameUnit,
    ImputationStep,
    UnitValue,
    estimate_flow,
    estimate_total,
    give_advice,
    make_interval,
)
from census_api.statistics.nonresponse.panel_growth import Matched, link_interval
from census_api.statistics.policy import EstimatePolicy

POLICY = EstimatePolicy()


def unit(name: str, size: float | None, value: float | None, previous: float | None = None) -> FrameUnit:
    return FrameUnit(name, name, "voluntary", 1, size, value, previous)


def test_a_full_response_is_its_own_estimate() -> None:
    found = estimate_total([unit("a", 10, 12), unit("b", 20, 18)])
    assert [found.reported, found.estimated, found.variance, found.imputed_share] == [30, 30, 0, 0]
    assert list(found.interval or ()) == [30, 30]
    assert found.advice is Advice.PUBLISH


def test_each_missing_unit_takes_the_first_way_that_applies() -> None:
    frame = [unit(f"r{i}", 10, 21, 20) for i in range(6)]
    frame += [unit("rolled", 10, None, 40), unit("constructed", 30, None), unit("unknown", None, None)]
    found = estimate_total(frame)
    assert found.units[-3:] == (
        UnitValue("rolled", 42, ImputationStep.ROLLED_FORWARD),
        UnitValue("constructed", 63, ImputationStep.CONSTRUCTED),
        UnitValue("unknown", 21, ImputationStep.CLASS_MEDIAN),
    )
    assert found.estimated == pytest.approx(126 + 42 + 63 + 21)
    assert found.reported == 126


def test_a_partial_return_keeps_what_it_reported() -> None:
    frame = [unit(f"r{i}", 10, 10, 10) for i in range(5)]
    frame += [replace(unit("p1", 10, 14, 14), parent="P"), replace(unit("p2", 10, None, 6), parent="P")]
    found = estimate_total(frame)
    assert found.units[-2] == UnitValue("p1", 14, ImputationStep.REPORTED)
    assert found.units[-1] == UnitValue("p2", 6, ImputationStep.ROLLED_FORWARD)


def test_the_jackknife_of_a_constructed_class_is_that_of_ratio_adjust() -> None:
    y, z = [12.0, 18.0, 30.0, 7.0, 20.0], [10.0, 20.0, 30.0, 9.0, 18.0]
    frame = [unit(f"r{i}", size, value) for i, (value, size) in enumerate(zip(y, z, strict=True))]
    frame += [unit("m1", 25, None), unit("m2", 8, None)]
    found, plain = estimate_total(frame), ratio_adjust(y, z, sum(z) + 33, 7)
    assert found.estimated == pytest.approx(plain.total)
    assert found.variance == pytest.approx(plain.var_jackknife)


def test_a_sector_without_any_answer_is_not_estimated() -> None:
    other = FrameUnit("x", "x", "nhs", 1, 40, None, 30)
    found = estimate_total([*(unit(f"r{i}", 10, 10, 10) for i in range(6)), other])
    assert found.units[-1] == UnitValue("x", None, ImputationStep.NOT_ESTIMATED)
    assert (found.estimated, found.interval, found.advice) == (None, None, Advice.SUPPRESS)
    assert found.reported == 60


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 60), st.booleans(), st.booleans()), min_size=1, max_size=25)
)
def test_units_stay_in_order_and_what_was_reported_stands(rows: list[tuple[int, int, bool, bool]]) -> None:
    frame = [
        FrameUnit(
            f"u{i}", f"p{i % 7}", "voluntary", band, size, size * 1.5 if answered else None, size if known else None
        )
        for i, (band, size, answered, known) in enumerate(rows)
    ]
    found = estimate_total(frame)
    assert [one.unit for one in found.units] == [one.unit for one in frame]
    for one, value in zip(frame, found.units, strict=True):
        assert (value.step is ImputationStep.REPORTED) == (one.value is not None)
        assert one.value is None or value.value == one.value
    if found.estimated is not None:
        assert found.estimated >= found.reported - 1e-9
    assert found.variance is None or found.variance >= 0
    backwards = estimate_total(list(reversed(frame)))
    assert backwards.reported == pytest.approx(found.reported)
    assert backwards.estimated == pytest.approx(found.estimated)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Missing at random in one class, 80% answering: four populations of 80 units, 100 responses each."""
    held, squares, variances = 0, [], []
    for population in range(4):
        draw = random.Random(population)
        truth = [(size := draw.lognormvariate(3, 0.8), size * draw.uniform(0.8, 1.2)) for _ in range(80)]
        total = sum(y for _, y in truth)
        for _ in range(100):
            frame = [unit(f"u{i}", z, y if draw.random() < 0.8 else None) for i, (z, y) in enumerate(truth)]
            found = estimate_total(frame)
            assert found.interval is not None
            assert found.estimated is not None
            assert found.variance is not None
            held += found.interval[0] <= total <= found.interval[1]
            squares.append((found.estimated - total) ** 2)
            variances.append(found.variance)
    assert 0.94 <= held / 400 <= 0.99
    assert statistics.fmean(variances) == pytest.approx(statistics.fmean(squares), rel=0.2)


@pytest.mark.parametrize(
    ("total", "variance", "imputed", "expected"),
    [
        (100, 400, 0.25, Advice.PUBLISH),
        (100, 401, 0.25, Advice.CAUTION),
        (100, 0, 0.2501, Advice.CAUTION),
        (100, 1089, 0.5, Advice.CAUTION),
        (100, 1090, 0.1, Advice.SUPPRESS),
        (100, 0, 0.501, Advice.SUPPRESS),
        (100, None, 0.1, Advice.SUPPRESS),
        (None, 0, 0.1, Advice.SUPPRESS),
        (0, 0, None, Advice.PUBLISH),
    ],
)
def test_what_may_be_published(
    total: float | None, variance: float | None, imputed: float | None, expected: Advice
) -> None:
    assert give_advice(total, variance, imputed, POLICY) is expected


def test_thin_coverage_widens_the_interval_by_a_quarter() -> None:
    assert make_interval(100, 25, 0.9, POLICY) == pytest.approx((90.2, 109.8))
    assert make_interval(100, 25, 0.89, POLICY) == pytest.approx((87.75, 112.25))
    assert make_interval(100, 25, None, POLICY) == pytest.approx((87.75, 112.25))


def test_missing_flows_are_the_rate_of_the_class_and_never_last_years() -> None:
    units = [
        FlowUnit("a", "h", 5, 50),
        FlowUnit("b", "h", 0, 50),
        FlowUnit("c", "h", None, 40),
        FlowUnit("d", "k", None, 9),
    ]
    assert estimate_flow(units) == [
        UnitValue("a", 5, ImputationStep.REPORTED),
        UnitValue("b", 0, ImputationStep.REPORTED),
        UnitValue("c", 2, ImputationStep.CONSTRUCTED),
        UnitValue("d", None, ImputationStep.NOT_ESTIMATED),
    ]


def test_growth_of_the_panel_leaves_out_parents_with_both_their_years() -> None:
    matched = [Matched("P", 50, 60), Matched("P", 50, 50), Matched("Q", 100, 100), Matched("R", 40, 44)]
    found = link_interval(matched, 8, 0.95)
    links = [144 / 140, 154 / 140, 210 / 200]
    expected = 0.5 * 2 / 3 * sum((link - 254 / 240) ** 2 for link in links)
    assert found.link == pytest.approx(254 / 240)
    assert found.variance == pytest.approx(expected)
    assert link_interval(matched[:2], 8, 0.95).interval is None
    assert link_interval([], 8, 0.95).link is None
    assert link_interval(matched, 4, 0.95).variance == 0


def test_the_bootstrap_repeats_with_its_seed_and_agrees_with_the_jackknife() -> None:
    draw = random.Random(3)
    z = [draw.uniform(5, 50) for _ in range(60)]
    y = [size * draw.uniform(0.7, 1.3) for size in z]
    values, sizes = np.array(y), np.array(z)

    def total(weights: Weights) -> float:
        return float((weights * values).sum() / (weights * sizes).sum() * sum(z) / 0.75)

    respondents = [Respondent(f"p{i}", "h") for i in range(60)]
    found = bootstrap_interval(respondents, {"h": 0.75}, total, seed=11)
    assert found == bootstrap_interval(respondents, {"h": 0.75}, total, seed=11)
    assert found is not None
    assert found.draws == 1000
    jackknife = ratio_adjust(y, z, sum(z) / 0.75, 80).var_jackknife
    assert jackknife is not None
    assert found.standard_error == pytest.approx(math.sqrt(jackknife), rel=0.1)
    assert found.interval[0] < statistics.fmean(found.interval) < found.interval[1]


def test_the_bootstrap_of_a_full_response_does_not_vary() -> None:
    values = np.array([1.0, 5.0, 9.0])
    respondents = [Respondent(name, "h") for name in "abc"]
    found = bootstrap_interval(respondents, {"h": 1.0}, lambda weights: float((weights * values).sum()), seed=1)
    assert found is not None
    assert found.standard_error == 0
    assert bootstrap_interval(respondents, {"h": 1.0}, lambda _: None, seed=1) is None
    with pytest.raises(InvalidRequest, match="response share"):
        bootstrap_interval(respondents, {}, lambda _: 0.0, seed=1)
