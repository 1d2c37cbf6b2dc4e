"""Suggested edges: what ended and began in one place, what the register says, and nothing for lines that go on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.register.lineage import LineKey
from census_api.domain.register.organisations import Organisation
from census_api.domain.register.suggestions import LEAST_SCORE, Suggestion, measure_likeness, suggest_edges

HERE, THERE = "E06000001", "E06000002"
ADULT, YOUNG = "adult_community", "young_people"


def line(organisation: str, place: str = HERE, service: str = ADULT) -> LineKey:
    return LineKey(organisation, place, service)


def found(
    before: Sequence[LineKey], after: Sequence[LineKey], *entries: Organisation,
    linked: Sequence[tuple[LineKey, LineKey]] = (),
) -> list[Suggestion]:  # fmt: skip
    named = {key.organisation: Organisation(key.organisation, f"{key.organisation} House") for key in (*before, *after)}
    register = named | {entry.code: entry for entry in entries}
    return suggest_edges(before, after, register, lambda area: (area,), linked)


def test_a_line_that_goes_on_needs_no_suggestion() -> None:
    assert found([line("A"), line("B")], [line("A"), line("B"), line("C", THERE)]) == []


def test_a_contract_that_ends_where_another_begins_is_a_transfer() -> None:
    before, after = [line("A"), line("A", THERE), line("B", THERE)], [line("B"), line("A", THERE), line("B", THERE)]
    (one,) = found(before, after)
    assert (one.source, one.target, one.kind) == (line("A"), line("B"), "contract_transfer")
    assert one.score >= LEAST_SCORE
    assert "ended where the other began" in one.why


def test_what_a_whole_new_organisation_takes_over_is_a_split() -> None:
    (one,) = found([line("A"), line("A", THERE)], [line("NEW"), line("A", THERE)])
    assert one.kind == "split"


@pytest.mark.parametrize(
    ("one", "other", "kind", "says"),
    [
        (Organisation("A", "A", status="merged", merged_into="B"), Organisation("B", "B"), "merged", "merged into B"),
        (
            Organisation("A", "Old Name", identifiers={"charity": "279417"}),
            Organisation("B", "Other", identifiers={"charity": "279417"}),
            "renamed",
            "same charity number",
        ),
        (Organisation("A", "Amber Bank Trust"), Organisation("B", "Amber Bank Ltd"), "renamed", "100% alike"),
        (Organisation("A", "X", parent="P"), Organisation("B", "Y", parent="P"), "contract_transfer", "same parent"),
    ],
)
def test_the_register_says_more_than_the_place(one: Organisation, other: Organisation, kind: str, says: str) -> None:
    # B had the line before as well, so place alone says nothing
    (suggested,) = found([line("A"), line("B")], [line("B")], one, other)
    assert (suggested.kind, suggested.source, suggested.target) == (kind, line("A"), line("B"))
    assert says in suggested.why
    assert suggested.score >= 0.85


def test_a_service_under_another_name_is_reclassified() -> None:
    (one,) = found([line("A")], [line("A", service=YOUNG)])
    assert one.kind == "reclassified"


def test_another_service_of_another_organisation_is_no_successor() -> None:
    assert found([line("A")], [line("B", service=YOUNG)]) == []


def test_a_line_of_a_changed_authority_goes_on_and_is_not_looked_for() -> None:
    known = {name: Organisation(name, name) for name in ("A", "B")}
    got = suggest_edges([line("A")], [line("A", THERE), line("B", THERE)], known, lambda _: (THERE,))
    assert got == []


def test_what_was_decided_is_not_suggested_again() -> None:
    before, after = [line("A")], [line("B")]
    assert len(found(before, after)) == 1
    assert found(before, after, linked=[(line("A"), line("B"))]) == []
    # a line that has its edge is not looked at for another
    assert found(before, [*after, line("C")], linked=[(line("A"), line("B"))]) == []


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="()"), max_size=40)


@given(NAMES, NAMES)
def test_likeness_is_from_0_to_1_and_the_same_both_ways_round_for_equal_words(one: str, other: str) -> None:
    assert 0 <= measure_likeness(one, other) <= 1
    assert measure_likeness(one, one) in (0.0, 1.0)


def test_likeness_forgets_what_most_names_have() -> None:
    assert measure_likeness("The Amber Trust Limited (demonstration)", "Trust of Amber") == 1.0
    assert measure_likeness("Amber Bank Recovery", "Yarrow Mill Clinics") < 0.5
    assert measure_likeness("NHS Trust", "Trust") == 0.0
