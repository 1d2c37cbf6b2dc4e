"""Lists of the census team, read: .xlsx, .ods, .csv and JSON come to the same rows. Runs inside the sandbox."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from census_api.domain.register.lists import SHOWN, ListColumn, ListFinding, ListRow, ReadList
from census_api.intake.preflight.inspection import sniff_kind
from census_api.intake.preflight.package import RawSheet, RawWorkbook, SheetFacts, column_letters
from census_api.intake.preflight.refusals import refuse_file
from census_api.intake.reading.json_return import parse_json
from census_api.intake.reading.reader import read_workbook
from census_api.questionnaire.model import fold_text

MAX_ROWS = 200_000
_GUARD = "'"
"""Stands in a .csv file before a text that a spreadsheet would take for a formula."""
_GUARDED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")
_HEADINGS = "Row 1 holds the headings: {}."


def read_list(data: bytes, name: str, columns: Sequence[ListColumn]) -> ReadList:
    """The rows of a list, with what is wrong with the file itself. Raises Refused for what cannot be read at all.

    `name` is the sheet's, and the key of the list in JSON.
    """
    kind = sniff_kind(data)
    if kind == "json":
        return _of_tree(parse_json(data), name, columns)
    if kind == "csv":
        return _of_grid(enumerate(_csv_rows(data), start=1), 1, name, columns)
    if kind not in ("xlsx", "ods"):
        refuse_file("not_a_workbook", looks="some other kind of file")
    book = read_workbook(data)
    sheet = _sheet(book, name)
    grid = enumerate(sheet.frame.iter_rows(), start=sheet.first_row)
    found = _of_grid(grid, sheet.first_column, name, columns)
    findings = [*_about_book(book, sheet), *_about_sheet(sheet.facts), *found.findings]
    return ReadList(name, found.rows, found.letters, found.given, tuple(findings))


def guard_formula(text: str) -> str:
    """A text as a .csv file holds it, so that no spreadsheet runs it; `read_list` gives the text back."""
    return f"{_GUARD}{text}" if re.match(r"'*[=+\-@\t\r＝＋－＠]", text) else text


def _csv_rows(data: bytes) -> list[list[str | None]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse_file("csv_encoding")
    if "\x00" in text:
        refuse_file("csv_control")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        refuse_file("csv_broken")
    if rows and len(rows[0]) == 1 and (";" in rows[0][0] or "\t" in rows[0][0]):
        refuse_file("csv_separator")
    return [[cell[1:] if _GUARDED.match(cell) else cell for cell in row] for row in rows]


def _sheet(book: RawWorkbook, name: str) -> RawSheet:
    """The sheet of that name, else the first that can be seen and holds something, else the first."""
    named = [sheet for sheet in book.sheets if fold_text(sheet.name) == fold_text(name)]
    filled = [sheet for sheet in book.sheets if sheet.state == "visible" and sheet.frame.height]
    return next(iter((*named, *filled, *book.sheets)))


def _about_book(book: RawWorkbook, read: RawSheet) -> Iterator[ListFinding]:
    for sheet in book.sheets:
        if sheet is not read and sheet.facts.rows_present:
            yield _whole(
                "note", sheet.name, f"The sheet {sheet.name[:SHOWN]} was not read: a list stands on one sheet.",
                f"Nothing, if {read.name[:SHOWN]} holds all of it; else copy its rows there.",
            )  # fmt: skip


def _about_sheet(facts: SheetFacts) -> Iterator[ListFinding]:
    for mark in facts.error_cells:
        yield _in_cell(mark.cell, mark.text, "The cell holds an error.", "Type the value itself.")
    for mark in facts.formulas_without_value:
        message = "The cell holds a formula whose result was not saved."
        yield _in_cell(mark.cell, mark.text, message, "Open the file, save it again, or type the value itself.")
    for area in facts.merged:
        yield _in_cell(area, None, "These cells are merged, so all but the first are empty.", "Take them apart.")


def _in_cell(cell: str, value: str | None, message: str, fix: str) -> ListFinding:
    number = re.search(r"\d+", cell)
    row = int(number[0]) if number else None
    return ListFinding("error", row, cell, None, None, None if value is None else value[:SHOWN], message, fix)


def _whole(severity: str, value: str | None, message: str, fix: str) -> ListFinding:
    shown = None if value is None else value[:SHOWN]
    return ListFinding("note" if severity == "note" else "error", None, None, None, None, shown, message, fix)


def _of_grid(
    grid: Iterator[tuple[int, Sequence[str | None]]], first_column: int, name: str, columns: Sequence[ListColumn]
) -> ReadList:
    rows = ((number, row) for number, row in grid if any(_text(cell) for cell in row))
    heading = next(rows, None)
    places, findings = _headings(heading, first_column, columns)
    read = []
    for number, row in rows:
        cells = {key: text for key, place in places.items() if place < len(row) and (text := _text(row[place]))}
        beyond = [text for cell in row[len(heading[1]) if heading else 0 :] if (text := _text(cell))]
        if beyond:
            message = f"Row {number} has more cells than there are headings."
            findings.append(
                ListFinding("error", number, None, None, None, beyond[0][:SHOWN], message, "Give each value a heading.")
            )
        read.append(ListRow(number, cells))
        if len(read) > MAX_ROWS:
            findings.append(_whole("error", None, f"The list has more than {MAX_ROWS:,} rows.", "Send it in parts."))
            break
    letters = {key: column_letters(first_column + place) for key, place in places.items()}
    return ReadList(name, tuple(row for row in read if row.cells), letters, frozenset(places), tuple(findings))


def _headings(
    heading: tuple[int, Sequence[str | None]] | None, first_column: int, columns: Sequence[ListColumn]
) -> tuple[dict[str, int], list[ListFinding]]:
    """The place of each column that is read, and what is wrong with the headings."""
    wanted = {fold_text(text): column for column in columns for text in (column.key, column.label)}
    listed = _HEADINGS.format(", ".join(column.key for column in columns))
    places: dict[str, int] = {}
    findings: list[ListFinding] = []
    number, texts = heading or (1, ())
    for place, cell in enumerate(texts):
        text = _text(cell)
        if not text:
            continue
        column = wanted.get(fold_text(text))
        at = f"{column_letters(first_column + place)}{number}"
        if column is None:
            message = "This heading is not one of the list's."
            findings.append(ListFinding("error", number, at, None, None, text[:SHOWN], message, listed))
        elif column.key in places:
            message = f"The column {column.key} stands there twice."
            findings.append(ListFinding("error", number, at, None, column.key, text[:SHOWN], message, "Remove one."))
        elif not column.shown_only:
            places[column.key] = place
    missing = [column.key for column in columns if column.required and column.key not in places]
    findings += [_whole("error", None, f"The column {key} is missing.", listed) for key in missing]
    return places, findings


def _text(cell: str | None) -> str:
    return "" if cell is None else cell.strip()


def _of_tree(tree: dict[str, object], name: str, columns: Sequence[ListColumn]) -> ReadList:
    entries = tree.get(name)
    if not isinstance(entries, list) or len(tree) != 1:
        refuse_file(
            "json_shape", place="the whole list", wanted=f"one object with the key {name} and a list of objects"
        )
    known = {column.key: column for column in columns}
    findings: list[ListFinding] = []
    rows, given = [], set()
    for number, entry in enumerate(entries[: MAX_ROWS + 1], start=1):
        pointer = f"/{name}/{number - 1}"
        if not isinstance(entry, dict):
            fix = f"Write an object with {', '.join(known)}."
            findings.append(ListFinding("error", number, None, pointer, None, None, "This is not an object.", fix))
            continue
        cells = {}
        for key, value in entry.items():
            place = f"{pointer}/{key[:40]}"
            if key not in known:
                message, fix = "There is no such key in this list.", f"The keys are {', '.join(known)}."
                findings.append(ListFinding("error", number, None, place, None, key[:SHOWN], message, fix))
            elif not known[key].shown_only:
                given.add(key)
                # what the reader of numbers gives is a text of a kind of its own
                if value is not None and type(value) is not str:
                    message, fix = f"{key} is not a text.", "Write it in quotation marks, or null where it is blank."
                    findings.append(ListFinding("error", number, None, place, key, None, message, fix))
                elif _text(value):
                    cells[key] = _text(value)
        rows.append(ListRow(number, cells))
    if len(entries) > MAX_ROWS:
        findings.append(_whole("error", None, f"The list has more than {MAX_ROWS:,} entries.", "Send it in parts."))
    missing = [column.key for column in columns if column.required and rows and column.key not in given]
    findings += [_whole("error", None, f"No entry has {key}.", "Give it in every entry.") for key in missing]
    return ReadList(name, tuple(rows), {}, frozenset(given), tuple(findings))
