"""Returns: one an organisation and collection, made when the first file is stored."""

from __future__ import annotations

import uuid

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.collecting.returns import RETURN_STATES, Return, ReturnEvent, ReturnState, state_after
from census_api.store.kit import tables


def lock_return(session: Session, collection: int, organisation_id: uuid.UUID) -> tables.ReturnRow:
    """The return, made if it is not there, and locked: who submits for it next waits for this transaction."""
    locked = _of(collection, organisation_id).with_for_update()
    row = session.scalars(locked).first()
    if row is not None:
        return row
    session.execute(
        insert(tables.ReturnRow)
        .values(collection_year=collection, id=uuid.uuid4(), organisation_id=organisation_id)
        .on_conflict_do_nothing(index_elements=["collection_year", "organisation_id"])
    )
    return session.scalars(locked).one()


def row_of(session: Session, collection: int, organisation_id: uuid.UUID) -> tables.ReturnRow | None:
    """The row of a return, None when nothing was ever sent."""
    return session.scalars(_of(collection, organisation_id)).first()


def next_number(row: tables.ReturnRow) -> int:
    """Takes the next submission number. The row is locked, and no number is ever given out twice."""
    row.last_number += 1
    return row.last_number


def last_number(session: Session, collection: int, organisation_id: uuid.UUID) -> int:
    """The highest submission number ever given out, 0 before the first."""
    row = row_of(session, collection, organisation_id)
    return 0 if row is None else row.last_number


def submission_by_others(
    session: Session, collection: int, organisation_id: uuid.UUID, name: str, after: int
) -> tables.SubmissionRecord | None:
    """The newest submission numbered above `after` that somebody of another name sent."""
    row = row_of(session, collection, organisation_id)
    if row is None:
        return None
    query = _numbered(row).where(tables.SubmissionRecord.number > after, tables.SubmissionRecord.received_by != name)
    return session.scalars(query.limit(1)).first()


def state_of(row: tables.ReturnRow) -> ReturnState:
    return next(state for state in RETURN_STATES if state == row.state)


def find_return(session: Session, collection: int, organisation_id: uuid.UUID, organisation: str) -> Return:
    """The return, `not_started` when nothing was ever sent."""
    row = row_of(session, collection, organisation_id)
    if row is None:
        return Return(None, collection, organisation, "not_started", 0, None)
    return as_domain(session, row, organisation)


def as_domain(session: Session, row: tables.ReturnRow, organisation: str) -> Return:
    """The return of a row, `organisation` its code. Deadlines are not in it."""
    latest = session.scalar(
        select(func.max(tables.SubmissionRecord.number)).where(
            tables.SubmissionRecord.collection_year == row.collection_year,
            tables.SubmissionRecord.return_id == row.id,
            tables.SubmissionRecord.status == "checked",
        )
    )
    return Return(
        id=row.id,
        collection=row.collection_year,
        organisation=organisation,
        state=state_of(row),
        version=row.version,
        latest=latest,
        signed=_number(session, row, row.signed_submission_id),
        accepted=_number(session, row, row.accepted_submission_id),
        frozen_in=row.frozen_in,
    )


def apply_event(row: tables.ReturnRow, event: ReturnEvent) -> None:
    """Moves a locked return to the state that follows the event, and ends what no longer stands.

    Raises Conflict for a move that is not in the table.
    """
    after = state_after(state_of(row), event)
    if after not in ("signed_off", "accepted"):
        row.signed_submission_id = None
    row.accepted_submission_id = row.signed_submission_id if after == "accepted" else None
    row.state = after
    row.version += 1


def mark_signed(row: tables.ReturnRow, submission: tables.SubmissionRecord) -> None:
    """Moves a locked return to signed off, with the sign-off of this submission standing. Raises Conflict."""
    apply_event(row, "sign_off")
    row.signed_submission_id = submission.id


def find_newest(session: Session, row: tables.ReturnRow, *, below: int | None = None) -> tables.SubmissionRecord | None:
    """The newest checked submission of a return, of those with a number below `below` if one is given."""
    query = _numbered(row).where(tables.SubmissionRecord.status == "checked")
    if below is not None:
        query = query.where(tables.SubmissionRecord.number < below)
    return session.scalars(query.limit(1)).first()


def newer_than(session: Session, row: tables.ReturnRow, number: int) -> tables.SubmissionRecord | None:
    """The newest submission after `number`, checked or still being checked; None when there is none."""
    query = _numbered(row).where(
        tables.SubmissionRecord.number > number, tables.SubmissionRecord.status.in_(("received", "checking", "checked"))
    )
    return session.scalars(query.limit(1)).first()


def standing_submission(session: Session, collection: int, organisation_id: uuid.UUID) -> uuid.UUID | None:
    """The accepted submission of the return, else the signed one, else its latest checked one.

    None without any, and for a return that was declined or withdrawn.
    """
    row = row_of(session, collection, organisation_id)
    if row is None or row.state in ("declined", "withdrawn"):
        return None
    # one that is accepted is the one that is signed
    if row.signed_submission_id is not None:
        return row.signed_submission_id
    latest = find_newest(session, row)
    return None if latest is None else latest.id


def _of(collection: int, organisation_id: uuid.UUID) -> Select[tables.ReturnRow]:
    return select(tables.ReturnRow).where(
        tables.ReturnRow.collection_year == collection, tables.ReturnRow.organisation_id == organisation_id
    )


def _numbered(row: tables.ReturnRow) -> Select[tables.SubmissionRecord]:
    """The submissions of a return that have a number, newest first."""
    return (
        select(tables.SubmissionRecord)
        .where(
            tables.SubmissionRecord.collection_year == row.collection_year,
            tables.SubmissionRecord.return_id == row.id,
            tables.SubmissionRecord.number.is_not(None),
        )
        .order_by(tables.SubmissionRecord.number.desc())
    )


def _number(session: Session, row: tables.ReturnRow, submission_id: uuid.UUID | None) -> int | None:
    if submission_id is None:
        return None
    return session.get_one(tables.SubmissionRecord, (row.collection_year, submission_id)).number
