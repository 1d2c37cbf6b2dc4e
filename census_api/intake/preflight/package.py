"""What a spreadsheet package holds, before anything is judged: facts of the container and raw cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

MARK_TEXT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class CellMark:
    """One cell worth naming. `text` is its formula, error text or shown text, cut at 100 characters."""

    sheet: str
    cell: str
    text: str


@dataclass(slots=True)
class SheetFacts:
    """What the bytes of one sheet say, counted without building a tree.

    `state` is visible, hidden or very_hidden. `rows_present` counts rows with at least one non-empty
    cell. `hidden_rows` and `hidden_columns` name only those that hold something; `filtered` says that
    a filter hides rows. `values` counts cells with a stored value (`blank_text` of them may be empty
    text), `first_column` is the first column with a cell that is not blank, 1-based. `instead` holds
    cells whose shown text is to be read in place of the stored value, which would mean something else.
    """

    name: str
    state: str = "visible"
    rows_present: int = 0
    formulas_without_value: list[CellMark] = field(default_factory=list)
    error_cells: list[CellMark] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[str] = field(default_factory=list)
    filtered: bool = False
    values: int = 0
    blank_text: bool = False
    first_column: int = 1
    instead: list[CellMark] = field(default_factory=list)


@dataclass(slots=True)
class PackageFacts:
    """What the container says: kind (xlsx or ods), its sheets in order, real inflated bytes, parts.

    `dates` says that some cell may be a date, `exact` that every sheet was read cell by cell.
    """

    kind: str
    sheets: list[SheetFacts]
    inflated_bytes: int
    parts: int
    dates: bool = False
    exact: bool = False


@dataclass(slots=True)
class RawSheet:
    """One sheet as text. Frame row 0 is sheet row `first_row`, frame column 0 is column `first_column` (1-based).

    Every column is String, null for an empty cell; no row is taken as headers.
    """

    name: str
    state: str
    first_row: int
    first_column: int
    frame: pl.DataFrame
    facts: SheetFacts


@dataclass(slots=True)
class RawWorkbook:
    """All sheets that can hold cells, in workbook order, hidden ones included."""

    kind: str
    sheets: list[RawSheet]
    facts: PackageFacts


def column_letters(number: int) -> str:
    """Spreadsheet letters of a 1-based column: 1 is A, 27 is AA."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """1-based column of spreadsheet letters, upper or lower case: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
