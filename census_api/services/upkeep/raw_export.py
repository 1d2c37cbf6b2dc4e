"""The raw export: everything stored about a collection as one ZIP, written while it is read."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.services.kit.platform import Platform
from census_api.store.collecting import collections
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.upkeep import exporting
from census_api.store.upkeep.exporting import OF_COLLECTION, StoredFile

_PIECE = 256_000
_ABOUT = """The census of {year}: everything that was stored when this file was made.

tables/NAME.jsonl   one row of the table NAME a line, as JSON; organisation.jsonl is the whole register
files/              the files that came in, as they came in: ORGANISATION/NUMBER.KIND

It holds returns that are not public and names of people. Keep it as you would keep them, and delete it after use.
That it was made, when and by whom, is in the audit.
"""


def raw_export(platform: Platform, actor: Actor, year: int) -> Iterator[bytes]:
    """The pieces of a ZIP with all rows and files of one collection, as they stood at one moment.

    That it is made is recorded before its first byte. Raises Forbidden, NotFound; memory use does not grow with size.
    """
    authorise(actor, "export.raw")
    with platform.database.transaction(actor) as session:
        if collections.find_collection(session, year) is None:
            raise NotFound(f"The census of {year} has not been set up here.")
        audit.record(
            session, actor, "export.made", collection=year, subject=f"raw export of {year}", at=platform.clock()
        )
    return _pieces(platform, actor, year)


def _pieces(platform: Platform, actor: Actor, year: int) -> Iterator[bytes]:
    sink = _Sink()
    with platform.database.snapshot(actor) as session, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _ABOUT.format(year=year))
        yield from _table(archive, sink, "organisation", exporting.register_lines(session))
        for table in OF_COLLECTION:
            yield from _table(archive, sink, table, exporting.iterate_lines(session, table, year))
        yield from _files(archive, sink, session, year)
    yield sink.taken()


def _table(archive: zipfile.ZipFile, sink: _Sink, table: str, lines: Iterable[str]) -> Iterator[bytes]:
    with archive.open(f"tables/{table}.jsonl", "w", force_zip64=True) as entry:
        for line in lines:
            entry.write(line.encode() + b"\n")
            if sink.waiting >= _PIECE:
                yield sink.taken()


def _files(archive: zipfile.ZipFile, sink: _Sink, session: Session, year: int) -> Iterator[bytes]:
    for file in exporting.list_files(session, year):
        data = exporting.bytes_of(session, year, file.submission_id)
        # a workbook is compressed already
        how = zipfile.ZIP_STORED if file.kind in ("xlsx", "ods") else zipfile.ZIP_DEFLATED
        archive.writestr(_name_of(file), data, how)
        yield sink.taken()


def _name_of(file: StoredFile) -> str:
    folder = re.sub(r"[^A-Za-z0-9_-]", "_", file.organisation)
    name = str(file.number) if file.number is not None else f"refused-{file.sha256[:16]}-{file.submission_id}"
    return f"files/{folder}/{name}.{file.kind or 'bin'}"


class _Sink(io.RawIOBase):
    """What the ZIP is written to: it keeps the bytes until they are taken, and cannot go back."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        return len(self._buffer)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # the zip writer is given bytes-like pieces only
        self._buffer += piece
        return len(piece)

    def taken(self) -> bytes:
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken
