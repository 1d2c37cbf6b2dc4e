"""Cells of one xlsx sheet read one by one from its bytes: for sheets that the plain scan cannot vouch for.

It follows what the reader does with the same bytes (any namespace prefix, cells without references, rows in any
order), so that what the reader returns can be held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from census_api.intake.preflight.package import MARK_TEXT_LIMIT, CellMark, SheetFacts, column_letters, column_number
from census_api.intake.preflight.refusals import refuse_file

MAX_CELLS = 4_000_000
MAX_COLUMNS = 1_000
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384

# possessive and without "<": a tag that never ends costs one pass, not one pass a tag
ATTRIBUTES = rb"((?:[^<>\"']++|\"[^<\"]*+\"|'[^<']*+')*)>"
PREFIX = rb"(?:[^\s<>/:=\"']++:)?"
# the first two forms are what spreadsheet programs write; everything else is taken apart in Python
_TOKEN = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: s="\d{1,9}")?(?: t="[bns]")?><v>[^<]++</v></c>'
    rb'|<c r="([A-Z]{1,3})(\d{1,7})"(?: s="\d{1,9}")? ?/>'
    rb"|<(/?)" + PREFIX + rb"(row|c)(?=[\s/>])" + ATTRIBUTES
)
_OPENED = re.compile(rb"<" + PREFIX + rb"(?:row|c)(?=[\s/>])")
_CELL_END = re.compile(rb"</" + PREFIX + rb"c\s*>")
_VALUE = re.compile(rb"<" + PREFIX + rb"v(?=[\s/>])[^<>]*+(?<!/)>([^<]*)<")
_FORMULA = re.compile(rb"<" + PREFIX + rb"f(?=[\s/>])[^<>]*+>([^<]*)")
_INLINE = re.compile(rb"<" + PREFIX + rb"is(?=[\s/>])[^<>]*+(?<!/)>")
_INLINE_TEXT = re.compile(rb"<" + PREFIX + rb"t(?=[\s/>])[^<>]*+>([^<]*)")
_COLUMN = re.compile(rb"<" + PREFIX + rb"col\s" + ATTRIBUTES)
_PLAIN_CELL = re.compile(rb' r="([A-Z]{1,3})(\d{1,7})"(?: s="\d+")?(?: t="(\w+)")?\s*/?')
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_ATTRIBUTE = re.compile(r"([^\s=<>\"'/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def read_attributes(raw: bytes) -> dict[str, str]:
    """Attributes of a tag by name, unescaped, as text."""
    text = raw.decode("utf-8", "replace")
    pairs = {name: double or single for name, double, single in _ATTRIBUTE.findall(text)}
    return {name: unescape(value) for name, value in pairs.items()} if "&" in text else pairs


class _Scan:
    """One walk over the cells of a sheet. Rows and columns are 0-based until they are reported."""

    def __init__(self, xml: bytes, facts: SheetFacts) -> None:
        self.xml = xml
        self.facts = facts
        self.row = 0
        self.column = 0
        self.opened = 0
        self.ended = 0
        self.rows: set[int] = set()
        self.letters: set[bytes] = set()
        self.other_rows: set[int] = set()
        self.hidden: set[int] = set()

    def walk(self) -> None:
        """Visit every cell; the reader's own notion of place is kept for cells without a reference."""
        xml, rows, letters = self.xml, self.rows, self.letters
        at, last, valued, blank = 0, b"", 0, 0
        while True:
            for token in _TOKEN.finditer(xml, at):
                place = token.lastindex
                if place == 2:
                    last = token[1]
                    letters.add(last)
                    rows.add(int(token[2]))
                    valued += 1
                elif place == 4:
                    last = token[3]
                    blank += 1
                else:
                    if last:
                        self.column, last = column_number(last.decode()), b""
                    end = self.visit(token)
                    if end != token.end():
                        at = end
                        break
            else:
                break
        self.facts.values += valued
        self.opened += valued + blank
        self.ended += valued

    def visit(self, token: re.Match[bytes]) -> int:
        """Take in a row tag or an unusual cell; returns where the search goes on."""
        name, raw = token[6], token[7]
        if token[5]:
            if name == b"row":
                self.row, self.column = self.row + 1, 0
            return token.end()
        self.opened += 1
        empty = raw.endswith(b"/")
        if name == b"row":
            self.row = _row_number(raw, self.row, self.hidden)
            if empty:
                self.row, self.column = self.row + 1, 0
            return token.end()
        row, self.column, kind = _place(raw, self.row, self.column)
        self.column += 1
        if empty:
            return token.end()
        end = _CELL_END.search(self.xml, token.end())
        if end is None:
            refuse_file("damaged")
        self.ended += 1
        self.judge(self.xml[token.end() : end.start()], kind, row + 1)
        return end.end()

    def judge(self, content: bytes, kind: str, row: int) -> None:
        """Count one cell as the reader will see it: value, empty text, error, or formula without a value."""
        value = _VALUE.search(content)
        if _INLINE.search(content):
            has_value, is_blank = True, not any(_INLINE_TEXT.findall(content))
        else:
            is_text = kind in ("str", "d")
            has_value = value is not None and (bool(value[1]) or is_text) and kind != "inlineStr"
            is_blank = is_text and value is not None and not value[1]
        formula = _FORMULA.search(content)
        facts, letters = self.facts, column_letters(self.column)
        if kind == "e":
            facts.error_cells.append(_mark(facts.name, f"{letters}{row}", value[1] if value else b"error"))
        elif has_value:
            facts.values += 1
            facts.blank_text |= is_blank
        elif formula:
            facts.formulas_without_value.append(_mark(facts.name, f"{letters}{row}", b"=" + formula[1]))
            self.other_rows.add(row)
            return
        else:
            return
        self.rows.add(row)
        self.letters.add(letters.encode())

    def conclude(self) -> None:
        """Bound the area that the reader would fill, and report."""
        facts = self.facts
        if self.rows:
            columns = [column_number(letters.decode()) for letters in self.letters]
            first, last, height = min(columns), max(columns), max(self.rows)
            width = last - first + 1
            if height > _LAST_ROW or last > _LAST_COLUMN:
                refuse_file("damaged")
            if height * width > MAX_CELLS or width > MAX_COLUMNS:
                refuse_file("cell_area")
            facts.first_column = first
            facts.hidden_columns = list(_hidden_columns(self.xml, first, last))
        present = self.rows | self.other_rows
        facts.rows_present = len(present)
        facts.hidden_rows = sorted(self.hidden & present)


def scan_cells(xml: bytes, facts: SheetFacts) -> None:
    """Fill `facts` from every cell of the sheet. Raises Refused: cell_area, damaged."""
    facts.values = 0
    scan = _Scan(xml, facts)
    scan.walk()
    if scan.opened != len(_OPENED.findall(xml)) or scan.ended != len(_CELL_END.findall(xml)):
        refuse_file("damaged")
    scan.conclude()


def _row_number(raw: bytes, row: int, hidden: set[int]) -> int:
    """0-based row of a row tag; notes whether it is hidden or has no height."""
    given = read_attributes(raw)
    number = given.get("r", "")
    if number:
        if not number.isdecimal() or not 1 <= int(number[:8]) <= _LAST_ROW:
            refuse_file("damaged")
        row = int(number) - 1
    if given.get("hidden") in ("1", "true") or _is_zero(given.get("ht", "")):
        hidden.add(row + 1)
    return row


def _is_zero(size: str) -> bool:
    try:
        return float(size) == 0
    except ValueError:
        return False


def _place(raw: bytes, row: int, column: int) -> tuple[int, int, str]:
    """0-based row and column of a cell tag, and its type."""
    plain = _PLAIN_CELL.fullmatch(raw)
    if plain:
        letters, digits, kind = plain[1].decode(), plain[2].decode(), (plain[3] or b"n").decode()
    else:
        given = read_attributes(raw)
        kind = given.get("t", "n")
        if "r" not in given:
            return row, column, kind
        reference = _REFERENCE.fullmatch(given["r"])
        if reference is None:
            refuse_file("damaged")
        letters, digits = reference.groups()
    place = int(digits) - 1, column_number(letters) - 1
    if not (0 <= place[0] < _LAST_ROW and place[1] < _LAST_COLUMN):
        refuse_file("damaged")
    return *place, kind


def _mark(sheet: str, cell: str, text: bytes) -> CellMark:
    return CellMark(sheet, cell, unescape(text.decode("utf-8", "replace"))[:MARK_TEXT_LIMIT])


def _hidden_columns(xml: bytes, first: int, last: int) -> Iterator[str]:
    hidden: set[int] = set()
    for raw in _COLUMN.findall(xml):
        given = read_attributes(raw)
        if given.get("hidden") in ("1", "true") or _is_zero(given.get("width", "")):
            low, high = given.get("min", ""), given.get("max", "")
            if low.isdecimal() and high.isdecimal():
                hidden.update(range(max(first, int(low[:6])), min(last, int(high[:6])) + 1))
    return (column_letters(number) for number in sorted(hidden))
