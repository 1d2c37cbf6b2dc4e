"""Workbook bytes to text cells with true addresses; nothing is read that pre-flight has not passed.

Numbers come as the shortest plain text, rounded at the ninth decimal place as the reading library does
(0.30000000000000004, which no one typed, comes as 0.3); booleans as true and false; dates as ISO text.
"""

from __future__ import annotations

import re

import fastexcel
import polars as pl

from census_api.intake.preflight.cells import MAX_CELLS
from census_api.intake.preflight.inspection import inspect_package
from census_api.intake.preflight.package import CellMark, PackageFacts, RawSheet, RawWorkbook, SheetFacts, column_number
from census_api.intake.preflight.refusals import refuse_file

_FIRST_ROW = 1
_CELL = re.compile(r"([A-Z]+)(\d+)")


def read_workbook(
    data: bytes, facts: PackageFacts | None = None, *, unread: frozenset[str] = frozenset()
) -> RawWorkbook:
    """Every sheet of an xlsx or ods workbook as text, checked cell for cell against what its bytes hold.

    `facts` spares a second pre-flight of the same bytes. Sheets named in `unread` get an empty frame. Frames start at sheet row 1; leading and inner blank rows
    keep their places. Raises Refused with a reason of REFUSALS, rows_lost when a cell would be missing.
    """
    facts = facts or inspect_package(data)
    frames = _frames(data, facts, unread)
    if not _agree(facts, frames, unread):
        if not facts.exact:
            facts = inspect_package(data, exact=True)
        if not _agree(facts, frames, unread):
            refuse_file("rows_lost")
    sheets = [
        RawSheet(sheet.name, sheet.state, _FIRST_ROW, sheet.first_column, _cleaned(frame, sheet, facts), sheet)
        for sheet, frame in zip(facts.sheets, frames, strict=True)
    ]
    return RawWorkbook(facts.kind, sheets, facts)


def _frames(data: bytes, facts: PackageFacts, unread: frozenset[str]) -> list[pl.DataFrame]:
    frames: list[pl.DataFrame] = []
    area = 0
    try:
        book = fastexcel.read_excel(data)
        for sheet in facts.sheets:
            if sheet.name in unread:
                frames.append(pl.DataFrame())
                continue
            # skip_rows=0: otherwise leading blank rows vanish and every address is wrong
            loaded = book.load_sheet(sheet.name, header_row=None, skip_rows=0, dtypes="string")
            area += loaded.height * loaded.width
            if area > MAX_CELLS:
                refuse_file("cell_area")
            frames.append(pl.DataFrame(loaded))
    except fastexcel.FastExcelError:
        refuse_file("damaged")
    return frames


def _agree(facts: PackageFacts, frames: list[pl.DataFrame], unread: frozenset[str]) -> bool:
    """Every sheet that was read holds as many values in its frame as in its bytes."""
    pairs = zip(facts.sheets, frames, strict=True)
    return all(_filled(sheet, frame) == sheet.values for sheet, frame in pairs if sheet.name not in unread)


def _filled(sheet: SheetFacts, frame: pl.DataFrame) -> int:
    """Cells of the frame with a value; what an .ods stores beside an error is not one."""
    if not frame.width:
        return 0
    filled: int = frame.height * frame.width - sum(frame.null_count().row(0))
    return filled - sum(_at(frame, sheet, mark) is not None for mark in [*sheet.error_cells, *sheet.instead])


def _place(sheet: SheetFacts, mark: CellMark) -> tuple[int, int]:
    match = _CELL.fullmatch(mark.cell)
    if match is None:
        refuse_file("rows_lost")
    return int(match[2]) - _FIRST_ROW, column_number(match[1]) - sheet.first_column


def _at(frame: pl.DataFrame, sheet: SheetFacts, mark: CellMark) -> object:
    row, column = _place(sheet, mark)
    if not (0 <= row < frame.height and 0 <= column < frame.width):
        return None
    return frame.item(row, column)


def _cleaned(frame: pl.DataFrame, sheet: SheetFacts, facts: PackageFacts) -> pl.DataFrame:
    """The frame with blanks as null, errors as null and dates in one spelling; only where the sheet has any."""
    if not frame.width:
        return frame
    if facts.kind == "ods" and (sheet.error_cells or sheet.instead):
        frame = _corrected(frame, sheet)
    if facts.dates:
        frame = frame.with_columns(
            pl.all()
            .str.replace(r"^(\d{4}-\d\d-\d\d)T(\d\d:)", "$1 $2")
            .str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1")
        )
    if sheet.blank_text:
        frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
        marked = {_place(sheet, mark)[0] for mark in [*sheet.error_cells, *sheet.formulas_without_value]}
        filled = frame.select(pl.any_horizontal(pl.all().is_not_null()).arg_true()).to_series()
        sheet.rows_present = len(marked.union(filled))
    return frame


def _corrected(frame: pl.DataFrame, sheet: SheetFacts) -> pl.DataFrame:
    """An .ods keeps a number or a text beside an error, which is not an answer, and 1 for true."""
    changes: dict[int, tuple[list[int], list[str | None]]] = {}
    wanted = [*((mark, None) for mark in sheet.error_cells), *((mark, mark.text) for mark in sheet.instead)]
    for mark, text in wanted:
        row, column = _place(sheet, mark)
        if not (0 <= row < frame.height and 0 <= column < frame.width):
            refuse_file("rows_lost")
        rows, texts = changes.setdefault(column, ([], []))
        rows.append(row)
        texts.append(text)
    columns = [
        frame.to_series(column).scatter(rows, pl.Series(texts, dtype=pl.String))
        for column, (rows, texts) in changes.items()
    ]
    return frame.with_columns(columns)
