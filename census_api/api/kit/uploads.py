"""Request bodies: read piece by piece within limits, never spooled to disk, and no more of them at once than fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request

from census_api.api.kit.dependencies import Shared, ThePlatform
from census_api.api.kit.metrics import Metrics
from census_api.api.kit.multipart import OneFileForm
from census_api.api.kit.problems import TooSlow, WrongMediaType
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import TooLarge, Unavailable

FORM_OVERHEAD = 64_000
"""Bytes that the form around a file may take."""
IDLE_SECONDS = 30.0
PLACES = 100
"""Uploads in hand at once, from the first byte to the answer."""
QUEUE_SECONDS = 20.0
"""A whole upload waits so long for its turn to be checked."""
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
    """How many uploads, and how many bytes of them, one process holds at once. Used on the event loop only.

    `turns` of them are checked at the same time: fewer than there are threads and database connections, so that
    everything else goes on beside them.
    """

    def __init__(self, places: int, turns: int, most_bytes: int, metrics: Metrics) -> None:
        self._places = places
        self._turns = asyncio.Semaphore(turns)
        self._most_bytes = most_bytes
        self._bytes = 0
        self._metrics = metrics

    @contextmanager
    def place(self) -> Iterator[_Place]:
        """A place for one upload. Raises Unavailable when all are taken."""
        if not self._places:
            raise self._turned_away()
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
            raise self._turned_away()
        self._bytes += number

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until there is room to check one more. Raises Unavailable when that takes too long."""
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise self._turned_away() from None
        try:
            yield
        finally:
            self._turns.release()

    def _turned_away(self) -> Unavailable:
        self._metrics.count("census_uploads_turned_away_total")
        return Unavailable(_BUSY)


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
            pieces = [piece async for piece in pieces_of(request, limit, limit, place)]
            upload = Upload(b"".join(pieces), None, kind)
        else:
            form = OneFileForm(request.headers["content-type"])
            async for piece in pieces_of(request, limit + FORM_OVERHEAD, limit, place):
                form.feed(piece)
            upload = Upload(*form.finish())
        async with shared.room.turn():
            yield upload


TheUpload = Annotated[Upload, Depends(received)]


def _kind_of(request: Request) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise WrongMediaType(f"The body is of a kind that is not taken here. {_KINDS}")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType(f"The body is compressed, which is not taken here. {_KINDS}")
    return kind


async def pieces_of(request: Request, most: int, limit: int, place: _Place) -> AsyncIterator[bytes]:
    """The body as it arrives, of at most `most` bytes; `limit` is what is said to be allowed of the file itself.

    Raises TooLarge, TooSlow, Unavailable.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > most:
        raise _too_large(limit)
    stream = request.stream().__aiter__()
    total = 0
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
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
