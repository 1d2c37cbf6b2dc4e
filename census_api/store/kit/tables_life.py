"""The tables of the life of a return: how a file came in, explanations, sign-offs, questions and longer time.

Every row names its organisation, so that the database can keep one organisation's rows from another.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from census_api.domain.collecting.deadlines import TIMINGS
from census_api.domain.collecting.explanations import REASONS
from census_api.store.kit.metadata import TableBase, one_of


def _submission_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["collection_year", "submission_id"], ["submission.collection_year", "submission.id"])


def _return_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["collection_year", "return_id"], ["return.collection_year", "return.id"])


class ArrivalRow(TableBase):
    """How a submission came in, decided at its receipt. Never changes."""

    __tablename__ = "arrival"
    __table_args__ = (_submission_key(), one_of("timing", TIMINGS))

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    timing: Mapped[str]
    on_behalf: Mapped[bool]


class ExtensionRow(TableBase):
    """The longer time that an organisation has for a collection. A new one replaces it; the audit keeps them all."""

    __tablename__ = "extension"

    collection_year: Mapped[int] = mapped_column(ForeignKey("collection.year"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    until: Mapped[dt.datetime]
    reason: Mapped[str]
    granted_by: Mapped[str]
    granted_at: Mapped[dt.datetime]


class ExplanationRow(TableBase):
    """The employer's reason for one query of one submission. `value` is what the finding judged when it was given.

    `carried_from` is the number of the submission that it was first given for, None when that is this one.
    """

    __tablename__ = "explanation"
    __table_args__ = (_submission_key(), one_of("reason", REASONS))

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    finding_key: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    value: Mapped[str | None]
    reason: Mapped[str]
    text: Mapped[str]
    given_by: Mapped[str]
    given_at: Mapped[dt.datetime]
    carried_from: Mapped[int | None]


class SignOffRow(TableBase):
    """A named person's declaration of one submission. Never changes; a later one takes its place beside it."""

    __tablename__ = "sign_off"
    __table_args__ = (
        _return_key(),
        _submission_key(),
        UniqueConstraint("reference"),
        Index(None, "collection_year", "return_id"),
        one_of("timing", TIMINGS),
    )

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    return_id: Mapped[uuid.UUID]
    submission_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    reference: Mapped[str]
    name: Mapped[str]
    user_id: Mapped[uuid.UUID | None]
    role: Mapped[str]
    signed_at: Mapped[dt.datetime]
    timing: Mapped[str]
    content_sha256: Mapped[str]
    explanations_sha256: Mapped[str]


class ReturnQueryRow(TableBase):
    """A question of the census team about a finding, a line or the whole of a signed submission. Never changes."""

    __tablename__ = "return_query"
    __table_args__ = (
        _return_key(),
        _submission_key(),
        Index(None, "collection_year", "return_id"),
        CheckConstraint(
            "(about = 'finding') = (finding_key IS NOT NULL) AND (about = 'line') = "
            "(num_nonnulls(local_authority_code, service_type) = 2) AND about IN ('finding', 'line', 'return')",
            name="about_one_thing",
        ),
    )

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    return_id: Mapped[uuid.UUID]
    submission_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    about: Mapped[str]
    finding_key: Mapped[str | None]
    local_authority_code: Mapped[str | None]
    service_type: Mapped[str | None]
    text: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[dt.datetime]


class QueryReplyRow(TableBase):
    """An answer to a question. Never changes; there may be several."""

    __tablename__ = "query_reply"
    __table_args__ = (
        ForeignKeyConstraint(["collection_year", "query_id"], ["return_query.collection_year", "return_query.id"]),
        Index(None, "collection_year", "query_id"),
    )

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    query_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    text: Mapped[str]
    replied_by: Mapped[str]
    replied_at: Mapped[dt.datetime]
