"""Cursors: ours come back as the key they stand for, anything else is refused."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.paging import CURSOR, KEY_CURSOR, cursor_after, key_of, page_size, position_of

PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)


@given(st.integers(0, 2**31 - 1))
def test_a_cursor_names_its_position(position: int) -> None:
    cursor = cursor_after(position)
    assert position_of(cursor) == position
    assert re.fullmatch(CURSOR, cursor)


@given(st.tuples(st.integers(0, 2**31 - 1), PRINTABLE, st.dates(), st.datetimes(timezones=st.just(dt.UTC)), st.uuids()))
def test_a_cursor_names_its_key(key: tuple[Any, ...]) -> None:
    cursor = cursor_after(*key)
    assert key_of(cursor, int, str, dt.date, dt.datetime, type(key[4])) == key
    assert re.fullmatch(KEY_CURSOR, cursor)


@given(st.text(max_size=60))
def test_any_other_text_is_refused_and_never_a_fault(text: str) -> None:
    try:
        position = position_of(text)
    except InvalidRequest:
        return
    assert position is not None
    assert 0 <= position < 2**31


@pytest.mark.parametrize(
    "cursor",
    [
        cursor_after(2024), cursor_after("A", 2024), cursor_after(2024, "A", "B"), "after-2024.%ff", "after-2024.%00A",
        "after--1.A", "before-2024.A", "after-", "after-2024.A\n", "2024.A",
    ],
)  # fmt: skip
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="Start again from the first page"):
        key_of(cursor, int, str)


def test_no_cursor_is_the_first_page() -> None:
    assert position_of(None) is None
    assert key_of(None, int, str) is None


@pytest.mark.parametrize("limit", [-1, 0, 101, 10**30])
def test_a_page_is_bounded(limit: int) -> None:
    assert page_size(1, 100) == 1
    assert page_size(100, 100) == 100
    with pytest.raises(InvalidRequest, match="from 1 to 100"):
        page_size(limit, 100)
