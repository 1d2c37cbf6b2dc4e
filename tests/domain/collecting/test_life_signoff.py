"""What stands in the way of sign-off, and references that show mistyping."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.signoff import GATES, Candidate, Newer, list_gates, new_reference, reference_of
from tests.factories.actors import NOW
from tests.factories.judgements import make_finding

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READY = Candidate(2, "in_progress", False, 0, (), (), 0, None, None)
QUERIES = tuple(make_finding(index, severity="query") for index in range(3))
NEWER = Newer(3, "otto", NOW, pending=False)


def test_nothing_stands_in_the_way_of_a_good_one() -> None:
    assert list_gates(READY) == ()
    assert list_gates(replace(READY, state="signed_off")) == ()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"signed": True, "state": "signed_off"}, "state", "signed off already"),
        ({"state": "queried"}, "state", "questions of the census team"),
        ({"state": "accepted"}, "state", "reopen"),
        ({"state": "reopened"}, "state", "not been changed since"),
        ({"newer": NEWER}, "not_newest", "Submission 3 came in from otto on 15 July 2024 at 13:30"),
        ({"newer": replace(NEWER, pending=True)}, "not_newest", "still being checked"),
        ({"errors": 1}, "errors", "1 error\\."),
        ({"errors": 1234}, "errors", "1,234 errors"),
        ({"failed_rules": ["STF-001"]}, "rules_failed", "STF-001"),
        ({"unexplained": QUERIES}, "unexplained", "3 queries have no explanation"),
        ({"unexplained": QUERIES[:1]}, "unexplained", "1 query has no explanation"),
        ({"unanswered": 2}, "unanswered", "2 questions"),
        ({"closed": "This census has been closed."}, "closed", "closed"),
    ],
)
def test_each_thing_in_the_way_says_what_to_do(change: dict[str, object], code: str, words: str) -> None:
    (gate,) = list_gates(replace(READY, **change))  # type: ignore[arg-type]  # the fields are pytest's parameters
    assert gate.code == code
    assert re.search(words, gate.message)


def test_everything_in_the_way_is_said_at_once() -> None:
    worst = Candidate(2, "queried", False, 4, ("STF-001", "ORG-002"), QUERIES, 1, NEWER, "This census has been closed.")
    found = list_gates(worst)
    assert {gate.code for gate in found} == set(GATES)
    assert next(gate for gate in found if gate.code == "unexplained").keys == tuple(entry.key for entry in QUERIES)
    assert {gate.code: gate.count for gate in found}["errors"] == 4


def test_references_are_random_and_read_back_however_they_are_typed() -> None:
    made = {new_reference() for _ in range(200)}
    assert len(made) == 200
    for reference in made:
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", reference)
        typed = reference.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert reference_of(typed) == reference


@given(st.integers(0, 15), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_always_noticed(place: int, sign: str) -> None:
    plain = new_reference().replace("-", "")
    changed = plain[:place] + sign + plain[place + 1 :]
    assert (reference_of(changed) is None) == (changed != plain)


@given(st.text(max_size=40))
def test_anything_else_is_no_reference(typed: str) -> None:
    found = reference_of(typed)
    assert found is None or reference_of(found) == found
