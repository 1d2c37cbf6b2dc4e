"""The few things of openpyxl's that marking 20,000 cells needs and that it keeps to itself.

Its public way makes a style object for every cell that is touched: half a minute where numbers take a second.
"""
# ruff: noqa: SLF001 - that is what this module is for

from __future__ import annotations

from copy import copy

from openpyxl.cell.cell import Cell
from openpyxl.styles import Fill, PatternFill
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.dimensions import ColumnDimension
from openpyxl.worksheet.worksheet import Worksheet


def stored_cells(sheet: Worksheet) -> list[Cell]:
    """The cells that are in the file. Walking rows would make every blank cell up to the farthest one."""
    return list(sheet._cells.values())


def is_stored(sheet: Worksheet, row: int, column: int) -> bool:
    return (row, column) in sheet._cells


def add_fills(book: Workbook) -> list[Fill]:
    """The fills of the workbook in the order of their numbers."""
    return list(book._fills)


def fill_number(book: Workbook, fill: PatternFill) -> int:
    """The number of a fill, which is added to the workbook if it is new."""
    number: int = book._fills.add(fill)
    return number


def style_numbers(target: Cell | ColumnDimension) -> StyleArray:
    """The numbers that make up the look of a cell, row or column; setting one of them changes the look."""
    if target._style is None:
        target._style = StyleArray()
    return target._style


def apply_style(cell: Cell, numbers: StyleArray) -> None:
    """Gives the cell a look of its own with these numbers."""
    cell._style = copy(numbers)


def blank_style(sheet: Worksheet, row: int, column: int) -> StyleArray:
    """How a cell looks, and whether it is locked, that is not in the file: as its row says, or its column."""
    if row in sheet.row_dimensions and sheet.row_dimensions[row].customFormat:
        return style_numbers(sheet.row_dimensions[row])
    for dimension in sheet.column_dimensions.values():
        if (dimension.min or 0) <= column <= (dimension.max or 0):
            return style_numbers(dimension)
    letter = get_column_letter(column)
    return style_numbers(sheet.column_dimensions[letter]) if letter in sheet.column_dimensions else StyleArray()
