"""A form with one file, parsed as it arrives: nothing but that file is kept, and never more of it than is allowed.

A page's form has a few short fields before its file.
"""

from __future__ import annotations

from collections.abc import Collection

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from census_api.api.kit.problems import MalformedUpload

_FIELD = b"file"
_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 4096
_MAX_BOUNDARY = 200
_MAX_FIELD_BYTES = 2000
_ONE_FILE = (
    "Send a form with exactly one part, named file, that holds the whole file (with curl: -F file=@return.xlsx)."
)


class OneFileForm:
    """Takes the body of a multipart/form-data request in pieces. Raises MalformedUpload for all but one whole file.

    `fields` names the texts that may stand before the file, each once; they are in `values` afterwards.
    """

    def __init__(self, content_type: str, fields: Collection[str] = ()) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= _MAX_BOUNDARY:
            raise MalformedUpload(f"The Content-Type header names no boundary between the parts. {_ONE_FILE}")
        self.values: dict[str, str] = {}
        self._fields = frozenset(fields)
        self._field: str | None = None
        self._data = bytearray()
        self._files = 0
        self._file_name: str | None = None
        self._media_type: str | None = None
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError:
            raise MalformedUpload(f"The form cannot be read. {_ONE_FILE}") from None

    def finish(self) -> tuple[bytes, str | None, str | None]:
        """The file, its name and its media type, as they were sent."""
        if not self._ended or not self._files:
            raise MalformedUpload(f"The form ends before its file does. {_ONE_FILE}")
        return bytes(self._data), self._file_name, self._media_type

    def _part_begin(self) -> None:
        self._headers = {}
        if self._files:
            raise MalformedUpload(f"The form has more than one part. {_ONE_FILE}")

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).strip().lower()] = bytes(value).strip()
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if kind == b"form-data" and name is not None and self._is_new_field(name):
            self._field = name.decode("ascii")
            return
        if kind != b"form-data" or name != _FIELD:
            raise MalformedUpload(f"The form has a part that is not the file. {_ONE_FILE}")
        if self._headers.get(b"content-transfer-encoding", b"binary").lower() not in (b"binary", b"8bit", b"7bit"):
            raise MalformedUpload(f"The file is encoded in a way that forms no longer use. {_ONE_FILE}")
        self._files += 1
        self._file_name = _text(options.get(b"filename"))
        self._media_type = _text(self._headers.get(b"content-type"))

    def _is_new_field(self, name: bytes) -> bool:
        text = name.decode("utf-8", "replace")
        return text in self._fields and text not in self.values

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.extend(data[start:end])
        if self._field is not None and len(self._data) > _MAX_FIELD_BYTES:
            raise MalformedUpload("A field of the form is too long. Go back, reload the page and fill it in again.")

    def _part_end(self) -> None:
        if self._field is not None:
            self.values[self._field] = self._data.decode("utf-8", "replace")
            self._field = None
            self._data.clear()

    def _end(self) -> None:
        self._ended = True


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None
