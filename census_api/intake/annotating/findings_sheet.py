"""The Findings sheet: what was found, in one table, with a link to each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from census_api.domain.collecting.findings import SEVERITIES, Finding, Report
from census_api.intake.annotating.marks import FILLS, keep_as_text
from census_api.intake.annotating.opening import OpenedWorkbook, Place
from census_api.intake.annotating.styles import apply_style, style_numbers
from census_api.intake.annotating.words import (
    MAX_COMMENTS,
    MAX_FINDINGS,
    SEVERITY_LABELS,
    SEVERITY_MEANINGS,
    looks_like_formula,
    make_printable,
    outcome_in_words,
)
from census_api.questionnaire.model import Spec
from census_api.questionnaire.templates.names import FINDINGS_SHEET, FINDINGS_TITLE, is_findings_sheet

_COLUMNS = (
    ("Severity", 11), ("Sheet", 17), ("Cell", 9), ("Column", 22), ("Value", 20),
    ("What is wrong", 52), ("What was expected", 38), ("What to do", 48), ("Rule", 12),
)  # fmt: skip
_TAB = "FFB3261E"
_INK, _LINK, _HEAD = "FF1F2A33", "FF0B57A4", "FF12395B"
_THIN = Side(style="thin", color="FFB8C4CE")
_LETTERS_A_LINE = 190
_TALLEST_ROW = 409
_ADVICE = (
    "Correct the cells in this workbook, save it and upload it again. There is no need to delete this sheet or the "
    "comments: the next check replaces them."
)


def replace_findings_sheet(opened: OpenedWorkbook, report: Report, spec: Spec, uncommented: int) -> None:
    """Puts a new Findings sheet first and in view; one that we wrote into an earlier copy goes."""
    book = opened.book
    for sheet in [sheet for sheet in book.worksheets if is_findings_sheet(sheet.title, sheet["A1"].value)]:
        book.remove(sheet)
    sheet = book.create_sheet(_free_name(book.sheetnames), 0)
    ordered = sorted(report.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    header = _heading(sheet, report, spec, _notices(opened, len(ordered), uncommented))
    _table(sheet, header, ordered[:MAX_FINDINGS], opened, spec)
    _finish(sheet, header)
    _show_first(book, sheet)


def _free_name(taken: Sequence[str]) -> str:
    """`Findings`, unless the employer has a sheet of that name."""
    folded = {name.casefold() for name in taken}
    number, name = 1, FINDINGS_SHEET
    while name.casefold() in folded:
        number += 1
        name = f"{FINDINGS_SHEET} {number}"
    return name


def _notices(opened: OpenedWorkbook, found: int, uncommented: int) -> list[str]:
    notices = []
    if opened.is_copy:
        notices.append(
            "Your file was not an Excel workbook that can be written into, so this is your answers copied into the "
            "workbook of the year. Check that everything is here before you go on with this copy."
        )
    if uncommented:
        notices.append(
            f"The first {MAX_COMMENTS:,} cells with findings have a comment, errors first. {uncommented:,} more cells "
            "are coloured and listed here, but have no comment, because more would make the workbook slow to open."
        )
    if found > MAX_FINDINGS:
        notices.append(f"This sheet lists the first {MAX_FINDINGS:,} of {found:,} findings, errors first.")
    return notices


def _heading(sheet: Worksheet, report: Report, spec: Spec, notices: Sequence[str]) -> int:
    """The lines above the table. Returns the row of the table's header."""
    submission = f"submission {report.submission}" if report.submission is not None else "not submitted, a check only"
    organisation = report.organisation or "organisation not stated"
    lines = [
        f"{spec.collection.title}. Organisation: {organisation}. This file: {submission}.",
        outcome_in_words(report),
        _ADVICE,
        *notices,
    ]
    title = _write(sheet, 1, 1, FINDINGS_TITLE)
    title.font = Font(name="Arial", size=18, bold=True, color=_HEAD)
    sheet.row_dimensions[1].height = 28
    for row, line in enumerate(lines, 2):
        cell = _write(sheet, row, 1, line)
        cell.font = Font(name="Arial", size=11, bold=row == 3, color=_INK)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(_COLUMNS))
        sheet.row_dimensions[row].height = 16 * (1 + len(line) // _LETTERS_A_LINE)
    legend = len(lines) + 2
    for column, severity in zip((1, 4, 7), SEVERITIES, strict=True):
        cell = _write(sheet, legend, column, SEVERITY_LABELS[severity])
        cell.fill, cell.font = PatternFill("solid", fgColor=FILLS[severity]), Font(name="Arial", size=11, bold=True)
        _write(sheet, legend, column + 1, SEVERITY_MEANINGS[severity]).font = Font(name="Arial", size=11, color=_INK)
    return legend + 2


def _write(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """Text in a cell, as text whatever it begins with."""
    cell = sheet.cell(row, column)
    if not text:
        return cell
    cell.value = make_printable(text)
    cell.data_type = "s"
    if looks_like_formula(text):
        keep_as_text(cell)
    return cell


def _table(sheet: Worksheet, header: int, findings: Sequence[Finding], opened: OpenedWorkbook, spec: Spec) -> None:
    for column, (label, width) in enumerate(_COLUMNS, 1):
        cell = _write(sheet, header, column, label)
        cell.font = Font(name="Arial", size=11, bold=True, color="FFFFFFFF")
        cell.fill = PatternFill("solid", fgColor=_HEAD)
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.row_dimensions[header].height = 22
    if not findings:
        _write(sheet, header + 1, 1, "No problems were found.").font = Font(name="Arial", size=11, color=_INK)
    paint = _Look(sheet)
    labels = {(s.title, q.key): q.label for s in spec.sheets for q in s.fields}
    for row, finding in enumerate(findings, header + 1):
        place = opened.place(finding)
        link = _link(finding, place, opened)
        texts = _texts(finding, place, labels)
        sheet.row_dimensions[row].height = _height(texts)
        for column, text in enumerate(texts, 1):
            cell = _write(sheet, row, column, text)
            if link is not None and column == link[0]:
                cell.hyperlink = Hyperlink(ref=cell.coordinate, location=link[1], tooltip="Go there")
                paint(cell, "link")
            else:
                paint(cell, finding.severity if column == 1 else "plain")


class _Look:
    """Gives cells of a sheet one of a few looks."""

    def __init__(self, sheet: Worksheet) -> None:
        border = Border(bottom=_THIN)
        self._styles: dict[str, StyleArray] = {}
        fills = {str(severity): colour for severity, colour in FILLS.items()}
        for name in (*SEVERITIES, "link", "plain"):
            # a cell that is not put on the sheet, only to make the style
            model = Cell(sheet, row=1, column=1)
            is_link, fill = name == "link", fills.get(name)
            model.font = Font(
                name="Arial", size=10, bold=fill is not None, color=_LINK if is_link else _INK,
                underline="single" if is_link else None,
            )  # fmt: skip
            model.alignment, model.border = Alignment(wrap_text=True, vertical="top"), border
            if fill is not None:
                model.fill = PatternFill("solid", fgColor=fill)
            self._styles[name] = style_numbers(model)

    def __call__(self, cell: Cell, name: str) -> None:
        quoted = cell.quotePrefix
        apply_style(cell, self._styles[name])
        if quoted:
            cell.quotePrefix = True


def _texts(finding: Finding, place: Place | None, labels: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    where = finding.sheet or "Whole return"
    column = labels.get((where, finding.column or ""), finding.column or "")
    address = place[1] if place is not None else finding.cell or ""
    return (
        SEVERITY_LABELS[finding.severity], where, address, column, finding.value or "",
        finding.message, finding.expected, finding.fix, finding.rule,
    )  # fmt: skip


def _height(texts: Sequence[str]) -> float:
    """Points that a row needs so that nothing is cut off: not every program fits rows to their text by itself."""
    lines = max(
        sum(1 + int(len(part) / (1.12 * width)) for part in text.split("\n"))
        for text, (_, width) in zip(texts, _COLUMNS, strict=True)
    )
    return min(_TALLEST_ROW, 4 + 13 * lines)


def _link(finding: Finding, place: Place | None, opened: OpenedWorkbook) -> tuple[int, str] | None:
    """Column of the table to put a link in, and its target: the cell, or the sheet if the finding is about no cell."""
    name = place[0] if place is not None else opened.sheet_name(finding.sheet)
    if name is None or opened.book[name].sheet_state != "visible":
        return None
    quoted = "'" + name.replace("'", "''") + "'!"
    return (3, quoted + place[1]) if place is not None else (2, quoted + "A1")


def _finish(sheet: Worksheet, header: int) -> None:
    """Filter, frozen header and print settings."""
    last = get_column_letter(len(_COLUMNS))
    sheet.auto_filter.ref = f"A{header}:{last}{max(sheet.max_row, header + 1)}"
    sheet.freeze_panes = f"A{header + 1}"
    sheet.print_title_rows = f"{header}:{header}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top, sheet.page_margins.bottom = 0.5, 0.8
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A", "Page &P of &N"
    sheet.sheet_view.showGridLines = False
    sheet.sheet_properties.tabColor = _TAB


def _show_first(book: Workbook, sheet: Worksheet) -> None:
    """The sheet opens in view, alone: with two sheets selected, typing into one would change both."""
    for other in book.worksheets:
        other.sheet_view.tabSelected = False
    book.active = book.index(sheet)
    sheet.sheet_view.tabSelected = True
    for view in book.views:
        view.firstSheet = 0
