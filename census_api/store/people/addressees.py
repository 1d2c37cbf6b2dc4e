"""Whom mail is for: the people of an organisation and of those above it, the census team, and who still has to answer."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.store.kit import tables
from census_api.store.kit.tables_life import Extension
from census_api.store.people.tables import Account, Membership, PlatformRole


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person who can get mail."""

    address: str
    name: str


class Named(NamedTuple):
    """An organisation as mail speaks of it."""

    id: uuid.UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An organisation that a collection expects an answer from, and how far it is. `extension` is its own time."""

    organisation: Named
    state: ReturnState
    extension: dt.datetime | None


def members(session: Session, organisations: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Addressee]]:
    """The people who may act for each organisation, by address. Who acts for one acts for those below it as well."""
    start = select(tables.Organisation.id.label("organisation_id"), tables.Organisation.id.label("above")).where(
        tables.Organisation.id.in_(organisations)
    )
    chain = start.cte(recursive=True)
    higher = aliased(tables.Organisation)
    # UNION, not UNION ALL: a register in which two organisations are each other's parent must not keep us here
    chain = chain.union(
        select(chain.c.organisation_id, higher.parent)
        .join(higher, higher.id == chain.c.above)
        .where(higher.parent.is_not(None))
    )
    query = (
        select(chain.c.organisation_id, Account.email, Account.name)
        .join(Membership, (Membership.organisation_id == chain.c.above) & Membership.ended_at.is_(None))
        .join(Account, Account.id == Membership.account_id)
        .where(Account.disabled_at.is_(None), Account.email.is_not(None))
        .distinct()
        .order_by(Account.email)
    )
    found: dict[uuid.UUID, list[Addressee]] = {organisation: [] for organisation in organisations}
    for organisation, email, name in session.execute(query):
        found[organisation].append(Addressee(email, name))
    return found


def team(session: Session) -> list[Addressee]:
    """The census team, by address."""
    query = (
        select(Account.email, Account.name)
        .join(PlatformRole, PlatformRole.account_id == Account.id)
        .where(PlatformRole.role == "census_team", Account.disabled_at.is_(None), Account.email.is_not(None))
        .distinct()
        .order_by(Account.email)
    )
    return [Addressee(email or "", name) for email, name in session.execute(query)]


def expected(session: Session, collection: int) -> list[Expected]:
    """The organisations in the frame of a collection, by code; all open ones where no frame was loaded."""
    framed = select(tables.FrameLine.organisation_id).where(tables.FrameLine.collection_year == collection)
    unframed = select(tables.Collection.year).where(
        tables.Collection.year == collection, tables.Collection.framed.is_(False)
    )
    query = (
        select(
            tables.Organisation.id,
            tables.Organisation.code,
            tables.Organisation.name,
            func.coalesce(tables.Return.state, "not_started"),
            Extension.until,
        )
        .outerjoin(
            tables.Return,
            (tables.Return.organisation_id == tables.Organisation.id) & (tables.Return.collection_year == collection),
        )
        .outerjoin(
            Extension,
            (Extension.organisation_id == tables.Organisation.id) & (Extension.collection_year == collection),
        )
        .where(tables.Organisation.status == "open", or_(tables.Organisation.id.in_(framed), unframed.exists()))
        .order_by(tables.Organisation.code)
    )
    return [
        Expected(Named(key, code, name), next(known for known in RETURN_STATES if known == state), extension)
        for key, code, name, state, extension in session.execute(query)
    ]
