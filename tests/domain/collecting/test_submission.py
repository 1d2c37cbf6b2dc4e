"""File names that can be shown, keys that can be kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.submission import checked_key, display_name
from census_api.domain.kit.errors import InvalidRequest


@given(st.text(max_size=400))
def test_a_name_is_shown_without_paths_and_controls(name: str) -> None:
    shown = display_name(name)
    if shown is not None:
        assert 1 <= len(shown) <= 150
        assert not set(shown) & set("/\\")
        assert not any(unicodedata.category(letter).startswith("C") for letter in shown)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, None),
        ("", None),
        ("a/b/", None),
        ("../x.xlsx", "x.xlsx"),
        ("C:\\my\\é.ods", "é.ods"),
        (" \x00\r\n ", None),
    ],
)
def test_names_that_people_and_attackers_send(name: str | None, shown: str | None) -> None:
    assert display_name(name) == shown


@given(st.text(max_size=300))
def test_a_key_is_itself_or_refused(key: str) -> None:
    try:
        assert checked_key(key) == key
    except InvalidRequest:
        assert not key or len(key) > 200 or not key.isascii() or not key.isprintable()


def test_no_key_is_no_key() -> None:
    assert checked_key(None) is None
