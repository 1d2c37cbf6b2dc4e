from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.services.comparing.cells import ComparisonCell
from tests.services.comparing.random_panels import AMOUNTS, Unit, Years, renamed, years

BREAKDOWNS = ((), ("region",), ("sector",), ("role",), ("sector", "role"), ("region", "sector"))
ORDER = ("BLOCKED", "CAUTION", "COMPARABLE")


def by_place(cells: list[ComparisonCell]) -> dict[tuple[str, ...], ComparisonCell]:
    return {tuple(cell["by"].values()): cell for cell in cells}


@given(years(), st.sampled_from(BREAKDOWNS))
@settings(max_examples=80)
def test_the_terms_of_every_cell_add_up_to_its_change(these: Years, by: tuple[str, ...]) -> None:
    for cell in these.cells(*by):
        terms = math.fsum(cell["terms"].values())
        assert math.isclose(terms, cell["to"] - cell["from"], abs_tol=1e-9)
        assert math.isclose(cell["real"] + cell["artefact"]["net"], cell["to"] - cell["from"], abs_tol=1e-9)


@given(years(), st.sampled_from(BREAKDOWNS[1:]))
@settings(max_examples=80)
def test_the_cells_add_up_to_the_whole_term_by_term(these: Years, by: tuple[str, ...]) -> None:
    cells, total = these.cells(*by), these.total()
    for year in ("from", "to"):
        assert math.isclose(math.fsum(cell[year] for cell in cells), total[year], abs_tol=1e-7)
    for term, value in total["terms"].items():
        assert math.isclose(math.fsum(cell["terms"][term] for cell in cells), value, abs_tol=1e-7), term


@given(years())
@settings(max_examples=50)
def test_the_whole_is_what_was_reported(these: Years) -> None:
    total = these.total()
    for year, units in (("from", these.before), ("to", these.after)):
        known = math.fsum(value for unit in units if unit.reported for _, value in unit.rows if value is not None)
        assert math.isclose(total[year], known, abs_tol=1e-9)


@given(years(), st.sampled_from(BREAKDOWNS))
@settings(max_examples=50)
def test_names_and_order_do_not_matter(these: Years, by: tuple[str, ...]) -> None:
    assert by_place(renamed(these).cells(*by)) == by_place(these.cells(*by))


@given(years(), st.sampled_from(BREAKDOWNS), st.floats(0.5, 80), st.sampled_from([(1,), (0,), (0, 1)]))
@settings(max_examples=80)
def test_one_more_that_does_not_answer_never_raises_a_status(
    these: Years, by: tuple[str, ...], size: float, when: tuple[int, ...]
) -> None:
    silent = Unit("silent", "silent", "north", "nhs", in_frame=True, reported=False, size=size)
    sides = [(*units, silent) if year in when else units for year, units in enumerate((these.before, these.after))]
    more = by_place(replace(these, before=sides[0], after=sides[1]).cells(*by))
    for place, cell in by_place(these.cells(*by)).items():
        if cell["status"] in ORDER:
            assert ORDER.index(more[place]["status"]) <= ORDER.index(cell["status"])


@given(years(), AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
@settings(max_examples=50)
def test_merging_two_fully_reported_lines_leaves_the_continuing_sum(
    these: Years, p0: float, q0: float, p1: float, q1: float
) -> None:
    def line(name: str, value: float) -> Unit:
        return Unit(name, name, "north", "nhs", in_frame=True, reported=True, size=10, rows=(("DAW", value),))

    apart = replace(
        these,
        before=(*these.before, line("P", p0), line("Q", q0)),
        after=(*these.after, line("P", p1), line("Q", q1)),
    )
    together = replace(apart, after=(*these.after, line("PQ", p1 + q1)), edges=(*these.edges, ("P", "PQ"), ("Q", "PQ")))
    assert together.total()["terms"] == pytest.approx(apart.total()["terms"], abs=1e-9)
    assert together.total()["matched"]["n"] == apart.total()["matched"]["n"] - 1


def unit(
    name: str, value: float | None, *, sector: str = "nhs", organisation: str = "A", region: str = "north"
) -> Unit:
    rows = () if value is None else (("DAW", value),)
    return Unit(name, organisation, region, sector, True, value is not None, 10, rows)


def terms(cell: ComparisonCell) -> dict[str, float]:
    return {term: value for term, value in cell["terms"].items() if value}


def test_a_line_whose_sector_changed_is_reclassified_and_its_growth_is_not() -> None:
    these = Years((unit("a", 10, sector="nhs"),), (unit("a", 13, sector="voluntary"),))
    cells = by_place(these.cells("sector"))
    assert terms(cells["nhs",]) == {"reclassified": -10}
    assert terms(cells["voluntary",]) == {"reclassified": 10, "continuing": 3}
    assert [cell["matched"]["n"] for cell in cells.values()] == [0, 0]
    assert terms(these.total()) == {"continuing": 3}


def test_a_contract_that_went_to_another_sector_moves_the_part_that_moved() -> None:
    """Two lines were joined and now are two: what stayed in its sector continues there."""
    before = (unit("a", 30, sector="nhs"), unit("b", 10, sector="nhs", organisation="B"))
    after = (unit("a", 22, sector="nhs"), unit("c", 22, sector="voluntary", organisation="C"))
    these = Years(before, after, (("a", "a"), ("a", "c"), ("b", "c")))
    cells = by_place(these.cells("sector"))
    assert terms(cells["nhs",]) == {"continuing": 2, "reclassified": -20}
    assert terms(cells["voluntary",]) == {"reclassified": 20, "continuing": 2}
    assert terms(these.total()) == {"continuing": 4}


def test_a_row_that_one_year_does_not_answer_is_no_zero() -> None:
    before = Unit("a", "A", "north", "nhs", True, True, 10, (("DAW", 10.0), ("GP", 4.0)))
    after = replace(before, rows=(("DAW", 12.0), ("GP", None)))
    these = Years((before,), (after,))
    assert terms(these.total()) == {"continuing": 2, "partial_lost": -4}
    cells = by_place(these.cells("role"))
    assert terms(cells["GP",]) == {"partial_lost": -4}
    assert terms(cells["DAW",]) == {"continuing": 2}
    back = Years((after,), (before,)).total()
    assert terms(back) == {"continuing": -2, "partial_recovered": 4}


def test_a_role_that_is_not_on_a_line_is_nothing_there() -> None:
    before = Unit("a", "A", "north", "nhs", True, True, 10, (("DAW", 10.0), ("GP", 4.0)))
    these = Years((before,), (replace(before, rows=(("DAW", 12.0),)),))
    assert terms(by_place(these.cells("role"))["GP",]) == {"continuing": -4}


def test_a_suggested_edge_caps_the_cells_that_it_touches() -> None:
    before = tuple(unit(f"u{i}", 10, organisation=f"o{i}") for i in range(8))
    south = tuple(unit(f"s{i}", 10, organisation=f"p{i}", region="south") for i in range(8))
    sure = Years((*before, *south), (*before, *south))
    assert {cell["status"] for cell in sure.cells("region")} == {"COMPARABLE"}
    unsure = replace(sure, unresolved=(frozenset({"u1"}), frozenset()))
    cells = by_place(unsure.cells("region"))
    assert (cells["north",]["status"], cells["north",]["reasons"]) == ("CAUTION", ["LINEAGE_UNRESOLVED"])
    assert cells["south",]["status"] == "COMPARABLE"
    assert unsure.total()["reasons"] == ["LINEAGE_UNRESOLVED"]
    assert by_place(unsure.cells("role"))["DAW",]["reasons"] == ["LINEAGE_UNRESOLVED"]


def test_a_blocked_cell_has_no_change_and_offers_the_matched_panel() -> None:
    kept = tuple(unit(f"u{i}", 10 + i, organisation=f"o{i}") for i in range(6))
    grown = tuple(replace(one, rows=(("DAW", 11.0 + i),)) for i, one in enumerate(kept))
    lost = unit("big", 60, organisation="big")
    cell = Years((*kept, lost), (*grown, replace(lost, reported=False, rows=()))).total()
    assert cell["status"] == "BLOCKED"
    assert {"ARTEFACT_GROSS", "COVERAGE", "MATCH_RATE"} - {"COVERAGE"} <= set(cell["reasons"])
    assert cell["reasons"] == sorted(cell["reasons"])
    assert (cell["change"], cell["change_pct"]) == (None, None)
    assert cell["matched"] | {"interval_pct": None} == {
        "n": 6, "from": 75.0, "to": 81.0, "change": 6.0, "change_pct": 8.0, "link_relative": 1.08,
        "interval_pct": None,
    }  # fmt: skip
    assert terms(cell) == {"continuing": 6, "nonresponse_lost": -60}
