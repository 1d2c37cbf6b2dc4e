"""The tables that watch over the others: the chains of the audit, and what was compared."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Identity, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from census_api.store.kit.metadata import TableBase


class AuditChain(TableBase):
    """The end of the chain of each collection; collection 0 is what belongs to none. Written by the database alone."""

    __tablename__ = "audit_chain"

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]


class AuditLink(TableBase):
    """One event's place in its chain. `hash` covers the event, its position and the hash before it."""

    __tablename__ = "audit_link"
    __table_args__ = (UniqueConstraint("event_id"),)

    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"))
    hash: Mapped[str]


class Reconciliation(TableBase):
    """One comparison of what was acknowledged with what is stored."""

    __tablename__ = "reconciliation"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    ran_at: Mapped[dt.datetime]
    acknowledged: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[int] = mapped_column(BigInteger)
    damaged: Mapped[int] = mapped_column(BigInteger)
    overdue: Mapped[int] = mapped_column(BigInteger)
