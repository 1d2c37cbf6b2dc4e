"""The Organisation sheet: a form with a question in column A of each row and its answer in column B."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from openpyxl import Workbook

from census_api.domain.collecting.content import ContentCell
from census_api.questionnaire.model import FieldType, SheetQuestion, Spec, SpecSheet, show_code
from census_api.questionnaire.templates import styles
from census_api.questionnaire.templates.cell_checks import answer_check, input_message, unanswered_tint
from census_api.questionnaire.templates.names import FORM_HEADERS
from census_api.questionnaire.templates.rows import (
    LINE_HEIGHT,
    AnswerColumn,
    SharedStrings,
    answer_writer,
    lines_of,
    row_start,
    text_writer,
)
from census_api.questionnaire.templates.sheets import new_sheet

Answers = Mapping[str, ContentCell]

_QUESTION, _ANSWER, _LAST_YEAR, _HELP = FORM_HEADERS
_WIDTHS = {_QUESTION: 26.0, _ANSWER: 56.0, _LAST_YEAR: 40.0, _HELP: 72.0}


@dataclass(frozen=True, slots=True)
class FormStyles:
    """Numbers of the styles of a form's cells; those of answers by the type of the question."""

    label: int
    answers: Mapping[FieldType, int]
    before: Mapping[FieldType, int]
    help: int


def form_styles(workbook: Workbook) -> FormStyles:
    worksheet = workbook.worksheets[0]
    kinds: tuple[FieldType, ...] = get_args(FieldType)
    return FormStyles(
        label=styles.style_id(worksheet, styles.FORM_LABEL),
        answers={kind: styles.style_id(worksheet, styles.form_answer(kind)) for kind in kinds},
        before={kind: styles.style_id(worksheet, styles.form_last_year(kind)) for kind in kinds},
        help=styles.style_id(worksheet, styles.FORM_HELP),
    )


def add_form(workbook: Workbook, sheet: SpecSheet, with_last_year: bool) -> None:
    """A form: its header, checks and tints. Questions and answers are rows, which are written later."""
    worksheet = new_sheet(workbook, sheet)
    headers = [header for header in FORM_HEADERS if with_last_year or header != _LAST_YEAR]
    for column, header in enumerate(headers, start=1):
        cell = worksheet.cell(1, column, header)
        styles.dress_cell(cell, styles.HEADER_LAST_YEAR if header == _LAST_YEAR else styles.HEADER_REQUIRED)
        worksheet.column_dimensions[cell.column_letter].width = _WIDTHS[header]
    worksheet.row_dimensions[1].height = 2 * LINE_HEIGHT
    worksheet.print_options.gridLines = False
    worksheet.freeze_panes = "A2"
    for row, question in enumerate(sheet.fields, start=2):
        answer = f"B{row}"
        check = answer_check(question, answer)
        check.add(answer)
        worksheet.add_data_validation(check)
        if question.required:
            worksheet.conditional_formatting.add(answer, unanswered_tint(answer, None))


def form_rows(
    spec: Spec, sheet: SpecSheet, look: FormStyles, form: Answers, before: Answers | None, strings: SharedStrings
) -> Iterator[bytes]:
    """The form from row 2 on: question, answer, last year's answer if there is one to show, help."""
    label = text_writer("A", look.label, strings)
    explain = text_writer("C" if before is None else "D", look.help, strings)
    for row, question in enumerate(sheet.fields, start=2):
        message = input_message(question)
        answer = AnswerColumn(question.key, "B", look.answers[question.type], question, _WIDTHS[_ANSWER])
        cells = label(row, question.label) + _cell(spec, answer, form, row, strings)
        lines = max(lines_of(message, _WIDTHS[_HELP]), _lines(spec, question, form, _WIDTHS[_ANSWER]))
        if before is not None:
            shown_only = AnswerColumn(question.key, "C", look.before[question.type], question, _WIDTHS[_LAST_YEAR])
            cells += _cell(spec, shown_only, before, row, strings)
            lines = max(lines, _lines(spec, question, before, _WIDTHS[_LAST_YEAR]))
        yield f"{row_start(row, lines)}{cells}{explain(row, message)}</row>".encode()


def _cell(spec: Spec, column: AnswerColumn, answers: Answers, row: int, strings: SharedStrings) -> str:
    value = answers.get(column.key, "")
    if value == "":
        return f'<c r="{column.letter}{row}" s="{column.style}"/>'
    return answer_writer(spec, column, strings)(row, value)


def _lines(spec: Spec, question: SheetQuestion, answers: Answers, width: float) -> int:
    value = str(answers.get(question.key, ""))
    code = spec.code_lists[question.code_list].by_code.get(value) if question.code_list else None
    return lines_of(value if code is None else show_code(code), width)
