"""One sheet as .csv, for the command line: made into a workbook of that sheet, so that the same rules judge it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from census_api.domain.collecting.findings import Report
from census_api.domain.kit.errors import InvalidRequest
from census_api.intake.preflight.refusals import refuse_file
from census_api.questionnaire.model import Rule, Spec, SpecSheet, fold_text

_VIEWS = {"form": "organisation", "breakdown": "breakdown"}
"""Which view's rules need nothing but the sheet itself; a table's view has its key's name."""

_ELSEWHERE = {"not_listed", "line_without_data", "not_in_frame", "return_is_blank", "return_has_data", "sector"}
"""Inputs of those rules that come from another sheet all the same."""


def sheet_of(spec: Spec, file: Path, named: str | None) -> SpecSheet:
    """The sheet that the file holds, by the name given or its own. Raises InvalidRequest naming the sheets."""
    wanted = fold_text(named if named is not None else file.stem)
    for sheet in spec.sheets:
        if wanted in (fold_text(sheet.title), fold_text(sheet.key)):
            return sheet
    titles = ", ".join(sheet.title for sheet in spec.sheets)
    raise InvalidRequest(
        f"A .csv file holds one sheet, and its name does not say which. Name the file after the sheet or add --sheet. "
        f"The sheets are {titles}."
    )


def as_workbook(data: bytes, sheet: SpecSheet) -> bytes:
    """The rows of the file as a workbook with that one sheet, every cell at the address it has in a spreadsheet.

    Raises Refused for what is not comma-separated text in UTF-8.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    target = book.create_sheet(sheet.title)
    for row in _rows(data):
        cells = []
        for text in row:
            cell = WriteOnlyCell(target, text or None)
            if text:
                # a text that begins with = must not become a formula
                cell.data_type = "s"
            cells.append(cell)
        target.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def of_one_sheet(report: Report, sheet: SpecSheet, spec: Spec) -> Report:
    """The report on that workbook without what the missing sheets would have told: those rules do not apply."""
    view = _VIEWS.get(sheet.kind, sheet.key)
    judged = {rule.code for rule in spec.rules if rule.on in ("marks", view) and not _inputs(rule) & _ELSEWHERE}
    statuses = {
        code: status if code in judged or status == "failed" else "not_applicable"
        for code, status in report.rules_by_status.items()
    }
    findings = [
        finding
        for finding in report.findings
        if (finding.sheet == sheet.title and finding.rule in judged)
        or report.rules_by_status.get(finding.rule) == "failed"
    ]
    rows = {title: count for title, count in report.rows_read.items() if title == sheet.title}
    return replace(report, rows_read=rows, rules_by_status=statuses, findings=findings)


def _inputs(rule: Rule) -> set[str]:
    return {str(rule.params.get("flag")), *rule.params.get("columns", ())}


def _rows(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse_file("csv_encoding")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        refuse_file("csv_broken")
    if any(not _writable(cell) for row in rows for cell in row):
        refuse_file("csv_control")
    if rows and len(rows[0]) == 1 and (";" in rows[0][0] or "\t" in rows[0][0]):
        refuse_file("csv_separator")
    return rows


def _writable(text: str) -> bool:
    return all(letter >= " " or letter in "\t\n\r" for letter in text) and len(text) <= 32_767
