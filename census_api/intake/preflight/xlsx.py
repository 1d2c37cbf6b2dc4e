"""Pre-flight of an xlsx package: its sheets found and counted by searching bytes.

A plain sheet (what spreadsheet programs write: up to 26 columns, fewer than 100,000 rows, no formulas, errors or
hidden rows) is vouched for by one linear search for anything that is not plain, and by counts. Any other sheet is
read cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from census_api.intake.preflight.cells import ATTRIBUTES, PREFIX, read_attributes, scan_cells
from census_api.intake.preflight.package import PackageFacts, SheetFacts
from census_api.intake.preflight.refusals import refuse_file

WORKBOOK, RELATIONS, TYPES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"
STRINGS = "xl/sharedStrings.xml"
MAX_SHEETS = 200

# a cell or row tag in any other than the usual spelling, a cell beyond column Z or row 99,999, and what needs a closer look
_NOT_PLAIN = (
    r'<c(?:[\t\r\n/>]| (?:[^r]|r(?:[^=]|=(?:[^"]|"(?:[^A-Z]|[A-Z](?:[^0-9]|[0-9]{6}))))))'
    r'|<row(?:[\t\r\n/>]| (?:[^r]|r(?:[^=]|=(?:[^"]|"[^0-9]))))'
    r"|:c[ \t\r\n/>]|:row[ \t\r\n/>]|<f[ \t\r\n/>]"
    r'| t="e"| t="str"| t=\'| hidden|zeroHeight| ht="0| width="0'
)
# a row, its blank cells, and then a cell that is not blank (no possessive groups: Python before 3.11.5 gets them wrong)
_FILLED_ROW = re.compile(rb"<row [^>]*+(?<!/)>(?:<c [^>]*+>(?:(?<=/>)|</c>))*<c [^>]*+(?<!/)>(?!</c>)")
_INDENTED = re.compile(rb">\s+<")
_SAMPLE = 512
_WINDOW = 1 << 19
_FIRST_COLUMN_VALUE = re.compile(rb'<c r="A\d+"[^<>]*+>(?:<v>[^<]|<is>)')
_BLANK_STRING = re.compile(rb"<(?:t|si)(?:\s[^<>]*+)?(?:/>|></(?:t|si)>)")
_SHEET = re.compile(rb"<" + PREFIX + rb"sheet\s" + ATTRIBUTES)
_RELATION = re.compile(rb"<" + PREFIX + rb"Relationship\s" + ATTRIBUTES)
_MERGED = re.compile(rb"<" + PREFIX + rb"mergeCell\s[^<>]*?ref\s*=\s*[\"']([^\"'<>]*)")
_DATE_FORMAT = re.compile(rb'numFmtId\s*=\s*["\'](?:1[4-9]|2[0-2]|2[7-9]|3[0-6]|4[5-7]|5[0-8])["\']')
_CUSTOM_FORMAT = re.compile(rb"formatCode\s*=\s*[\"']([^\"'<>]*)")
_NOT_DATE_LETTERS = re.compile(rb"\[[^\]]*\]|&quot;.*?&quot;|\\.|General")
_STATES = {"hidden": "hidden", "veryHidden": "very_hidden"}


def inspect_xlsx(parts: dict[str, bytes], exact: bool) -> PackageFacts:
    """Facts of an xlsx package from its inflated parts. `exact` reads every sheet cell by cell.

    Raises Refused: macros, missing_parts, duplicate_part, too_many_parts, unusual_xml, encoding, cell_area, damaged.
    """
    if WORKBOOK not in parts or RELATIONS not in parts or TYPES not in parts:
        refuse_file("missing_parts")
    _refuse_macros(parts)
    named = _sheets(parts)
    texts = [xml for _, xml in named]
    if any(_has_markup(text) for text in [*texts, parts.get(STRINGS, b""), parts[WORKBOOK], parts[RELATIONS]]):
        refuse_file("unusual_xml")
    odd = _not_plain(texts)
    for (facts, xml), closely in zip(named, odd, strict=True):
        if exact or closely or not _count_plain(xml, facts):
            scan_cells(xml, facts)
        _surroundings(xml, facts)
    if _BLANK_STRING.search(parts.get(STRINGS, b"")):
        for facts, _ in named:
            facts.blank_text = True
    dates = _may_hold_dates(parts.get("xl/styles.xml", b""))
    return PackageFacts("xlsx", [facts for facts, _ in named], 0, 0, dates, exact)


def _may_hold_dates(styles: bytes) -> bool:
    custom = (_NOT_DATE_LETTERS.sub(b"", code).lower() for code in _CUSTOM_FORMAT.findall(styles))
    return _DATE_FORMAT.search(styles) is not None or any(set(code) & set(b"ymdhs") for code in custom)


def _has_markup(xml: bytes) -> bool:
    """Comments and CDATA: no spreadsheet program writes them, and the reader drops what they hold."""
    return b"!" in xml and b"<!" in xml


def _refuse_macros(parts: dict[str, bytes]) -> None:
    types = parts[TYPES]
    if b"macroEnabled" in types or b"vbaProject" in types or b"macrosheet" in types:
        refuse_file("macros")
    for name in parts:
        if name.casefold().endswith("vbaproject.bin") or name.casefold().startswith("xl/macrosheets/"):
            refuse_file("macros")


def _sheets(parts: dict[str, bytes]) -> list[tuple[SheetFacts, bytes]]:
    """Facts and bytes of each worksheet in workbook order; sheets that hold a chart only are left out."""
    relations = [read_attributes(raw) for raw in _RELATION.findall(parts[RELATIONS])]
    targets = {relation.get("Id", ""): relation for relation in relations}
    sheets: list[tuple[SheetFacts, bytes]] = []
    names: set[str] = set()
    for raw in _SHEET.findall(parts[WORKBOOK]):
        given = read_attributes(raw)
        identity = next((value for key, value in given.items() if key == "id" or key.endswith(":id")), "")
        relation = targets.get(identity)
        if relation is None:
            refuse_file("missing_parts")
        kind = relation.get("Type", "").rpartition("/")[2]
        if kind != "worksheet":
            continue
        target = relation.get("Target", "")
        path = target.removeprefix("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
        if path not in parts:
            refuse_file("missing_parts")
        name = given.get("name", "")
        if name.casefold() in names:
            refuse_file("duplicate_part")
        names.add(name.casefold())
        sheets.append((SheetFacts(name, _STATES.get(given.get("state", ""), "visible")), parts[path]))
    if not sheets:
        refuse_file("missing_parts")
    if len(sheets) > MAX_SHEETS:
        refuse_file("too_many_parts")
    return sheets


def _not_plain(texts: list[bytes]) -> list[bool]:
    """For each sheet whether anything in it needs the closer look."""
    short = [text for text in texts if len(text) <= _WINDOW]
    found = iter(_search(short))
    return [next(found) if len(text) <= _WINDOW else _is_odd(text) for text in texts]


def _is_odd(text: bytes) -> bool:
    """The same for a large sheet, piece by piece, so that it is never held twice; all of it, for its encoding."""
    return True in [_search([piece])[0] for piece in _windows(text)]


def _search(texts: list[bytes]) -> list[bool]:
    """Whether each text matches, in one pass of an engine without backtracking."""
    try:
        return pl.Series(texts, dtype=pl.Binary).cast(pl.String).str.contains(_NOT_PLAIN).to_list()
    except pl.exceptions.PolarsError:
        refuse_file("encoding")


def _windows(text: bytes) -> Iterator[bytes]:
    """The text in pieces that begin with a tag."""
    start = 0
    while start < len(text):
        end = text.find(b"<", start + _WINDOW)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end


def _count_plain(xml: bytes, facts: SheetFacts) -> bool:
    """Count a plain sheet; False when it must be read cell by cell after all."""
    first_row = xml.find(b"<row ")
    if first_row < 0:
        return True
    if _FIRST_COLUMN_VALUE.search(xml) is None or _INDENTED.search(xml, first_row, first_row + _SAMPLE):
        return False
    facts.values = xml.count(b"</c>")
    filled = xml.count(b"</v></c>")
    if filled != facts.values and b"inlineStr" in xml:
        filled += xml.count(b"</is></c>")
        facts.blank_text = _BLANK_STRING.search(xml) is not None
    facts.rows_present = len(_FILLED_ROW.findall(xml))
    # a cell that ends in any other way than with its value is for the closer look
    return filled == facts.values


def _surroundings(xml: bytes, facts: SheetFacts) -> None:
    after = xml[max(0, xml.rfind(b"</sheetData>")) :]
    if b"mergeCell" in after:
        facts.merged = [ref.decode("utf-8", "replace") for ref in _MERGED.findall(after)]
    facts.filtered = bool(facts.hidden_rows) and (b"autoFilter" in after or b"tablePart" in after)
