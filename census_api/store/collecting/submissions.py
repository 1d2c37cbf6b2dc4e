"""Submissions: stored open, filled, then sealed. Reading them never loads their bytes."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.collecting.content import Content
from census_api.domain.collecting.findings import Outcome, Report, RuleStatus
from census_api.domain.collecting.submission import (
    KINDS,
    SUBMISSION_STATUSES,
    Kind,
    Original,
    Submission,
    Upload,
    display_name,
)
from census_api.domain.kit.paging import Page, cursor_after
from census_api.store.collecting.contents import add_content, add_findings
from census_api.store.kit import tables

_OUTCOMES: tuple[Outcome, ...] = ("errors", "queries", "clean")
_RULE_STATUSES: tuple[RuleStatus, ...] = ("ran", "not_applicable", "failed")


def add_submission(
    session: Session,
    of: tables.ReturnRow,
    upload: Upload,
    *,
    number: int,
    status: str,
    received_at: dt.datetime,
    received_by: str,
) -> tables.SubmissionRecord:
    """Stores the upload as a submission that is not sealed yet: `received` or `checking`."""
    row = tables.SubmissionRecord(
        collection_year=of.collection_year,
        return_id=of.id,
        organisation_id=of.organisation_id,
        number=number,
        status=status,
        received_at=received_at,
        received_by=received_by,
        file_name=display_name(upload.file_name),
        media_type=display_name(upload.media_type),
        size=len(upload.data),
        original_sha256=upload.sha256,
    )
    session.add(row)
    session.flush()
    session.execute(
        insert(tables.SubmissionOriginal).values(
            collection_year=row.collection_year, submission_id=row.id, data=upload.data
        )
    )
    return row


def seal_checked(session: Session, row: tables.SubmissionRecord, report: Report, content: Content, kind: str) -> None:
    """Stores rows and findings and closes the submission for good. The report's submission is its number."""
    add_content(session, row.collection_year, row.id, content)
    add_findings(session, row.collection_year, row.id, report.findings)
    row.status = "checked"
    row.kind = kind
    row.content_sha256 = report.content_sha256
    row.spec_digest = report.spec_digest
    row.outcome = report.outcome
    row.rows_read = dict(report.rows_read)
    row.counts = dict(report.counts)
    row.rules = {rule: str(status) for rule, status in report.rules_by_status.items()}
    row.form = dict(content.organisation)
    session.flush()


def seal_refused(session: Session, row: tables.SubmissionRecord, reason: str, message: str) -> None:
    """Closes the submission as one that could not be read. Its bytes stay; its number is given to nobody else."""
    row.status = "refused"
    row.number = None
    row.refusal_reason = reason
    row.refusal = message
    session.flush()


def claim_key(session: Session, scope: str, key: str, row: tables.SubmissionRecord) -> bool:
    """True when the idempotency key is now this submission's, False when another upload has used it.

    Waits for a transaction that is using the same key: the constraint decides, whoever looks first.
    """
    claimed = session.execute(
        insert(tables.Idempotency)
        .values(
            scope=scope,
            key=key,
            body_sha256=row.original_sha256,
            collection_year=row.collection_year,
            submission_id=row.id,
        )
        .on_conflict_do_nothing()
        .returning(tables.Idempotency.key)
    )
    return claimed.first() is not None


def used_key(session: Session, scope: str, key: str) -> tuple[str, uuid.UUID] | None:
    """The SHA-256 of the body that the key was used with, and the submission that came of it."""
    row = session.get(tables.Idempotency, (scope, key))
    return None if row is None else (row.body_sha256, row.submission_id)


def find_row(
    session: Session, collection: int, submission_id: uuid.UUID, *, lock: bool = False
) -> tables.SubmissionRecord:
    """The row of a submission that is known to exist."""
    return session.get_one(tables.SubmissionRecord, (collection, submission_id), with_for_update=lock)


def find_submission(
    session: Session, collection: int, organisation_id: uuid.UUID, number: int
) -> tables.SubmissionRecord | None:
    """A numbered submission of the organisation's return."""
    query = _of(collection, organisation_id).where(tables.SubmissionRecord.number == number)
    return session.scalars(query).first()


def page_submissions(
    session: Session, collection: int, organisation_id: uuid.UUID, organisation: str, before: int | None, limit: int
) -> Page[Submission]:
    """Numbered submissions, newest first, that come after the one numbered `before`."""
    query = _of(collection, organisation_id).where(tables.SubmissionRecord.number.is_not(None))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if before is not None:
        query = query.where(tables.SubmissionRecord.number < before)
    rows = session.scalars(query.order_by(tables.SubmissionRecord.number.desc()).limit(limit + 1)).all()
    items = tuple(as_domain(row, organisation) for row in rows[:limit])
    more = len(rows) > limit
    return Page(items, cursor_after(items[-1].number or 0) if more else None, total)


def read_original(session: Session, row: tables.SubmissionRecord) -> Original:
    """The bytes as they came in."""
    stored = session.get_one(tables.SubmissionOriginal, (row.collection_year, row.id))
    return Original(stored.data, row.original_sha256, row.file_name, row.media_type, _kind(row.kind))


def read_report(row: tables.SubmissionRecord, organisation: str) -> Report:
    """The report of a checked submission, without its findings."""
    statuses: dict[str, RuleStatus] = {status: status for status in _RULE_STATUSES}
    return Report(
        collection=row.collection_year,
        organisation=organisation,
        submission=row.number,
        rows_read=dict(row.rows_read or {}),
        rules_by_status={rule: statuses[status] for rule, status in (row.rules or {}).items()},
        content_sha256=row.content_sha256 or "",
        spec_digest=row.spec_digest or "",
    )


def as_domain(row: tables.SubmissionRecord, organisation: str) -> Submission:
    return Submission(
        id=row.id,
        collection=row.collection_year,
        organisation=organisation,
        number=row.number,
        status=next(status for status in SUBMISSION_STATUSES if status == row.status),
        received_at=row.received_at,
        received_by=row.received_by,
        file_name=row.file_name,
        media_type=row.media_type,
        size=row.size,
        original_sha256=row.original_sha256,
        kind=_kind(row.kind),
        content_sha256=row.content_sha256,
        spec_digest=row.spec_digest,
        outcome=next((outcome for outcome in _OUTCOMES if outcome == row.outcome), None),
        rows_read=dict(row.rows_read or {}),
        counts=dict(row.counts or {}),
        refusal=row.refusal,
    )


def _kind(text: str | None) -> Kind | None:
    return next((kind for kind in KINDS if kind == text), None)


def _of(collection: int, organisation_id: uuid.UUID) -> Select[tables.SubmissionRecord]:
    return (
        select(tables.SubmissionRecord)
        .join(
            tables.ReturnRow,
            (tables.ReturnRow.collection_year == tables.SubmissionRecord.collection_year)
            & (tables.ReturnRow.id == tables.SubmissionRecord.return_id),
        )
        .where(tables.ReturnRow.collection_year == collection, tables.ReturnRow.organisation_id == organisation_id)
    )
