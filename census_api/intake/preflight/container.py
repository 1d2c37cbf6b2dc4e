"""The container of a workbook, opened with suspicion: every size is proved by inflating, never believed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from census_api.intake.preflight.refusals import refuse_file

MAX_BYTES = 20 * 1024 * 1024
MAX_INFLATED = 160 * 1024 * 1024
MAX_PARTS = 1_000
MAX_RATIO = 200
# repetitive but honest parts are small: the ratio is judged only above this size
RATIO_FLOOR = 8 * 1024 * 1024

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZES_FOLLOW, _UTF8_NAME = 0x1, 0x8, 0x800
_ZIP64 = 0xFFFFFFFF


@dataclass(slots=True)
class Part:
    """One entry of the package: where its packed bytes lie and what it claims to hold."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int
    header: int
    flags: int


def open_package(data: bytes) -> list[Part]:
    """The parts of a zip container whose directory and local headers agree.

    Raises Refused: damaged, password, too_many_parts, duplicate_part, bomb, too_large.
    """
    if len(data) > MAX_BYTES:
        refuse_file("too_large")
    entries, directory = _directory(data)
    parts = [_placed(data, part) for part in entries]
    if len({part.name.casefold() for part in parts}) != len(parts):
        refuse_file("duplicate_part")
    _refuse_overlap(data, parts, directory)
    if sum(part.size for part in parts) > MAX_INFLATED:
        refuse_file("bomb")
    return parts


def inflate_part(data: bytes, part: Part) -> bytes:
    """The bytes of a part, at most one more than it declares. Raises Refused: bomb, damaged."""
    if part.size > RATIO_FLOOR and part.size > MAX_RATIO * part.packed:
        refuse_file("bomb")
    packed = data[part.start : part.start + part.packed]
    if part.method == _STORED:
        content = packed
    else:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = stream.decompress(packed, part.size + 1)
        except zlib.error:
            refuse_file("damaged")
        if len(content) > part.size:
            refuse_file("bomb")
        if not stream.eof or stream.unused_data:
            refuse_file("damaged")
    if len(content) != part.size or zlib.crc32(content) != part.crc:
        refuse_file("damaged")
    return content


def _directory(data: bytes) -> tuple[list[Part], int]:
    """The entries that the directory lists, and where it begins."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + _END.size > len(data):
        refuse_file("damaged")
    _, disk, start_disk, here, count, size, offset, comment = _END.unpack_from(data, end)
    if disk or start_disk or here != count or end + _END.size + comment != len(data) or offset + size != end:
        refuse_file("damaged")
    if count > MAX_PARTS:
        refuse_file("too_many_parts")
    parts, at = [], offset
    for _ in range(count):
        if at + _ENTRY.size > end:
            refuse_file("damaged")
        part, at = _entry(data, at)
        parts.append(part)
    if at != end:
        refuse_file("damaged")
    return parts, offset


def _entry(data: bytes, at: int) -> tuple[Part, int]:
    """One entry of the directory, and where the next one begins."""
    fields = _ENTRY.unpack_from(data, at)
    signature, flags, method, crc, packed, inflated = fields[0], fields[3], fields[4], *fields[7:10]
    name_length, extra_length, note_length, header = fields[10], fields[11], fields[12], fields[16]
    if signature != b"PK\x01\x02" or _ZIP64 in (packed, inflated, header):
        refuse_file("damaged")
    name_end = at + _ENTRY.size + name_length
    name = _decoded(data[at + _ENTRY.size : name_end], flags)
    return Part(name, method, crc, packed, inflated, 0, header, flags), name_end + extra_length + note_length


def _decoded(name: bytes, flags: int) -> str:
    try:
        text = name.decode("utf-8" if flags & _UTF8_NAME else "cp437")
    except UnicodeDecodeError:
        refuse_file("damaged")
    return text.replace("\\", "/").removeprefix("/")


def _placed(data: bytes, part: Part) -> Part:
    """The part with the start of its packed bytes, its local header compared with the directory."""
    if part.header + _LOCAL.size > len(data):
        refuse_file("damaged")
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(
        data, part.header
    )
    name_at = part.header + _LOCAL.size
    part.start = name_at + name_length + extra_length
    if (flags | part.flags) & _ENCRYPTED:
        refuse_file("password")
    name = _decoded(data[name_at : name_at + name_length], flags)
    if signature != b"PK\x03\x04" or method != part.method or method not in (_STORED, _DEFLATED) or name != part.name:
        refuse_file("damaged")
    sizes_agree = (crc, packed, size) == (part.crc, part.packed, part.size)
    if not sizes_agree and not (flags & _SIZES_FOLLOW) and packed != _ZIP64:
        refuse_file("damaged")
    if part.method == _STORED and part.packed != part.size:
        refuse_file("damaged")
    return part


def _refuse_overlap(data: bytes, parts: list[Part], directory: int) -> None:
    """Every byte belongs to one part; nothing stands before the first, no entry hides between two."""
    if parts and min(part.header for part in parts) != 0:
        refuse_file("damaged")
    places = sorted((part.header, part.start + part.packed) for part in parts)
    end = 0
    for start, next_end in [*places, (directory, directory)]:
        if start < end or (start > end and b"PK\x03\x04" in data[end:start]):
            refuse_file("damaged")
        end = next_end
