"""Office packages (zip files of parts) written the same way every time: fixed order, fixed dates."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable

Part = tuple[str, bytes | Iterable[bytes]]

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_FIRST = ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml")
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def read_parts(data: bytes) -> dict[str, bytes]:
    """The inflated parts of a package that we wrote ourselves, in the order in which packages are written."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(archive.namelist(), key=_order)
        return {name: archive.read(name) for name in names}


def write_package(parts: Iterable[Part]) -> bytes:
    """A package of `parts` in the order given. A part given in pieces is deflated piece by piece."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts:
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            if isinstance(content, bytes):
                archive.writestr(info, content)
                continue
            with archive.open(info, "w") as target:
                for piece in content:
                    target.write(piece)
    return buffer.getvalue()


def date_properties(core_properties: bytes, instant: dt.datetime) -> bytes:
    """docProps/core.xml with `instant` (UTC) in place of the times of creation and change."""
    return _STAMP.sub(rb"\g<1>" + instant.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), core_properties)


def _order(name: str) -> tuple[int, int, str]:
    position = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return position, len(name), name
