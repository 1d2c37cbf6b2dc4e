"""Everything that is stored about a collection, row by row, for an export that never holds more than a little of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from census_api.store.kit import tables

_AT_ONCE = 1_000
OF_COLLECTION = (
    "return", "submission", "submission_row", "finding", "arrival", "explanation", "sign_off", "return_query",
    "query_reply", "extension", "frame_line", "job", "audit_event", "audit_link",
)  # fmt: skip
"""The tables that hold what belongs to one collection. Files stand apart; accounts and mail are no part of it."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Which file belongs to which submission."""

    organisation: str
    number: int | None
    submission_id: uuid.UUID
    kind: str | None
    sha256: str


def iterate_lines(session: Session, table: str, year: int) -> Iterator[str]:
    """The rows of one of the tables above as JSON objects, one a row."""
    if table not in OF_COLLECTION:
        raise LookupError(table)
    query = text(f'SELECT to_jsonb(t)::text FROM "{table}" AS t WHERE collection_year = :year ORDER BY 1')
    yield from session.scalars(query, {"year": year}, execution_options={"yield_per": _AT_ONCE})


def register_lines(session: Session) -> Iterator[str]:
    """The organisations as JSON objects."""
    query = text("SELECT to_jsonb(t)::text FROM organisation AS t ORDER BY code")
    yield from session.scalars(query, execution_options={"yield_per": _AT_ONCE})


def list_files(session: Session, year: int) -> list[StoredFile]:
    """Which files there are, in order of organisation and receipt, without their bytes."""
    query = (
        select(
            tables.OrganisationRow.code,
            tables.SubmissionRecord.number,
            tables.SubmissionRecord.id,
            tables.SubmissionRecord.kind,
            tables.SubmissionRecord.original_sha256,
        )
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.SubmissionRecord.organisation_id)
        .where(tables.SubmissionRecord.collection_year == year, tables.SubmissionRecord.status != "erased")
        .order_by(tables.OrganisationRow.code, tables.SubmissionRecord.received_at)
    )
    return [StoredFile(*row) for row in session.execute(query)]


def bytes_of(session: Session, year: int, submission_id: uuid.UUID) -> bytes:
    query = select(tables.SubmissionOriginal.data).where(
        tables.SubmissionOriginal.collection_year == year, tables.SubmissionOriginal.submission_id == submission_id
    )
    return session.scalars(query).one()
