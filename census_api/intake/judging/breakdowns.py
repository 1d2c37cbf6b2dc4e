"""The breakdown sheets, row by row: whom a row is about and the count in each category."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from census_api.intake.reading.read_table import ReadTable
from census_api.questionnaire.model import Spec


@dataclass(slots=True)
class BreakdownRow:
    """One row: the text and code of what it is about, and for every category the text and the count."""

    position: int
    raw: str | None
    code: str | None
    former: str | None
    texts: tuple[str | None, ...]
    counts: tuple[int | None, ...]
    total: int | None
    """People in all categories; None where a category is blank, below 0 or cannot be read."""
    role_group: str | None

    @property
    def key(self) -> str:
        return self.code or self.raw or ""


@dataclass(slots=True)
class BreakdownSheet:
    """One breakdown sheet: its table and its rows."""

    table: ReadTable
    rows: list[BreakdownRow]

    @property
    def key(self) -> str:
        return self.table.table.sheet.key

    @property
    def left_out(self) -> frozenset[str]:
        """Columns that the sheet does not have at all, about which a rule of the file has spoken."""
        return self.table.left_out

    @property
    def rows_by(self) -> str:
        return self.table.table.sheet.fields[0].key

    @property
    def is_filled(self) -> bool:
        """Any category of any row holds something."""
        return any(text is not None for row in self.rows for text in row.texts)


def read_breakdown(table: ReadTable, spec: Spec) -> BreakdownSheet:
    """The rows of one breakdown sheet."""
    roles = spec.code_lists["roles"].by_code
    by_role = table.table.sheet.fields[0].key == "role_code"
    about, *categories = table.columns.values()
    former = about.former or [None] * len(about.texts)
    texts = list(zip(*(column.texts for column in categories), strict=True))
    counts = list(zip(*(column.values for column in categories), strict=True))
    totals = [_total(row) for row in counts]
    groups = [roles[code].attributes["role_group"] if code and by_role else code for code in about.values]
    rows = zip(table.table.positions, about.texts, about.values, former, texts, counts, totals, groups, strict=True)
    return BreakdownSheet(table, [BreakdownRow(*row) for row in rows])


def _total(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None and count >= 0]
    return sum(known) if len(known) == len(counts) else None


@dataclass(slots=True)
class OddCells:
    """Cells of all breakdowns that some rule about single cells may object to, and where each stands."""

    frame: pl.DataFrame
    sheets: list[str]
    positions: list[int]
    columns: list[str]
    keys: list[str]


def odd_cells(breakdowns: list[BreakdownSheet]) -> OddCells:
    """Every cell of the breakdowns but the usual ones: blank, or to which no rule about single cells objects."""
    cells = [cell for part in breakdowns for cell in _list_odd(part)]
    sheets, positions, columns, keys, texts, counts = map(list, zip(*cells, strict=True)) if cells else ([],) * 6
    frame = pl.DataFrame(
        {"count": counts, "count__raw": texts, "row": keys, "category": columns},
        schema={"count": pl.Int64(), "count__raw": pl.String(), "row": pl.String(), "category": pl.String()},
    )
    return OddCells(frame, sheets, positions, columns, keys)


def _list_odd(part: BreakdownSheet) -> Iterator[tuple[str, int, str, str, str | None, int | None]]:
    for name, column in list(part.table.columns.items())[1:]:
        for index in column.odd:
            row = part.rows[index]
            yield part.key, row.position, name, row.key, column.texts[index], column.values[index]
