"""Margins as a file: known by its hash, and read with suspicion."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.margins.document import exact_text, read_document
from census_api.statistics.margins.totals import MarginsRefused
from tests.factories.surveys import altered, make_json

MARGINS = {"kind": {"a": 60, "b": 40}, "place": {"x": 30, "y": 70}}


def reason(text: str | bytes) -> str:
    with pytest.raises(MarginsRefused) as caught:
        read_document(text)
    return caught.value.reason


def test_a_document_is_read_as_it_was_written() -> None:
    found = read_document(make_json(MARGINS).encode())
    assert found.total == 100
    assert found.shares("place") == {"x": Fraction(3, 10), "y": Fraction(7, 10)}
    assert found.dimensions == ("kind", "place")


def test_anybody_can_check_the_id() -> None:
    tree = json.loads(make_json(MARGINS))
    identity = tree.pop("id")
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == identity


def test_white_space_and_key_order_do_not_matter() -> None:
    tree = json.loads(make_json(MARGINS))
    loose = json.dumps(dict(reversed(tree.items())), indent=4)
    assert read_document(loose).id == tree["id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "101"},
        {"margins": {"kind": {"a": "61", "b": "39"}, "place": {"x": "30", "y": "70"}}},
        {"snapshot": "another"},
        {"extra": 1},
        {"id": "0" * 64},
    ],
)
def test_a_file_that_was_changed_is_refused(changes: dict[str, object]) -> None:
    assert reason(altered(make_json(MARGINS), **changes)) == "altered"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not_margins"),
        ("[]", "not_margins"),
        ("{" * 100_000, "not_margins"),
        (b"\xff\xfe", "not_margins"),
        ('{"id":"x","id":"y"}', "not_margins"),
        (json.dumps({"id": "0" * 64}), "not_margins"),
        (make_json({**MARGINS, "kind": {"a": 60, "b": 41}}), "unequal_totals"),
        (make_json(MARGINS, total="99"), "unequal_totals"),
        (make_json({"kind": {"a": 0, "b": 0}}), "zero_denominator"),
        (make_json({"kind": {}}, total="0"), "empty_margin"),
        (make_json({"kind": {"a": "-1", "b": "101"}}, total="100"), "not_margins"),
        (make_json({"kind": {"a": "1e2"}}, total="100"), "not_margins"),
        (make_json({"kind": {"a": "nan"}}, total="100"), "not_margins"),
        (make_json(MARGINS, dimensions=["kind"]), "not_margins"),
    ],
)
def test_what_is_not_fit_to_weight_to_is_refused(text: str | bytes, why: str) -> None:
    assert reason(text) == why


@given(st.binary(max_size=300))
def test_any_bytes_are_margins_or_are_refused(data: bytes) -> None:
    assert reason(data) == "not_margins"


@given(st.fractions(0, 10**9))
def test_numbers_are_written_to_twelve_places(value: Fraction) -> None:
    text = exact_text(value)
    assert abs(Fraction(text) - value) <= Fraction(1, 2 * 10**12)
    assert "e" not in text.lower()
