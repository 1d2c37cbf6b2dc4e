"""Files that must be refused, each made here, with the reason that a person is given."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from tests.factories.packages import (
    DECLARATION,
    MAIN,
    SHEET,
    WORKBOOK_TYPE,
    cell,
    ods,
    ods_cell,
    ods_parts,
    ods_row,
    packed,
    row,
    sheet_xml,
    table,
    xlsx,
    xlsx_parts,
)

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
GOOD_ROWS = row(1, cell("A1", "role") + cell("B1", "paid_wte")) + row(2, cell("A2", "DAW") + cell("B2", 7.5))
BILLION_LAUGHS = '<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def with_part(name: str, content: str | bytes, base: dict[str, str | bytes] | None = None) -> bytes:
    """The good workbook with one part replaced or added."""
    return packed((base or xlsx_parts(GOOD_ROWS)) | {name: content})


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """The bytes with one thing changed, which must be there."""
    assert old in data
    return data.replace(old, new)


def twice(name: str) -> bytes:
    """A package that holds a part twice, spelt differently."""
    out = io.BytesIO(xlsx(GOOD_ROWS))
    with zipfile.ZipFile(out, "a") as package:
        package.writestr(name, sheet_xml(""))
    return out.getvalue()


def false_size(inflated: int = 30_000_000, declared: int = 2_000) -> bytes:
    """A sheet that declares a small size and holds a large one."""
    data = with_part(SHEET, b"<worksheet>" + b" " * inflated)
    return replaced(data, struct.pack("<L", inflated + 11), struct.pack("<L", declared))


def overlapping() -> bytes:
    """Two directory entries that share the packed bytes of one part."""
    data = bytearray(xlsx(GOOD_ROWS))
    entries = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    struct.pack_into("<L", data, entries[2] + 42, struct.unpack_from("<L", data, entries[1] + 42)[0])
    return bytes(data)


def hidden_entry() -> bytes:
    """A local entry between two parts that the directory does not list."""
    data = xlsx(GOOD_ROWS)
    directory = data.index(b"PK\x01\x02")
    extra = packed({"xl/worksheets/sheet1.xml": sheet_xml("")})
    extra = extra[: extra.index(b"PK\x01\x02")]
    first = struct.unpack_from("<L", data, data.rindex(b"PK\x05\x06") + 16)[0]
    assert first == directory
    end = data.rindex(b"PK\x05\x06")
    moved = data[:directory] + extra + data[directory:end] + data[end : end + 16]
    return moved + struct.pack("<LH", directory + len(extra), 0)


def other_local_name() -> bytes:
    """A local header that names another part than the directory does."""
    return xlsx(GOOD_ROWS).replace(b"xl/styles.xml", b"xl/stylez.xml", 1)


def bad_checksum() -> bytes:
    """A stored sheet with one byte changed after its checksum was taken."""
    return replaced(packed(xlsx_parts(GOOD_ROWS), zipfile.ZIP_STORED), b"<v>7.5</v>", b"<v>9.5</v>")


def encrypted_entry() -> bytes:
    """A zip whose entries say that they are encrypted."""
    data = bytearray(xlsx(GOOD_ROWS))
    for at in range(len(data) - 4):
        if data[at : at + 4] == b"PK\x03\x04":
            data[at + 6] |= 1
        if data[at : at + 4] == b"PK\x01\x02":
            data[at + 8] |= 1
    return bytes(data)


def nested_zip(depth: int = 6) -> bytes:
    """An archive in an archive in an archive."""
    data = b"x"
    for _ in range(depth):
        data = packed({"inner.zip": data})
    return data


def many_parts(count: int = 1_200) -> bytes:
    """A package of very many parts."""
    return packed(xlsx_parts(GOOD_ROWS) | {f"xl/media/{n}.bin": b"" for n in range(count)})


def types_naming(content_type: str) -> bytes:
    """The good workbook, declared to be of another type."""
    parts = xlsx_parts(GOOD_ROWS)
    return packed(
        parts | {"[Content_Types].xml": str(parts["[Content_Types].xml"]).replace(WORKBOOK_TYPE, content_type)}
    )


def unreferenced_cell(column: int) -> str:
    """A row with cells that carry no reference, the last one far to the right."""
    return "<row>" + "<c/>" * column + "<c><v>1</v></c></row>"


FAR_CORNER = xlsx(row(1, cell("A1", 1)) + row(1_048_576, cell("XFD1048576", 1)))
PREFIXED = sheet_xml("").replace(
    "<sheetData>", '<sheetData><x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>'
)
NO_ROOT = {"word/document.xml": "<document/>", "[Content_Types].xml": "<Types/>"}
CLASSIC_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no bytes": ("empty_file", lambda: b""),
    "blank": ("empty_file", lambda: b" \r\n\t "),
    "21 MB": ("too_large", lambda: b"PK\x03\x04" + bytes(21 * 1024 * 1024)),
    "pdf": ("not_a_workbook", lambda: b"%PDF-1.7 ..."),
    "docx": ("not_a_workbook", lambda: packed(NO_ROOT)),
    "pptx": ("not_a_workbook", lambda: packed({"ppt/presentation.xml": "<p/>"})),
    "odt": ("not_a_workbook", lambda: packed({"mimetype": "application/vnd.oasis.opendocument.text"})),
    "numbers": ("not_a_workbook", lambda: packed({"Index/Document.iwa": b"x"})),
    "zip of a workbook": ("not_a_workbook", lambda: packed({"return.xlsx": xlsx(GOOD_ROWS)})),
    "zip": ("not_a_workbook", lambda: packed({"a.txt": "x"})),
    "nested zip": ("not_a_workbook", nested_zip),
    "png": ("not_a_workbook", lambda: b"\x89PNG\r\n\x1a\n"),
    "web page as xls": ("not_a_workbook", lambda: b"\r\n<HTML><body><table><tr><td>1</td></tr></table>"),
    "xml spreadsheet": (
        "not_a_workbook",
        lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    ),
    "csv": ("not_a_workbook", lambda: b"role,paid_wte\nDAW,7.5\n"),
    "json": ("not_a_workbook", lambda: b'{"census_year": 2024}'),
    "noise": ("not_a_workbook", lambda: bytes(range(1, 200))),
    "xls": ("old_xls", lambda: OLE2 + "Workbook".encode("utf-16-le")),
    "xls of 1995": ("old_xls", lambda: b"\x09\x08\x10\x00\x00\x05\x05\x00"),
    "encrypted xlsx": ("password", lambda: OLE2 + "EncryptedPackage".encode("utf-16-le")),
    "encrypted zip": ("password", encrypted_entry),
    "encrypted ods": (
        "password",
        lambda: with_part("META-INF/manifest.xml", "<m><manifest:encryption-data/></m>", ods_parts(table(""))),
    ),
    "word 97": ("not_a_workbook", lambda: OLE2 + "WordDocument".encode("utf-16-le")),
    "xlsm": ("macros", lambda: types_naming(CLASSIC_MACROS)),
    "vba part in an xlsx": ("macros", lambda: with_part("xl/VbaProject.bin", b"\xcc\x61")),
    "excel 4 macro sheet": ("macros", lambda: with_part("xl/macrosheets/sheet1.xml", "<xm:macrosheet/>")),
    "xlsb": ("macros", lambda: packed({"xl/workbook.bin": b"x", "[Content_Types].xml": "<Types/>"})),
    "ods with a script": ("macros", lambda: with_part("Basic/Standard/Module1.xml", "<m/>", ods_parts(table("")))),
    "entities in a sheet": ("dtd", lambda: with_part(SHEET, BILLION_LAUGHS + sheet_xml("&b;"))),
    "external entity": (
        "dtd",
        lambda: with_part("docProps/core.xml", '<?xml version="1.0"?><!DOCTYPE r SYSTEM "http://127.0.0.1:9/x"><r/>'),
    ),
    "lower case doctype": ("dtd", lambda: with_part("xl/theme/theme1.xml", "<!doctype a><a/>")),
    "entities in an ods": ("dtd", lambda: with_part("content.xml", f"{BILLION_LAUGHS}<a/>", ods_parts(""))),
    "utf-16 sheet": (
        "encoding",
        lambda: with_part(SHEET, sheet_xml(GOOD_ROWS).replace("UTF-8", "UTF-16").encode("utf-16")),
    ),
    "utf-16 sheet without mark": ("encoding", lambda: with_part(SHEET, sheet_xml(GOOD_ROWS).encode("utf-16-le"))),
    "latin-1 sheet": ("encoding", lambda: with_part(SHEET, sheet_xml("").replace("UTF-8", "ISO-8859-1"))),
    "bytes that are not utf-8": ("encoding", lambda: with_part(SHEET, sheet_xml(cell("A1", "x")).encode() + b"\xff")),
    "comments in a sheet": ("unusual_xml", lambda: xlsx(GOOD_ROWS + "<!-- <row> -->")),
    "cdata in strings": ("unusual_xml", lambda: xlsx("", strings="<si><t><![CDATA[DAW]]></t></si>")),
    "table in a cell": (
        "unusual_xml",
        lambda: ods(table(ods_row("<table:table-cell>" + table(ods_row(ods_cell(1)), "in") + "</table:table-cell>"))),
    ),
    "false size": ("bomb", false_size),
    "ratio": ("bomb", lambda: with_part("xl/media/a.xml", b"<a>" + bytes(30_000_000))),
    "sum": ("bomb", lambda: packed(xlsx_parts() | {f"{n}.bin": bytes(7_000_000) for n in range(30)})),
    "many parts": ("too_many_parts", many_parts),
    "many tables": ("too_many_parts", lambda: ods("".join(table("", f"t{n}") for n in range(300)))),
    "part twice": ("duplicate_part", lambda: twice("xl/worksheets/Sheet1.xml")),
    "sheet name twice": ("duplicate_part", lambda: xlsx(sheets={"Staff": sheet_xml(""), "STAFF": sheet_xml("")})),
    "table name twice": ("duplicate_part", lambda: ods(table("", "A") + table("", "A"))),
    "bad checksum": ("damaged", bad_checksum),
    "cut": ("damaged", lambda: xlsx(GOOD_ROWS)[:-300]),
    "cut short": ("damaged", lambda: xlsx(GOOD_ROWS)[:40]),
    "junk before": ("damaged", lambda: b"junk" + xlsx(GOOD_ROWS)),
    "junk after": ("damaged", lambda: xlsx(GOOD_ROWS) + b"junk"),
    "overlap": ("damaged", overlapping),
    "hidden entry": ("damaged", hidden_entry),
    "other local name": ("damaged", other_local_name),
    "cell without end": (
        "damaged",
        lambda: with_part(SHEET, f'{DECLARATION}<worksheet><sheetData><c r="AA1"><v>1</v>'),
    ),
    "impossible reference": ("damaged", lambda: xlsx(row(1, '<c r="1A"><v>1</v></c>'))),
    "far corner": ("cell_area", lambda: FAR_CORNER),
    "far corner, prefixed": (
        "cell_area",
        lambda: with_part(SHEET, PREFIXED.replace("</sheetData>", GOOD_ROWS + "</sheetData>")),
    ),
    "far corner, quoted": (
        "cell_area",
        lambda: xlsx(GOOD_ROWS + "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"),
    ),
    "far corner, spaced": (
        "cell_area",
        lambda: xlsx(GOOD_ROWS + '<row r="9"><c x=">" r = "ZZZ9"><v>1</v></c></row>'.replace("ZZZ", "XFD")),
    ),
    "far to the right": ("cell_area", lambda: xlsx(GOOD_ROWS + unreferenced_cell(2_000))),
    "far corner of an ods": (
        "cell_area",
        lambda: ods(
            table(ods_row(ods_cell(1)) + ods_row(ods_cell(), 1_048_000) + ods_row(ods_cell(None, 900) + ods_cell(2)))
        ),
    ),
    "value repeated": ("cell_area", lambda: ods(table(ods_row(ods_cell(1, 1_000), 1_000_000)))),
    "no workbook part": ("missing_parts", lambda: packed({"[Content_Types].xml": f'<Types xmlns="{MAIN}"/>'})),
    "sheet part missing": (
        "missing_parts",
        lambda: packed({name: part for name, part in xlsx_parts(GOOD_ROWS).items() if name != SHEET}),
    ),
}

LOST: dict[str, Callable[[], bytes]] = {
    "a cell twice": lambda: xlsx(row(1, cell("A1", 1) + cell("A1", 2))),
    "a row twice": lambda: xlsx(row(1, cell("A1", 1)) + row(1, cell("A1", 2))),
    "a second sheetData": lambda: xlsx(GOOD_ROWS + "</sheetData><sheetData>" + row(3, cell("A3", 1))),
    "text without a type": lambda: ods(table(ods_row("<table:table-cell><text:p>DAW</text:p></table:table-cell>"))),
    "a string that is not there": lambda: xlsx(row(1, '<c r="A1" t="s"><v>7</v></c>'), strings="<si><t>a</t></si>"),
}
