"""Sign-offs: added, never changed, found again by the reference of their receipt."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from census_api.domain.collecting.deadlines import TIMINGS, Timing
from census_api.domain.collecting.signoff import SignOff, new_reference
from census_api.domain.kit.access import Actor
from census_api.store.kit import tables
from census_api.store.kit.tables_life import SignOffRow as Row


def add_sign_off(
    session: Session, submission: tables.SubmissionRecord, actor: Actor, *,
    role: str, at: dt.datetime, timing: Timing, explanations_sha256: str,
) -> Row:  # fmt: skip
    """The sign-off of a checked submission by the actor, under a new reference."""
    row = Row(
        collection_year=submission.collection_year,
        return_id=submission.return_id,
        submission_id=submission.id,
        organisation_id=submission.organisation_id,
        reference=new_reference(),
        name=actor.name,
        user_id=actor.user_id,
        role=role,
        signed_at=at,
        timing=timing,
        content_sha256=submission.content_sha256 or "",
        explanations_sha256=explanations_sha256,
    )
    session.add(row)
    session.flush()
    return row


def by_reference(session: Session, reference: str) -> Row | None:
    return session.scalars(select(Row).where(Row.reference == reference)).first()


def find_standing(session: Session, of: tables.ReturnRow) -> Row | None:
    """The sign-off that stands for the return, None when none does."""
    if of.signed_submission_id is None:
        return None
    query = select(Row).where(
        Row.collection_year == of.collection_year, Row.return_id == of.id, Row.submission_id == of.signed_submission_id
    )
    return session.scalars(query.order_by(Row.signed_at.desc(), Row.id).limit(1)).first()


def as_domain(row: Row, organisation: str, number: int) -> SignOff:
    return SignOff(
        id=row.id,
        collection=row.collection_year,
        organisation=organisation,
        submission=number,
        reference=row.reference,
        name=row.name,
        role=row.role,
        signed_at=row.signed_at,
        timing=next(timing for timing in TIMINGS if timing == row.timing),
        content_sha256=row.content_sha256,
        explanations_sha256=row.explanations_sha256,
    )


def return_of(session: Session, collection: int, return_id: uuid.UUID) -> tables.ReturnRow:
    """The return of a sign-off."""
    return session.get_one(tables.ReturnRow, (collection, return_id))
