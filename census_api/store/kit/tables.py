"""The tables. What is fact carries its collection first in every key, so that a large census can be partitioned by it.

What is asked is the spec's matter: answers are typed JSON (`submission_row.cells`), so a new question needs no change
here. Submissions, originals, rows, findings and audit events never change once written: triggers of the migrations
see to it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, get_args

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from census_api.domain.collecting.findings import SEVERITIES
from census_api.domain.collecting.returns import RETURN_STATES
from census_api.domain.collecting.submission import JOB_STATES, KINDS, SUBMISSION_STATUSES
from census_api.domain.kit.access import ActorKind
from census_api.domain.register.organisations import ORGANISATION_STATUSES
from census_api.store.kit.metadata import TableBase, one_of

_EMPTY = text("'{}'::jsonb")


class OrganisationRow(TableBase):
    __tablename__ = "organisation"
    __table_args__ = (
        one_of("status", ORGANISATION_STATUSES),
        CheckConstraint("(status = 'merged') = (merged_into IS NOT NULL)", name="merged_has_successor"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    sector: Mapped[str | None]
    status: Mapped[str]
    parent: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    merged_into: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    identifiers: Mapped[dict[str, str]] = mapped_column(server_default=_EMPTY)


class CollectionRow(TableBase):
    """`state` is what the team decided; opening and closing follow from the instants. `framed` says that its frame was
    loaded: who sees the lines of one organisation only cannot tell from them."""

    __tablename__ = "collection"
    __table_args__ = (
        one_of("state", ("scheduled", "closed")),
        CheckConstraint("opens < closes AND closes <= late_until", name="dates_in_order"),
    )

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    spec_digest: Mapped[str]
    opens: Mapped[dt.datetime]
    closes: Mapped[dt.datetime]
    late_until: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(server_default="scheduled")
    framed: Mapped[bool] = mapped_column(server_default=text("false"))


class FrameLineRow(TableBase):
    __tablename__ = "frame_line"

    collection_year: Mapped[int] = mapped_column(ForeignKey("collection.year"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    local_authority_code: Mapped[str] = mapped_column(primary_key=True)
    service_type: Mapped[str] = mapped_column(primary_key=True)


class ReturnRow(TableBase):
    """`last_number` is the highest submission number ever given out; `version` grows with every change.

    The signed submission is the one whose sign-off stands; `frozen_in` is the newest snapshot that holds the return.
    """

    __tablename__ = "return"
    __table_args__ = (
        UniqueConstraint("collection_year", "organisation_id"),
        one_of("state", RETURN_STATES),
        ForeignKeyConstraint(
            ["collection_year", "accepted_submission_id"],
            ["submission.collection_year", "submission.id"],
            use_alter=True,
        ),
        ForeignKeyConstraint(
            ["collection_year", "signed_submission_id"],
            ["submission.collection_year", "submission.id"],
            use_alter=True,
        ),
    )

    collection_year: Mapped[int] = mapped_column(ForeignKey("collection.year"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[str] = mapped_column(server_default="not_started")
    version: Mapped[int] = mapped_column(server_default="0")
    last_number: Mapped[int] = mapped_column(server_default="0")
    accepted_submission_id: Mapped[uuid.UUID | None]
    signed_submission_id: Mapped[uuid.UUID | None]
    frozen_in: Mapped[uuid.UUID | None]


class SubmissionRecord(TableBase):
    """Written as `received` or `checking`, sealed as `checked` or `refused`; sealed, it never changes.

    `failed` waits for the platform's fault to be put right. `erased` is what is left when its bytes, rows and findings
    were deleted for good.
    """

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("collection_year", "return_id", "number"),
        ForeignKeyConstraint(["collection_year", "return_id"], ["return.collection_year", "return.id"]),
        one_of("status", SUBMISSION_STATUSES),
        one_of("kind", KINDS),
        one_of("outcome", ("errors", "queries", "clean")),
        CheckConstraint("(number IS NULL) = (status = 'refused') OR status = 'erased'", name="refused_has_no_number"),
        CheckConstraint("(refusal_reason IS NOT NULL) = (status = 'refused')", name="refused_has_reason"),
        CheckConstraint(
            "(status = 'checked') = (num_nonnulls(kind, content_sha256, spec_digest, outcome, rows_read, counts, "
            "rules, form) = 8)",
            name="checked_is_complete",
        ),
    )

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    return_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    number: Mapped[int | None]
    status: Mapped[str]
    received_at: Mapped[dt.datetime]
    received_by: Mapped[str]
    file_name: Mapped[str | None]
    media_type: Mapped[str | None]
    size: Mapped[int]
    original_sha256: Mapped[str]
    kind: Mapped[str | None]
    content_sha256: Mapped[str | None]
    spec_digest: Mapped[str | None]
    outcome: Mapped[str | None]
    rows_read: Mapped[dict[str, int] | None]
    counts: Mapped[dict[str, int] | None]
    rules: Mapped[dict[str, str] | None]
    form: Mapped[dict[str, Any] | None]
    refusal_reason: Mapped[str | None]
    refusal: Mapped[str | None]


class _OfSubmission:
    """Keys of what hangs on a submission, before the columns of the table itself."""

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, sort_order=-2)
    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=-1)


def _submission_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["collection_year", "submission_id"], ["submission.collection_year", "submission.id"])


class SubmissionOriginal(_OfSubmission, TableBase):
    """The bytes, apart, so that no list ever loads them."""

    __tablename__ = "submission_original"
    __table_args__ = (_submission_key(),)

    data: Mapped[bytes]


class SubmissionRow(_OfSubmission, TableBase):
    """One row of one table of a return: counts are JSON numbers, everything else JSON strings."""

    __tablename__ = "submission_row"
    __table_args__ = (_submission_key(),)

    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    sheet: Mapped[str]
    position: Mapped[int]
    business_key: Mapped[str]
    cells: Mapped[dict[str, Any]]


class FindingRow(_OfSubmission, TableBase):
    __tablename__ = "finding"
    __table_args__ = (_submission_key(), one_of("severity", SEVERITIES))

    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str]
    rule: Mapped[str]
    severity: Mapped[str]
    sheet: Mapped[str | None]
    cell: Mapped[str | None]
    pointer: Mapped[str | None]
    column_key: Mapped[str | None]
    value: Mapped[str | None]
    message: Mapped[str]
    expected: Mapped[str]
    fix: Mapped[str]


class Idempotency(TableBase):
    """One row a key that was used: the constraint, not a look beforehand, makes two uploads one."""

    __tablename__ = "idempotency"
    __table_args__ = (_submission_key(),)

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[str]
    collection_year: Mapped[int] = mapped_column(SmallInteger)
    submission_id: Mapped[uuid.UUID]
    used_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class AuditEventRow(TableBase):
    """What happened, by whom, to what. Only ever added to."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "collection_year", "id"),
        Index(None, "organisation_id", "id"),
        one_of("actor_kind", get_args(ActorKind)),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    action: Mapped[str]
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    collection_year: Mapped[int | None] = mapped_column(SmallInteger)
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY)
    before_hash: Mapped[str | None]
    after_hash: Mapped[str | None]
    address: Mapped[str | None]
    actor_id: Mapped[uuid.UUID | None]
    actor_kind: Mapped[str] = mapped_column(server_default="system")


class JobRow(TableBase):
    """The check of a long file. `attempt` fences: only the latest attempt may write its result.

    `attempts_before` are those before somebody asked, at `retried_at`, for it to be tried again.
    """

    __tablename__ = "job"
    __table_args__ = (
        _submission_key(),
        UniqueConstraint("collection_year", "submission_id"),
        one_of("state", JOB_STATES),
        CheckConstraint("share >= 0 AND share <= 1", name="share_in_range"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    collection_year: Mapped[int] = mapped_column(SmallInteger)
    submission_id: Mapped[uuid.UUID]
    state: Mapped[str]
    stage: Mapped[str]
    share: Mapped[float]
    attempt: Mapped[int]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    attempts_before: Mapped[int] = mapped_column(server_default="0")
    retried_at: Mapped[dt.datetime | None]
