"""Pages by key: whatever was there all the while is seen exactly once, in order, whoever comes and goes meanwhile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, String, delete, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from census_api.domain.kit.paging import key_of
from census_api.store.kit.keyset import page_rows

STORE = Path(__file__).parents[3] / "census_api" / "store"
Entry = tuple[int, str]


class Base(DeclarativeBase):
    pass


class Listed(Base):
    """A list with ties in what it is ordered by first."""

    __tablename__ = "listed"
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)


ORDER = (Listed.year, Listed.code)
ENTRIES = st.tuples(st.integers(2022, 2025), st.text("AB-.~% é", min_size=1, max_size=4))


@pytest.fixture
def table(db: Session) -> Session:
    Base.metadata.create_all(db.connection())
    return db


def add(session: Session, entries: Sequence[Entry]) -> None:
    for year, code in entries:
        session.merge(Listed(year=year, code=code))
    session.flush()


@given(
    before=st.lists(ENTRIES, max_size=12),
    changes=st.lists(st.tuples(st.lists(ENTRIES, max_size=4), st.lists(ENTRIES, max_size=3)), max_size=8),
    limit=st.integers(1, 4),
    descending=st.booleans(),
)
def test_what_was_there_all_the_while_is_seen_exactly_once(
    table: Session, before: list[Entry], changes: list[tuple[list[Entry], list[Entry]]], limit: int, descending: bool
) -> None:
    table.execute(delete(Listed))
    add(table, before)
    lasting = set(before)
    seen: list[Entry] = []
    cursor: str | None = None
    while True:
        rows, cursor = page_rows(
            table, select(Listed), ORDER, key_of(cursor, int, str), limit, descending=descending
        )  # fmt: skip
        assert len(rows) <= limit
        seen += [(row.year, row.code) for (row,) in rows]
        if cursor is None:
            break
        added, removed = changes.pop() if changes else ([], [])
        for year, code in removed:
            table.execute(delete(Listed).where(Listed.year == year, Listed.code == code))
        table.expire_all()
        lasting -= set(removed)
        add(table, added)
    assert len(seen) == len(set(seen))
    assert lasting <= set(seen)
    assert seen == sorted(seen, reverse=descending)


@pytest.mark.parametrize("limit", [3, 4])
def test_the_last_page_leads_nowhere(table: Session, limit: int) -> None:
    add(table, [(2024, code) for code in "ABC"])
    rows, cursor = page_rows(table, select(Listed), ORDER, None, limit)
    assert (len(rows), cursor) == (3, None)


def test_no_list_is_paged_by_a_count_of_rows() -> None:
    counted = [
        file.relative_to(STORE).as_posix()
        for file in STORE.rglob("*.py")
        if re.search(r"\.offset\(|\bOFFSET\b", file.read_text("utf-8"))
    ]
    assert counted == []
