"""How the workbook looks: one calm palette, one font, and the few looks that cells have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.styles.styleable import StyleableObject
from openpyxl.worksheet.worksheet import Worksheet

from census_api.questionnaire.model import FieldType

NAVY: Final = "12395B"
TEAL: Final = "2F6B75"
SLATE: Final = "4F6475"
INK: Final = "1F2A33"
MIST: Final = "EEF2F5"
LINE: Final = "B8C4CE"
WHITE: Final = "FFFFFF"
AMBER: Final = "FFE9A8"

_FONT: Final = "Arial"


@dataclass(frozen=True, slots=True)
class Look:
    """What a cell looks like and whether it can be changed while its sheet is protected."""

    color: str = INK
    size: int = 11
    bold: bool = False
    underline: str | None = None
    fill: str | None = None
    border: str | None = None
    horizontal: str | None = None
    vertical: str = "top"
    wrap: bool = True
    locked: bool = True
    number_format: str = "General"


_FORMATS: Final[dict[FieldType, str]] = {"count": "#,##0", "decimal": "#,##0.00####"}
_HEADER: Final = Look(color=WHITE, bold=True, vertical="center", border=WHITE)

TITLE: Final = Look(color=NAVY, size=18, bold=True, wrap=False)
HEADING: Final = Look(color=WHITE, size=12, bold=True, fill=NAVY, wrap=False, vertical="center")
TERM: Final = Look(bold=True)
BODY: Final = Look()
LINK: Final = Look(color="0B57A4", bold=True, underline="single")
HEADER_REQUIRED: Final = replace(_HEADER, fill=NAVY)
HEADER_OPTIONAL: Final = replace(_HEADER, fill=SLATE)
HEADER_LAST_YEAR: Final = replace(_HEADER, color=INK, fill="D3DAE0")
FORM_LABEL: Final = Look(bold=True, fill=MIST, border=LINE)
FORM_HELP: Final = Look(color=SLATE, border=LINE)
OUTSIDE: Final = Look(locked=False)
"""Columns right of the questions: unlocked, because spreadsheets delete a row only if all of it is unlocked."""


def answer_look(kind: FieldType) -> Look:
    """An answer of a table. Text and codes are kept as text, so that a typed `=` or `1-2` stays what it is."""
    number_format = _FORMATS.get(kind, "@")
    return Look(number_format=number_format, horizontal="right" if kind in _FORMATS else None, locked=False)


def form_answer(kind: FieldType) -> Look:
    return replace(answer_look(kind), horizontal=None, border=LINE)


def last_year(kind: FieldType) -> Look:
    """Grey. Not locked, or no row that holds such a cell could be deleted; a validation refuses typing instead."""
    return replace(answer_look(kind), color=SLATE, fill=MIST)


def form_last_year(kind: FieldType) -> Look:
    return replace(last_year(kind), horizontal=None, border=LINE, locked=True)


def dress_cell(target: StyleableObject, look: Look) -> None:
    """Give a cell or a column dimension of openpyxl this look."""
    target.font = Font(name=_FONT, size=look.size, bold=look.bold, underline=look.underline, color=look.color)
    target.alignment = Alignment(horizontal=look.horizontal, vertical=look.vertical, wrap_text=look.wrap)
    target.protection = Protection(locked=look.locked)
    target.number_format = look.number_format
    if look.fill:
        target.fill = PatternFill("solid", fgColor=look.fill)
    if look.border:
        side = Side(style="thin", color=look.border)
        target.border = Border(left=side, right=side, top=side, bottom=side)


def style_id(worksheet: Worksheet, look: Look) -> int:
    """The number by which cells of this workbook refer to the look."""
    cell = WriteOnlyCell(worksheet)
    dress_cell(cell, look)
    number: int = cell.style_id
    return number
