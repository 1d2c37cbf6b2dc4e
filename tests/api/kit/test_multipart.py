"""The form parser: the same file however the body is cut into pieces, and one kind of error for everything else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.api.kit.multipart import OneFileForm
from census_api.api.kit.problems import MalformedUpload
from tests.api.files import multipart

TYPE = "multipart/form-data; boundary=edge"
PIECES = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def fed(body: bytes, sizes: list[int]) -> OneFileForm:
    form, start, turn = OneFileForm(TYPE), 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        form.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    return form


@given(st.binary(max_size=300), PIECES)
def test_the_file_is_the_same_however_it_arrives(data: bytes, sizes: list[int]) -> None:
    if b"\r\n--edge" in b"\r\n" + data:
        return
    assert fed(multipart(data), sizes).finish() == (data, "r.xlsx", None)


@given(st.integers(0, 200), PIECES)
def test_a_form_that_is_cut_is_refused(length: int, sizes: list[int]) -> None:
    body = multipart(b"x" * 60)
    cut = body[: min(length, len(body) - 5)]
    with pytest.raises(MalformedUpload):
        fed(cut, sizes).finish()


@given(st.binary(max_size=200), PIECES)
def test_anything_else_is_refused_in_the_same_way(body: bytes, sizes: list[int]) -> None:
    with pytest.raises(MalformedUpload):
        fed(b"--edge\r\n" + body, sizes).finish()


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_content_type_is_a_form_or_refused(text: str) -> None:
    with contextlib.suppress(MalformedUpload):
        OneFileForm(f"multipart/form-data; boundary={text}")
