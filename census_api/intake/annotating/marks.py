"""Fills and comments on the cells that findings are about, and taking away those of an earlier check."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Fill, PatternFill
from openpyxl.styles.colors import Color
from openpyxl.utils import column_index_from_string
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from census_api.domain.collecting.findings import SEVERITIES, Finding, Severity
from census_api.intake.annotating.styles import (
    add_fills,
    apply_style,
    blank_style,
    fill_number,
    is_stored,
    stored_cells,
    style_numbers,
)
from census_api.intake.annotating.words import AUTHOR, COMMENT_MARK, MAX_COMMENTS, comment_text, looks_like_formula

FILLS: Mapping[Severity, str] = {"error": "FFF9C4BE", "query": "FFFDE49C", "note": "FFCFE2F6"}

_ADDRESS = re.compile(r"^([A-Z]{1,3})([1-9][0-9]{0,6})(?::[A-Z]{1,3}[1-9][0-9]{0,6})?$")
_COMMENT_WIDTH, _COMMENT_HEIGHT, _LINE_HEIGHT, _LINE_LETTERS = 380, 460, 17, 54
_REMEMBERED = "01"


def split_address(address: str | None) -> tuple[int, int] | None:
    """`E17` (or the first cell of `E17:F20`) as (row, column), both from 1; None for anything else."""
    match = _ADDRESS.match(address or "")
    if match is None:
        return None
    row, column = int(match[2]), column_index_from_string(match[1])
    return (row, column) if row <= 1_048_576 and column <= 16_384 else None


def take_away_earlier_marks(book: Workbook) -> None:
    """Our fills and comments of an earlier check go, so that a corrected cell looks corrected; text stays text."""
    known = enumerate(add_fills(book))
    before = {number: fill_number(book, _fill_before(fill)) for number, fill in known if _is_ours(fill)}
    for sheet in book.worksheets:
        for cell in stored_cells(sheet):
            numbers = style_numbers(cell)
            if numbers.fillId in before:
                numbers.fillId = before[numbers.fillId]
            if isinstance(cell, MergedCell):
                continue
            if cell.comment is not None:
                cell.comment = _without_ours(cell.comment)
            if type(cell.value) is str and looks_like_formula(cell.value):
                keep_as_text(cell)


def keep_as_text(cell: Cell) -> None:
    """Makes sure that no spreadsheet takes the text of the cell for a formula."""
    cell.data_type = "s"
    cell.quotePrefix = True


def mark_cells(book: Workbook, findings: Mapping[tuple[str, str], Sequence[Finding]]) -> int:
    """Fills the cells that have findings, keyed by (sheet name, address), and comments on the first MAX_COMMENTS.

    Errors are commented on before queries, queries before notes. Returns how many cells stay without a comment.
    """
    worst = {place: min(SEVERITIES.index(finding.severity) for finding in here) for place, here in findings.items()}
    painters = {name: _Painter(book, book[name]) for name in {name for name, _ in findings}}
    for number, place in enumerate(sorted(findings, key=worst.__getitem__)):
        cell = painters[place[0]].paint(place[1], SEVERITIES[worst[place]])
        if number < MAX_COMMENTS:
            cell.comment = _comment(findings[place], cell.comment)
    return max(0, len(findings) - MAX_COMMENTS)


class _Painter:
    """Fills cells of one sheet."""

    def __init__(self, book: Workbook, sheet: Worksheet) -> None:
        self._book, self._sheet = book, sheet
        self._filled: dict[tuple[int, Severity], int] = {}
        self._merged: dict[tuple[int, int], tuple[int, int]] = {
            place: (area.min_row, area.min_col) for area in sheet.merged_cells.ranges for place in area.cells
        }

    def paint(self, address: str, severity: Severity) -> Cell:
        """Fills the cell at `address` (of a merged area, its first cell) and returns it."""
        row, column = split_address(address) or (1, 1)
        row, column = self._merged.get((row, column), (row, column))
        is_new = not is_stored(self._sheet, row, column)
        cell = self._sheet.cell(row, column)
        if is_new:
            apply_style(cell, blank_style(self._sheet, row, column))
        numbers = style_numbers(cell)
        numbers.fillId = self._fill(numbers.fillId, severity)
        return cell

    def _fill(self, number: int, severity: Severity) -> int:
        if (number, severity) not in self._filled:
            filled = _remembering(add_fills(self._book)[number], severity)
            self._filled[number, severity] = fill_number(self._book, filled)
        return self._filled[number, severity]


def _remembering(fill: Fill, severity: Severity) -> PatternFill:
    """Our fill, with the plain colour that the cell had in the background colour, which a solid fill never shows."""
    ours = Color(rgb=FILLS[severity])
    if not isinstance(fill, PatternFill) or fill.fill_type != "solid" or fill.fgColor.type != "rgb":
        return PatternFill("solid", fgColor=ours)
    return PatternFill("solid", fgColor=ours, bgColor=Color(rgb=_REMEMBERED + fill.fgColor.rgb[2:]))


def _is_ours(fill: Fill) -> bool:
    return isinstance(fill, PatternFill) and fill.fill_type == "solid" and fill.fgColor.rgb in FILLS.values()


def _fill_before(fill: Fill) -> PatternFill:
    # other programs put colours of their own there, but none that are all but transparent
    colour = fill.bgColor.rgb if fill.bgColor.type == "rgb" else ""
    return PatternFill("solid", fgColor=Color(rgb="FF" + colour[2:])) if colour[:2] == _REMEMBERED else PatternFill()


def _without_ours(comment: Comment) -> Comment | None:
    theirs, found, _ = comment.text.partition(COMMENT_MARK)
    if not found:
        return _sized(Comment(comment.text, comment.author))
    return _sized(Comment(theirs.rstrip(), comment.author)) if theirs.strip() else None


def _comment(findings: Sequence[Finding], existing: Comment | None) -> Comment:
    ours = comment_text(findings)
    if existing is None:
        return _sized(Comment(ours, AUTHOR))
    return _sized(Comment(f"{existing.text.rstrip()}\n\n{ours}", existing.author))


def _sized(comment: Comment) -> Comment:
    """The comment with a box that its text fits in, up to a screen's worth."""
    lines = sum(max(1, math.ceil(len(line) / _LINE_LETTERS)) for line in comment.text.split("\n"))
    comment.width, comment.height = _COMMENT_WIDTH, min(_COMMENT_HEIGHT, (lines + 1) * _LINE_HEIGHT)
    return comment
