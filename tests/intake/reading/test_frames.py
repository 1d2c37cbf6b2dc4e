"""Tables read: text to values, content and hash, whatever was read before in the same process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.collecting.content import Content
from census_api.intake.reading.columns import make_reader, make_readers
from census_api.intake.reading.read_table import ReadTable, content_hash, known_of, read_table
from census_api.intake.reading.tables import ReturnTable, make_decoder
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import SpecSheet
from census_api.questionnaire.plan import plan_for
from census_api.questionnaire.rulebook import VIEWS, column_types

SPEC = load_spec(2025)
STAFF = SPEC.sheet["staff"]
_TEXTS = st.none() | st.text(max_size=6) | st.sampled_from(
    ["0", "12", "12.50", "-3", "NK", "na", " 7 ", "", "  ", "20001", "0.125", "DAW", "daw", "adult_community", "E06000001",
     "E10000006", "Cumbria", "Hartlepool", "E06000001 - Hartlepool", "“quoted”", 'a"b\\c', "two\nlines", "😀"]
)  # fmt: skip


def table_of(rows: Sequence[Mapping[str, str | None]], sheet: SpecSheet = STAFF) -> ReadTable:
    columns = {question.key: [row.get(question.key) for row in rows] for question in sheet.fields}
    return read_table(ReturnTable(sheet, columns, list(range(2, len(rows) + 2))), SPEC)


def one(key: str, text: str | None) -> Any:
    return table_of([{key: text}]).values(key)[0]


def test_text_becomes_what_the_question_asks_for() -> None:
    assert [one("starters", text) for text in ("12", " 12 ", "12.0", "NK", "", None)] == [
        12,
        12,
        None,
        None,
        None,
        None,
    ]
    assert [one("paid_wte", text) for text in ("12", "12.50", "-0.5", "1e3")] == [12.0, 12.5, -0.5, None]
    assert [one("role_code", text) for text in ("DAW", "daw", " DAW ", "Daw?")] == ["DAW", "DAW", "DAW", None]


def test_codes_labels_and_both_are_the_same_code() -> None:
    for text in ("E06000001", "hartlepool", "E06000001 - Hartlepool", "E06000001  -  HARTLEPOOL"):
        assert one("local_authority_code", text) == "E06000001"


def test_former_codes_are_known_as_such() -> None:
    column = table_of([{"local_authority_code": text} for text in ("Cumbria", "E08000016", "E06000001", "x")]).columns
    assert column["local_authority_code"].former == ["E10000006", "E08000016", None, None]
    assert column["local_authority_code"].values == [None, None, "E06000001", None]


def test_a_label_that_two_codes_share_means_neither() -> None:
    # Barnsley of 2025 has another code than Barnsley before: the label means this year's
    assert make_decoder(SPEC, "local_authorities").code("Barnsley") == "E08000038"
    assert make_decoder(SPEC, "local_authorities").former("E08000016") is not None


def test_business_keys_take_text_where_a_code_cannot_be_read() -> None:
    rows = [{"local_authority_code": "Hartlepool", "service_type": "lero", "role_code": "Wizard"}, {"role_code": "DAW"}]
    assert table_of(rows).keys == ["E06000001|lero|Wizard", "||DAW"]


_ROWS = st.lists(st.fixed_dictionaries({question.key: _TEXTS for question in STAFF.fields}), max_size=4)


@settings(max_examples=150)
@given(rows=_ROWS)
def test_canonical_rows_are_the_content_as_json(rows: list[dict[str, str | None]]) -> None:
    table = table_of(rows)
    content = Content(2025, {}, table.content_rows())
    texts = [json.dumps(row.cells, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in content.rows]
    assert table.canonical_rows() == texts
    assert content_hash(2025, {}, {"staff": (table.keys, table.canonical_rows())}) == content.sha256()


@settings(max_examples=150)
@given(rows=_ROWS)
def test_reading_again_reads_the_same(rows: list[dict[str, str | None]]) -> None:
    fresh = {question.key: make_reader(SPEC, "staff", question) for question in STAFF.fields}
    for key, reader in fresh.items():
        texts = [row[key] for row in rows]
        first = reader.read(texts)
        for again in (reader.read(texts), make_readers(SPEC, "staff")[key].read(texts)):
            assert [text or None for text in again.texts] == [text or None for text in first.texts]
            assert again.values == first.values
            assert again.cells() == first.cells()
            assert again.filled == first.filled


@settings(max_examples=150)
@given(rows=_ROWS)
def test_what_is_said_to_be_known_is_true(rows: list[dict[str, str | None]]) -> None:
    table = table_of(rows)
    known = known_of(table.columns)
    for question in STAFF.fields:
        column = table.columns[question.key]
        if question.key in known.filled:
            assert None not in column.texts
        if question.key in known.blank:
            assert not any(column.texts)
        if question.key in known.plain and question.numeric:
            for text, value in zip(column.texts, column.values, strict=True):
                assert text is None or question.minimum <= value <= (question.maximum or value)


_PLAIN = {
    "local_authority_code": "E06000001", "service_type": "lero", "role_code": "DAW", "paid_wte": "1.25",
}  # fmt: skip
_MOSTLY_PLAIN = st.lists(
    st.fixed_dictionaries({
        question.key: st.just(_PLAIN.get(question.key, "1")) | _TEXTS | st.just(f"{question.maximum or 0:.0f}.004")
        for question in STAFF.fields
    }),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(max_examples=150)
@given(rows=_MOSTLY_PLAIN)
def test_what_is_known_from_reading_changes_no_finding(rows: list[dict[str, str | None]]) -> None:
    table = table_of(rows)
    cells: dict[str, list[Any]] = {}
    for key, column in table.columns.items():
        former = column.former or [None] * len(rows)
        cells |= {key: column.values, f"{key}__raw": column.texts, f"{key}__former": former}
    types = column_types(SPEC, VIEWS["staff"])
    frame = pl.DataFrame({name: cells.get(name, [None] * len(rows)) for name in types}, schema=types)
    plan = plan_for(SPEC)
    assert plan.run("staff", frame, table.known) == plan.run("staff", frame)


def test_the_hash_of_an_empty_return() -> None:
    assert content_hash(2025, {"name": "A"}, {"staff": ([], [])}) == Content(2025, {"name": "A"}).sha256()


def test_columns_that_a_sheet_does_not_have_are_known() -> None:
    columns: dict[str, list[str | None]] = {question.key: ["x"] for question in STAFF.fields}
    letters = {question.key: "A" for question in STAFF.fields[:3]}
    table = read_table(ReturnTable(STAFF, columns, [2], letters), SPEC)
    assert table.left_out == frozenset(question.key for question in STAFF.fields[3:])
    assert table.left_out <= table.known.filled
