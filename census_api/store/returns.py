"""Returns: one an organisation and collection, made when the first file is stored."""

from __future__ import annotations

import uuid

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.returns import RETURN_STATES, Return, ReturnState
from census_api.store import tables


def lock(session: Session, collection: int, organisation_id: uuid.UUID) -> tables.Return:
    """The return, made if it is not there, and locked: who submits for it next waits for this transaction."""
    session.execute(
        insert(tables.Return)
        .values(collection_year=collection, id=uuid.uuid4(), organisation_id=organisation_id)
        .on_conflict_do_nothing(index_elements=["collection_year", "organisation_id"])
    )
    return session.scalars(_of(collection, organisation_id).with_for_update()).one()


def next_number(row: tables.Return) -> int:
    """Takes the next submission number. The row is locked, and no number is ever given out twice."""
    row.last_number += 1
    row.version += 1
    return row.last_number


def state_of(row: tables.Return) -> ReturnState:
    return next(state for state in RETURN_STATES if state == row.state)


def find(session: Session, collection: int, organisation_id: uuid.UUID, organisation: str) -> Return:
    """The return, `not_started` when nothing was ever sent."""
    row = session.scalars(_of(collection, organisation_id)).first()
    if row is None:
        return Return(None, collection, organisation, "not_started", 0, None)
    latest = session.scalar(
        select(func.max(tables.Submission.number)).where(
            tables.Submission.collection_year == collection,
            tables.Submission.return_id == row.id,
            tables.Submission.status == "checked",
        )
    )
    return Return(row.id, collection, organisation, state_of(row), row.version, latest)


def standing_submission(session: Session, collection: int, organisation_id: uuid.UUID) -> uuid.UUID | None:
    """The accepted submission of the return, else its latest checked one, None when there is neither."""
    row = session.scalars(_of(collection, organisation_id)).first()
    if row is None or row.accepted_submission_id is not None:
        return None if row is None else row.accepted_submission_id
    return session.scalar(
        select(tables.Submission.id)
        .where(
            tables.Submission.collection_year == collection,
            tables.Submission.return_id == row.id,
            tables.Submission.status == "checked",
        )
        .order_by(tables.Submission.number.desc())
        .limit(1)
    )


def _of(collection: int, organisation_id: uuid.UUID) -> Select[tables.Return]:
    return select(tables.Return).where(
        tables.Return.collection_year == collection, tables.Return.organisation_id == organisation_id
    )
