"""The prefilled template: last year's rows to answer again, last year's answers beside them, nothing that is read."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from census_api.domain.collecting.content import Content, ContentCell
from census_api.intake.judging.judge import Context, judge_return
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.names import LAST_YEAR, PREFILLED_FOR, PROVENANCE
from census_api.questionnaire.templates.package import read_parts
from census_api.questionnaire.templates.workbook import build_template
from tests.factories.whole_returns import ORGANISATION, whole_return

BEFORE, SPEC = load_spec(2023), load_spec(2024)
GIVEN: dict[str, ContentCell] = {
    name: ORGANISATION[name] for name in ("organisation_code", "name", "sector", "contact_name")
}


@pytest.fixture(scope="module")
def last_year() -> Content:
    return whole_return(BEFORE)


@pytest.fixture(scope="module")
def lines(last_year: Content) -> list[dict[str, ContentCell]]:
    """All of last year's lines but the last, and a new one."""
    keys = SPEC.sheet["services"].business_key
    kept = [{key: row[key] for key in keys} for row in last_year.table("services")[:-1]]
    return [*kept, {"local_authority_code": "E09000002", "service_type": "adult_community"}]


@pytest.fixture(scope="module")
def data(last_year: Content, lines: list[dict[str, ContentCell]]) -> bytes:
    return build_template(SPEC, organisation=GIVEN, lines=lines, last_year=last_year)


@pytest.fixture(scope="module")
def workbook(data: bytes) -> Any:
    return load_workbook(io.BytesIO(data))


def rows_of(worksheet: Any) -> list[dict[str, Any]]:
    header, *rows = worksheet.values
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_form_has_what_is_known_and_shows_last_years_answers(workbook: Any) -> None:
    worksheet = workbook["Organisation"]
    assert [cell.value for cell in worksheet[1]] == ["Question", "Your answer", "Last year", "Help"]
    answers = {row[0].value: (row[1].value, row[2].value) for row in worksheet.iter_rows(min_row=2)}
    assert answers["Organisation code"] == ("DEMO-CLEAN", "DEMO-CLEAN")
    assert answers["Sector"] == ("voluntary - Voluntary sector",) * 2
    assert answers["Nil return"] == (None, "no - No")
    assert worksheet["C2"].protection.locked


def test_services_are_the_lines_given(workbook: Any, lines: list[dict[str, ContentCell]]) -> None:
    rows = rows_of(workbook["Services"])
    assert [row["Local authority"].split(" - ")[0] for row in rows] == [line["local_authority_code"] for line in lines]
    assert {row["Data available"] for row in rows} == {None}
    assert rows[0]["Last year: Data available"] == "full - All figures are in this return"
    assert rows[-1]["Last year: Data available"] is None


def test_staff_rows_have_keys_no_answers_and_last_years_answers(workbook: Any, last_year: Content) -> None:
    rows = rows_of(workbook["Staff"])
    before = [row for row in last_year.table("staff") if row["service_type"] == last_year.rows[0].cells["service_type"]]
    assert len(rows) == 15, "the roles of three of the four lines: one is no longer expected"
    assert len(before) == 10
    staff = SPEC.sheet["staff"]
    answers = [question for question in staff.fields if question.key not in staff.business_key]
    for row, was in zip(rows[:5], last_year.table("staff")[:5], strict=True):
        assert row["Role"].startswith(f"{was['role_code']} - ")
        assert {row[question.label] for question in answers} == {None}
        for question in answers:
            assert str(row[LAST_YEAR + question.label]) == str(was[question.key])


def test_last_years_columns_stand_right_of_all_questions(workbook: Any) -> None:
    for sheet in SPEC.sheets[1:]:
        header = [cell.value for cell in workbook[sheet.title][1]]
        asked = len(sheet.fields)
        assert header[:asked] == [question.label for question in sheet.fields]
        others = [question.label for question in sheet.fields if question.key not in sheet.business_key]
        assert header[asked:] == [LAST_YEAR + label for label in others]


def test_last_years_answers_refuse_typing_but_let_the_row_be_deleted(workbook: Any) -> None:
    worksheet = workbook["Staff"]
    refusing = [check for check in worksheet.data_validations.dataValidation if check.formula1 == "FALSE"]
    assert [str(check.sqref) for check in refusing] == ["O2:Y1001"]
    dimensions = worksheet.column_dimensions.values()
    assert max(dimension.max for dimension in dimensions) == 16384
    assert not any(dimension.protection.locked for dimension in dimensions)


def test_only_the_keys_are_read(data: bytes, last_year: Content, lines: list[dict[str, ContentCell]]) -> None:
    judged = judge_return(data, None, Context())
    content = judged.content
    assert content.organisation == GIVEN
    assert content.table("services") == lines
    assert {frozenset(row) for row in content.table("staff")} == {frozenset(SPEC.sheet["staff"].business_key)}
    assert not [finding for finding in judged.report.findings if (finding.value or "").startswith(LAST_YEAR)]


def test_the_hidden_sheet_says_for_whom(workbook: Any) -> None:
    assert dict(workbook[PROVENANCE].values)[PREFILLED_FOR] == "DEMO-CLEAN"


def test_rows_whose_codes_are_gone_are_not_prefilled() -> None:
    old, new = load_spec(2022), load_spec(2023)
    gone = set(old.code_lists["local_authorities"].by_code) - set(new.code_lists["local_authorities"].by_code)
    assert gone, "local authorities changed in April 2023"
    content = whole_return(old)
    for row in content.rows:
        if row.cells.get("local_authority_code") == "E06000002":
            row.cells["local_authority_code"] = min(gone)
    rows = rows_of(load_workbook(io.BytesIO(build_template(new, last_year=content)))["Staff"])
    assert {row["Local authority"] for row in rows} == {"E06000001 - Hartlepool"}
    assert len(rows) == 10


def test_parts_can_be_given_alone() -> None:
    only_form = load_workbook(io.BytesIO(build_template(SPEC, organisation=GIVEN)))
    assert only_form["Organisation"]["B3"].value == GIVEN["name"]
    assert only_form["Organisation"]["C1"].value == "Help"
    assert only_form["Staff"].max_row == 1
    only_lines = load_workbook(io.BytesIO(build_template(SPEC, lines=[{"service_type": "lero"}])))
    assert [row["Service type"] for row in rows_of(only_lines["Services"])] == [
        "lero - Lived experience recovery organisation"
    ]


def test_it_is_the_same_every_time(data: bytes, last_year: Content, lines: list[dict[str, ContentCell]]) -> None:
    again = build_template(SPEC.model_copy(), organisation=GIVEN, lines=lines, last_year=last_year)
    assert read_parts(again) == read_parts(data)
