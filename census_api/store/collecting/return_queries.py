"""The census team's questions about returns, and the replies."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from census_api.domain.collecting.questions import ABOUTS, Reply, ReturnQuestion, Subject
from census_api.store.kit import tables
from census_api.store.kit.tables_life import QueryReplyRow, ReturnQueryRow


def add_query(
    session: Session, submission: tables.SubmissionRecord, subject: Subject, text: str, *, by: str, at: dt.datetime
) -> uuid.UUID:
    """Adds a question about a submission; its key."""
    row = ReturnQueryRow(
        collection_year=submission.collection_year,
        return_id=submission.return_id,
        submission_id=submission.id,
        organisation_id=submission.organisation_id,
        about=subject.about,
        finding_key=subject.finding_key,
        local_authority_code=subject.local_authority_code,
        service_type=subject.service_type,
        text=text,
        asked_by=by,
        asked_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def find_query(session: Session, of: tables.ReturnRow, query_id: uuid.UUID) -> ReturnQueryRow | None:
    """A question about this return."""
    row = session.get(ReturnQueryRow, (of.collection_year, query_id))
    return row if row is not None and row.return_id == of.id else None


def add_reply(session: Session, to: ReturnQueryRow, text: str, *, by: str, at: dt.datetime) -> None:
    session.add(
        QueryReplyRow(
            collection_year=to.collection_year,
            query_id=to.id,
            organisation_id=to.organisation_id,
            text=text,
            replied_by=by,
            replied_at=at,
        )
    )
    session.flush()


def all_of(session: Session, of: tables.ReturnRow) -> list[ReturnQuestion]:
    """All questions about a return with their replies, in the order in which they were asked."""
    query = (
        select(ReturnQueryRow, tables.SubmissionRecord.number)
        .join(
            tables.SubmissionRecord,
            (tables.SubmissionRecord.collection_year == ReturnQueryRow.collection_year)
            & (tables.SubmissionRecord.id == ReturnQueryRow.submission_id),
        )
        .where(ReturnQueryRow.collection_year == of.collection_year, ReturnQueryRow.return_id == of.id)
        .order_by(ReturnQueryRow.asked_at, ReturnQueryRow.id)
    )
    replies = _replies(session, of)
    return [_question(row, number or 0, tuple(replies[row.id])) for row, number in session.execute(query)]


def count_open(session: Session, of: tables.ReturnRow) -> int:
    """How many questions about the return nobody has replied to."""
    answered = exists().where(
        QueryReplyRow.collection_year == ReturnQueryRow.collection_year, QueryReplyRow.query_id == ReturnQueryRow.id
    )
    query = select(func.count()).where(
        ReturnQueryRow.collection_year == of.collection_year, ReturnQueryRow.return_id == of.id, ~answered
    )
    return session.scalar(query) or 0


def _replies(session: Session, of: tables.ReturnRow) -> dict[uuid.UUID, list[Reply]]:
    query = (
        select(QueryReplyRow)
        .join(
            ReturnQueryRow,
            (ReturnQueryRow.collection_year == QueryReplyRow.collection_year)
            & (ReturnQueryRow.id == QueryReplyRow.query_id),
        )
        .where(ReturnQueryRow.collection_year == of.collection_year, ReturnQueryRow.return_id == of.id)
        .order_by(QueryReplyRow.replied_at, QueryReplyRow.id)
    )
    replies: dict[uuid.UUID, list[Reply]] = defaultdict(list)
    for row in session.scalars(query):
        replies[row.query_id].append(Reply(row.text, row.replied_by, row.replied_at))
    return replies


def _question(row: ReturnQueryRow, number: int, replies: tuple[Reply, ...]) -> ReturnQuestion:
    about = next(about for about in ABOUTS if about == row.about)
    subject = Subject(about, row.finding_key, row.local_authority_code, row.service_type)
    return ReturnQuestion(row.id, number, subject, row.text, row.asked_by, row.asked_at, replies)
