"""The facts of a snapshot, made inside the database: no answer of a return crosses the wire.

`pin_returns` notes, in one statement, which returns are accepted, what the frame is and what the register says. Whatever
follows reads what was pinned and the submissions themselves, which never change; so one moment is frozen, however long
it takes and whatever happens to the returns meanwhile.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.orm import Session

from census_api.domain.snapshots.snapshot_hash import FrameFacts, ReturnFacts, content_hash
from census_api.store.kit.copy import make_storable
from census_api.store.kit.roles import APP_ROLE
from census_api.store.snapshots import statements

FACT_TABLES = ("snapshot_return", "snapshot_line", "snapshot_role", "snapshot_staff", "snapshot_breakdown")
CUBE_TABLES = ("snapshot_cell", "snapshot_breakdown_cell", "snapshot_contributor")
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the spec of a year says its codes mean.

    `regions` by local authority, `organisation_types` by sector; `roles` are rows of snapshot_role; `breakdowns` are
    (sheet, the column that names the row, categories).
    """

    year: int
    spec_digest: str
    regions: Mapping[str, str]
    organisation_types: Mapping[str, str]
    roles: tuple[Mapping[str, str], ...]
    breakdowns: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Pinned organisations at the places `first` to `last`; their lines are numbered from `lines_before` + 1."""

    first: int
    last: int
    lines_before: int


def prepare_facts(session: Session) -> None:
    """Makes the tables of this transaction that `pin_returns` and the sizes need."""
    for statement in statements.TABLES:
        session.execute(text(statement))


def pin_returns(session: Session, meaning: Meaning) -> int:
    """Notes the organisations with an accepted return or expected lines; says how many there are.

    Until the transaction ends nobody can delete the content of the submissions for good.
    """
    session.execute(statements.PIN, {"year": meaning.year, "types": json.dumps(dict(meaning.organisation_types))})
    session.execute(text("ANALYZE pinned_organisation"))
    session.execute(text("ANALYZE pinned_frame"))
    return session.scalar(text("SELECT count(*) FROM pinned_organisation")) or 0


def accepted_returns(session: Session) -> int:
    """How many accepted returns are pinned."""
    return session.scalar(text("SELECT count(submission_id) FROM pinned_organisation")) or 0


def returns_are_those_of(session: Session, year: int, snapshot_id: uuid.UUID) -> bool:
    """Whether a snapshot holds exactly the pinned returns, with the same sectors and parents."""
    return session.scalar(statements.SAME_RETURNS, {"year": year, "snapshot": snapshot_id}) is True


def pinned_hash(session: Session, meaning: Meaning, policy_digest: str) -> str:
    """The content hash of what is pinned. The sizes of the lines have to be known by then."""
    return content_hash(
        meaning.year, meaning.spec_digest, policy_digest, _returns(session), _frame(session)
    )  # fmt: skip


def _returns(session: Session) -> Iterator[ReturnFacts]:
    for row in session.execute(statements.RETURN_FACTS, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield row.organisation, row.sector, row.parent, row.content_sha256


def _frame(session: Session) -> Iterator[FrameFacts]:
    for row in session.execute(statements.FRAME_FACTS, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield row.organisation, row.local_authority_code, row.service_type, row.size


def add_returns(session: Session, meaning: Meaning, snapshot_id: uuid.UUID) -> int:
    """Adds the pinned returns, and the roles of the year; says how many returns."""
    keys = {"year": meaning.year, "snapshot": snapshot_id}
    roles = make_storable(json.dumps(list(meaning.roles), ensure_ascii=False), "The list of roles")
    session.execute(statements.ADD_ROLES, {**keys, "roles": roles})
    session.execute(text("ANALYZE pinned_role"))
    return _added(session, statements.ADD_RETURNS, keys)


def add_facts(session: Session, meaning: Meaning, snapshot_id: uuid.UUID, batch: Batch) -> tuple[int, int]:
    """Adds the lines, staff rows and breakdowns of a batch of organisations; says how many lines and staff rows."""
    keys = {"year": meaning.year, "snapshot": snapshot_id, "first": batch.first, "last": batch.last}
    session.execute(text("TRUNCATE batch_line"))
    lines = _added(
        session,
        statements.ADD_LINES,
        {**keys, "before": batch.lines_before, "regions": json.dumps(dict(meaning.regions))},
    )
    session.execute(text("ANALYZE batch_line"))
    facts = _added(session, statements.ADD_STAFF, keys)
    asked = [
        {"sheet": sheet, "row_key": row_key, "categories": categories}
        for sheet, row_key, categories in meaning.breakdowns
    ]
    session.execute(statements.ADD_BREAKDOWNS, {**keys, "asked": json.dumps(asked)})
    return lines, facts


def changes_since(session: Session, year: int, previous: uuid.UUID | None) -> list[Mapping[str, Any]]:
    """The returns that came in, left or have other content than in the revision before; none for a first revision."""
    if previous is None:
        return []
    rows = session.execute(statements.CHANGES, {"year": year, "previous": previous}).mappings()
    return [dict(row) for row in rows]


def mark_returns(session: Session, year: int, snapshot_id: uuid.UUID) -> None:
    """Notes on the pinned returns that this is the newest snapshot that holds them, whatever they are by now."""
    session.execute(statements.MARK, {"year": year, "snapshot": snapshot_id})


def analyse_tables(session: Session, tables: Sequence[str]) -> None:
    """Tells the planner what is in these tables, for the rest of this transaction and whoever reads after it.

    Only their owner can: this transaction takes the platform's role off for it, and touches no row meanwhile.
    """
    session.execute(text("SET LOCAL ROLE NONE"))
    for table in tables:
        session.execute(text(f"ANALYZE {table}"))
    session.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))


def _added(session: Session, statement: TextClause, values: Mapping[str, Any]) -> int:
    """Runs an INSERT and says how many rows it added."""
    return cast("CursorResult[Any]", session.execute(statement, values)).rowcount
