"""Lists out and in: every kind of file gives the same rows, and no text ever runs or changes on its way."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from census_api.domain.kit.errors import Refused
from census_api.domain.register.lists import LIST_FORMATS, ListColumn, ListFormat, ReadList
from census_api.intake.reading.list_writing import written_list
from census_api.intake.reading.lists import guard_formula, read_list

COLUMNS = (
    ListColumn("code", "The code"),
    ListColumn("name", "Name", required=False),
    ListColumn("remark", "Remark", required=False, shown_only=True),
)
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "'=x", "''-x", "＝1", "=cmd|'/c calc'!A1", "<script>", 'a "quoted", name']


def written(kind: ListFormat, *rows: dict[str, str]) -> bytes:
    return written_list(kind, "things", COLUMNS, rows)


def read(data: bytes) -> ReadList:
    return read_list(data, "things", COLUMNS)


def cells(listed: ReadList) -> list[dict[str, str]]:
    return [dict(row.cells) for row in listed.rows]


def workbook(*rows: list[Any], title: str = "things", more: str | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if more:
        book.create_sheet(more).append(["something"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", LIST_FORMATS)
def test_hostile_text_comes_back_as_it_was(kind: ListFormat) -> None:
    rows = [{"code": f"C{number}", "name": text} for number, text in enumerate(HOSTILE)]
    listed = read(written(kind, *rows))
    assert cells(listed) == rows
    assert listed.findings == ()


def test_no_cell_of_a_workbook_or_csv_is_a_formula() -> None:
    rows = [{"code": text, "name": text} for text in HOSTILE]
    sheet = load_workbook(io.BytesIO(written("xlsx", *rows)))["things"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    for text in HOSTILE:
        assert guard_formula(text)[:1] not in set("=+-@＝\t\r")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=30).map(str.strip)


@given(st.lists(st.tuples(st.text("ABC123", min_size=1), TEXTS), max_size=8), st.sampled_from(LIST_FORMATS))
@settings(max_examples=80)
def test_whatever_is_written_is_read(pairs: list[tuple[str, str]], kind: ListFormat) -> None:
    rows = [{"code": code, "name": name} if name else {"code": code} for code, name in pairs]
    assert cells(read(written(kind, *rows))) == rows


def test_headings_are_matched_and_what_is_wrong_with_them_is_named() -> None:
    listed = read(workbook([" THE  Code ", "Name", "name", "colour", "remark"], ["A", "Alpha", "x", "red", "hello"]))
    assert cells(listed) == [{"code": "A", "name": "Alpha"}]
    said = [(one.cell, one.value, one.message) for one in listed.findings]
    assert said == [
        ("C1", "name", "The column name stands there twice."),
        ("D1", "colour", "This heading is not one of the list's."),
    ]
    (missing,) = read(workbook(["name"], ["Alpha"])).findings
    assert missing.message == "The column code is missing."
    assert [one.message for one in read(b"x,y\r\n").findings].count("This heading is not one of the list's.") == 2


def test_rows_keep_their_addresses_and_blank_ones_are_no_rows() -> None:
    listed = read(workbook(["code"], [None], ["A"], [None], ["B"]))
    assert [row.number for row in listed.rows] == [3, 5]
    assert listed.at("error", listed.rows[1], "code", "m", "f").cell == "A5"
    of_json = read(json.dumps({"things": [{"code": "A"}, {"code": "B"}]}).encode())
    assert of_json.at("error", of_json.rows[1], "code", "m", "f").pointer == "/things/1/code"


def test_cells_that_hold_no_value_are_findings() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "things"
    for row in (["code", "name"], ["A", "=B1&1"], ["#REF!", "x"]):
        sheet.append(row)
    sheet["A3"].data_type = "e"
    sheet.merge_cells("A4:B4")
    out = io.BytesIO()
    book.save(out)
    said = {(one.cell, one.message.split()[-2]) for one in read(out.getvalue()).findings}
    assert {cell for cell, _ in said} >= {"B2", "A3", "A4:B4"}
    assert all(one.severity == "error" for one in read(out.getvalue()).findings)


def test_other_sheets_are_said_not_to_be_read() -> None:
    (note,) = read(workbook(["code"], ["A"], more="Old")).findings
    assert (note.severity, note.value) == ("note", "Old")
    assert cells(read(workbook(["code"], ["A"], title="Sheet1"))) == [{"code": "A"}]


def test_more_cells_than_headings_lose_nothing_silently() -> None:
    listed = read(b"code,name\r\nA,Alpha,left over\r\n")
    assert [(one.row, one.value) for one in listed.findings] == [(2, "left over")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"code;name\nA;B\n", "csv_separator"),
        (b"code,name\n\xff,x\n", "csv_encoding"),
        (b'code,name\n"A,x\n', "csv_broken"),
        (b"%PDF-1.7", "not_a_workbook"),
        (b'{"things": {}}', "json_shape"),
        (b'{"things": [], "more": 1}', "json_shape"),
        (b'{"things": [{"code": 1, "code": 2}]}', "json_duplicate_key"),
        (b'{"things": [', "json_broken"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(data)
    assert refused.value.reason == reason


def test_json_is_strict_and_everything_wrong_is_said() -> None:
    entries = [{"code": "A", "colour": "red"}, {"code": 12}, ["A"], {"code": None, "name": True}]
    listed = read(json.dumps({"things": entries}).encode())
    assert [(one.row, one.pointer) for one in listed.findings] == [
        (1, "/things/0/colour"),
        (2, "/things/1/code"),
        (3, "/things/2"),
        (4, "/things/3/name"),
    ]
    assert cells(listed) == [{"code": "A"}, {}, {}]
