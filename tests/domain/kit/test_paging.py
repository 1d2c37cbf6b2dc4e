"""Cursors: ours come back as the position they stand for, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.paging import cursor_after, page_size, position_of


@given(st.integers(0, 2**31 - 1))
def test_a_cursor_names_its_position(position: int) -> None:
    assert position_of(cursor_after(position)) == position


@given(st.text(max_size=60))
def test_any_other_text_is_refused_and_never_a_fault(text: str) -> None:
    try:
        position = position_of(text)
    except InvalidRequest:
        return
    assert position is not None
    assert 0 <= position < 2**31


def test_no_cursor_is_the_first_page() -> None:
    assert position_of(None) is None


@pytest.mark.parametrize("limit", [-1, 0, 101, 10**30])
def test_a_page_is_bounded(limit: int) -> None:
    assert page_size(1, 100) == 1
    assert page_size(100, 100) == 100
    with pytest.raises(InvalidRequest, match="from 1 to 100"):
        page_size(limit, 100)
