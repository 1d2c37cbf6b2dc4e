"""Lists of the census team, written: every cell a text, so that no spreadsheet runs one, and `read_list` reads it back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from census_api.domain.register.lists import ListColumn, ListFormat
from census_api.intake.reading.lists import guard_formula

Cells = Mapping[str, str]


def written_list(kind: ListFormat, name: str, columns: Sequence[ListColumn], rows: Iterable[Cells]) -> bytes:
    """The rows, by key of column, as a file: .csv in UTF-8, .xlsx with one sheet, or JSON with one list."""
    keys = [column.key for column in columns]
    if kind == "json":
        entries = [{key: row.get(key) or None for key in keys} for row in rows]
        return json.dumps({name: entries}, ensure_ascii=False, separators=(",", ":")).encode()
    return _csv(keys, rows) if kind == "csv" else _xlsx(name, keys, rows)


def _csv(keys: Sequence[str], rows: Iterable[Cells]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(keys)
    writer.writerows([guard_formula(row.get(key, "")) for key in keys] for row in rows)
    # Excel takes a .csv file for UTF-8 only when it begins like this
    return out.getvalue().encode("utf-8-sig")


def _xlsx(name: str, keys: Sequence[str], rows: Iterable[Cells]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    sheet.append(keys)
    for row in rows:
        cells = []
        for key in keys:
            cell = WriteOnlyCell(sheet, row.get(key) or None)
            if cell.value is not None:
                # a text that begins with = must not become a formula
                cell.data_type = "s"
                # and a number of an identifier keeps its zeros when somebody edits it
                cell.number_format = "@"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
