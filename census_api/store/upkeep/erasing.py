"""Deleting submissions for good: their bytes, rows, findings and explanations. What is left says that they were."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ColumnElement, Text, cast, func, literal, or_, select, text
from sqlalchemy.orm import Session

from census_api.domain.upkeep import Keeping
from census_api.store.kit import tables

_ERASE = text("SELECT census_erase(CAST(:year AS smallint), :submission)")


def erase(session: Session, row: tables.Submission) -> None:
    """The session must be one that sees every organisation."""
    session.flush()
    session.execute(_ERASE, {"year": row.collection_year, "submission": row.id})
    session.expire_all()


def of_return(session: Session, of: tables.Return) -> list[tables.Submission]:
    """All submissions of a return that are not erased yet, refused ones included, oldest first, and locked."""
    query = select(tables.Submission).where(
        tables.Submission.collection_year == of.collection_year,
        tables.Submission.return_id == of.id,
        tables.Submission.status != "erased",
    )
    return list(session.scalars(query.order_by(tables.Submission.received_at).with_for_update()))


def too_old(session: Session, keeping: Keeping, now: dt.datetime, limit: int) -> list[tuple[int, uuid.UUID, str]]:
    """Submissions that are past their time, as (collection, key, code of the organisation).

    The standing submission of a return, which the next year is compared with, is no draft.
    """
    latest = (
        select(func.max(tables.Submission.number))
        .where(
            tables.Submission.collection_year == tables.Return.collection_year,
            tables.Submission.return_id == tables.Return.id,
            tables.Submission.status == "checked",
        )
        .correlate(tables.Return)
        .scalar_subquery()
    )
    is_standing = func.coalesce(
        tables.Submission.id == func.coalesce(tables.Return.accepted_submission_id, tables.Return.signed_submission_id),
        tables.Submission.number == latest,
        literal(False),
    )
    query = (
        select(tables.Submission.collection_year, tables.Submission.id, tables.Organisation.code)
        .join(
            tables.Return,
            (tables.Return.collection_year == tables.Submission.collection_year)
            & (tables.Return.id == tables.Submission.return_id),
        )
        .join(tables.Collection, tables.Collection.year == tables.Submission.collection_year)
        .join(tables.Organisation, tables.Organisation.id == tables.Submission.organisation_id)
        .where(tables.Submission.status != "erased", or_(*_past(keeping, now, is_standing)))
    )
    query = query.order_by(tables.Submission.collection_year, cast(tables.Submission.id, Text)).limit(limit)
    return [(year, key, code) for year, key, code in session.execute(query)]


def _past(keeping: Keeping, now: dt.datetime, is_standing: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [literal(False)]
    if keeping.drafts is not None:
        conditions.append((tables.Collection.late_until < now - keeping.drafts) & ~is_standing)
    if keeping.returns is not None:
        conditions.append(tables.Collection.late_until < now - keeping.returns)
    return conditions
