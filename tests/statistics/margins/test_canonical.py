from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.canonical import canonical_json, content_id, decimal_text

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(),
    lambda inner: st.dictionaries(st.text(), inner, max_size=4) | st.lists(inner, max_size=4),
    max_leaves=12,
)


def reversed_keys(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: reversed_keys(document[key]) for key in reversed(document)}
    return [reversed_keys(item) for item in document] if isinstance(document, list) else document


@given(documents)
def test_the_order_of_keys_does_not_change_the_id(document: Any) -> None:
    assert content_id(document) == content_id(reversed_keys(document))


@given(documents)
def test_writing_it_down_twice_is_writing_it_down_once(document: Any) -> None:
    text = canonical_json(document)
    assert canonical_json(json.loads(text)) == text


def test_letters_are_written_in_utf8() -> None:
    document = {"ü": "Yorkshire – é", "b": [1, True, None]}
    text = '{"b":[1,true,null],"ü":"Yorkshire – é"}'
    assert canonical_json(document) == text
    assert content_id(document) == hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (60.0, "60"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (-0.0, "0"),
        (Decimal("12.500"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (100.0, "100"),
        (-2.5, "-2.5"),
    ],
)
def test_decimals_are_their_shortest_plain_text(value: float | Decimal, text: str) -> None:
    assert decimal_text(value) == text
    assert canonical_json({"year": 2024, "value": value}) == f'{{"value":"{text}","year":2024}}'


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), "\ud800", {1: "a"}, Fraction(1, 3), Decimal("NaN")])
def test_what_has_no_canonical_form_is_refused(broken: Any) -> None:
    with pytest.raises(InvalidRequest):
        content_id({"value": broken})
