"""The population reproduces the published figures, and the page in docs/ says so truly."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from census_api.demo.figures import ReproducedFigure, compute_figures, read_published
from census_api.demo.figures_page import demonstration_page, population_figures
from census_api.demo.parameters import OPEN_YEAR
from census_api.demo.population import DemoPopulation, iterate_returns, make_population

_PAGE = Path(__file__).parents[2] / "docs" / "demonstration-figures.md"
_LEFT_OUT = 26


@pytest.fixture(scope="module")
def people() -> DemoPopulation:
    return make_population()


@pytest.fixture(scope="module")
def reproduced(people: DemoPopulation) -> list[ReproducedFigure]:
    return population_figures(people)


def test_every_published_figure_is_reproduced_within_its_tolerance_or_left_out_with_a_reason(
    reproduced: list[ReproducedFigure],
) -> None:
    assert [(one.published.id, one.value) for one in reproduced if not one.holds] == []
    lines = read_published()
    assert len(lines) == len({line.id for line in lines}) == 112
    assert len(reproduced) == 112 - _LEFT_OUT
    assert {line.id for line in lines if not line.left_out} == {one.published.id for one in reproduced}
    for line in lines:
        assert bool(line.left_out) == (line.low is None)
        assert line.left_out or line.tolerance


def test_totals_are_met_exactly(reproduced: list[ReproducedFigure]) -> None:
    values = {one.published.id: one.value for one in reproduced}
    assert values["wte_total_2022"] == 11851
    assert values["wte_treatment_2022"] + values["wte_comm_2022"] + values["wte_lero_2022"] == 11851
    assert values["wte_total_2024"] == 14121
    assert values["n_psychiatry_2023"] == pytest.approx(167, abs=0.01)


def test_figures_are_computed_from_the_contents_and_not_from_the_generator(people: DemoPopulation) -> None:
    contents = [copy.deepcopy(content) for year in (2022, 2023, 2024) for _, content in iterate_returns(people, year)]
    asked = {year: len(people.asked(year)) for year in (2022, 2023, 2024)}
    row = next(row for content in contents for row in content.table("staff") if int(row["paid_headcount"]) > 0)
    row["paid_wte"] = str(float(row["paid_wte"]) + 100)
    changed = {one.published.id: one for one in compute_figures(contents, asked)}
    assert changed["wte_total_2022"].value == pytest.approx(11951)
    assert not changed["wte_total_2022"].holds


def test_a_figure_of_nothing_does_not_hold(people: DemoPopulation) -> None:
    nils = [copy.deepcopy(people.content(OPEN_YEAR, "DEMO-NIL")) for _ in range(3)]
    for nil, year in zip(nils, (2022, 2023, 2024), strict=True):
        nil.census_year = year
    assert not any(one.holds for one in compute_figures(nils, {2022: 2, 2023: 2, 2024: 2}))


def test_the_page_says_what_the_returns_say() -> None:
    assert _PAGE.read_text("utf-8") == demonstration_page()
