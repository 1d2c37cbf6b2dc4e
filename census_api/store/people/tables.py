"""People and programs, what they may do, and how they prove who they are.

Nothing that opens a door is stored as it is: passwords as argon2id, links, sessions, tokens and recovery codes as their
SHA-256 (they are random, so nothing can be guessed from it), second factors encrypted.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES
from census_api.domain.people import ACCOUNT_KINDS, LINK_PURPOSES, SOURCES
from census_api.store.kit.metadata import TableBase, one_of


class AccountRow(TableBase):
    """A person, or a machine that has tokens and nothing else. `email` is in lower case.

    `demonstration` marks accounts whose password everybody knows: they work in demo mode only. `used_step` is the
    latest step of the second factor that was used, for each may be used once.
    """

    __tablename__ = "account"
    __table_args__ = (
        one_of("kind", ACCOUNT_KINDS),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("(kind = 'person') = (email IS NOT NULL)", name="people_have_email"),
        CheckConstraint("kind = 'person' OR password_hash IS NULL", name="machines_have_no_password"),
        CheckConstraint("num_nulls(issuer, subject) IN (0, 2)", name="sign_on_is_whole"),
        UniqueConstraint("issuer", "subject"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    second_factor: Mapped[str | None]
    used_step: Mapped[int | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[dt.datetime | None]


class PlatformRoleRow(TableBase):
    __tablename__ = "platform_role"
    __table_args__ = (one_of("role", PLATFORM_ROLES), one_of("source", SOURCES))

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(server_default="local")
    granted_by: Mapped[str]
    granted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class MembershipRow(TableBase):
    """A role at an organisation and at those below it. Ended, never deleted: who could act when stays known."""

    __tablename__ = "membership"
    __table_args__ = (
        one_of("role", MEMBER_ROLES),
        one_of("source", SOURCES),
        Index(
            "uq_membership_current",
            "account_id",
            "organisation_id",
            "role",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "organisation_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="local")
    granted_by: Mapped[str]
    since: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]


class SessionRow(TableBase):
    """A session. `waits_for_second_factor` says that only half of the proof was given, and so far opens nothing."""

    __tablename__ = "signed_in"
    __table_args__ = (Index(None, "account_id"), Index(None, "ends_at"))

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    waits_for_second_factor: Mapped[bool]
    began_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]


class OneTimeLinkRow(TableBase):
    """An invitation, or a way to a new password. Used when `used_at` is set, which happens once."""

    __tablename__ = "one_time_link"
    __table_args__ = (one_of("purpose", LINK_PURPOSES), Index(None, "account_id"))

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_by: Mapped[str]
    made_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class RecoveryCodeRow(TableBase):
    """What opens the door to who has lost the second factor. Deleted when it is used."""

    __tablename__ = "recovery_code"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)


class ApiTokenRow(TableBase):
    __tablename__ = "api_token"
    __table_args__ = (Index(None, "account_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_by: Mapped[str]
    made_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    used_at: Mapped[dt.datetime | None]


class AttemptsRow(TableBase):
    """How often something was tried within one window of time. `bucket` is a hash of who tried what."""

    __tablename__ = "attempts"
    __table_args__ = (Index(None, "began_at"),)

    bucket: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    number: Mapped[int]


class SignOnFlowRow(TableBase):
    """A sign-on under way at the provider, known by a cookie of the browser that began it. Deleted when it ends."""

    __tablename__ = "sign_on_flow"
    __table_args__ = (Index(None, "ends_at"),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    next_page: Mapped[str]
    ends_at: Mapped[dt.datetime]
