"""The breakdown sheets. They are many, small and alike, so they are handled as lists of rows and judged as one view
of cells; a polars frame for each would cost more than everything it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from census_api.domain.content import Cell, ContentRow
from census_api.intake.tables import Table, decoder
from census_api.spec import grammar
from census_api.spec.model import Code, Sheet, Spec

_WHOLE = re.compile(grammar.WHOLE.removesuffix("$") + r"\Z")


@dataclass(slots=True)
class BreakdownRow:
    """One row: the text and code of what it is about, and for every category the text and the count."""

    position: int
    raw: str | None
    code: str | None
    former: Code | None
    texts: tuple[str | None, ...]
    counts: list[int | None]

    @property
    def key(self) -> str:
        return self.code or self.raw or ""


@dataclass(slots=True)
class Breakdown:
    """One breakdown sheet, read."""

    table: Table
    rows: list[BreakdownRow]

    @property
    def sheet(self) -> Sheet:
        return self.table.sheet

    @property
    def keys(self) -> list[str]:
        return [row.key for row in self.rows]

    @property
    def categories(self) -> list[str]:
        return [question.key for question in self.sheet.fields[1:]]

    def canonical_rows(self) -> list[str]:
        """Each row as canonical JSON text."""
        return [json.dumps(cells, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for cells in self._cells()]

    def content_rows(self) -> list[ContentRow]:
        """Each row with its cells: valid counts as int, everything else as text, blanks left out."""
        return [
            ContentRow(self.sheet.key, row.position, row.key, cells)
            for row, cells in zip(self.rows, self._cells(), strict=True)
        ]

    def _cells(self) -> Iterable[dict[str, Cell]]:
        names, by = self.categories, self.sheet.fields[0].key
        for row in self.rows:
            cells: dict[str, Cell] = {
                name: text if count is None else count
                for name, text, count in zip(names, row.texts, row.counts, strict=True)
                if text is not None
            }
            if row.key:
                cells[by] = row.key
            yield cells


def breakdown(table: Table, spec: Spec) -> Breakdown:
    """The rows of one breakdown sheet, with codes and counts read."""
    known = decoder(spec, str(table.sheet.fields[0].code_list))
    rows: list[BreakdownRow] = []
    match = _WHOLE.match
    for position, (raw, *texts) in zip(table.positions, table.frame.iter_rows(), strict=True):
        code = known.code(raw) if raw is not None else None
        former = known.former(raw) if raw is not None and code is None else None
        counts = [int(text) if text is not None and match(text) else None for text in texts]
        rows.append(BreakdownRow(position, raw, code, former, tuple(texts), counts))
    return Breakdown(table, rows)


def cells_frame(breakdowns: list[Breakdown]) -> tuple[pl.DataFrame, list[str], list[int], list[str], list[str]]:
    """Every cell of every breakdown as one frame, with the sheet, position, column and business key of each."""
    sheets: list[str] = []
    positions: list[int] = []
    columns: list[str] = []
    keys: list[str] = []
    texts: list[str | None] = []
    counts: list[int | None] = []
    for part in breakdowns:
        names, width = part.categories, len(part.categories)
        for row in part.rows:
            sheets += [part.sheet.key] * width
            positions += [row.position] * width
            keys += [row.key] * width
            columns += names
            texts += row.texts
            counts += row.counts
    frame = pl.DataFrame(
        {"count": counts, "count__raw": texts, "row": keys, "category": columns},
        schema={"count": pl.Int64(), "count__raw": pl.String(), "row": pl.String(), "category": pl.String()},
    )
    return frame, sheets, positions, columns, keys
