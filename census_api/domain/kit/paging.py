"""Long lists a page at a time: opaque cursors that stay valid while the list changes.

A cursor says after which item a page begins, by what the list is ordered by and never by a count of items: whatever was
in the list all the while is seen exactly once, in order, however many others come and go between two pages.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, unquote

from census_api.domain.kit.errors import InvalidRequest

Item = TypeVar("Item")
CURSOR = "after-[0-9]{1,10}"
"""What a cursor of a numbered list looks like. Not what it means: that may change."""
KEY_CURSOR = "after-[A-Za-z0-9_%.-]{1,400}"
"""What a cursor of any other list looks like."""
_MARK = "after-"
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list. `next` is the cursor of the following page, None at the end; `total` counts all."""

    items: tuple[Item, ...]
    next: str | None
    total: int


def cursor_after(*key: KeyPart) -> str:
    """The cursor of the page that follows the item with this key."""
    return _MARK + ".".join(_written(part) for part in key)


def position_of(cursor: str | None) -> int | None:
    """The number a cursor of a numbered list names, None without a cursor. Raises InvalidRequest on anything else."""
    key = key_of(cursor, int)
    return None if key is None else key[0]


def key_of(cursor: str | None, *kinds: type[KeyPart]) -> tuple[Any, ...] | None:
    """The key a cursor names, a part of each kind, None without a cursor. Raises InvalidRequest on anything else."""
    if cursor is None:
        return None
    parts = cursor.removeprefix(_MARK).split(".")
    if not re.fullmatch(KEY_CURSOR, cursor) or len(parts) != len(kinds):
        raise _foreign()
    try:
        return tuple(_READ[kind](unquote(part, errors="strict")) for kind, part in zip(kinds, parts, strict=True))
    except ValueError:
        raise _foreign() from None


def _written(part: KeyPart) -> str:
    # a full stop parts the key, and both are safe in an address
    return quote(str(part), safe="").replace(".", "%2E").replace("~", "%7E")


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,10}", text):
        raise ValueError(text)
    return min(int(text), _LARGEST)


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError(text)
    return text


KeyPart = int | str | dt.date | dt.datetime | uuid.UUID
_READ: Final[Mapping[type[KeyPart], Callable[[str], KeyPart]]] = {
    int: _number,
    str: _text,
    dt.date: dt.date.fromisoformat,
    dt.datetime: dt.datetime.fromisoformat,
    uuid.UUID: uuid.UUID,
}


def _foreign() -> InvalidRequest:
    return InvalidRequest("The cursor is not one that this platform gave out. Start again from the first page.")


def page_size(limit: int, largest: int) -> int:
    """The limit itself when it is from 1 to `largest`. Raises InvalidRequest otherwise."""
    if not 1 <= limit <= largest:
        raise InvalidRequest(f"A page holds from 1 to {largest} items. Ask for a limit in that range.")
    return limit
