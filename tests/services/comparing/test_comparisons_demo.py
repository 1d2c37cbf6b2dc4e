"""What the demonstration has to show: nothing to compare nationally, much to compare with care, some without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.comparing.series import chain_series
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.factories.actors import ANALYST, NOW
from tests.factories.compared import freeze_demonstration
from tests.services.comparing.walkthrough import walkthrough

PAGE = Path(__file__).resolve().parents[3] / "docs" / "comparisons.md"
BEGIN, END = "<!-- example: begin (made by tests/services/comparing/walkthrough.py) -->\n", "<!-- example: end -->"
PAIRS = [("2022", "2023"), ("2023", "2024")]


@pytest.fixture(scope="module")
def frozen(
    postgres_server: RunningPostgres, migrated_template: str, sandbox: object, worker_id: str
) -> Iterator[Platform]:
    """The three frozen years of the demonstration, made once for this file."""
    name = f"census_compared_{worker_id}"
    postgres_server.create_database(name, template=migrated_template)
    database = connect_database(postgres_server.url(name))
    platform = Platform(database, sandbox, Settings(), clock=lambda: NOW)  # type: ignore[arg-type]  # the fixture is declared as an object
    freeze_demonstration(platform)
    yield platform
    database.close()


@pytest.mark.parametrize(
    ("years", "reasons"),
    [
        (PAIRS[0], ["ARTEFACT_EXCEEDS_CHANGE", "ARTEFACT_GROSS", "OUTSIDE_BOUNDS"]),
        (PAIRS[1], ["ARTEFACT_GROSS", "OUTSIDE_BOUNDS"]),
    ],
)
def test_the_country_is_blocked_with_its_reasons(frozen: Platform, years: tuple[str, str], reasons: list[str]) -> None:
    total = compare_snapshots(frozen, ANALYST, *years, measure="wte")["total"]
    assert (total["status"], total["reasons"]) == ("BLOCKED", reasons)
    assert (total["change"], total["change_pct"]) == (None, None)
    assert total["matched"]["n"] > 300
    assert total["adjusted"]["interval"] is not None
    assert total["artefact"]["share"] > 0.10


@pytest.mark.parametrize("years", PAIRS)
def test_some_cells_are_comparable_and_some_with_caution(frozen: Platform, years: tuple[str, str]) -> None:
    statuses = {
        cell["status"]
        for by in ("region", "region,service_type", "sector,role_group", "local_authority")
        for cell in compare_snapshots(frozen, ANALYST, *years, measure="wte", by=by)["cells"]
    }
    assert {"BLOCKED", "CAUTION", "COMPARABLE"} <= statuses


@pytest.mark.parametrize("years", PAIRS)
def test_turnover_may_be_compared_where_headcount_may_not(frozen: Platform, years: tuple[str, str]) -> None:
    """The published 19, 25, 19% are not made by who answered; the change of unpaid people partly is."""
    total = compare_snapshots(frozen, ANALYST, *years, measure="turnover_avg")["total"]
    assert total["status"] == "COMPARABLE"
    assert abs(total["rate"]["participation_effect"]) < 0.005
    parts = total["rate"]
    whole = parts["within"] + parts["mix"] + parts["joiners"] + parts["leavers"]
    assert whole == pytest.approx(total["to"] - total["from"], abs=1e-9)


@pytest.mark.parametrize(
    "by", ["sector", "region", "role_group", "sector,role_group", "local_authority", "role", "paid"]
)
def test_the_terms_of_the_cells_are_those_of_the_country(frozen: Platform, by: str) -> None:
    for years in PAIRS:
        found = compare_snapshots(frozen, ANALYST, *years, measure="wte", by=by)
        for term, value in found["total"]["terms"].items():
            cells = sum(cell["terms"][term] for cell in found["cells"])
            assert cells == pytest.approx(value, abs=1e-6), (years, term)
        for cell in (found["total"], *found["cells"]):
            assert sum(cell["terms"].values()) == pytest.approx(cell["to"] - cell["from"], abs=1e-9)


def test_the_estimates_of_regions_add_up_to_that_of_the_country(frozen: Platform) -> None:
    found = compare_snapshots(frozen, ANALYST, "2023", "2024", measure="wte", by="region")
    for year in ("from", "to"):
        regions = sum(cell["adjusted"][year] for cell in found["cells"])
        assert regions == pytest.approx(found["total"]["adjusted"][year])


def test_three_years_are_one_chain(frozen: Platform) -> None:
    found = chain_series(frozen, ANALYST, ["2022", "2023", "2024"], measure="wte", by="sector")
    index = found["total"]["chained"]
    for (before, after), link in zip(pairwise(index), found["total"]["links"], strict=True):
        assert after / before == pytest.approx(link["link_relative"])
    assert [link["status"] for link in found["total"]["links"]] == ["BLOCKED", "BLOCKED"]


def test_the_example_of_the_page_is_what_comes_out(frozen: Platform) -> None:
    """With CENSUS_WRITE_DOCS set it is written anew."""
    text = PAGE.read_text("utf-8")
    head, rest = text.split(BEGIN)
    example, tail = rest.split(END)
    made = walkthrough(frozen)
    if os.environ.get("CENSUS_WRITE_DOCS"):
        PAGE.write_text(f"{head}{BEGIN}{made}{END}{tail}", "utf-8")
        return
    assert example == made
