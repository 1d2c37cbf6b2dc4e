"""An employer's answers rewritten into the year's template, for uploads that are no .xlsx: .ods, JSON, .csv."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping

from openpyxl import load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from census_api.intake.annotating.marks import keep_as_text, split_address
from census_api.intake.annotating.styles import apply_style, blank_style
from census_api.intake.annotating.words import looks_like_formula, make_printable
from census_api.intake.preflight.package import RawSheet, RawWorkbook
from census_api.questionnaire.model import SheetQuestion, Spec, SpecSheet, fold_text, show_code
from census_api.questionnaire.templates.names import HELPER_SHEETS, is_findings_sheet
from census_api.questionnaire.templates.workbook import build_template

Cells = dict[tuple[int, int], str]
"""Text by (row, column), both from 1."""

_MAX_COLUMNS = 256
_EXACT_NUMBER = re.compile(r"^-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?$")


def from_raw(raw: RawWorkbook, spec: Spec) -> Workbook:
    """Sheets as the reader saw them, at the same addresses. Sheets that fit the template keep its look and checks."""
    book = _template(spec)
    names = {fold_text(name): sheet for sheet in spec.sheets for name in (sheet.title, sheet.key)}
    helpers = {fold_text(name) for name in HELPER_SHEETS}
    for sheet in raw.sheets:
        cells = _raw_cells(sheet)
        if fold_text(sheet.name) in helpers or is_findings_sheet(sheet.name, cells.get((1, 1))):
            continue
        asked = names.get(fold_text(sheet.name))
        _put_sheet(book, sheet.name, cells, asked)
        # a second sheet of the name stands beside the first, not over it
        names = {name: other for name, other in names.items() if other is not asked}
    return book


def from_csv(data: bytes, spec: Spec) -> Workbook:
    """A single sheet, on the template's sheet whose headers it has most of."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    cells = {(r, c): value for r, row in enumerate(rows, 1) for c, value in enumerate(row, 1) if value.strip()}
    headers = {fold_text(value) for (row, _), value in cells.items() if row == 1}
    sheet = max(spec.sheets, key=lambda sheet: len(headers & set(_headers(sheet))))
    book = _template(spec)
    _put_sheet(book, sheet.title, cells, sheet)
    return book


def from_json(data: bytes, spec: Spec) -> tuple[Workbook, dict[str, tuple[str, str]]]:
    """A JSON return in the template, and the cell that each JSON pointer of it became."""
    tree = json.loads(data.decode("utf-8-sig"), parse_int=_JsonNumber, parse_float=_JsonNumber)
    book = _template(spec)
    places: dict[str, tuple[str, str]] = {}
    for sheet in spec.sheets:
        value, worksheet = tree.get(sheet.key), book[sheet.title]
        if sheet.kind == "form":
            _put_form(worksheet, sheet, value if isinstance(value, dict) else {}, spec, places)
        elif isinstance(value, list):
            _put_rows(worksheet, sheet, value, spec, places)
    return book, places


class _JsonNumber(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _template(spec: Spec) -> Workbook:
    return load_workbook(io.BytesIO(build_template(spec)))


def _headers(sheet: SpecSheet) -> dict[str, SheetQuestion]:
    return {fold_text(name): question for question in sheet.fields for name in (question.key, question.label)}


def _raw_cells(raw: RawSheet) -> Cells:
    cells = {
        (raw.first_row + r, raw.first_column + c): text
        for r, row in enumerate(raw.frame.iter_rows())
        for c, text in enumerate(row)
        if text is not None
    }
    for mark in (*raw.facts.formulas_without_value, *raw.facts.error_cells):
        place = split_address(mark.cell)
        if place is not None:
            cells[place] = mark.text
    return cells


def _put_sheet(book: Workbook, name: str, cells: Cells, sheet: SpecSheet | None) -> None:
    worksheet = book[sheet.title] if sheet is not None else None
    if worksheet is None or sheet is None or not _fits(worksheet, cells, sheet):
        worksheet = _plain_sheet(book, name, worksheet)
    numeric = _numeric_columns(cells, sheet)
    for (row, column), text in cells.items():
        _put(worksheet.cell(row, column), text, column in numeric)


def _fits(worksheet: Worksheet, cells: Mapping[tuple[int, int], str], sheet: SpecSheet) -> bool:
    """Whether every fixed text of the template stands at the same place in the upload (columns to the right may follow)."""
    fixed = [(row, 1) for row in range(2, len(sheet.fields) + 2)] if sheet.kind == "form" else [
        (1, column) for column in range(1, len(sheet.fields) + 1)
    ]  # fmt: skip
    return all(fold_text(str(worksheet.cell(*place).value)) == fold_text(cells.get(place, "")) for place in fixed)


def _plain_sheet(book: Workbook, name: str, instead_of: Worksheet | None) -> Worksheet:
    """A sheet without the template's checks, which would sit on the wrong columns."""
    position = len(book.sheetnames)
    if instead_of is not None:
        position = book.index(instead_of)
        book.remove(instead_of)
    worksheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", "_", name)[:31], position)
    worksheet.freeze_panes = "A2"
    worksheet.sheet_format.defaultColWidth = 18
    worksheet.row_dimensions[1].font = Font(bold=True)
    return worksheet


def _numeric_columns(cells: Mapping[tuple[int, int], str], sheet: SpecSheet | None) -> set[int]:
    if sheet is None or sheet.kind == "form":
        return set()
    headers = _headers(sheet)
    found = ((column, headers.get(fold_text(text))) for (row, column), text in cells.items() if row == 1)
    return {column for column, question in found if question is not None and question.numeric}


def _put(cell: Cell, text: str, numeric: bool) -> None:
    if not cell.has_style:
        apply_style(cell, blank_style(cell.parent, cell.row, cell.column))
    if numeric and _EXACT_NUMBER.match(text):
        cell.value = float(text) if "." in text else int(text)
        return
    cell.value = make_printable(text)
    cell.data_type = "s"
    if looks_like_formula(text):
        keep_as_text(cell)


def _put_form(
    worksheet: Worksheet,
    sheet: SpecSheet,
    answers: Mapping[str, object],
    spec: Spec,
    places: dict[str, tuple[str, str]],
) -> None:
    rows = {fold_text(str(worksheet.cell(row, 1).value)): row for row in range(1, worksheet.max_row + 1)}
    for question in sheet.fields:
        row = rows[fold_text(question.label)]
        places[f"/{sheet.key}/{question.key}"] = (sheet.title, f"B{row}")
        if answers.get(question.key) is not None:
            _put(worksheet.cell(row, 2), _text(answers[question.key], question, spec), False)
    row = worksheet.max_row
    for name in [name for name in answers if name not in sheet.by_key]:
        row += 1
        places[f"/{sheet.key}/{_escaped(name)}"] = (sheet.title, f"B{row}")
        _put(worksheet.cell(row, 1), name, False)
        _put(worksheet.cell(row, 2), _text(answers[name], None, spec), False)


def _put_rows(
    worksheet: Worksheet, sheet: SpecSheet, rows: list[object], spec: Spec, places: dict[str, tuple[str, str]]
) -> None:
    columns = {question.key: number for number, question in enumerate(sheet.fields, 1)}
    for index, answers in enumerate(rows):
        row = index + 2
        places[f"/{sheet.key}/{index}"] = (sheet.title, f"A{row}")
        for name, value in answers.items() if isinstance(answers, dict) else ():
            if name not in columns:
                if len(columns) >= _MAX_COLUMNS:
                    continue
                columns[name] = len(columns) + 1
                _put(worksheet.cell(1, columns[name]), name, False)
            question = sheet.by_key.get(name)
            if value is not None:
                numeric = isinstance(value, _JsonNumber) or (question is not None and question.type == "decimal")
                _put(worksheet.cell(row, columns[name]), _text(value, question, spec), numeric)
        for name, column in columns.items():
            places[f"/{sheet.key}/{index}/{_escaped(name)}"] = (sheet.title, f"{get_column_letter(column)}{row}")


def _text(value: object, question: SheetQuestion | None, spec: Spec) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[:200]
    if question is not None and question.code_list is not None:
        entry = spec.code_lists[question.code_list].by_code.get(value.strip())
        return show_code(entry) if entry is not None else value
    return value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
