"""Pages of a query that begin after a key, which an index finds, and not after a count of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVarTuple

from sqlalchemy import Row, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from census_api.domain.kit.paging import cursor_after

Key = tuple[Any, ...]
Columns = TypeVarTuple("Columns")


def page_rows(
    session: Session, query: Select[*Columns], order: Sequence[InstrumentedAttribute[Any]], after: Key | None, limit: int,
    *, descending: bool = False,
) -> tuple[list[Row[*Columns]], str | None]:  # fmt: skip
    """The first `limit` rows behind the key `after`, from the beginning without one; and the cursor of what follows.

    `order` are attributes of what the query selects first: never null, and no two rows share the values of all.
    """
    if after is not None:
        place = tuple_(*(literal(value, column.type) for value, column in zip(after, order, strict=True)))
        query = query.where(tuple_(*order) < place if descending else tuple_(*order) > place)
    ordered = query.order_by(*((column.desc() if descending else column) for column in order))
    rows = list(session.execute(ordered.limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last: Any = rows[limit - 1]
    return rows[:limit], cursor_after(*(getattr(last[0], column.key) for column in order))
