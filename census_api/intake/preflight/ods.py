"""Pre-flight of an OpenDocument spreadsheet: its tables walked by searching bytes.

Names carry the usual prefixes (table:, office:, text:), because the reader knows no others.
"""

from __future__ import annotations

import re
from html import unescape

from census_api.intake.preflight.cells import ATTRIBUTES, MAX_CELLS, MAX_COLUMNS, read_attributes
from census_api.intake.preflight.package import MARK_TEXT_LIMIT, CellMark, PackageFacts, SheetFacts, column_letters
from census_api.intake.preflight.refusals import refuse_file

CONTENT, MANIFEST = "content.xml", "META-INF/manifest.xml"
MAX_SHEETS = 200

# the first form is a plain number or text, once: most of every sheet
_TAG = re.compile(
    rb'<table:table-cell(?: table:style-name="[\w.]*+")? office:value-type="(?:float" office:value="[^"<>&]++"|string")'
    rb'(?: calcext:value-type="(?:float|string)")?><text:p>[^<]++</text:p></table:table-cell>'
    rb"|<(/?)table:(table|table-row|table-column|table-cell|covered-table-cell)(?=[\s/>])" + ATTRIBUTES
)
_OPENED = re.compile(rb"<table:(?:table|table-row|table-column|table-cell|covered-table-cell)(?=[\s/>])")
_CELL_END = re.compile(rb"</table:(?:covered-)?table-cell\s*>")
_HIDDEN_STYLE = re.compile(rb"<style:table-properties\s[^<>]*?table:display\s*=\s*[\"']false")
_STYLE = re.compile(rb"<style:style\s" + ATTRIBUTES)
_NOTE = re.compile(rb"<office:annotation(?=[\s/>]).*?</office:annotation>", re.DOTALL)
_PARAGRAPH = re.compile(rb"<text:p(?=[\s/>])[^<>]*+(?<!/)>(.*?)</text:p>", re.DOTALL)
_MARKUP = re.compile(rb"<[^<>]*+>")
_ERROR_TEXT = re.compile(r"#(?:N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)|Err:\d{3}")
# LibreOffice stores the truth values of an imported workbook as formulas with the value 1 or 0
_TRUTH = {"of:=TRUE()": "true", "of:=FALSE()": "false"}
_REPEATED_COLUMNS, _REPEATED_ROWS = "table:number-columns-repeated", "table:number-rows-repeated"
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384


def inspect_ods(parts: dict[str, bytes]) -> PackageFacts:
    """Facts of an ods package from its inflated parts; always cell by cell.

    Raises Refused: missing_parts, password, macros, duplicate_part, too_many_parts, unusual_xml, cell_area, damaged.
    """
    if MANIFEST in parts and b"encryption-data" in parts[MANIFEST]:
        refuse_file("password")
    if CONTENT not in parts or MANIFEST not in parts:
        refuse_file("missing_parts")
    if any(name.startswith(("Basic/", "Scripts/")) and not name.endswith("/") for name in parts):
        refuse_file("macros")
    content = parts[CONTENT]
    if b"!" in content and b"<!" in content:
        refuse_file("unusual_xml")
    walk = _TableWalk(content)
    walk.run()
    sheets = [table.facts for table in walk.tables]
    if not sheets:
        refuse_file("missing_parts")
    if len(sheets) > MAX_SHEETS:
        refuse_file("too_many_parts")
    if len({sheet.name.casefold() for sheet in sheets}) != len(sheets):
        refuse_file("duplicate_part")
    if sum(table.area() for table in walk.tables) > MAX_CELLS:
        refuse_file("cell_area")
    return PackageFacts("ods", sheets, 0, 0, b"office:date-value" in content, True)


def _repeats(given: dict[str, str], key: str, limit: int) -> int:
    text = given.get(key, "1")
    if not text.isdecimal() or not 1 <= int(text[:8]) <= limit:
        refuse_file("damaged")
    return int(text)


class _Table:
    """What one table holds; rows and columns are 1-based."""

    def __init__(self, facts: SheetFacts) -> None:
        self.facts = facts
        self.next_row = 1
        self.next_column = 1
        self.hidden_columns: list[tuple[int, int]] = []
        self.first_column = _LAST_COLUMN + 1
        self.last_column = 0
        self.last_row = 0

    def area(self) -> int:
        """Cells of the frame that the reader will fill: from row 1, from the first used column."""
        if not self.last_column:
            return 0
        width = self.last_column - self.first_column + 1
        if width > MAX_COLUMNS:
            refuse_file("cell_area")
        return self.last_row * width

    def keep(self, column: int, repeats: int, row: int) -> None:
        """A cell that the reader keeps, so its place counts towards the area."""
        self.first_column = min(self.first_column, column)
        self.last_column = max(self.last_column, column + repeats - 1)
        self.last_row = max(self.last_row, row)

    def conclude(self) -> None:
        """Report what is known once the last row is in."""
        if self.last_column:
            self.facts.first_column = self.first_column
        for low, high in self.hidden_columns:
            within = range(max(low, self.first_column), min(high, self.last_column) + 1)
            self.facts.hidden_columns += map(column_letters, within)


class _Row:
    """The row being walked: it is entered into its table when it ends, as often as it repeats."""

    def __init__(self, given: dict[str, str], first: int) -> None:
        self.first = first
        self.repeats = _repeats(given, _REPEATED_ROWS, _LAST_ROW)
        self.visibility = given.get("table:visibility", "visible")
        self.column = 1
        self.values = 0
        self.is_present = False
        self.marks: list[tuple[str, int, str]] = []


class _TableWalk:
    """One walk over the tables of content.xml."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.tables: list[_Table] = []
        self.row: _Row | None = None
        self.inside = False
        self.hidden_styles = _hidden_styles(content)

    def run(self) -> None:
        """Visit every table, column, row and cell tag once."""
        at, opened = 0, 0
        while tag := _TAG.search(self.content, at):
            at = tag.end()
            if tag.lastindex is None:
                self.plain_cell()
                opened += 1
                continue
            closing, name, raw = tag.groups()
            opened += not closing
            empty = raw.endswith(b"/")
            if name == b"table":
                self.table(bool(closing), raw)
            elif not self.inside:
                refuse_file("unusual_xml")
            elif name == b"table-row":
                if not closing:
                    self.row = _Row(read_attributes(raw), self.tables[-1].next_row)
                if closing or empty:
                    self.end_row()
            elif name == b"table-column":
                self.columns(read_attributes(raw) if not closing else {})
            elif not closing:
                at = self.cell(raw, at, empty)
        if self.inside or opened != len(_OPENED.findall(self.content)):
            refuse_file("damaged")

    def table(self, closing: bool, raw: bytes) -> None:
        """A table inside a cell of another is refused: the reader would lose it."""
        if closing != self.inside or raw.endswith(b"/"):
            refuse_file("unusual_xml")
        self.inside = not closing
        if closing:
            self.tables[-1].conclude()
        else:
            given = read_attributes(raw)
            state = "hidden" if given.get("table:style-name") in self.hidden_styles else "visible"
            self.tables.append(_Table(SheetFacts(given.get("table:name", ""), state)))

    def columns(self, given: dict[str, str]) -> None:
        """Column tags stand before the rows and say which columns are hidden."""
        if not given:
            return
        table = self.tables[-1]
        count = _repeats(given, _REPEATED_COLUMNS, _LAST_COLUMN)
        if given.get("table:visibility", "visible") != "visible":
            table.hidden_columns.append((table.next_column, table.next_column + count - 1))
        table.next_column += count

    def plain_cell(self) -> None:
        """One cell with one value."""
        row = self.row
        if row is None or not self.inside:
            refuse_file("damaged")
        row.values += 1
        row.is_present = True
        self.tables[-1].keep(row.column, 1, row.first + row.repeats - 1)
        row.column += 1

    def cell(self, raw: bytes, at: int, empty: bool) -> int:
        """Judge one cell; returns where the search goes on."""
        row = self.row
        if row is None:
            refuse_file("damaged")
        given = read_attributes(raw)
        content, after = b"", at
        if not empty:
            end = _CELL_END.search(self.content, at)
            if end is None:
                refuse_file("damaged")
            content, after = self.content[at : end.start()], end.end()
            if b"<table:table" in content:
                refuse_file("unusual_xml")
        repeats = _repeats(given, _REPEATED_COLUMNS, _LAST_COLUMN)
        column, row.column = row.column, row.column + repeats
        self.judge(given, content, column, repeats, row)
        return after

    def judge(self, given: dict[str, str], content: bytes, column: int, repeats: int, row: _Row) -> None:
        """Count one cell as the reader will see it: value, empty text, error, or formula without a value."""
        self.merged(given, column, row)
        kind, formula = given.get("office:value-type", ""), given.get("table:formula", "")
        is_error = given.get("calcext:value-type") == "error"
        shown = _shown(content) if is_error or formula or kind in ("", "string", "time") else ""
        found = ""
        if is_error or (formula and _ERROR_TEXT.fullmatch(shown)):
            found, shown = "error_cells", shown or "error"
        elif kind == "time":
            found, shown = "instead", shown or given.get("office:time-value", "")
        elif formula in _TRUTH:
            found, shown = "instead", _TRUTH[formula]
        elif kind or shown:
            row.values += repeats
        elif formula:
            found, shown = "formulas_without_value", formula
        else:
            return
        row.is_present = True
        if found:
            row.marks += [(found, column + step, shown) for step in range(repeats)]
        self.tables[-1].facts.blank_text |= kind == "string" and (is_error or not shown)
        if found != "formulas_without_value":
            self.tables[-1].keep(column, repeats, row.first + row.repeats - 1)

    def merged(self, given: dict[str, str], column: int, row: _Row) -> None:
        """Note the range that a cell spans."""
        wide, high = given.get("table:number-columns-spanned", "1"), given.get("table:number-rows-spanned", "1")
        if (wide, high) == ("1", "1") or not (wide + high).isdecimal():
            return
        last = f"{column_letters(column + int(wide[:6]) - 1)}{row.first + int(high[:8]) - 1}"
        self.tables[-1].facts.merged.append(f"{column_letters(column)}{row.first}:{last}")

    def end_row(self) -> None:
        """Enter the finished row into its table."""
        row, table = self.row, self.tables[-1]
        if row is None:
            refuse_file("damaged")
        self.row = None
        table.next_row += row.repeats
        if not row.is_present:
            return
        if row.repeats * max(1, len(row.marks)) > MAX_CELLS:
            refuse_file("cell_area")
        numbers = range(row.first, row.first + row.repeats)
        facts = table.facts
        facts.rows_present += row.repeats
        facts.values += row.values * row.repeats
        for found, column, text in row.marks:
            letters, shown = column_letters(column), text[:MARK_TEXT_LIMIT]
            marks: list[CellMark] = getattr(facts, found)
            marks += [CellMark(facts.name, f"{letters}{number}", shown) for number in numbers]
        if row.visibility != "visible":
            facts.hidden_rows += numbers
            facts.filtered |= row.visibility == "filter"


def _shown(content: bytes) -> str:
    """The text that a cell shows, its notes left out."""
    paragraphs = _PARAGRAPH.findall(_NOTE.sub(b"", content))
    return unescape(_MARKUP.sub(b"", b"\n".join(paragraphs)).decode("utf-8", "replace")).strip()


def _hidden_styles(content: bytes) -> set[str]:
    names: set[str] = set()
    starts = [(style.start(), style[1]) for style in _STYLE.finditer(content)]
    ends = [*(start for start, _ in starts[1:]), len(content)]
    for (start, raw), end in zip(starts, ends, strict=False):
        if _HIDDEN_STYLE.search(content, start, end):
            names.add(read_attributes(raw).get("style:name", ""))
    return names
