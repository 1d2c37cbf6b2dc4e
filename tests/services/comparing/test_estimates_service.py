"""Estimates beside what was reported, and series over several years."""

from __future__ import annotations

import pytest

from census_api.domain.kit.errors import InvalidRequest
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.comparing.estimates import estimate_snapshot
from census_api.services.comparing.series import chain_series
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANALYST
from tests.factories.snapshots import Given
from tests.services.comparing.small_years import Rows, absent, freeze, line, wte


def test_a_series_is_chained_over_what_answered_twice(bare: Platform) -> None:
    for year, value in ((2022, 10.0), (2023, 11.0), (2024, 13.2)):
        freeze(bare, year, [(line(f"O{n}"), wte(value)) for n in range(6)])
    found = chain_series(bare, ANALYST, ["2022", "2023", "2024"], measure="wte", by="sector")
    assert found["total"]["chained"] == pytest.approx([100, 110, 132])
    assert found["cells"][0]["reported"] == pytest.approx([60, 66, 79.2])
    assert [link["status"] for link in found["total"]["links"]] == ["COMPARABLE", "COMPARABLE"]
    rate = chain_series(bare, ANALYST, ["2022", "2023", "2024"], measure="unpaid_share_wte")
    assert rate["total"]["chained"] == [0, 0, 0]
    with pytest.raises(InvalidRequest, match="2 to 12"):
        chain_series(bare, ANALYST, ["2022"], measure="wte")


def test_an_estimate_stands_beside_what_was_reported(bare: Platform) -> None:
    rows: Rows = [(line(f"O{n}"), wte(10)) for n in range(9)]
    freeze(bare, 2023, rows)
    freeze(bare, 2024, [*((one, wte(11)) for one, _ in rows[:8]), (absent("O8"), {})])
    found = estimate_snapshot(bare, ANALYST, "2024", measure="wte", by="sector")
    cell = found["cells"][0]
    assert (cell["reported"], cell["estimated"]) == (88, pytest.approx(99))
    assert cell["imputed_share"] == pytest.approx(1 / 9)
    assert cell["bounds"] == [pytest.approx(99), pytest.approx(99)]
    assert cell["advice"] == "publish"
    assert found["total"]["coverage"]["expected"] == 9
    with pytest.raises(InvalidRequest, match="Estimates are of totals"):
        estimate_snapshot(bare, ANALYST, "2024", measure="vacancy_rate")


def test_an_estimate_that_rests_on_too_little_is_not_shown(bare: Platform) -> None:
    freeze(bare, 2023, [(line(f"O{n}"), wte(10)) for n in range(9)])
    freeze(bare, 2024, [(line(f"O{n}"), wte(11)) if n < 3 else (absent(f"O{n}"), {}) for n in range(9)])
    total = estimate_snapshot(bare, ANALYST, "2024", measure="wte")["total"]
    assert (total["reported"], total["estimated"], total["interval"]) == (33, None, None)
    assert total["advice"] == "suppress"
    compared = compare_snapshots(bare, ANALYST, "2023", "2024", measure="wte")["total"]["adjusted"]
    assert (compared["from"], compared["to"], compared["change"]) == (90, None, None)


def test_a_flow_is_estimated_from_the_stock_and_never_rolled_forward(bare: Platform) -> None:
    def row(leavers: Given) -> dict[str, dict[str, Given]]:
        return {"DAW": {"paid_wte": 8, "paid_headcount": 10, "leavers": leavers}}

    freeze(bare, 2023, [(line(f"O{n}"), row(9)) for n in range(9)])
    freeze(bare, 2024, [(line(f"O{n}"), row(2)) if n < 8 else (absent("O8"), {}) for n in range(9)])
    found = estimate_snapshot(bare, ANALYST, "2024", measure="leavers")["total"]
    assert (found["reported"], found["estimated"]) == (16, pytest.approx(18))
