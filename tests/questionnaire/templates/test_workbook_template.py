"""The blank template: what is on it, what it checks, and that it is the same each time it is built."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries

from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import SheetQuestion, Spec, SpecSheet, show_code
from census_api.questionnaire.templates.cell_checks import input_message
from census_api.questionnaire.templates.names import HELPER_SHEETS, INSTRUCTIONS, LISTS, PROVENANCE
from census_api.questionnaire.templates.package import read_parts
from census_api.questionnaire.templates.workbook import build_template

YEARS = (2022, 2023, 2024, 2025)


def opened(data: bytes) -> Any:
    return load_workbook(io.BytesIO(data))


def with_extra_question(spec: Spec) -> Spec:
    extra = SheetQuestion(
        key="on_sick_leave",
        label="On sick leave",
        type="count",
        help="People away ill.",
        states=("NK", "NA"),
        since=2026,
    )
    staff = spec.sheet["staff"]
    longer = SpecSheet(**{**staff.model_dump(), "fields": (*staff.fields, extra)})
    sheets = tuple(longer if sheet is staff else sheet for sheet in spec.sheets)
    return Spec(**{name: getattr(spec, name) for name in Spec.model_fields} | {"sheets": sheets})


@pytest.fixture(params=YEARS)
def spec(request: pytest.FixtureRequest) -> Spec:
    return load_spec(request.param)


def validations(worksheet: Any) -> dict[str, Any]:
    """Validation by the letter of the column (or, on a form, by the cell)."""
    return {str(check.sqref).split(":")[0]: check for check in worksheet.data_validations.dataValidation}


def test_sheets_stand_in_order_and_the_helpers_are_out_of_sight(spec: Spec) -> None:
    workbook = opened(build_template(spec))
    assert workbook.sheetnames == [INSTRUCTIONS, *(sheet.title for sheet in spec.sheets), LISTS, PROVENANCE]
    states = {worksheet.title: worksheet.sheet_state for worksheet in workbook}
    assert {title for title, state in states.items() if state == "veryHidden"} == {LISTS, PROVENANCE}
    assert set(HELPER_SHEETS) == {INSTRUCTIONS, LISTS, PROVENANCE}
    assert workbook.security.lockStructure
    assert all(worksheet.protection.sheet and worksheet.protection.password is None for worksheet in workbook)


def test_headers_are_the_labels_and_nothing_stands_below_them(spec: Spec) -> None:
    workbook = opened(build_template(spec))
    for sheet in spec.sheets:
        worksheet = workbook[sheet.title]
        if sheet.kind == "form":
            assert [worksheet.cell(row, 1).value for row in range(2, worksheet.max_row + 1)] == [
                question.label for question in sheet.fields
            ]
            assert all(worksheet.cell(row, 2).value is None for row in range(2, worksheet.max_row + 1))
        else:
            assert [cell.value for cell in worksheet[1]] == [question.label for question in sheet.fields]
            assert worksheet.max_row == 1
            assert worksheet.freeze_panes == f"{get_column_letter(len(sheet.business_key) + 1)}2"
        assert worksheet.print_title_rows == "$1:$1"
        assert (worksheet.page_setup.orientation, worksheet.page_setup.fitToWidth) == ("landscape", 1)


def test_the_hidden_sheet_says_which_template_it_is(spec: Spec) -> None:
    rows = dict(opened(build_template(spec))[PROVENANCE].values)
    assert rows == {
        "census_year": str(spec.year),
        "template_version": str(spec.collection.template_version),
        "spec_digest": spec.digest,
    }


def test_every_question_has_its_check_and_its_help(spec: Spec) -> None:
    workbook = opened(build_template(spec))
    for sheet in spec.sheets:
        checks = validations(workbook[sheet.title])
        assert len(checks) == len(sheet.fields)
        for number, question in enumerate(sheet.fields):
            check = checks[f"B{number + 2}" if sheet.kind == "form" else f"{get_column_letter(number + 1)}2"]
            assert check.showInputMessage
            assert check.showErrorMessage
            message = input_message(question)
            assert check.prompt == message or (len(message) > 255 and message.startswith(check.prompt[:-1]))
            # what Excel takes
            assert len(check.prompt) <= 255
            assert len(check.error) <= 255
            assert len(check.promptTitle) <= 32
            assert len(check.formula1) <= 255


def test_drop_downs_reach_every_code(spec: Spec) -> None:
    workbook = opened(build_template(spec))
    asked = 0
    for sheet in spec.sheets:
        names = {check.formula1 for check in validations(workbook[sheet.title]).values() if check.type == "list"}
        lists = {question.code_list for question in sheet.fields if question.code_list}
        assert names == {f"list_{name}" for name in lists}
        for name in lists:
            (destination,) = workbook.defined_names[f"list_{name}"].destinations
            column, first, _, last = range_boundaries(destination[1])
            cells = [workbook[destination[0]].cell(row, column).value for row in range(first, last + 1)]
            assert cells == [show_code(code) for code in spec.code_lists[name].codes]
            asked += 1
    assert asked >= 10


def test_answers_are_unlocked_and_headings_are_not(spec: Spec) -> None:
    workbook = opened(build_template(spec))
    for sheet in spec.sheets:
        worksheet = workbook[sheet.title]
        assert all(cell.protection.locked for cell in worksheet[1])
        if sheet.kind == "form":
            answers = [worksheet.cell(row, 2) for row in range(2, len(sheet.fields) + 2)]
            assert not any(cell.protection.locked for cell in answers)
            continue
        dimensions = list(worksheet.column_dimensions.values())
        assert not any(dimension.protection.locked for dimension in dimensions)
        assert max(dimension.max for dimension in dimensions) == 16384, "or no row could be deleted"
        allowed = ("insertRows", "deleteRows", "sort", "formatColumns", "formatRows")
        assert not any(getattr(worksheet.protection, name) for name in allowed)


def test_unanswered_required_cells_are_tinted(spec: Spec) -> None:
    workbook = opened(build_template(spec))

    def tinted(sheet: SpecSheet) -> set[str]:
        return {str(area.sqref).split(":")[0] for area in workbook[sheet.title].conditional_formatting}

    staff = spec.sheet["staff"]
    required = {f"{get_column_letter(n)}2" for n, question in enumerate(staff.fields, 1) if question.required}
    assert tinted(staff) == required
    assert tinted(spec.sheet["organisation"]) == {
        f"B{n}" for n, question in enumerate(spec.sheet["organisation"].fields, 2) if question.required
    }
    assert len(tinted(spec.sheet["age"])) == len(spec.sheet["age"].fields)


def test_nothing_that_could_alarm_or_leak_is_in_the_package(spec: Spec) -> None:
    data = build_template(spec)
    assert len(data) < 60_000
    parts = read_parts(data)
    unwanted = ("vba", "media", "drawing", "externalLink", "comments", "printerSettings", "calcChain")
    assert not [name for name in parts if any(word.casefold() in name.casefold() for word in unwanted)]
    assert b"http" not in b"".join(parts[name] for name in parts if name.endswith(".rels")).replace(
        b"http://schemas.openxmlformats.org/", b""
    )
    assert not any(b"<f>" in part for part in parts.values())
    assert b"Calibri" not in parts["xl/styles.xml"]


def test_two_builds_are_the_same(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_template(spec)
    again = build_template(spec.model_copy())  # another object, so nothing kept from the first build is used
    assert read_parts(first) == read_parts(again)
    assert first == again
    midnight = dt.datetime.combine(spec.collection.reference_date, dt.time())
    properties = opened(first).properties
    assert (properties.created, properties.modified) == (midnight, midnight)
    assert properties.title == spec.collection.title


def test_the_instructions_name_the_dates_and_lead_to_every_sheet(spec: Spec) -> None:
    worksheet = opened(build_template(spec))[INSTRUCTIONS]
    text = " ".join(str(cell.value) for row in worksheet.iter_rows() for cell in row if cell.value)
    for words in (f"30 June {spec.year}", f"1 July {spec.year - 1}", "NK", "REFUSED", "census check", "WTE", "Vacancy"):
        assert words in text
    links = {cell.value: cell.hyperlink.location for row in worksheet.iter_rows() for cell in row if cell.hyperlink}
    assert links == {sheet.title: f"'{sheet.title}'!A1" for sheet in spec.sheets}
    groups = spec.code_lists["role_groups"].codes
    assert all(group.label in text for group in groups)
    assert all(role.label in text for role in spec.code_lists["roles"].codes)


def test_a_new_optional_question_is_a_new_column() -> None:
    spec = with_extra_question(load_spec(2025))
    worksheet = opened(build_template(spec))["Staff"]
    assert worksheet.cell(1, len(spec.sheet["staff"].fields)).value == "On sick leave"
    check = validations(worksheet)[f"{get_column_letter(len(spec.sheet['staff'].fields))}2"]
    assert 'OR(O2="NK",O2="NA")' in check.formula1
    assert check.prompt == "People away ill. NK (not known) and NA (not applicable) can be written too."
