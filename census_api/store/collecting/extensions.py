"""When returns are taken: the dates of a collection with an organisation's longer time, and how submissions came."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.collecting.deadlines import TIMINGS, Deadline, Timing
from census_api.domain.collecting.submission import Submission
from census_api.store.collecting import collections
from census_api.store.kit import tables
from census_api.store.kit.tables_life import ArrivalRow
from census_api.store.kit.tables_life import ExtensionRow as Row


@dataclass(frozen=True, slots=True)
class SubmissionArrival:
    """How a submission came in. `on_behalf` when somebody who is no member of the organisation sent it."""

    timing: Timing
    on_behalf: bool


def deadline_of(session: Session, collection: int, organisation_id: uuid.UUID) -> Deadline:
    """The organisation's time for a collection that is known to exist."""
    stored = collections.find_collection(session, collection)
    if stored is None:
        raise LookupError("a return of a collection that is not there")
    row = session.get(Row, (collection, organisation_id), populate_existing=True)
    return Deadline(stored.window, stored.state == "closed", None if row is None else row.until)


def grant_extension(
    session: Session, collection: int, organisation_id: uuid.UUID, *,
    until: dt.datetime, reason: str, by: str, at: dt.datetime,
) -> None:  # fmt: skip
    """Gives the organisation until then, whatever it was given before."""
    values = {"until": until, "reason": reason, "granted_by": by, "granted_at": at}
    session.execute(
        insert(Row)
        .values(collection_year=collection, organisation_id=organisation_id, **values)
        .on_conflict_do_update(index_elements=["collection_year", "organisation_id"], set_=values)
    )


def add_arrival(session: Session, submission: tables.SubmissionRecord, arrival: SubmissionArrival) -> None:
    session.add(
        ArrivalRow(
            collection_year=submission.collection_year,
            submission_id=submission.id,
            organisation_id=submission.organisation_id,
            timing=arrival.timing,
            on_behalf=arrival.on_behalf,
        )
    )
    session.flush()


def with_arrivals(session: Session, submissions: Sequence[Submission]) -> tuple[Submission, ...]:
    """The submissions with how they came in; nothing is added to those of before arrivals were noted."""
    keys = [(submission.collection, submission.id) for submission in submissions]
    query = select(ArrivalRow).where(tuple_(ArrivalRow.collection_year, ArrivalRow.submission_id).in_(keys))
    found = {row.submission_id: row for row in session.scalars(query)}
    return tuple(
        replace(submission, timing=_timing(found[submission.id]), on_behalf=found[submission.id].on_behalf)
        if submission.id in found
        else submission
        for submission in submissions
    )


def _timing(row: ArrivalRow) -> Timing:
    return next(timing for timing in TIMINGS if timing == row.timing)
