"""Deleting submissions for good: their bytes, rows, findings and explanations. What is left says that they were."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ColumnElement, Text, cast, func, literal, or_, select, text
from sqlalchemy.orm import Session

from census_api.domain.upkeep import Keeping
from census_api.store.kit import tables

_ERASE = text("SELECT census_erase(CAST(:year AS smallint), :submission)")


def erase_submission(session: Session, row: tables.SubmissionRecord) -> None:
    """The session must be one that sees every organisation."""
    session.flush()
    session.execute(_ERASE, {"year": row.collection_year, "submission": row.id})
    session.expire_all()


def of_return(session: Session, of: tables.ReturnRow) -> list[tables.SubmissionRecord]:
    """All submissions of a return that are not erased yet, refused ones included, oldest first, and locked."""
    query = select(tables.SubmissionRecord).where(
        tables.SubmissionRecord.collection_year == of.collection_year,
        tables.SubmissionRecord.return_id == of.id,
        tables.SubmissionRecord.status != "erased",
    )
    return list(session.scalars(query.order_by(tables.SubmissionRecord.received_at).with_for_update()))


def too_old(session: Session, keeping: Keeping, now: dt.datetime, limit: int) -> list[tuple[int, uuid.UUID, str]]:
    """Submissions that are past their time, as (collection, key, code of the organisation).

    The standing submission of a return, which the next year is compared with, is no draft.
    """
    latest = (
        select(func.max(tables.SubmissionRecord.number))
        .where(
            tables.SubmissionRecord.collection_year == tables.ReturnRow.collection_year,
            tables.SubmissionRecord.return_id == tables.ReturnRow.id,
            tables.SubmissionRecord.status == "checked",
        )
        .correlate(tables.ReturnRow)
        .scalar_subquery()
    )
    is_standing = func.coalesce(
        tables.SubmissionRecord.id
        == func.coalesce(tables.ReturnRow.accepted_submission_id, tables.ReturnRow.signed_submission_id),
        tables.SubmissionRecord.number == latest,
        literal(False),
    )
    query = (
        select(tables.SubmissionRecord.collection_year, tables.SubmissionRecord.id, tables.OrganisationRow.code)
        .join(
            tables.ReturnRow,
            (tables.ReturnRow.collection_year == tables.SubmissionRecord.collection_year)
            & (tables.ReturnRow.id == tables.SubmissionRecord.return_id),
        )
        .join(tables.CollectionRow, tables.CollectionRow.year == tables.SubmissionRecord.collection_year)
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.SubmissionRecord.organisation_id)
        .where(tables.SubmissionRecord.status != "erased", or_(*_past(keeping, now, is_standing)))
    )
    query = query.order_by(tables.SubmissionRecord.collection_year, cast(tables.SubmissionRecord.id, Text)).limit(limit)
    return [(year, key, code) for year, key, code in session.execute(query)]


def _past(keeping: Keeping, now: dt.datetime, is_standing: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [literal(False)]
    if keeping.drafts is not None:
        conditions.append((tables.CollectionRow.late_until < now - keeping.drafts) & ~is_standing)
    if keeping.returns is not None:
        conditions.append(tables.CollectionRow.late_until < now - keeping.returns)
    return conditions
