"""Content typed into the workbook reads back as the same content, whoever saved the file in between."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.intake.judging.judge import Context, judge_return
from census_api.intake.reading.reader import read_workbook
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Spec, show_code
from census_api.questionnaire.templates.package import read_parts
from census_api.questionnaire.templates.workbook import build_template, fill_template
from tests.factories.whole_returns import FORMULA_LIKE, whole_return
from tests.questionnaire.templates.test_workbook_template import YEARS, with_extra_question

SPEC = load_spec(2024)


def strings(data: bytes) -> dict[str, list[list[str | None]]]:
    """Every sheet as trimmed text, without blank rows and columns at the end."""
    sheets: dict[str, list[list[str | None]]] = {}
    for raw in read_workbook(data).sheets:
        rows = [[(value or "").strip() or None for value in row] for row in raw.frame.rows()]
        width = max((n for row in rows for n, value in enumerate(row, 1) if value), default=0)
        while rows and not any(rows[-1]):
            rows.pop()
        sheets[raw.name] = [row[:width] for row in rows]
    return sheets


def one_service(note: str) -> Content:
    cells: dict[str, ContentCell] = {
        "local_authority_code": "E06000001",
        "service_type": "adult_community",
        "note": note,
    }
    return Content(2024, {"name": note}, [ContentRow("services", 2, "E06000001|adult_community", cells)])


def one_staff_row(**answers: ContentCell) -> Content:
    return Content(2024, {}, [ContentRow("staff", 2, "||", dict(answers))])


@pytest.mark.parametrize("year", YEARS)
def test_a_whole_return_reads_back_as_itself(year: int) -> None:
    spec = load_spec(year)
    content = whole_return(spec)
    judged = judge_return(fill_template(spec, content), None, Context())
    assert judged.content.as_json() == content.as_json()
    assert judged.content.sha256() == content.sha256()
    assert judged.report.rows_read == {sheet.title: len(content.table(sheet.key)) for sheet in spec.sheets[1:]}


def test_the_blank_template_reads_as_a_return_without_an_answer() -> None:
    judged = judge_return(build_template(SPEC), None, Context())
    assert judged.content.as_json() == {"census_year": 2024, "organisation": {}}
    assert {finding.sheet for finding in judged.report.findings if finding.cell} <= {"Organisation"}


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_reads_back_as_written(text: str) -> None:
    expected = text.strip() or None
    sheets = {raw.name: raw.frame for raw in read_workbook(fill_template(SPEC, one_service(text))).sheets}
    note = sheets["Services"].rows()[1][4:5]
    assert ((note[0] or "").strip() or None if note else None) == expected


@pytest.mark.parametrize("text", [FORMULA_LIKE, "+1", "-1", "@SUM(1)", "\t=1", "1e5", "TRUE", "0123", "_x0041_"])
def test_text_is_never_a_formula_or_a_number(text: str) -> None:
    data = fill_template(SPEC, one_service(text))
    workbook = load_workbook(io.BytesIO(data))
    for cell in (workbook["Services"]["E2"], workbook["Organisation"]["B3"]):
        assert cell.data_type == "s"
        assert cell.number_format == "@"
    assert strings(data)["Services"][1][4] == text.strip()
    assert not any(b"<f>" in part for part in read_parts(data).values())


@settings(max_examples=60)
@given(st.integers(-(10**18), 10**18), st.decimals(-(10**9), 10**9, places=4))
def test_numbers_read_back_to_the_last_digit(count: int, decimal: Decimal) -> None:
    shortest = f"{decimal.normalize():f}"
    row = strings(fill_template(SPEC, one_staff_row(paid_headcount=count, paid_wte=shortest)))["Staff"][1]
    assert row[3:5] == [str(count), shortest]


def test_counts_and_decimals_are_numbers_and_states_are_words() -> None:
    content = one_staff_row(paid_headcount=12, paid_wte="11.25", unpaid_headcount="NK", unpaid_wte="12,5", starters=0)
    worksheet = load_workbook(io.BytesIO(fill_template(SPEC, content)))["Staff"]
    assert [worksheet.cell(2, column).value for column in range(4, 10)] == [12, 11.25, "NK", "12,5", None, 0]
    assert worksheet["E2"].number_format.startswith("#,##0.00")


def test_codes_are_shown_with_their_labels_and_unknown_ones_as_they_are() -> None:
    content = one_staff_row(local_authority_code="E06000001", role_code="NO_SUCH_ROLE")
    worksheet = load_workbook(io.BytesIO(fill_template(SPEC, content)))["Staff"]
    assert worksheet["A2"].value == show_code(SPEC.code_lists["local_authorities"].by_code["E06000001"])
    assert worksheet["C2"].value == "NO_SUCH_ROLE"


def test_what_the_year_does_not_ask_is_left_out() -> None:
    content = one_staff_row(paid_headcount=3, shoe_size=43)
    content.rows.append(ContentRow("no_such_sheet", 2, "", {"a": 1}))
    assert strings(fill_template(SPEC, content))["Staff"][1:] == [[None, None, None, "3", *[None] * 10]]


def test_an_extra_question_is_written_in_its_column() -> None:
    spec = with_extra_question(SPEC)
    content = one_staff_row(paid_headcount=3, on_sick_leave=1)
    staff = strings(fill_template(spec, content))["Staff"]
    assert dict(zip(staff[0], staff[1], strict=True))["On sick leave"] == "1"


def test_checks_reach_as_far_as_the_rows() -> None:
    rows = [ContentRow("staff", n, "", {"paid_headcount": n}) for n in range(2, 1_502)]
    worksheet = load_workbook(io.BytesIO(fill_template(SPEC, Content(2024, {}, rows))))["Staff"]
    assert worksheet.max_row == 1_501
    assert worksheet.dimensions == "A1:N1501"
    assert "D2:D10001" in {str(check.sqref) for check in worksheet.data_validations.dataValidation}


def _by_openpyxl(data: bytes, folder: Path) -> bytes:
    buffer = io.BytesIO()
    load_workbook(io.BytesIO(data)).save(buffer)
    return buffer.getvalue()


def _by_pandas(data: bytes, folder: Path) -> bytes:
    frames = pandas.read_excel(io.BytesIO(data), sheet_name=None, dtype=object, header=None, keep_default_na=False)
    path = folder / "saved.xlsx"
    options = {"options": {"strings_to_formulas": False}}
    with pandas.ExcelWriter(path, engine="xlsxwriter", engine_kwargs=options) as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, index=False, header=False)
    return path.read_bytes()


@pytest.mark.parametrize("saved_again", [_by_openpyxl, _by_pandas])
def test_saved_by_another_library_it_holds_the_same(saved_again: object, tmp_path: Path) -> None:
    content = whole_return(SPEC)
    original = fill_template(SPEC, content)
    assert callable(saved_again)
    data = saved_again(original, tmp_path)
    assert strings(data) == strings(original)
    assert judge_return(data, None, Context()).content.sha256() == content.sha256()


def test_filling_twice_gives_the_same_bytes() -> None:
    content = whole_return(SPEC)
    copy: Spec = SPEC.model_copy()
    assert fill_template(SPEC, content) == fill_template(copy, content)
