"""The sheets that people answer on, without answers: headers, widths, checks, protection and print settings."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from census_api.questionnaire.model import SheetQuestion, SpecSheet
from census_api.questionnaire.templates import styles
from census_api.questionnaire.templates.cell_checks import answer_check, nothing_to_type, unanswered_tint
from census_api.questionnaire.templates.names import LAST_YEAR
from census_api.questionnaire.templates.rows import LINE_HEIGHT, AnswerColumn, lines_of

_LAST_COLUMN = 16384
_BOLD = 0.95
"""Letters of a bold heading in the width of one figure."""
_KEY_WIDTHS = (44.0, 38.0, 27.0)
"""Of the key columns of a sheet with one, two or three: they stay in view, and leave room for the answers."""
_TAB_COLORS = {"form": styles.NAVY, "table": styles.NAVY, "breakdown": styles.TEAL}


def add_table(workbook: Workbook, sheet: SpecSheet, capacity: int, with_last_year: bool) -> tuple[AnswerColumn, ...]:
    """A table or breakdown whose checks reach `capacity` rows. Returns its columns, this year's first."""
    worksheet = new_sheet(workbook, sheet)
    asked = list(sheet.fields)
    before = [question for question in asked if question.key not in sheet.business_key] if with_last_year else []
    columns: list[AnswerColumn] = []
    for number, question in enumerate(asked + before, start=1):
        look_back = number > len(asked)
        letter = get_column_letter(number)
        _column(worksheet, letter, sheet, question, look_back)
        key = f"{LAST_YEAR}{question.key}" if look_back else question.key
        dimension = worksheet.column_dimensions[letter]
        columns.append(AnswerColumn(key, letter, dimension.style_id, question, dimension.width))
    _outside(worksheet, len(columns) + 1)
    worksheet.row_dimensions[1].height = _header_height(worksheet, columns)
    _checks(worksheet, sheet, columns[: len(asked)], capacity)
    if before:
        shown_only = nothing_to_type()
        shown_only.add(f"{columns[len(asked)].letter}2:{columns[-1].letter}{capacity + 1}")
        worksheet.add_data_validation(shown_only)
        # this year's answers on one page, last year's on the next, each beside the keys
        worksheet.page_setup.fitToWidth = 2
        worksheet.print_title_cols = f"A:{columns[len(sheet.business_key) - 1].letter}"
    worksheet.freeze_panes = f"{get_column_letter(len(sheet.business_key) + 1)}2"
    return tuple(columns)


def new_sheet(workbook: Workbook, sheet: SpecSheet) -> Worksheet:
    """The sheet, empty, with its colour, protection and print settings."""
    worksheet = workbook.create_sheet(sheet.title)
    worksheet.sheet_properties.tabColor = _TAB_COLORS[sheet.kind]
    protect_sheet(worksheet)
    print_on_a4(worksheet)
    worksheet.print_title_rows = "1:1"
    return worksheet


def protect_sheet(worksheet: Worksheet) -> None:
    """Protection without a password: it keeps headings safe, and lets people work with rows and columns."""
    worksheet.protection.sheet = True
    for allowed in ("insertRows", "deleteRows", "sort", "formatColumns", "formatRows"):
        setattr(worksheet.protection, allowed, False)


def print_on_a4(worksheet: Worksheet) -> None:
    worksheet.page_setup.orientation = "landscape"
    worksheet.page_setup.paperSize = worksheet.PAPERSIZE_A4
    worksheet.sheet_properties.pageSetUpPr.fitToPage = True
    worksheet.page_setup.fitToWidth = 1
    worksheet.page_setup.fitToHeight = 0
    worksheet.print_options.gridLines = True
    worksheet.page_margins.left = worksheet.page_margins.right = 0.4
    worksheet.page_margins.top, worksheet.page_margins.bottom, worksheet.page_margins.footer = 0.5, 0.75, 0.35
    worksheet.oddFooter.left.text = "&A"
    worksheet.oddFooter.right.text = "Page &P of &N"


def _column(worksheet: Worksheet, letter: str, sheet: SpecSheet, question: SheetQuestion, look_back: bool) -> None:
    header = worksheet[f"{letter}1"]
    header.value = f"{LAST_YEAR}{question.label}" if look_back else question.label
    header.data_type = "s"
    must = question.required or sheet.kind == "breakdown"
    this_year = styles.HEADER_REQUIRED if must else styles.HEADER_OPTIONAL
    styles.dress_cell(header, styles.HEADER_LAST_YEAR if look_back else this_year)
    dimension = worksheet.column_dimensions[letter]
    styles.dress_cell(dimension, (styles.last_year if look_back else styles.answer_look)(question.type))
    dimension.width = _width(sheet, question)


def _width(sheet: SpecSheet, question: SheetQuestion) -> float:
    if question.key in sheet.business_key:
        return min(question.width, _KEY_WIDTHS[min(len(sheet.business_key), len(_KEY_WIDTHS)) - 1])
    return question.width


def _outside(worksheet: Worksheet, first: int) -> None:
    dimension = worksheet.column_dimensions[get_column_letter(first)]
    dimension.min, dimension.max = first, _LAST_COLUMN
    dimension.width = 10
    styles.dress_cell(dimension, styles.OUTSIDE)


def _header_height(worksheet: Worksheet, columns: Sequence[AnswerColumn]) -> float:
    lines = (lines_of(worksheet[f"{column.letter}1"].value, column.width * _BOLD) for column in columns)
    return float((max(lines) + 0.6) * LINE_HEIGHT)


def _checks(worksheet: Worksheet, sheet: SpecSheet, columns: Sequence[AnswerColumn], capacity: int) -> None:
    whole_row = f"${columns[0].letter}2:${columns[-1].letter}2"
    for column in columns:
        first = f"{column.letter}2"
        covered = f"{first}:{column.letter}{capacity + 1}"
        check = answer_check(column.question, first)
        check.add(covered)
        worksheet.add_data_validation(check)
        if column.question.required or sheet.kind == "breakdown":
            worksheet.conditional_formatting.add(covered, unanswered_tint(first, whole_row))
