"""Workbook packages made by hand, byte for byte, so that a test can say exactly what is odd about one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from html import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
SHEET = "xl/worksheets/sheet1.xml"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs>'
    "</styleSheet>"
)

ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODS_NAMES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
)


def packed(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip container of the parts, in order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for name, content in parts.items():
            package.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def sheet_xml(rows: str, before: str = "", after: str = "") -> str:
    """A worksheet part of rows of XML."""
    return f'{DECLARATION}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def xlsx_parts(
    rows: str = "", *, strings: str | None = None, sheets: Mapping[str, str] | None = None, state: str = ""
) -> dict[str, str | bytes]:
    """Parts of a small xlsx; `sheets` maps names to sheet XML, else one sheet named Staff of `rows`."""
    sheets = sheets or {"Staff": sheet_xml(rows)}
    shown = f' state="{state}"' if state else ""
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"{shown if n == 1 else ""}/>'
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    related += f'<Relationship Id="rId90" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    related += f'<Relationship Id="rId91" Type="{OFFICE}/styles" Target="styles.xml"/>'
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{WORKBOOK_TYPE}"/></Types>',
        "_rels/.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{related}'
        "</Relationships>",
        "xl/styles.xml": STYLES,
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = f'{DECLARATION}<sst xmlns="{MAIN}">{strings}</sst>'
    for number, xml in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = xml
    return parts


def xlsx(rows: str = "", *, strings: str | None = None, sheets: Mapping[str, str] | None = None) -> bytes:
    """A small xlsx package."""
    return packed(xlsx_parts(rows, strings=strings, sheets=sheets))


def cell(reference: str, value: object) -> str:
    """An xlsx cell: a number, or inline text."""
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'


def row(number: int, cells: str, more: str = "") -> str:
    """An xlsx row."""
    return f'<row r="{number}"{more}>{cells}</row>'


def ods_parts(tables: str, styles: str = "") -> dict[str, str | bytes]:
    """Parts of a small ods."""
    return {
        "mimetype": ODS_TYPE,
        "content.xml": f"{DECLARATION}<office:document-content{ODS_NAMES}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>",
        "META-INF/manifest.xml": f'{DECLARATION}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:'
        f'xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
        "</manifest:manifest>",
    }


def ods(tables: str, styles: str = "") -> bytes:
    """A small ods package."""
    return packed(ods_parts(tables, styles))


def table(rows: str, name: str = "Staff", more: str = "") -> str:
    """An ods table."""
    return f'<table:table table:name="{name}"{more}>{rows}</table:table>'


def ods_row(cells: str, repeats: int = 1, more: str = "") -> str:
    """An ods row."""
    return f'<table:table-row table:number-rows-repeated="{repeats}"{more}>{cells}</table:table-row>'


def ods_cell(value: object = None, repeats: int = 1, more: str = "") -> str:
    """An ods cell: blank, a number, or text."""
    head = f'<table:table-cell table:number-columns-repeated="{repeats}"{more}'
    if value is None:
        return f"{head}/>"
    if isinstance(value, str):
        return f'{head} office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
    return f'{head} office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
