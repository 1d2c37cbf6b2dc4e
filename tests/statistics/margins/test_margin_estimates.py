"""Lines that did not answer, stood in for: against the estimator of totals, and one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.margins.estimated_totals import SIZE_BANDS, EligibleLine, adjust_totals, report_totals
from census_api.statistics.margins.totals import MarginsRefused
from census_api.statistics.nonresponse.estimates import FrameUnit, estimate_total

CATEGORIES = (("north", "south"), ("workers", "nurses"), ("charity", "nhs"))


def line(
    unit: int, workers: float | None, nurses: float = 0, *, size: float | None = 20, kind: str = "charity"
) -> EligibleLine:
    counts = None if workers is None else {"workers": workers, "nurses": nurses}
    region = CATEGORIES[0][unit % 2]
    return EligibleLine(
        str(unit), f"parent {unit // 2}", kind, "adult", region, kind, in_frame=True, size=size, counts=counts
    )


def test_reported_is_who_was_counted() -> None:
    found = report_totals([line(0, 5, 3), line(1, None), line(2, 7)], CATEGORIES)
    assert found.total == 15
    assert found.margin(1) == {"workers": 12, "nurses": 3}
    assert found.margin(2) == {"charity": 15, "nhs": 0}


def test_a_missing_line_is_spread_as_those_of_its_kind() -> None:
    lines = [line(unit, 15, 5) for unit in range(10)]
    found = adjust_totals([*lines, line(10, None, size=40)], CATEGORIES)
    assert found.total == 240
    assert found.margin(1) == {"workers": 180, "nurses": 60}
    assert found.margin(0)["north"] - found.margin(0)["south"] == 40


def test_a_missing_line_is_spread_as_last_year_where_that_is_known() -> None:
    lines = [replace(line(unit, 15, 5), previous={"workers": 15, "nurses": 5}) for unit in range(10)]
    missing = replace(line(10, None), previous={"workers": 1.0, "nurses": 3.0})
    found = adjust_totals([*lines, missing], CATEGORIES)
    assert found.margin(1) == {"workers": 151, "nurses": 53}


def test_a_line_that_was_not_expected_is_not_stood_in_for() -> None:
    lines = [line(unit, 20) for unit in range(10)]
    stranger = replace(line(10, None), in_frame=False)
    assert adjust_totals([*lines, stranger], CATEGORIES).total == 200


def test_who_nobody_resembles_cannot_be_stood_in_for() -> None:
    with pytest.raises(MarginsRefused, match="nobody like them"):
        adjust_totals([line(0, 5), line(1, None, kind="nhs")], CATEGORIES)


def test_one_parent_alone_says_nothing_of_the_error() -> None:
    lines = [line(0, 20), line(1, 20), line(2, None)]
    assert adjust_totals(lines, CATEGORIES).standard_error["organisation_type"] == {"charity": None, "nhs": 0.0}
    assert report_totals(lines, CATEGORIES).standard_error["profession_group"]["workers"] is None


people = st.tuples(
    st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 20), st.integers(1, 80),
    st.one_of(st.none(), st.integers(1, 60)),
)  # fmt: skip


@given(st.lists(people, min_size=4, max_size=30))
def test_totals_and_errors_are_those_of_the_estimator(
    answers: list[tuple[int | None, int, int, int | None]],
) -> None:
    lines = [
        replace(
            line(number, workers, nurses if workers is not None else 0, size=size),
            previous=None if before is None else {"workers": float(before)},
        )
        for number, (workers, nurses, size, before) in enumerate(answers)
    ]
    frame = [
        FrameUnit(
            each.unit, each.parent, each.sector, sum(1 for start in SIZE_BANDS if (each.size or 0) >= start), each.size,
            None if each.counts is None else math.fsum(each.counts.values()),
            None if each.previous is None else math.fsum(each.previous.values()),
        )
        for each in lines
    ]  # fmt: skip
    expected = estimate_total(frame)
    try:
        found = adjust_totals(lines, CATEGORIES)
    except MarginsRefused:
        answered = [each for each in lines if each.counts is not None]
        assert expected.estimated is None or not any(each.counts and any(each.counts.values()) for each in answered)
        return
    assert expected.estimated is not None
    assert float(found.total) == pytest.approx(expected.estimated, abs=1e-6)
    assert {sum(found.margin(axis).values(), Fraction(0)) for axis in range(3)} == {found.total}
    error = found.standard_error["organisation_type"]["charity"]
    if expected.variance is None:
        assert error is None or not expected.estimated
    else:
        assert error == pytest.approx(math.sqrt(expected.variance), rel=1e-6, abs=1e-6)
