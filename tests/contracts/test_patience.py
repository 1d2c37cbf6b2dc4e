"""No test may fail because the machine is busy: property tests have no deadline and no health check that measures it."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parents[1]


def test_the_profile_of_property_tests_measures_no_machine() -> None:
    profile = settings()
    assert profile.deadline is None
    assert {HealthCheck.too_slow, HealthCheck.data_too_large} <= set(profile.suppress_health_check)


def test_no_test_goes_its_own_way() -> None:
    own_way = re.compile(r"(?<![\w.])settings\([^)]*(?:deadline|suppress_health_check)=")
    found = [
        str(file.relative_to(TESTS))
        for file in sorted(TESTS.rglob("*.py"))
        if file not in (TESTS / "conftest.py", Path(__file__)) and own_way.search(file.read_text("utf-8"))
    ]
    assert found == []


def test_no_test_waits_a_time_of_its_own() -> None:
    """What must come is waited for with PATIENCE; only a loop that asks again may ask shortly."""
    waits = re.compile(
        r"(?<!\w)(?:timeout=|timeout\(|monotonic\(\) \+ |\.(?:wait|join|communicate)\(|seconds: float = )[0-9]"
    )
    found = [
        f"{file.relative_to(TESTS)}: {line.strip()}"
        for file in sorted(TESTS.rglob("*.py"))
        if file != Path(__file__)
        for line in file.read_text("utf-8").splitlines()
        if waits.search(line) and "/readyz" not in line
    ]
    assert found == []
