from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.nonresponse.classes import (
    ClassSums,
    Missing,
    Treatment,
    collapse_classes,
    collapsed_total,
    dominant_nonrespondent,
    ratio_adjust,
)

SIZES = st.lists(st.integers(1, 300).map(float), min_size=2, max_size=15)


@given(SIZES, st.floats(0, 500))
def test_a_measure_in_proportion_to_size_is_estimated_without_error(sizes: list[float], more: float) -> None:
    found = ratio_adjust([2 * z for z in sizes], sizes, sum(sizes) + more, len(sizes) + 2)
    assert found.total == pytest.approx(2 * (sum(sizes) + more))
    assert found.var_linear == pytest.approx(0, abs=1e-6)
    assert found.var_jackknife == pytest.approx(0, abs=1e-6)


def test_units_of_one_parent_are_left_out_together() -> None:
    y, z = [12.0, 18.0, 30.0, 9.0], [10.0, 20.0, 30.0, 9.0]
    apart = ratio_adjust(y, z, 90, 6)
    together = ratio_adjust(y, z, 90, 6, ["P", "P", "Q", "R"])
    merged = ratio_adjust([30.0, 30.0, 9.0], [30.0, 30.0, 9.0], 90, 6)
    assert together.var_linear == apart.var_linear
    assert together.var_jackknife == merged.var_jackknife == 0
    assert apart.var_jackknife != 0
    assert ratio_adjust(y, z, 90, 6, ["P"] * 4).var_jackknife is None


def strong(y: float = 10, frame: float = 10) -> ClassSums:
    return ClassSums(5, y, 10, frame)


def weak(y: float = 4, frame: float = 10) -> ClassSums:
    return ClassSums(4, y, 8, frame)


@pytest.mark.parametrize(
    ("classes", "groups"),
    [
        ([strong(), strong()], [(0,), (1,)]),
        ([strong(frame=20), strong()], [(0,), (1,)]),
        ([strong(frame=21), strong(frame=12)], [(0, 1)]),
        ([weak(), strong(), strong()], [(0, 1), (2,)]),
        ([strong(), strong(), weak()], [(0,), (1, 2)]),
        ([strong(), weak(), strong()], [(0,), (1, 2)]),
        ([strong(frame=200), strong(), strong()], [(0, 1, 2)]),
        ([ClassSums(0, 0, 0, 5), weak(), strong()], [(0, 1, 2)]),
        ([weak()], [(0,)]),
        ([], []),
    ],
)
def test_weak_classes_join_the_next_then_all(classes: list[ClassSums], groups: list[tuple[int, ...]]) -> None:
    assert collapse_classes(classes) == groups


@given(
    st.lists(st.builds(ClassSums, st.integers(0, 9), st.floats(0, 99), st.floats(0, 99), st.floats(0, 99)), max_size=7)
)
def test_every_class_stands_in_one_group_in_order(classes: list[ClassSums]) -> None:
    groups = collapse_classes(classes)
    assert [place for group in groups for place in group] == list(range(len(classes)))


def test_a_frame_without_respondents_has_no_total() -> None:
    assert collapsed_total([ClassSums(0, 0, 0, 30)], [(0,)]) is None
    assert collapsed_total([ClassSums(0, 0, 0, 0), strong(7, 20)], [(0,), (1,)]) == 14


def test_only_the_dominating_missing_unit_stands_for_itself() -> None:
    missing = [Missing(10, 12), Missing(80, 90)]
    found = dominant_nonrespondent(ClassSums(2, 20, 20, 110), 1.0, missing)
    assert found.used is Treatment.ROLLED_FORWARD
    assert found.total == 20 * 1.5 + 90
    assert found.imputed_share == 100 / 120
    assert found.plain_total == 110


def test_a_factor_at_its_cap_is_left_alone() -> None:
    found = dominant_nonrespondent(ClassSums(2, 20, 20, 40), 1.0, [Missing(20, 90)])
    assert (found.used, found.total) == (Treatment.WEIGHTED, 40)


def test_without_any_respondent_there_is_no_total() -> None:
    found = dominant_nonrespondent(ClassSums(0, 0, 0, 40), None, [Missing(40, 90)])
    assert (found.plain_factor, found.plain_total, found.total, found.imputed_share) == (None, None, None, None)


@given(SIZES, st.lists(st.tuples(st.integers(1, 900), st.integers(0, 900)), max_size=6))
def test_the_total_is_never_below_what_was_reported(sizes: list[float], absent: list[tuple[int, int]]) -> None:
    missing = [Missing(float(size), float(previous)) for size, previous in absent]
    respondents = ClassSums(len(sizes), sum(sizes), sum(sizes), sum(sizes) + sum(unit.size for unit in missing))
    found = dominant_nonrespondent(respondents, 1.1, missing)
    assert found.total is not None
    assert found.total >= sum(sizes) - 1e-6
    assert math.isfinite(found.total)
