"""How many uploads one process has in hand at once, and how many of them it checks at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from census_api.api.kit.metrics import Metrics
from census_api.domain.kit.errors import Unavailable

PLACES = 100
"""Uploads in hand at once, from the first byte to the answer."""
QUEUE_SECONDS = 20.0
"""A whole upload waits so long for its turn to be checked."""
_BUSY = "Many returns are being checked just now. Nothing was stored. Please try again in a few seconds."


class UploadRoom:
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
    def place(self) -> Iterator[UploadPlace]:
        """A place for one upload. Raises Unavailable when all are taken."""
        if not self._places:
            raise self._turned_away()
        self._places -= 1
        self._metrics.change("census_uploads_in_flight", 1)
        place = UploadPlace(self)
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


class UploadPlace:
    """The bytes that one upload has taken so far."""

    def __init__(self, room: UploadRoom) -> None:
        self._room = room
        self.taken = 0

    def take(self, number: int) -> None:
        self._room.take(number)
        self.taken += number
