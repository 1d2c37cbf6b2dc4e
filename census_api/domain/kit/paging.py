"""Long lists a page at a time: opaque cursors that stay valid while the list grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from census_api.domain.kit.errors import InvalidRequest

Item = TypeVar("Item")
CURSOR = "after-[0-9]{1,10}"
"""What a cursor looks like. Not what it means: that may change."""
_MARK = "after-"
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list. `next` is the cursor of the following page, None at the end; `total` counts all."""

    items: tuple[Item, ...]
    next: str | None
    total: int


def cursor_after(position: int) -> str:
    """The cursor of the page that follows the item at this position."""
    return f"{_MARK}{position}"


def position_of(cursor: str | None) -> int | None:
    """The position a cursor names, None without a cursor. Raises InvalidRequest on anything else."""
    if cursor is None:
        return None
    if not re.fullmatch(CURSOR, cursor):
        raise InvalidRequest("The cursor is not one that this platform gave out. Start again from the first page.")
    return min(int(cursor.removeprefix(_MARK)), _LARGEST)


def page_size(limit: int, largest: int) -> int:
    """The limit itself when it is from 1 to `largest`. Raises InvalidRequest otherwise."""
    if not 1 <= limit <= largest:
        raise InvalidRequest(f"A page holds from 1 to {largest} items. Ask for a limit in that range.")
    return limit
