"""Long lists a page at a time: opaque cursors that stay valid while the list grows."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

from census_api.domain.errors import InvalidRequest

Item = TypeVar("Item")
_MARK = "after:"
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list. `next` is the cursor of the following page, None at the end; `total` counts all."""

    items: tuple[Item, ...]
    next: str | None
    total: int


def cursor_after(position: int) -> str:
    """The cursor of the page that follows the item at this position."""
    return base64.urlsafe_b64encode(f"{_MARK}{position}".encode()).decode().rstrip("=")


def position_of(cursor: str | None) -> int | None:
    """The position a cursor names, None without a cursor. Raises InvalidRequest on anything else."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    number = text.removeprefix(_MARK)
    if not text.startswith(_MARK) or not number.isascii() or not number.isdigit() or len(number) > 10:
        raise InvalidRequest("The cursor is not one that this platform gave out. Start again from the first page.")
    return min(int(number), _LARGEST)


def page_size(limit: int, largest: int) -> int:
    """The limit itself when it is from 1 to `largest`. Raises InvalidRequest otherwise."""
    if not 1 <= limit <= largest:
        raise InvalidRequest(f"A page holds from 1 to {largest} items. Ask for a limit in that range.")
    return limit
