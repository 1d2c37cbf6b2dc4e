"""The tables of mail: the outbox, and when reminders go out."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from census_api.domain.mail import MAIL_KINDS, MAIL_STATES
from census_api.store.kit.metadata import TableBase, one_of


class MailRow(TableBase):
    """The outbox. `once_key` makes two mails of one event one; `attempts` fences: only the latest may end it."""

    __tablename__ = "mail"
    __table_args__ = (
        one_of("kind", MAIL_KINDS),
        one_of("state", MAIL_STATES),
        CheckConstraint("(state IN ('sent', 'returned')) = (sent_at IS NOT NULL)", name="sent_has_time"),
        Index(None, "next_try", postgresql_where=text("state IN ('waiting', 'sending')")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    ordinal: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    recipient: Mapped[str]
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    collection_year: Mapped[int | None] = mapped_column(ForeignKey("collection.year"))
    once_key: Mapped[str] = mapped_column(unique=True)
    links: Mapped[dict[str, str]]
    facts: Mapped[dict[str, str]]
    created_at: Mapped[dt.datetime]
    next_try: Mapped[dt.datetime]
    give_up_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[dt.datetime | None]
    problem: Mapped[str | None]


class MailPlan(TableBase):
    """When reminders of a collection go out; without a row, when the platform's defaults say."""

    __tablename__ = "mail_plan"

    collection_year: Mapped[int] = mapped_column(ForeignKey("collection.year"), primary_key=True)
    opening: Mapped[bool]
    days_left: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    version: Mapped[int]
