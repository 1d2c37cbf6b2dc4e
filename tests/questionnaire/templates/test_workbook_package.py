"""Packages are written the same way every time, also from pieces."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator

from census_api.questionnaire.templates.package import date_properties, read_parts, write_package


def pieces() -> Iterator[bytes]:
    for number in range(1_000):
        yield b"<row>%d</row>" % number


def test_pieces_and_the_whole_are_the_same_part() -> None:
    whole, in_pieces = write_package([("a.xml", b"".join(pieces()))]), write_package([("a.xml", pieces())])
    assert read_parts(whole) == read_parts(in_pieces)
    assert zipfile.ZipFile(io.BytesIO(in_pieces)).testzip() is None


def test_order_and_dates_do_not_depend_on_the_clock() -> None:
    data = write_package([("b.xml", b"b"), ("a.xml", pieces())])
    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [entry.filename for entry in entries] == ["b.xml", "a.xml"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert data == write_package([("b.xml", b"b"), ("a.xml", pieces())])


def test_read_parts_puts_content_types_first() -> None:
    data = write_package([("xl/styles.xml", b""), ("xl/workbook.xml", b""), ("[Content_Types].xml", b"")])
    assert list(read_parts(data)) == ["[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml"]


def test_both_times_are_replaced() -> None:
    properties = b'<dcterms:created xsi:type="x">2026-01-02</dcterms:created><dcterms:modified>now</dcterms:modified>'
    assert date_properties(properties, dt.datetime(2024, 6, 30, tzinfo=dt.UTC)) == (
        b'<dcterms:created xsi:type="x">2024-06-30T00:00:00Z</dcterms:created>'
        b"<dcterms:modified>2024-06-30T00:00:00Z</dcterms:modified>"
    )
