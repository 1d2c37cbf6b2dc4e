"""Cells as text at their true addresses, whoever wrote the file."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.kit.errors import Refused
from census_api.intake.preflight.inspection import inspect_package
from census_api.intake.preflight.package import RawSheet, column_letters
from census_api.intake.reading.reader import read_workbook
from tests.factories.packages import MAIN, OFFICE, cell, ods, ods_cell, ods_row, packed, row, sheet_xml, table, xlsx
from tests.intake.corpus import GOOD_ROWS, LOST
from tests.intake.writers import WRITERS, by_libreoffice

Cells = dict[tuple[int, int], str]

DATES = [date(2024, 6, 30), datetime(2024, 6, 30, 12, 30)]  # noqa: DTZ001 - a cell has no time zone
TABLE: list[list[object]] = [
    ["role", "paid_wte", "note", "when"],
    ["DAW", 7.5, "caf\u00e9 & <b>", DATES[0]],
    [None, None, None, None],
    ["RNN", 12, True, DATES[1]],
]
EXPECTED: Cells = {
    (1, 1): "role", (1, 2): "paid_wte", (1, 3): "note", (1, 4): "when",
    (2, 1): "DAW", (2, 2): "7.5", (2, 3): "caf\u00e9 & <b>", (2, 4): "2024-06-30",
    (4, 1): "RNN", (4, 2): "12", (4, 3): "true", (4, 4): "2024-06-30 12:30:00",
}  # fmt: skip


def only_sheet(data: bytes) -> RawSheet:
    book = read_workbook(data)
    assert len(book.sheets) == 1
    return book.sheets[0]


def cells(sheet: RawSheet) -> Cells:
    """Text of every cell that is not blank, by its 1-based sheet row and column."""
    return {
        (index + sheet.first_row, column + sheet.first_column): value
        for index, values in enumerate(sheet.frame.rows())
        for column, value in enumerate(values)
        if value is not None
    }


def column_text(data: bytes) -> list[str | None]:
    return only_sheet(data).frame.to_series(0).to_list()


def test_frames_are_text_without_a_header_row() -> None:
    sheet = only_sheet(xlsx(GOOD_ROWS))
    assert set(sheet.frame.dtypes) == {pl.String}
    assert sheet.frame.rows() == [("role", "paid_wte"), ("DAW", "7.5")]
    assert (sheet.first_row, sheet.first_column, sheet.facts.rows_present) == (1, 1, 2)


def test_addresses_hold_when_leading_rows_and_columns_are_blank() -> None:
    expected = {(3, 3): "12", (6, 5): "7.5"}
    by_excel = xlsx(row(3, cell("C3", 12)) + row(6, cell("E6", 7.5)))
    blank = ods_row(ods_cell(None, 9), 2)
    by_office = ods(
        table(blank + ods_row(ods_cell(None, 2) + ods_cell(12)) + blank + ods_row(ods_cell(None, 4) + ods_cell(7.5)))
    )
    for data in (by_excel, by_office):
        sheet = only_sheet(data)
        assert cells(sheet) == expected
        assert (sheet.first_column, sheet.frame.shape, sheet.facts.rows_present) == (3, (6, 3), 2)


def test_sheets_without_cells_give_empty_frames_in_their_place() -> None:
    book = read_workbook(
        xlsx(sheets={"A": sheet_xml(""), "B": sheet_xml(GOOD_ROWS), "C": sheet_xml(row(4, '<c r="B4" s="1"/>'))})
    )
    assert [(sheet.name, sheet.frame.shape) for sheet in book.sheets] == [("A", (0, 0)), ("B", (2, 2)), ("C", (0, 0))]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("12", "12"), ("12.0", "12"), ("1.2E1", "12"), ("0.5", "0.5"), ("1E-7", "0.0000001"), ("-3", "-3"),
        ("1.1000000000000001", "1.1"), ("0.30000000000000004", "0.3"), ("7.399999999999999", "7.4"),
        ("1e21", "1000000000000000000000"), ("9007199254740991", "9007199254740991"),
    ],
)  # fmt: skip
def test_numbers_come_as_the_shortest_plain_text(stored: str, text: str) -> None:
    assert column_text(xlsx(row(1, f'<c r="A1"><v>{stored}</v></c>'))) == [text]
    assert column_text(ods(table(ods_row(ods_cell(float(stored)))))) == [text]


def test_texts_keep_their_characters() -> None:
    strings = (
        '<si><t xml:space="preserve"> pad </t></si><si><r><t>rich</t></r><r><t xml:space="preserve"> text</t></r></si>'
        "<si><t>a_x000D_b</t></si><si><t>Caf\u00e9 &amp; \u2013 &lt;1</t></si>"
    )
    rows = "".join(row(n + 1, f'<c r="A{n + 1}" t="s"><v>{n}</v></c>') for n in range(4))
    expected = [" pad ", "rich text", "a\rb", "Caf\u00e9 & \u2013 <1", " in line "]
    assert column_text(xlsx(rows + row(5, cell("A5", " in line ")), strings=strings)) == expected


def test_what_looks_like_a_number_but_is_text_stays_as_written() -> None:
    typed = ["007", "1e3", "nan", "TRUE", "=1+1", "#N/A", "n/a", "12,5", "1_000", "\u0663"]
    data = xlsx("".join(row(n, cell(f"A{n}", text)) for n, text in enumerate(typed, 1)))
    assert column_text(data) == typed


def test_booleans_and_dates_are_the_same_text_from_both_formats() -> None:
    by_excel = xlsx(
        row(1, '<c r="A1" t="b"><v>1</v></c><c r="B1" s="1"><v>45473</v></c><c r="C1" s="2"><v>45473.5</v></c>')
    )
    dated = '<table:table-cell office:value-type="date" office:date-value="2024-06-30'
    by_office = ods(
        table(
            ods_row(
                '<table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>TRUE</text:p>'
                f'</table:table-cell>{dated}"/>{dated}T12:00:00"/>'
            )
        )
    )
    for data in (by_excel, by_office):
        assert only_sheet(data).frame.rows() == [("true", "2024-06-30", "2024-06-30 12:00:00")]


def test_empty_text_is_a_blank() -> None:
    blank = (
        '<c r="A2" t="str"><f>""</f><v></v></c><c r="B2" t="inlineStr"><is><t></t></is></c><c r="C2" t="s"><v>1</v></c>'
    )
    data = xlsx(
        row(1, cell("A1", "x")) + row(2, blank) + row(3, cell("B3", 1)), strings="<si><t>a</t></si><si><t/></si>"
    )
    sheet = only_sheet(data)
    assert cells(sheet) == {(1, 1): "x", (3, 2): "1"}
    assert sheet.facts.rows_present == 2
    assert not sheet.facts.formulas_without_value, "its stored value is the empty text"


def test_error_formula_time_and_truth_cells_are_never_numbers() -> None:
    formula = '<table:table-cell table:formula="of:=1/0" office:value-type="float" office:value="0"><text:p>#DIV/0!</text:p></table:table-cell>'
    truth = '<table:table-cell table:formula="of:=TRUE()" office:value-type="float" office:value="1"><text:p>TRUE</text:p></table:table-cell>'
    timed = '<table:table-cell office:value-type="time" office:time-value="PT01H00M00S"><text:p>01:00</text:p></table:table-cell>'
    by_office = only_sheet(ods(table(ods_row(formula + ods_cell(1)) + ods_row(timed + truth))))
    by_excel = only_sheet(
        xlsx(row(1, '<c r="A1" t="e"><v>#DIV/0!</v></c>' + cell("B1", 1)) + row(2, '<c r="A2"><f>B1</f></c>'))
    )
    assert cells(by_office) == {(1, 2): "1", (2, 1): "01:00", (2, 2): "true"}
    assert cells(by_excel) == {(1, 2): "1"}
    assert by_office.facts.rows_present == by_excel.facts.rows_present == 2
    assert [mark.text for mark in by_office.facts.error_cells] == ["#DIV/0!"]
    assert [mark.cell for mark in by_excel.facts.formulas_without_value] == ["A2"]


def test_merged_cells_keep_the_top_left() -> None:
    xml = sheet_xml(
        row(1, cell("A1", "x") + '<c r="B1" s="1"/>'), after='<mergeCells><mergeCell ref="A1:B1"/></mergeCells>'
    )
    sheet = only_sheet(xlsx(sheets={"Staff": xml}))
    assert cells(sheet) == {(1, 1): "x"}
    assert sheet.facts.merged == ["A1:B1"]


@pytest.mark.parametrize("name", LOST)
def test_nothing_is_lost_silently(name: str) -> None:
    with pytest.raises(Refused) as refused:
        read_workbook(LOST[name]())
    assert refused.value.reason in {"rows_lost", "damaged"}


def test_strict_open_xml_is_read() -> None:
    with zipfile.ZipFile(io.BytesIO(WRITERS["openpyxl"](TABLE))) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    strict = {
        name: part.replace(f"{MAIN}".encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main").replace(
            f"{OFFICE}".encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships"
        )
        for name, part in parts.items()
    }
    assert cells(only_sheet(packed(strict))) == EXPECTED


COLUMNS = st.integers(1, 30)
PLACES = st.dictionaries(
    st.tuples(st.integers(1, 40), COLUMNS),
    st.one_of(st.integers(-99, 99), st.text("ab <&\u00e9", min_size=1, max_size=4)),
    max_size=25,
)
BLANKS = st.sets(st.tuples(st.integers(1, 50), COLUMNS), max_size=10)


def written(values: dict[tuple[int, int], int | str], blanks: set[tuple[int, int]]) -> bytes:
    """An xlsx with those values and blank styled cells."""
    rows = []
    for number in sorted({place[0] for place in [*values, *blanks]}):
        inside = ""
        for place in sorted(place for place in {*values, *blanks} if place[0] == number):
            reference = f"{column_letters(place[1])}{number}"
            inside += cell(reference, values[place]) if place in values else f'<c r="{reference}" s="1"/>'
        rows.append(row(number, inside))
    return xlsx("".join(rows))


@settings(max_examples=150)
@given(PLACES, BLANKS)
def test_every_cell_is_where_it_was_written(
    values: dict[tuple[int, int], int | str], blanks: set[tuple[int, int]]
) -> None:
    data = written(values, blanks)
    sheet = only_sheet(data)
    assert cells(sheet) == {place: str(value) for place, value in values.items()}
    assert sheet.facts.rows_present == len({place[0] for place in values})
    plain, exact = inspect_package(data).sheets, inspect_package(data, exact=True).sheets
    for facts in (*plain, *exact):
        facts.blank_text = False
    assert plain == exact, "the quick count and the walk over every cell agree"


@settings(max_examples=100)
@given(PLACES, st.integers(1, 3), st.integers(1, 3))
def test_every_ods_cell_is_where_it_was_written(values: dict[tuple[int, int], int | str], wide: int, high: int) -> None:
    last_row = max((place[0] for place in values), default=0)
    rows, expected = "", {}
    for number in range(1, last_row + 1):
        numbered = {column: value for (at, column), value in values.items() if at == number}
        inside = "".join(ods_cell(numbered.get(column), wide) for column in range(1, max(numbered, default=0) + 1))
        rows += ods_row(inside or ods_cell(), high)
        for column, value in numbered.items():
            for down in range(high):
                for right in range(wide):
                    expected[(number - 1) * high + down + 1, (column - 1) * wide + right + 1] = str(value)
    sheet = only_sheet(ods(table(rows + ods_row(ods_cell(None, 16_384), 1_000))))
    # the text of an .ods paragraph loses outer and repeated spaces by the rules of the format
    assert {place: " ".join(text.split()) for place, text in cells(sheet).items()} == {
        place: " ".join(text.split()) for place, text in expected.items() if text.strip()
    } | {place: "" for place, text in expected.items() if not text.strip() and cells(sheet).get(place) is not None}
    assert sheet.facts.rows_present >= len({place[0] for place, text in expected.items() if text.strip()})


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_gives_the_same_cells(name: str) -> None:
    sheet = only_sheet(WRITERS[name](TABLE))
    assert cells(sheet) == EXPECTED
    assert sheet.facts.rows_present == 3


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_libreoffice_gives_the_same_cells(suffix: str) -> None:
    sheet = only_sheet(by_libreoffice(TABLE, suffix))
    assert cells(sheet) == EXPECTED
    assert sheet.facts.rows_present == 3
