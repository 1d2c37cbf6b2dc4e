from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.comparability.components import LineYear, find_components
from census_api.statistics.comparability.identity import Movement, Term, book_recoded, decompose_change
from tests.statistics.comparability.panels import Panel, panels, renamed, total


@given(panels())
def test_terms_add_up_to_the_change(panel: Panel) -> None:
    cell = panel.decomposed()
    assert math.isclose(cell.before, total(panel.before), abs_tol=1e-9)
    assert math.isclose(cell.after, total(panel.after), abs_tol=1e-9)
    assert math.isclose(math.fsum(cell.terms.values()), cell.change, abs_tol=1e-9)
    assert math.isclose(cell.real + cell.artefact_net, cell.change, abs_tol=1e-9)


@given(panels())
def test_terms_have_their_signs_and_artefacts_their_size(panel: Panel) -> None:
    cell = panel.decomposed()
    for term in (Term.ENTRANT, Term.SCOPE_GAINED, Term.NONRESPONSE_RECOVERED, Term.PARTIAL_RECOVERED):
        assert cell.terms[term] >= 0
    for term in (Term.EXIT, Term.SCOPE_LOST, Term.NONRESPONSE_LOST, Term.PARTIAL_LOST):
        assert cell.terms[term] <= 0
    assert cell.artefact_gross >= abs(cell.artefact_net) - 1e-9
    assert cell.matched_before <= cell.before + 1e-9
    assert cell.matched_after <= cell.after + 1e-9


@given(panels())
def test_names_and_order_do_not_matter(panel: Panel) -> None:
    assert renamed(panel).decomposed() == panel.decomposed()


@given(panels())
def test_sums_by_term_say_what_the_components_say(panel: Panel) -> None:
    bookings = panel.bookings()
    summed = []
    for term in {booking.term for booking in bookings}:
        moves = [booking.movement for booking in bookings if booking.term is term]
        summed.append(Movement(term, sum(m.before for m in moves), sum(m.after for m in moves), len(moves)))
    assert decompose_change(summed) == panel.decomposed()  # quarters add up exactly


@given(panels())
def test_merging_two_fully_reported_lines_leaves_the_continuing_sum(panel: Panel) -> None:
    pair = [LineYear(name, name, True, value) for name, value in (("P", 60.0), ("Q", 25.0))]
    apart = Panel((*panel.before, *pair), (*panel.after, *(replace(line, value=50.0) for line in pair)), panel.edges)
    together = Panel(
        apart.before,
        (*panel.after, LineYear("PQ", "PQ", True, 100.0)),
        (*panel.edges, ("P", "PQ"), ("Q", "PQ")),
    )
    assert together.decomposed().terms == apart.decomposed().terms
    assert together.decomposed().n_matched == apart.decomposed().n_matched - 1


def line(name: str, value: float | None, organisation: str = "A") -> LineYear:
    return LineYear(name, organisation, True, value)


@pytest.mark.parametrize(
    ("before", "after", "edges", "expected"),
    [
        ([line("a", 5)], [line("a", 7)], (), {Term.CONTINUING: 2}),
        ([line("a", 0)], [line("a", 7)], (), {Term.CONTINUING: 7}),
        ([], [line("a", 7)], (), {Term.ENTRANT: 7}),
        ([line("b", None)], [line("a", 7), line("b", None)], (), {Term.SCOPE_GAINED: 7}),
        ([line("a", 5)], [], (), {Term.EXIT: -5}),
        ([line("a", 5)], [line("b", None)], (), {Term.SCOPE_LOST: -5}),
        ([line("a", 5)], [line("a", None)], (), {Term.NONRESPONSE_LOST: -5}),
        ([line("a", None)], [line("a", 7)], (), {Term.NONRESPONSE_RECOVERED: 7}),
        ([line("a", 5), line("b", 1)], [line("a", None), line("b", 1)], (), {Term.PARTIAL_LOST: -5}),
        ([line("a", None), line("b", 1)], [line("a", 7), line("b", 1)], (), {Term.PARTIAL_RECOVERED: 7}),
        ([line("a", 5), line("b", None)], [line("c", 9)], (("a", "c"), ("b", "c")), {Term.PARTIAL_COMPONENT: 4}),
        ([line("a", 5)], [line("b", 6, "B")], (("a", "b"),), {Term.CONTINUING: 1}),
        ([line("a", 5)], [line("b", None, "B")], (("a", "b"),), {Term.PARTIAL_COMPONENT: -5}),
        ([line("a", None)], [line("a", None)], (), {}),
        # a contract that left line a, and a new line of the same name that nothing carries on
        ([line("a", 5)], [line("b", 6, "B"), line("a", 2)], (("a", "b"),), {Term.CONTINUING: 1, Term.SCOPE_GAINED: 2}),
    ],
)
def test_every_kind_of_participation(
    before: list[LineYear], after: list[LineYear], edges: tuple[tuple[str, str], ...], expected: dict[Term, float]
) -> None:
    cell = Panel(tuple(before), tuple(after), edges).decomposed()
    assert {term: value for term, value in cell.terms.items() if value} == expected


def test_a_line_out_of_the_frame_that_did_not_report_does_not_exist() -> None:
    nowhere = LineYear("a", "A", False, None)
    assert find_components([nowhere], [line("a", 7)])[0].before == ()
    assert Panel((nowhere,), (line("a", 7),)).decomposed().terms[Term.ENTRANT] == 7


def test_a_partial_component_counts_both_years_as_artefact() -> None:
    cell = Panel((line("a", 5), line("b", None)), (line("c", 9),), (("a", "c"), ("b", "c"))).decomposed()
    assert cell.artefact_gross == 14
    assert cell.artefact_net == 4


def test_a_line_given_twice_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="The line a is given twice"):
        find_components([line("a", 5), line("a", 6)], [])


@given(st.integers(0, 100), st.integers(0, 100))
def test_recoding_moves_values_between_cells_and_adds_nothing(before: int, after: int) -> None:
    leaving, arriving = book_recoded(before, after)
    left, joined = decompose_change([leaving]), decompose_change([arriving])
    assert left.terms[Term.RECLASSIFIED] + joined.terms[Term.RECLASSIFIED] == 0
    assert joined.terms[Term.CONTINUING] == after - before
    for cell in (left, joined):
        assert math.fsum(cell.terms.values()) == cell.change
        assert cell.n_matched == 0
    assert decompose_change([leaving, arriving]).change == after - before
