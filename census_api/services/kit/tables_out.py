"""Tables for people and programs outside: one sheet as JSON, CSV, a workbook or Parquet, a piece at a time.

Text that a spreadsheet would run as a formula stays text in all of them: a CSV gets an apostrophe before it, a workbook
holds it as a string cell. Numbers are numbers, negative ones too; what is not known is empty, never 0.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from census_api.domain.kit.errors import InvalidRequest

OutputValue = str | int | float | bool | None
Kind = Literal["json", "csv", "xlsx", "parquet"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_WORKBOOK_CELLS = 250_000
"""More would keep a processor busy for seconds; CSV and Parquet have no such limit."""

_PIECE = 64_000
_FORMULA = re.compile("^[\\s\x00]*[=+\\-@＝＋－＠]|^[\t\r\n\x00]")
_LINK = re.compile(r"\]\(")


@dataclass(frozen=True, slots=True)
class OutputSheet:
    """A table with what has to be said about it. `title` names it, `columns` are unique and not empty.

    `rows` may be an iterator: it is read once. `notes` are sentences; `cover` says what the file is, one fact a line.
    """

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[OutputValue]]
    notes: Sequence[str] = ()
    cover: Sequence[str] = ()


def write_sheet(sheet: OutputSheet, kind: Kind) -> Iterator[bytes]:
    """The pieces of a file of that kind. JSON and CSV are written as the rows come; the others hold the whole table.

    Raises InvalidRequest, before the first piece, for a table that is too large for a workbook.
    """
    if kind == "csv":
        return _joined(_csv_lines(sheet))
    if kind == "json":
        return _joined(_json_lines(sheet))
    return iter([_workbook(sheet) if kind == "xlsx" else _parquet(sheet)])


def safe_text(text: str) -> str:
    """The text as a CSV may hold it: with an apostrophe before anything that a spreadsheet would run as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _PIECE:
            yield "".join(waiting).encode("utf-8", "replace")
            waiting, size = [], 0
    yield "".join(waiting).encode("utf-8", "replace")


def _csv_lines(sheet: OutputSheet) -> Iterator[str]:
    sink = io.StringIO()
    # its line ends are those of RFC 4180
    writer = csv.writer(sink)
    for row in _with_header(sheet):
        writer.writerow([safe_text(cell) if isinstance(cell, str) else _plain(cell) for cell in row])
        yield sink.getvalue()
        sink.seek(0)
        sink.truncate()


def _with_header(sheet: OutputSheet) -> Iterator[Sequence[OutputValue]]:
    yield sheet.columns
    yield from sheet.rows


def _plain(cell: float | bool | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    # a whole number is written without a point: 12 staff, not 12.0
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else repr(cell)


def _json_lines(sheet: OutputSheet) -> Iterator[str]:
    head = {"title": sheet.title, "about": list(sheet.cover), "notes": list(sheet.notes)}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    for number, row in enumerate(sheet.rows):
        text = json.dumps(dict(zip(sheet.columns, row, strict=True)), ensure_ascii=False, allow_nan=False)
        yield f"{',' if number else ''}\n{text}"
    yield "\n]}\n"


def _workbook(sheet: OutputSheet) -> bytes:
    """Cover, notes and the table, laid out for screen readers as the Analysis Function asks of published tables."""
    rows = [[_in_workbook(cell) for cell in row] for row in sheet.rows]
    if len(rows) * len(sheet.columns) > MOST_WORKBOOK_CELLS:
        raise InvalidRequest(
            f"This table has {len(rows):,} rows of {len(sheet.columns)} columns, too many for a workbook of at most "
            f"{MOST_WORKBOOK_CELLS:,} cells. Ask for csv or parquet, or narrow it by a filter."
        )
    # reading spreadsheets must not wait for these two at every start
    import gptables
    import pandas as pd

    table = gptables.GPTable(
        # objects, so that whole numbers and empty cells of one column stay what they are
        pd.DataFrame(rows, columns=list(sheet.columns), dtype=object),
        "census_table",
        sheet.title,
        instructions="This worksheet holds one table. An empty cell is a figure that is not known; it is never a zero.",
    )
    numbered = [[f"note {number}", _in_workbook(note)] for number, note in enumerate(sheet.notes, start=1)]
    sink = io.BytesIO()
    with warnings.catch_warnings():
        # it asks that empty cells are explained, which the instructions do, and is behind the pandas that it uses
        warnings.simplefilter("ignore")
        book = gptables.produce_workbook(
            sink,
            {"Table": table},
            cover=gptables.Cover(sheet.title, intro=[str(_in_workbook(line)) for line in sheet.cover] or None),
            contentsheet_label=None,
            notes_table=pd.DataFrame(numbered, columns=["Note reference", "Note text"]) if numbered else None,
            workbook_options={"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True},
        )
        book.close()
    return sink.getvalue()


def _in_workbook(cell: OutputValue) -> OutputValue:
    # the library would make a link of [words](address), wherever it leads
    return _LINK.sub("] (", cell) if isinstance(cell, str) else cell


def _parquet(sheet: OutputSheet) -> bytes:
    rows = [tuple(row) for row in sheet.rows]
    columns = [
        pl.Series(name, [row[place] for row in rows], dtype=_type_of(row[place] for row in rows))
        for place, name in enumerate(sheet.columns)
    ]
    sink = io.BytesIO()
    pl.DataFrame(columns).write_parquet(sink)
    return sink.getvalue()


def _type_of(cells: Iterable[OutputValue]) -> type[pl.DataType]:
    """Text where there is any; a column of nothing but empty cells is one of numbers."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return pl.Boolean
    if kinds == {int}:
        return pl.Int64
    return pl.String if str in kinds else pl.Float64
