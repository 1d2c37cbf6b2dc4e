"""What pre-flight refuses, what it lets pass, and what it says about it."""

from __future__ import annotations

import contextlib
import re
import resource
import time
from collections.abc import Callable

import pytest

from census_api.domain.kit.errors import Refused
from census_api.intake.preflight.inspection import REFUSALS, inspect_package, sniff_kind
from census_api.intake.preflight.package import CellMark, SheetFacts, column_letters, column_number
from census_api.intake.preflight.refusals import make_refusal
from tests.factories.packages import (
    MAIN,
    SHEET,
    cell,
    ods,
    ods_cell,
    ods_row,
    packed,
    row,
    sheet_xml,
    table,
    xlsx,
    xlsx_parts,
)
from tests.intake.corpus import GOOD_ROWS, REFUSED, with_part

RAISED_ELSEWHERE = {"rows_lost", "crashed", "too_slow", "too_complex"}


def facts_of(data: bytes) -> SheetFacts:
    facts = inspect_package(data)
    assert len(facts.sheets) == 1
    return facts.sheets[0]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_reason(name: str) -> None:
    reason, make = REFUSED[name]
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(Refused) as refused:
        inspect_package(data)
    assert refused.value.reason == reason
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_every_reason_of_preflight_is_made_by_a_file() -> None:
    of_other_files = {reason for reason in REFUSALS if reason.startswith(("json_", "csv_"))}
    assert {reason for reason, _ in REFUSED.values()} == set(REFUSALS) - RAISED_ELSEWHERE - of_other_files


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_says_what_to_do_next_in_plain_words(reason: str) -> None:
    words = {"looks": "a picture", "line": "3", "column": "7", "key": "staff", "word": "NaN"}
    message = make_refusal(reason, place="/staff", wanted="a list of rows", **words).message
    assert message.endswith(".")
    assert message[0].isupper()
    assert "{" not in message
    assert message.count(". ") >= 1, "what is wrong, then what to do"
    assert not any(word in message.casefold() for word in ("xml part", "exception", "none", "zip bomb"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (xlsx(GOOD_ROWS), "xlsx"),
        (ods(table("")), "ods"),
        (b' \n{"census_year": 2024}', "json"),
        (b"\xef\xbb\xbf[1]", "json"),
        (b"role,paid_wte\n", "csv"),
        (b"\xef\xbb\xbfrole;paid_wte\r\nDAW;7,5", "csv"),
        (b"role\tpaid_wte\r\n", "csv"),
        ("role\tpaid_wte".encode("utf-16"), "csv"),
        (b"just words", "unknown"),
        (bytes(range(1, 200)), "unknown"),
    ],
)
def test_sniff_goes_by_content(data: bytes, kind: str) -> None:
    assert sniff_kind(data) == kind


def test_the_message_names_what_a_file_looks_like() -> None:
    with pytest.raises(Refused, match=r"a Word document \(\.docx\)"):
        sniff_kind(REFUSED["docx"][1]())
    with pytest.raises(Refused, match="a CSV or text file"):
        inspect_package(b"role,paid_wte\nDAW,7.5\n")


def test_facts_of_a_good_workbook() -> None:
    data = xlsx(GOOD_ROWS)
    facts = inspect_package(data)
    assert (facts.kind, facts.parts, facts.exact) == ("xlsx", 6, False)
    assert facts.inflated_bytes == sum(len(part) for part in xlsx_parts(GOOD_ROWS).values())
    sheet = facts.sheets[0]
    assert (sheet.name, sheet.state, sheet.rows_present, sheet.values, sheet.first_column) == (
        "Staff",
        "visible",
        2,
        4,
        1,
    )


@pytest.mark.parametrize(
    ("written", "state"), [("hidden", "hidden"), ("veryHidden", "very_hidden"), ("visible", "visible")]
)
def test_sheet_states(written: str, state: str) -> None:
    assert facts_of(packed(xlsx_parts(GOOD_ROWS, state=written))).state == state


def test_formula_without_value_is_named_and_one_with_value_is_not() -> None:
    rows = row(1, '<c r="A1"><f>1+1</f></c><c r="B1"><f>1+1</f><v></v></c><c r="C1"><f>1+1</f><v/></c>')
    rows += row(2, '<c r="A2"><f>SUM(B1:B9)&amp;"x"</f><v>2</v></c><c r="B2" t="str"><f>"a"</f><v>a</v></c>')
    sheet = facts_of(xlsx(rows))
    assert sheet.formulas_without_value == [CellMark("Staff", at, "=1+1") for at in ("A1", "B1", "C1")]
    assert (sheet.values, sheet.rows_present) == (2, 2)


def test_error_cells_are_named_with_their_text() -> None:
    sheet = facts_of(xlsx(row(3, '<c r="AB3" t="e"><v>#N/A</v></c><c r="AC3" t="e"><f>1/0</f><v>#DIV/0!</v></c>')))
    assert sheet.error_cells == [CellMark("Staff", "AB3", "#N/A"), CellMark("Staff", "AC3", "#DIV/0!")]
    assert (sheet.values, sheet.rows_present) == (0, 1)


def test_a_long_formula_is_cut() -> None:
    assert len(facts_of(xlsx(row(1, f'<c r="A1"><f>{"1+" * 400}1</f></c>'))).formulas_without_value[0].text) == 100


def test_merged_hidden_and_filtered() -> None:
    before = '<cols><col min="2" max="3" hidden="1"/><col min="5" max="16384" width="0"/></cols>'
    after = (
        '<autoFilter ref="A1:C9"/><mergeCells count="2"><mergeCell ref="A1:C1"/><mergeCell ref="B2:B3"/></mergeCells>'
    )
    rows = row(1, cell("A1", 1) + cell("B1", 2) + cell("F1", 2)) + row(2, cell("A2", 1), ' hidden="1"')
    rows += row(3, cell("A3", 1), ' ht="0" customHeight="1"') + row(4, "", ' hidden="1"')
    sheet = facts_of(xlsx(sheets={"Staff": sheet_xml(rows, before, after)}))
    assert sheet.merged == ["A1:C1", "B2:B3"]
    assert sheet.hidden_rows == [2, 3], "a hidden blank row holds nothing to count"
    assert sheet.hidden_columns == ["B", "C", "E", "F"]
    assert sheet.filtered


PLAIN = GOOD_ROWS + row(9, '<c r="A9" s="1"/>') + row(12, cell("A12", 3) + cell("Z12", 4))


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: (
            xml.replace("<c ", "<x:c ").replace("</c>", "</x:c>").replace("<row", "<x:row").replace("</row", "</x:row")
        ),
        lambda xml: re.sub(r'(\w+)="([^"]*)"', r"\1='\2'", xml),
        lambda xml: xml.replace('<c r="A12">', '<c s="0" r="A12">').replace('<row r="', '<row spans="1:26" r="'),
        lambda xml: xml.replace('<row r="', '<row\n  r = "').replace('<c r="', '<c\t r="'),
        lambda xml: xml.replace("><", ">\n  <"),
        lambda xml: xml.replace("<sheetData>", '<dimension ref="A1"/><sheetData>'),
    ],
    ids=["prefixes", "quotes", "order", "space", "indented", "dimension"],
)
def test_spelling_does_not_matter(change: Callable[[str], str]) -> None:
    plain = facts_of(xlsx(PLAIN))
    changed = facts_of(with_part(SHEET, change(sheet_xml(PLAIN))))
    assert (changed.rows_present, changed.values) == (plain.rows_present, plain.values) == (3, 6)


def test_a_lying_dimension_changes_nothing() -> None:
    for reference in ("A1:A1", "B9:A1", "A1:XFD1048576"):
        xml = sheet_xml(GOOD_ROWS, f'<dimension ref="{reference}"/>')
        assert facts_of(xlsx(sheets={"Staff": xml})).rows_present == 2


def test_a_million_blank_styled_cells_are_no_rows() -> None:
    blank = "".join(row(n, f'<c r="A{n}" s="1"/><c r="XFD{n}" s="1"/>') for n in range(3, 500_003))
    start = time.process_time()
    sheet = facts_of(xlsx(GOOD_ROWS + blank))
    assert (sheet.rows_present, sheet.values, sheet.first_column) == (2, 4, 1)
    assert time.process_time() - start < 20


def test_a_strict_workbook_is_seen_as_a_workbook() -> None:
    xml = sheet_xml(GOOD_ROWS).replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")
    assert facts_of(with_part(SHEET, xml)).rows_present == 2


def test_columns_and_letters_are_inverse() -> None:
    assert [column_letters(n) for n in (1, 26, 27, 702, 703, 16_384)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
    assert all(column_number(column_letters(n)) == n for n in range(1, 16_385))


@pytest.mark.parametrize("junk", [b"<c ", b'<c r="', b"<row r='", b'<c a="<', b"<", b"<aaaa:", b'<c r="AA1"><v>'])
def test_the_scan_is_linear_in_hostile_bytes(junk: bytes) -> None:
    data = with_part(SHEET, b"<worksheet><sheetData>" + junk * 30_000)
    start = time.process_time()
    with contextlib.suppress(Refused):
        inspect_package(data, exact=True)
    assert time.process_time() - start < 2


def test_ods_facts() -> None:
    rows = "<table:table-column table:number-columns-repeated='2'/><table:table-column table:visibility='collapse'/>"
    rows += ods_row(ods_cell(), 2) + ods_row(ods_cell() + ods_cell("role", 1, ' table:number-columns-spanned="2"'))
    rows += ods_row(ods_cell() + ods_cell(1, 3), 2, ' table:visibility="filter"')
    rows += ods_row(
        '<table:table-cell table:formula="of:=NA()" office:value-type="string" calcext:value-type="error">'
        '<text:p>#N/A</text:p></table:table-cell><table:table-cell table:formula="of:=1+1"/>'
    )
    sheet = facts_of(ods(table(rows + ods_row(ods_cell(), 1_000_000))))
    assert (sheet.rows_present, sheet.values, sheet.first_column) == (4, 7, 1)
    assert sheet.hidden_rows == [4, 5]
    assert sheet.filtered
    assert sheet.merged == ["B3:C3"]
    assert sheet.error_cells == [CellMark("Staff", "A6", "#N/A")]
    assert sheet.formulas_without_value == [CellMark("Staff", "B6", "of:=1+1")]
    assert sheet.hidden_columns == ["C"]


def test_ods_hidden_table() -> None:
    style = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    other = '<style:style style:name="ta1"><style:table-properties table:display="true"/></style:style>'
    tables = table("", "A", ' table:style-name="ta1"') + table("", "B", ' table:style-name="ta2"')
    assert [sheet.state for sheet in inspect_package(ods(tables, other + style)).sheets] == ["visible", "hidden"]
