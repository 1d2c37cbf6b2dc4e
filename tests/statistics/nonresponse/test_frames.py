from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.nonresponse.estimates import FrameUnit, estimate_total
from census_api.statistics.nonresponse.frames import STEPS, UnitFrame, as_estimates, impute_frame, make_classes
from census_api.statistics.policy import EstimatePolicy

POLICY = EstimatePolicy()
AMOUNTS = st.one_of(st.none(), st.integers(0, 60).map(float))


@st.composite
def frames(draw: st.DrawFn) -> list[FrameUnit]:
    """Up to thirty units of two sectors and two bands; some without size, value or earlier value."""
    return [
        FrameUnit(
            f"u{number}", f"p{draw(st.integers(0, 9))}", draw(st.sampled_from(["voluntary", "nhs"])),
            draw(st.integers(0, 1)), draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS),
        )
        for number in range(draw(st.integers(1, 30)))
    ]  # fmt: skip


def as_arrays(units: list[FrameUnit], domains: list[int]) -> UnitFrame:
    parents = sorted({unit.parent for unit in units})
    return UnitFrame(
        make_classes(units, POLICY),
        np.array([parents.index(unit.parent) for unit in units]),
        np.array(domains),
        *(
            np.array([math.nan if value is None else value for value in values])
            for values in zip(*((unit.size, unit.value, unit.previous) for unit in units), strict=True)
        ),
    )


def close(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


@given(frames())
def test_one_domain_is_what_estimate_total_says(units: list[FrameUnit]) -> None:
    frame = as_arrays(units, [0] * len(units))
    found = impute_frame(frame)
    plain, one = estimate_total(units), as_estimates(frame, found, POLICY)[0]
    for name in ("reported", "estimated", "variance", "imputed_share", "size_coverage"):
        assert close(getattr(one, name), getattr(plain, name)), name
    assert one.advice == plain.advice
    assert [STEPS[step] for step in found.steps] == [unit.step for unit in plain.units]
    assert all(
        close(None if math.isnan(value) else value, unit.value)
        for value, unit in zip(found.values, plain.units, strict=True)
    )


@given(frames(), st.data())
def test_domains_add_up_to_the_frame(units: list[FrameUnit], data: st.DataObject) -> None:
    domains = [data.draw(st.integers(0, 2)) for _ in units]
    frame = as_arrays(units, domains)
    parts, whole = impute_frame(frame), impute_frame(as_arrays(units, [0] * len(units)))
    assert math.isclose(parts.reported.sum(), whole.reported[0], abs_tol=1e-9)
    if not np.isnan(whole.total[0]):
        assert math.isclose(parts.total.sum(), whole.total[0], rel_tol=1e-9, abs_tol=1e-9)
    answered = {domain for unit, domain in zip(units, domains, strict=True) if unit.value is None}
    assert all(parts.variance[domain] == 0 for domain in set(domains) - answered)


def test_a_domain_borrows_the_growth_of_units_like_its_own() -> None:
    units = [FrameUnit(f"r{i}", f"r{i}", "nhs", 1, 10, 22, 20) for i in range(6)]
    units.append(FrameUnit("m", "m", "nhs", 1, 10, None, 40))
    found = impute_frame(as_arrays(units, [0] * 6 + [1]))
    assert found.total.tolist() == pytest.approx([132, 44])
    assert found.reported.tolist() == [132, 0]
