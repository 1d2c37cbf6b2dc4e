"""The report in the employer's own workbook: marks, comments, the Findings sheet, and nothing live or lost."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.domain.collecting.findings import Finding, Report
from census_api.intake.annotating import findings_sheet, marks
from census_api.intake.annotating.annotate import annotate_workbook
from census_api.intake.annotating.marks import FILLS
from census_api.intake.annotating.words import AUTHOR, MAX_COMMENTS, MAX_FINDINGS, counts_in_words
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.names import FINDINGS_SHEET, FINDINGS_TITLE, is_findings_sheet
from census_api.questionnaire.templates.workbook import fill_template

SPEC = load_spec(2024)
LINE: dict[str, ContentCell] = {"local_authority_code": "E06000001", "service_type": "adult_community"}
STAFF: dict[str, ContentCell] = {**LINE, "role_code": "DAW", "paid_headcount": 4, "paid_wte": "3.5", "leavers": "NK"}
HOSTILE = ["=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠x"]


def finding(cell: str | None = "E2", *, sheet: str | None = "Staff", severity: Any = "error", **other: Any) -> Finding:
    texts = {
        "value": "12,5",
        "message": "Paid WTE is 12,5, which is not a number.",
        "expected": "A number such as 12.5.",
        "fix": "Type 12.5.",
    }
    return Finding(
        key="k", rule=other.pop("rule", "CEL-001"), severity=severity, sheet=sheet, cell=cell, pointer=None,
        column="paid_wte", **{**texts, **other},
    )  # fmt: skip


def report(*findings: Finding) -> Report:
    return Report(2024, "DEMO-ERRORS", 3, {"Staff": 1}, {"CEL-001": "ran"}, "0" * 64, SPEC.digest, list(findings))


@pytest.fixture(scope="module")
def original() -> bytes:
    rows = [ContentRow("services", 0, "", {**LINE, "data_available": "full"}), ContentRow("staff", 0, "", {**STAFF})]
    return fill_template(SPEC, Content(2024, {"organisation_code": "DEMO-ERRORS", "name": "=Trust"}, rows))


def annotated(original: bytes, *findings: Finding) -> Any:
    return load_workbook(io.BytesIO(annotate_workbook(original, "xlsx", report(*findings), SPEC)))


def edited(original: bytes, edit: Any) -> bytes:
    book = load_workbook(io.BytesIO(original))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def fill_of(cell: Any) -> str | None:
    return cell.fill.fgColor.rgb if cell.fill.fill_type else None


def table_of(book: Any) -> list[tuple[Any, ...]]:
    rows = list(book[FINDINGS_SHEET].iter_rows(values_only=True))
    header = next(index for index, row in enumerate(rows) if row[0] == "Severity")
    return rows[header + 1 :]


def test_a_cell_is_filled_and_its_comment_says_what_to_do(original: bytes) -> None:
    cell = annotated(original, finding())["Staff"]["E2"]
    assert fill_of(cell) == FILLS["error"]
    assert cell.value == 3.5
    assert cell.comment.author == AUTHOR
    for words in ("Error (CEL-001)", "is not a number", "Expected: A number such as 12.5.", "What to do: Type 12.5."):
        assert words in cell.comment.text


def test_comment_boxes_grow_with_their_text(original: bytes) -> None:
    heights = []
    for message in ("Short.", "A long story. " * 30):
        with zipfile.ZipFile(
            io.BytesIO(annotate_workbook(original, "xlsx", report(finding(message=message)), SPEC))
        ) as package:
            drawing = next(package.read(name) for name in package.namelist() if name.endswith(".vml"))
        ((width, height),) = re.findall(rb"width:(\d+)px;height:(\d+)px", drawing)
        assert int(width) >= 300
        heights.append(int(height))
    assert 80 <= heights[0] < heights[1] <= 460


@pytest.mark.parametrize("severity", ["error", "query", "note"])
def test_each_severity_has_its_own_fill_and_word(original: bytes, severity: str) -> None:
    cell = annotated(original, finding(severity=severity))["Staff"]["E2"]
    assert fill_of(cell) == FILLS[severity]  # type: ignore[index]  # the severity is one of pytest's parameters
    assert severity.capitalize() in cell.comment.text
    assert len(set(FILLS.values())) == 3


def test_findings_on_one_cell_share_a_comment_and_the_worst_fill(original: bytes) -> None:
    many = [finding(severity="note", rule="NOT-001"), finding(severity="error", rule="CEL-002")]
    cell = annotated(original, *many, *[finding(severity="query", rule=f"QRY-00{n}") for n in range(7)])["Staff"]["E2"]
    assert fill_of(cell) == FILLS["error"]
    assert "NOT-001" in cell.comment.text
    assert "CEL-002" in cell.comment.text
    assert "And 3 more: see the sheet Findings." in cell.comment.text


def test_a_corrected_file_uploaded_again_looks_untouched(original: bytes) -> None:
    findings = [finding(), finding("B7", sheet="Organisation", severity="query"), finding("J40", severity="note")]
    once = annotate_workbook(original, "xlsx", report(*findings), SPEC)
    again = load_workbook(io.BytesIO(annotate_workbook(once, "xlsx", report(), SPEC)))
    before = load_workbook(io.BytesIO(original))
    assert again.sheetnames == [FINDINGS_SHEET, *before.sheetnames]
    for sheet in before.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                now = again[sheet.title][cell.coordinate]
                assert (now.value, fill_of(now), now.number_format, now.protection.locked, now.comment) == (
                    cell.value, fill_of(cell), cell.number_format, cell.protection.locked, None
                )  # fmt: skip
    assert fill_of(again["Staff"]["J40"]) is None
    assert table_of(again)[0][0] == "No problems were found."


def test_an_employers_own_colour_and_comment_come_back(original: bytes) -> None:
    def edit(book: Any) -> None:
        book["Staff"]["E2"].fill = PatternFill("solid", fgColor="FF00FF00")
        book["Staff"]["E2"].comment = Comment("Ask Jane about this", "Jane")

    once = annotate_workbook(edited(original, edit), "xlsx", report(finding()), SPEC)
    marked = load_workbook(io.BytesIO(once))["Staff"]["E2"]
    assert fill_of(marked) == FILLS["error"]
    assert marked.comment.text.startswith("Ask Jane about this\n")
    assert "CEL-001" in marked.comment.text
    restored = load_workbook(io.BytesIO(annotate_workbook(once, "xlsx", report(), SPEC)))["Staff"]["E2"]
    assert fill_of(restored) == "FF00FF00"
    assert (restored.comment.text, restored.comment.author) == ("Ask Jane about this", "Jane")


def test_a_blank_cell_that_is_filled_stays_unlocked_on_a_protected_sheet(original: bytes) -> None:
    sheet = annotated(original, finding("I30"))["Staff"]
    assert sheet.protection.sheet
    assert fill_of(sheet["I30"]) == FILLS["error"]
    assert not sheet["I30"].protection.locked


def test_the_findings_sheet_is_first_in_view_and_alone_selected(original: bytes) -> None:
    book = annotated(original, finding())
    assert book.sheetnames[0] == book.active.title == FINDINGS_SHEET
    assert [sheet.title for sheet in book.worksheets if sheet.sheet_view.tabSelected] == [FINDINGS_SHEET]


def test_the_findings_sheet_says_all_and_links_to_the_cells(original: bytes) -> None:
    about_sheet = finding(None, sheet="Ethnicity", severity="query", message="No rows.", value=None)
    about_return = finding(None, sheet=None, severity="note", message="All round.", value=None)
    book = annotated(original, about_return, about_sheet, finding())
    sheet = book[FINDINGS_SHEET]
    head = "\n".join(str(sheet.cell(row, 1).value) for row in range(1, 6))
    for words in (FINDINGS_TITLE, "census 2024", "DEMO-ERRORS", "submission 3", "1 error, 1 query and 1 note"):
        assert words in head
    rows = table_of(book)
    assert [row[0] for row in rows] == ["Error", "Query", "Note"]
    assert rows[0][1:] == (
        "Staff", "E2", "Paid WTE", "12,5", "Paid WTE is 12,5, which is not a number.", "A number such as 12.5.",
        "Type 12.5.", "CEL-001",
    )  # fmt: skip
    links = {link.location for row in sheet.iter_rows() for cell in row if (link := cell.hyperlink)}
    assert links == {"'Staff'!E2", "'Ethnicity'!A1"}
    assert sheet.auto_filter.ref.startswith("A7:I")
    assert sheet.freeze_panes == "A8"
    assert sheet.print_title_rows == "$7:$7"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula(text: str) -> None:
    book = Workbook()
    book.active.title = "Staff"
    book.active["E2"].value = text
    book.active["E2"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    data = annotate_workbook(
        out.getvalue(), "xlsx", report(finding(value=text, message=text, expected=text, fix=text)), SPEC
    )
    assert_nothing_live(data)
    read = load_workbook(io.BytesIO(data))
    assert read["Staff"]["E2"].quotePrefix
    written = [cell for row in read[FINDINGS_SHEET].iter_rows(min_row=8) for cell in row if cell.column in (5, 6, 7, 8)]
    assert all(cell.data_type == "s" for cell in written)
    if text[0] not in "\t\r":
        assert all(cell.value == text and cell.quotePrefix for cell in written)


def assert_nothing_live(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        sheets = [name for name in package.namelist() if name.startswith("xl/worksheets/sheet")]
        assert sheets
        for name in sheets:
            assert not re.search(rb"<(\w+:)?f[ >/]", package.read(name)), name


def test_formulas_stand_as_their_values_or_as_their_text(original: bytes) -> None:
    # openpyxl writes formulas without a stored value; the second has one put in by hand
    def edit(book: Any) -> None:
        book["Staff"]["E2"] = "=1+2"
        book["Staff"]["F2"] = "=40+2"

    data = edited(original, edit)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts = {name: part.replace(b"<f>40+2</f><v />", b"<f>40+2</f><v>42</v>") for name, part in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, part in parts.items():
            package.writestr(name, part)
    result = annotate_workbook(out.getvalue(), "xlsx", report(finding()), SPEC)
    assert_nothing_live(result)
    sheet = load_workbook(io.BytesIO(result))["Staff"]
    assert (sheet["E2"].value, sheet["E2"].data_type, sheet["F2"].value) == ("=1+2", "s", 42)


def test_what_the_template_has_is_kept(original: bytes) -> None:
    before, after = load_workbook(io.BytesIO(original)), annotated(original, finding())
    assert dict(after.defined_names).keys() == dict(before.defined_names).keys()
    assert after.security.lockStructure == before.security.lockStructure
    for sheet in before.worksheets:
        now = after[sheet.title]
        assert now.sheet_state == sheet.sheet_state
        assert now.protection.sheet == sheet.protection.sheet
        assert now.freeze_panes == sheet.freeze_panes
        assert {k: v.width for k, v in now.column_dimensions.items()} == {
            k: v.width for k, v in sheet.column_dimensions.items()
        }
        rules = [(v.sqref, v.formula1, v.prompt) for v in sheet.data_validations.dataValidation]
        assert [(v.sqref, v.formula1, v.prompt) for v in now.data_validations.dataValidation] == rules
        assert [str(area.sqref) for area in now.conditional_formatting] == [
            str(area.sqref) for area in sheet.conditional_formatting
        ]


def test_an_employers_own_findings_sheet_is_theirs(original: bytes) -> None:
    data = edited(original, lambda book: book.create_sheet("Findings").append(["Our audit", 12]))
    book = annotated(data, finding())
    assert book.sheetnames[0] == "Findings 2"
    assert book["Findings"]["A1"].value == "Our audit"
    assert is_findings_sheet("Findings 2", book["Findings 2"]["A1"].value)
    assert not is_findings_sheet("Findings", "Our audit")


def test_names_with_quotes_and_places_that_are_not_there() -> None:
    book = Workbook()
    book.active.title = "It's =odd!"
    book.active.merge_cells("B2:C3")
    out = io.BytesIO()
    book.save(out)
    here = [finding("C3", sheet="it's =ODD!"), finding("A1:B1", sheet="It's =odd!")]
    nowhere = [finding("E2", sheet="Gone"), finding("A0", sheet="It's =odd!"), finding("XFE1", sheet="It's =odd!")]
    book = annotated(out.getvalue(), *here, *nowhere)
    links = [cell.hyperlink.location for row in book[FINDINGS_SHEET].iter_rows() for cell in row if cell.hyperlink]
    assert links == ["'It''s =odd!'!C3", "'It''s =odd!'!A1", "'It''s =odd!'!A1", "'It''s =odd!'!A1"]
    assert fill_of(book["It's =odd!"]["B2"]) == FILLS["error"]
    assert book["It's =odd!"]["B2"].comment is not None
    assert len(table_of(book)) == 5


def test_where_comments_and_rows_stop_the_sheet_says_so(original: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (MAX_COMMENTS, MAX_FINDINGS) == (2_000, 20_000)
    comments, rows = 30, 300
    for module in (marks, findings_sheet):
        monkeypatch.setattr(module, "MAX_COMMENTS", comments)
    monkeypatch.setattr(findings_sheet, "MAX_FINDINGS", rows)
    queries = [finding(f"{'EFGHIJKLMN'[n % 10]}{2 + n // 10}", severity="query") for n in range(rows)]
    book = annotated(original, *queries, finding("D29"))
    notices = "\n".join(str(row[0]) for row in book[FINDINGS_SHEET].iter_rows(max_row=7, values_only=True))
    assert "The first 30 cells" in notices
    assert "271 more cells" in notices
    assert "the first 300 of 301 findings" in notices
    sheet = book["Staff"]
    assert len(table_of(book)) == rows
    assert fill_of(sheet["N31"]) == FILLS["query"]
    assert sheet["N31"].comment is None
    assert sheet["D29"].comment is not None, "errors are commented on first"
    assert sum(cell.comment is not None for row in sheet.iter_rows() for cell in row) == comments


def test_counts_in_words() -> None:
    assert counts_in_words({"error": 0, "query": 1, "note": 1200}) == "no errors, 1 query and 1,200 notes"


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(), st.text(max_size=40), st.text()), min_size=1, max_size=4))
def test_any_text_gives_a_workbook_that_opens(original: bytes, texts: list[tuple[str, str, str]]) -> None:
    findings = [finding("E2", value=a, message=b, fix=c, sheet="Staff") for a, b, c in texts]
    long = finding("E3", message="x" * 40_000)
    data = annotate_workbook(original, "xlsx", report(*findings, long), SPEC)
    assert_nothing_live(data)
    assert len(table_of(load_workbook(io.BytesIO(data)))) == len(texts) + 1
