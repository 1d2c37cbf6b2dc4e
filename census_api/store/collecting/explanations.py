"""Explanations of the queries of a submission."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.collecting.explanations import REASONS, Explanation
from census_api.domain.collecting.findings import Finding
from census_api.store.collecting import contents
from census_api.store.kit import tables
from census_api.store.kit.tables_life import ExplanationRow as Row


def of_submission(session: Session, submission: tables.SubmissionRecord) -> list[Explanation]:
    """All explanations of a submission, by the key of their finding."""
    query = select(Row).where(*_in(submission.collection_year, submission.id)).order_by(Row.finding_key)
    # `put_explanations` goes past the objects of the session
    return [_domain(row) for row in session.scalars(query, execution_options={"populate_existing": True})]


def find_explanation(session: Session, submission: tables.SubmissionRecord, finding_key: str) -> Explanation | None:
    row = session.get(Row, (submission.collection_year, submission.id, finding_key), populate_existing=True)
    return None if row is None else _domain(row)


def put_explanations(
    session: Session, submission: tables.SubmissionRecord, explanations: Iterable[Explanation]
) -> None:
    """Adds explanations; one that is there for the same finding is replaced."""
    for explanation in explanations:
        values = {
            "value": explanation.value,
            "reason": explanation.reason,
            "text": explanation.text,
            "given_by": explanation.given_by,
            "given_at": explanation.given_at,
            "carried_from": explanation.carried_from,
        }
        session.execute(
            insert(Row)
            .values(
                collection_year=submission.collection_year,
                submission_id=submission.id,
                finding_key=explanation.finding_key,
                organisation_id=submission.organisation_id,
                **values,
            )
            .on_conflict_do_update(index_elements=["collection_year", "submission_id", "finding_key"], set_=values)
        )


def queries_of(session: Session, submission: tables.SubmissionRecord) -> list[Finding]:
    """The findings of a submission that want an explanation, in the order of its report."""
    return contents.findings_of(session, submission, contents.FindingFilter("query"))


def _in(collection: int, submission_id: uuid.UUID) -> list[ColumnElement[bool]]:
    return [Row.collection_year == collection, Row.submission_id == submission_id]


def _domain(row: Row) -> Explanation:
    return Explanation(
        finding_key=row.finding_key,
        value=row.value,
        reason=next(reason for reason in REASONS if reason == row.reason),
        text=row.text,
        given_by=row.given_by,
        given_at=row.given_at,
        carried_from=row.carried_from,
    )
