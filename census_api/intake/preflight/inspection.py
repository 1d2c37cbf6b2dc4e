"""Pre-flight: what a file is, whether it is safe to read, and what its sheets hold, before any reader sees it.

The bytes are searched, never parsed into a tree; every part is really inflated within bounds and its checksum held.
"""

from __future__ import annotations

import re

from census_api.intake.preflight.container import MAX_BYTES, Part, inflate_part, open_package
from census_api.intake.preflight.ods import inspect_ods
from census_api.intake.preflight.package import PackageFacts
from census_api.intake.preflight.refusals import REFUSALS, make_refusal, refuse_file
from census_api.intake.preflight.xlsx import inspect_xlsx

__all__ = ["REFUSALS", "inspect_package", "sniff_kind"]

_HEAD = 4096
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE2_CONTENTS = (
    ("EncryptedPackage", "password", ""),
    ("WordDocument", "not_a_workbook", "an old Word document (.doc)"),
    ("PowerPoint Document", "not_a_workbook", "an old PowerPoint presentation (.ppt)"),
    ("Workbook", "old_xls", ""),
    ("Book", "old_xls", ""),
)
_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a Word document in rich text format (.rtf)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"MIME-Version:", "a web page saved with the name of a workbook"),
)
_ZIP_CONTENTS = (
    ("xl/workbook.bin", "macros", ""),
    ("word/", "not_a_workbook", "a Word document (.docx)"),
    ("ppt/", "not_a_workbook", "a PowerPoint presentation (.pptx)"),
    ("Index/Document.iwa", "not_a_workbook", "an Apple Numbers document"),
    ("Index.zip", "not_a_workbook", "an Apple Numbers document"),
)
_WEB_PAGE = re.compile(rb"<(?:html|!doctype\s+html|head|body|table|meta)\b", re.IGNORECASE)
_XML_SPREADSHEET = b"urn:schemas-microsoft-com:office:spreadsheet"
_ENCODING = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']\s*([^\"'>]*)")
_DTD = re.compile(rb"<!\s*+(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF8_NAMES = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
_XML_SUFFIXES = (".xml", ".rels", ".vml")


def sniff_kind(data: bytes) -> str:
    """What the content is, whatever its name: xlsx, ods, json, csv or unknown.

    Raises Refused with a reason of REFUSALS for what can be named and never read: empty_file, too_large, old_xls,
    password, macros, damaged, not_a_workbook (saying what it looks like).
    """
    return _identify(data)[0]


def inspect_package(data: bytes, *, exact: bool = False) -> PackageFacts:
    """Facts of a workbook that is safe to read. `exact` reads every sheet cell by cell, about ten times slower.

    Raises Refused with a reason of REFUSALS when it is not a workbook, not safe, or cannot be read without loss.
    """
    kind, parts = _identify(data)
    if kind not in ("xlsx", "ods"):
        looks = {"csv": "a CSV or text file", "json": "a JSON file"}
        refuse_file("not_a_workbook", looks=looks.get(kind, "some other kind of file"))
    contents = {part.name: inflate_part(data, part) for part in parts}
    for name, content in contents.items():
        _check_xml(name, content)
    facts = inspect_xlsx(contents, exact) if kind == "xlsx" else inspect_ods(contents)
    facts.inflated_bytes = sum(part.size for part in parts)
    facts.parts = len(parts)
    return facts


def _identify(data: bytes) -> tuple[str, list[Part]]:
    if not data.strip():
        refuse_file("empty_file")
    if len(data) > MAX_BYTES:
        refuse_file("too_large")
    if data.startswith(b"PK"):
        parts = open_package(data)
        return _zip_kind(data, parts), parts
    head = data[:_HEAD]
    if head.startswith(_OLE2):
        _refuse_ole2(data)
    if head.startswith(_BIFF):
        refuse_file("old_xls")
    for magic, looks in _MAGIC:
        if head.startswith(magic):
            refuse_file("not_a_workbook", looks=looks)
    if b"PK\x03\x04" in head or data.rfind(b"PK\x05\x06", max(0, len(data) - _HEAD)) >= 0:
        refuse_file("damaged")
    return _text_kind(data, head), []


def _refuse_ole2(data: bytes) -> None:
    for stream, reason, looks in _OLE2_CONTENTS:
        if stream.encode("utf-16-le") in data:
            refuse_file(reason, looks=looks)
    refuse_file("not_a_workbook", looks="an old Office document")


def _zip_kind(data: bytes, parts: list[Part]) -> str:
    names = {part.name: part for part in parts}
    if "mimetype" in names:
        declared = inflate_part(data, names["mimetype"]).strip()
        if declared.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            return "ods"
        refuse_file("not_a_workbook", looks="an OpenDocument file that is not a spreadsheet")
    for prefix, reason, looks in _ZIP_CONTENTS:
        if any(name.startswith(prefix) for name in names):
            refuse_file(reason, looks=looks)
    if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
        return "xlsx"
    if any(name.casefold().endswith((".xlsx", ".ods")) for name in names):
        refuse_file("not_a_workbook", looks="a zip archive with a workbook inside; unpack it first")
    raise make_refusal("not_a_workbook", looks="a zip archive")


def _text_kind(data: bytes, head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        if _XML_SPREADSHEET in head:
            refuse_file("not_a_workbook", looks="an XML Spreadsheet of Excel 2003")
        if _WEB_PAGE.search(head):
            refuse_file("not_a_workbook", looks="a web page saved with the name of a workbook")
        refuse_file("not_a_workbook", looks="an XML file")
    if text.startswith((b"{", b"[")):
        return "json"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "csv"
    first_line = text.partition(b"\n")[0]
    is_text = b"\x00" not in data[: 16 * _HEAD] and not any(byte < 9 for byte in head)
    return "csv" if is_text and any(mark in first_line for mark in (b",", b";", b"\t")) else "unknown"


def _check_xml(name: str, content: bytes) -> None:
    """UTF-8 and free of document types: the reader would see a UTF-16 sheet as one without rows."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:4]:
        if name.endswith(_XML_SUFFIXES):
            refuse_file("encoding")
        return
    text = content[:3].replace(b"\xef\xbb\xbf", b"").lstrip()
    if not text.startswith(b"<") and not content[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        if content and name.endswith(_XML_SUFFIXES):
            refuse_file("damaged")
        return
    declared = _ENCODING.search(content, 0, 256)
    if declared and declared[1].strip().lower() not in _UTF8_NAMES:
        refuse_file("encoding")
    if b"!" in content and b"<!" in content and _DTD.search(content):
        refuse_file("dtd")
