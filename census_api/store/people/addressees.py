"""Whom mail is for: the people of an organisation and of those above it, the census team, and who still has to answer."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.store.kit import tables
from census_api.store.kit.tables_life import ExtensionRow
from census_api.store.people.tables import AccountRow, MembershipRow, PlatformRoleRow


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
class ExpectedOrganisation:
    """An organisation that a collection expects an answer from, and how far it is. `extension` is its own time."""

    organisation: Named
    state: ReturnState
    extension: dt.datetime | None


def list_members(session: Session, organisations: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Addressee]]:
    """The people who may act for each organisation, by address. Who acts for one acts for those below it as well."""
    found: dict[uuid.UUID, list[Addressee]] = {organisation: [] for organisation in organisations}
    for organisation, email, name in session.execute(_MEMBERS, {"organisations": list(organisations)}):
        found[organisation].append(Addressee(email or "", name))
    return found


def _members() -> Select[uuid.UUID, str | None, str]:
    start = select(tables.OrganisationRow.id.label("organisation_id"), tables.OrganisationRow.id.label("above")).where(
        tables.OrganisationRow.id.in_(bindparam("organisations", expanding=True))
    )
    chain = start.cte(recursive=True)
    higher = aliased(tables.OrganisationRow)
    # UNION, not UNION ALL: a register in which two organisations are each other's parent must not keep us here
    chain = chain.union(
        select(chain.c.organisation_id, higher.parent)
        .join(higher, higher.id == chain.c.above)
        .where(higher.parent.is_not(None))
    )
    return (
        select(chain.c.organisation_id, AccountRow.email, AccountRow.name)
        .join(MembershipRow, (MembershipRow.organisation_id == chain.c.above) & MembershipRow.ended_at.is_(None))
        .join(AccountRow, AccountRow.id == MembershipRow.account_id)
        .where(AccountRow.disabled_at.is_(None), AccountRow.email.is_not(None))
        .distinct()
        .order_by(AccountRow.email)
    )


_MEMBERS = _members()
"""Built once: every change of a return asks for its members, and building this took longer than running it."""


def list_team(session: Session) -> list[Addressee]:
    """The census team, by address."""
    query = (
        select(AccountRow.email, AccountRow.name)
        .join(PlatformRoleRow, PlatformRoleRow.account_id == AccountRow.id)
        .where(PlatformRoleRow.role == "census_team", AccountRow.disabled_at.is_(None), AccountRow.email.is_not(None))
        .distinct()
        .order_by(AccountRow.email)
    )
    return [Addressee(email or "", name) for email, name in session.execute(query)]


def list_expected(session: Session, collection: int) -> list[ExpectedOrganisation]:
    """The organisations in the frame of a collection, by code; all open ones where no frame was loaded."""
    framed = select(tables.FrameLineRow.organisation_id).where(tables.FrameLineRow.collection_year == collection)
    unframed = select(tables.CollectionRow.year).where(
        tables.CollectionRow.year == collection, tables.CollectionRow.framed.is_(False)
    )
    query = (
        select(
            tables.OrganisationRow.id,
            tables.OrganisationRow.code,
            tables.OrganisationRow.name,
            func.coalesce(tables.ReturnRow.state, "not_started"),
            ExtensionRow.until,
        )
        .outerjoin(
            tables.ReturnRow,
            (tables.ReturnRow.organisation_id == tables.OrganisationRow.id)
            & (tables.ReturnRow.collection_year == collection),
        )
        .outerjoin(
            ExtensionRow,
            (ExtensionRow.organisation_id == tables.OrganisationRow.id) & (ExtensionRow.collection_year == collection),
        )
        .where(tables.OrganisationRow.status == "open", or_(tables.OrganisationRow.id.in_(framed), unframed.exists()))
        .order_by(tables.OrganisationRow.code)
    )
    return [
        ExpectedOrganisation(
            Named(key, code, name), next(known for known in RETURN_STATES if known == state), extension
        )
        for key, code, name, state, extension in session.execute(query)
    ]
