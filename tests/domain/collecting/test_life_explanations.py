"""Which explanations go on with the next submission, and what one may say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.explanations import (
    LONGEST,
    REASON_LABELS,
    REASONS,
    Explanation,
    carry_explanations,
    checked_reason,
    checked_text,
    sha256_of,
)
from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.errors import InvalidRequest
from tests.factories.actors import NOW
from tests.factories.judgements import make_finding


def explanation(key: str, value: str | None = "9.5", carried_from: int | None = None) -> Explanation:
    return Explanation(key, value, "checked", "They do overtime.", "eddie", NOW, carried_from)


def query(key: str, value: str | None = "9.5") -> Finding:
    return replace(make_finding(severity="query"), key=key, value=value)


def test_an_explanation_goes_on_while_key_and_value_stand() -> None:
    carried = carry_explanations([explanation("a")], 3, [query("a")])
    assert carried.kept == (explanation("a", carried_from=3),)
    assert carried.dropped == ()


def test_it_remembers_the_submission_that_it_was_first_given_for() -> None:
    assert carry_explanations([explanation("a", carried_from=1)], 3, [query("a")]).kept[0].carried_from == 1


@pytest.mark.parametrize(
    ("findings", "why"),
    [
        ([query("a", "9.6")], "value_changed"),
        ([query("a", None)], "value_changed"),
        ([query("b")], "resolved"),
        ([], "resolved"),
        ([replace(query("a"), severity="error")], "resolved"),
    ],
)
def test_it_is_dropped_and_said_why_when_the_value_changes(findings: list[Finding], why: str) -> None:
    carried = carry_explanations([explanation("a")], 3, findings)
    assert carried.kept == ()
    assert [(entry.explanation, entry.reason) for entry in carried.dropped] == [(explanation("a"), why)]


_VALUES = st.one_of(st.none(), st.sampled_from(["1", "2", "9.5"]))


@given(
    st.dictionaries(st.sampled_from("abcdef"), _VALUES),
    st.dictionaries(st.sampled_from("abcdef"), _VALUES),
)
def test_nothing_is_lost_and_nothing_is_made_up(before: dict[str, str | None], after: dict[str, str | None]) -> None:
    given_before = [explanation(key, value) for key, value in before.items()]
    carried = carry_explanations(given_before, 1, [query(key, value) for key, value in after.items()])
    kept = {entry.finding_key for entry in carried.kept}
    dropped = {entry.explanation.finding_key for entry in carried.dropped}
    assert kept == {key for key in before if key in after and after[key] == before[key]}
    assert kept | dropped == set(before)
    assert not kept & dropped


@pytest.mark.parametrize(
    "text", ["ok", "         x        ", "1234567890", "x" * (LONGEST + 1), "bell \x07 in the text"]
)
def test_an_explanation_has_words(text: str) -> None:
    with pytest.raises(InvalidRequest, match="An explanation"):
        checked_text(text, "An explanation")


@pytest.mark.parametrize("text", ["half a pair \ud800 here", "nothing \x00 here at all"])
def test_what_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Type it again"):
        checked_text(text, "An explanation")


def test_lines_stay_and_spaces_are_tidied() -> None:
    assert checked_text("  Two  people\tdo\r\novertime. ", "An explanation") == "Two people do\novertime."


def test_reasons_are_a_list_with_words_for_each() -> None:
    assert set(REASON_LABELS) == set(REASONS)
    assert checked_reason("transfer") == "transfer"
    with pytest.raises(InvalidRequest, match="transfer"):
        checked_reason("all of them")


def test_what_explanations_say_has_one_hash_whatever_their_order() -> None:
    first, second = explanation("a"), explanation("b")
    assert sha256_of([first, second]) == sha256_of([second, first])
    assert sha256_of([first]) != sha256_of([replace(first, text="They do not do overtime.")])
    assert sha256_of([replace(first, given_by="ann", carried_from=1)]) == sha256_of([first])
