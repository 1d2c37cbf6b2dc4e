"""Freezing a small census: the answers stay in the database, so the memory of who freezes does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from census_api.services.kit.platform import Platform
from tests.benchmarks.large_census import FIRST_YEAR, add_register, add_returns
from tests.benchmarks.snapshots import Freezing, platform_at, timed_freeze

ROWS = 600
MOST_MORE_MEMORY = 30  # MB


@pytest.fixture
def empty(fresh_database_url: str) -> Iterator[Platform]:
    with platform_at(fresh_database_url) as platform:
        yield platform


def frozen(platform: Platform, organisations: int) -> Freezing:
    add_register(platform, organisations)
    assert add_returns(platform, FIRST_YEAR, ROWS) == organisations * ROWS
    found = timed_freeze(platform.database.url(), FIRST_YEAR)
    assert found.returns == organisations
    assert found.facts == organisations * (ROWS - ROWS // 20 - 10)
    return found


def test_memory_is_flat_and_asking_again_is_cheap(empty: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    found = frozen(empty, 200)
    with capsys.disabled():
        print(
            f"\nfreezing {found.returns} returns of {ROWS} rows: {found.seconds:.1f} s, memory {found.before:.0f} MB before "
            f"and {found.peak:.0f} MB at most; asked again {found.again:.2f} s"
        )
    # the answers of these returns alone are 70 MB
    assert found.peak - found.before < MOST_MORE_MEMORY
    assert found.again < found.seconds / 2
