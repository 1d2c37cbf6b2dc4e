"""Request bodies: read piece by piece within limits, never spooled to disk, and no more of them at once than fit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import anyio
from fastapi import Depends, Request

from census_api.api.dependencies import Shared, ThePlatform
from census_api.api.metrics import Metrics
from census_api.api.multipart import OneFileForm
from census_api.api.problems import TooSlow, WrongMediaType
from census_api.domain.errors import TooLarge, Unavailable
from census_api.domain.submission import Upload

FORM_OVERHEAD = 64_000
"""Bytes that the form around a file may take."""
IDLE_SECONDS = 30.0
PLACES = 24
"""Uploads in hand at once, from the first byte to the answer: fewer than there are threads for all requests."""
_BUSY = "Many returns are being checked just now. Nothing was stored. Please try again in a few seconds."
_KINDS = "Send application/json, or multipart/form-data with the file in a part named file."

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "The return; see the collection's schema.json."}
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The return as .xlsx, .ods or .json.",
                        }
                    },
                }
            },
        },
    }
}
"""What OpenAPI says about the body of an upload."""


class Room:
    """How many uploads, and how many bytes of them, one process holds at once. Used on the event loop only."""

    def __init__(self, places: int, most_bytes: int, metrics: Metrics) -> None:
        self._places = places
        self._most_bytes = most_bytes
        self._bytes = 0
        self._metrics = metrics

    @contextmanager
    def place(self) -> Iterator[_Place]:
        """A place for one upload. Raises Unavailable when all are taken."""
        if not self._places:
            self._metrics.count("census_uploads_turned_away_total")
            raise Unavailable(_BUSY)
        self._places -= 1
        self._metrics.change("census_uploads_in_flight", 1)
        place = _Place(self)
        try:
            yield place
        finally:
            self._places += 1
            self._bytes -= place.taken
            self._metrics.change("census_uploads_in_flight", -1)

    def take(self, number: int) -> None:
        if self._bytes + number > self._most_bytes:
            self._metrics.count("census_uploads_turned_away_total")
            raise Unavailable(_BUSY)
        self._bytes += number


class _Place:
    """The bytes that one upload has taken so far."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self, number: int) -> None:
        self._room.take(number)
        self.taken += number


async def received(request: Request, platform: ThePlatform, shared: Shared) -> AsyncIterator[Upload]:
    """The upload of a request; its place is kept until the request is answered.

    Raises WrongMediaType, MalformedUpload, TooLarge after at most the limit and FORM_OVERHEAD bytes, TooSlow, or
    Unavailable when too many are in hand.
    """
    kind = _kind_of(request)
    limit = platform.settings.max_upload_bytes
    with shared.room.place() as place:
        if kind == "application/json":
            pieces = [piece async for piece in _pieces(request, limit, limit, place)]
            yield Upload(b"".join(pieces), None, kind)
        else:
            form = OneFileForm(request.headers["content-type"])
            async for piece in _pieces(request, limit + FORM_OVERHEAD, limit, place):
                form.feed(piece)
            data, name, media_type = form.finish()
            yield Upload(data, name, media_type)


TheUpload = Annotated[Upload, Depends(received)]


def _kind_of(request: Request) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise WrongMediaType(f"The body is of a kind that is not taken here. {_KINDS}")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType(f"The body is compressed, which is not taken here. {_KINDS}")
    return kind


async def _pieces(request: Request, most: int, limit: int, place: _Place) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > most:
        raise _too_large(limit)
    stream = request.stream().__aiter__()
    total = 0
    while True:
        try:
            with anyio.fail_after(IDLE_SECONDS):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlow("The upload stopped before it was whole. Nothing was stored. Please send it again.") from None
        total += len(piece)
        if total > most:
            raise _too_large(limit)
        place.take(len(piece))
        yield piece


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The file has more than the {limit:,} bytes that can be sent. Remove sheets, pictures and empty formatted rows "
        "that are not part of the return, and send it again."
    )
