"""Accounts, platform roles and memberships, and what follows from them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES, MemberRole, PlatformRole
from census_api.domain.people import ACCOUNT_KINDS, Account, AccountKind, Source
from census_api.store.kit import tables
from census_api.store.people.tables import AccountRow as Row
from census_api.store.people.tables import MembershipRow, RecoveryCodeRow, SessionRow
from census_api.store.people.tables import PlatformRoleRow as RoleRow

Held = dict[str, frozenset[MemberRole]]

_KINDS: Mapping[str, AccountKind] = {kind: kind for kind in ACCOUNT_KINDS}
_PLATFORM: Mapping[str, PlatformRole] = {role: role for role in PLATFORM_ROLES}
_MEMBER: Mapping[str, MemberRole] = {role: role for role in MEMBER_ROLES}

# a membership of a parent is one of everything below it; UNION ends where a register goes round in a circle
_REACH = text(
    "WITH RECURSIVE reach AS ("
    "  SELECT organisation_id AS id, role FROM membership WHERE account_id = :account AND ended_at IS NULL"
    "  UNION"
    "  SELECT below.id, reach.role FROM organisation AS below JOIN reach ON below.parent = reach.id"
    ") SELECT organisation.code, reach.role FROM reach JOIN organisation USING (id)"
)
# organisations all of whose lines lie in the areas that a commissioner's own frame names: nothing of another area shows
_WATCHED = text(
    "WITH area AS ("
    "  SELECT DISTINCT frame_line.local_authority_code AS code FROM membership"
    "  JOIN organisation ON organisation.id = membership.organisation_id AND organisation.sector = 'la_commissioning'"
    "  JOIN frame_line ON frame_line.organisation_id = organisation.id"
    "  WHERE membership.account_id = :account AND membership.ended_at IS NULL"
    ") SELECT organisation.code FROM organisation JOIN frame_line ON frame_line.organisation_id = organisation.id"
    " GROUP BY organisation.code HAVING bool_and(frame_line.local_authority_code IN (SELECT code FROM area))"
)


@dataclass(frozen=True, slots=True)
class Authority:
    """What an account may act as, as of now: `memberships` with those that follow from a parent."""

    roles: frozenset[PlatformRole]
    memberships: Held
    watched: frozenset[str]


def add_account(
    session: Session, *, kind: AccountKind, name: str, email: str | None, demonstration: bool = False
) -> Row | None:
    """A new account; None when there is one of that address already."""
    found = session.execute(
        insert(Row)
        .values(id=uuid.uuid4(), kind=kind, name=name, email=email, demonstration=demonstration)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(Row.id)
    ).scalar()
    return None if found is None else session.get_one(Row, found)


def find_account(session: Session, account_id: uuid.UUID, *, lock: bool = False) -> Row | None:
    return session.get(Row, account_id, with_for_update=lock, populate_existing=lock)


def find_by_email(session: Session, email: str, *, lock: bool = False) -> Row | None:
    query = select(Row).where(Row.email == email)
    return session.scalar(query.with_for_update() if lock else query)


def find_by_subject(session: Session, issuer: str, subject: str) -> Row | None:
    """The account of a person whom the sign-on provider knows under `subject`."""
    return session.scalar(select(Row).where(Row.issuer == issuer, Row.subject == subject).with_for_update())


def find_machine(session: Session, name: str) -> Row | None:
    return session.scalar(select(Row).where(Row.kind == "machine", Row.name == name))


def as_domain(session: Session, row: Row) -> Account:
    return _as_domain([row], *_granted(session, [row.id]))[0]


def list_accounts(session: Session, *, organisation_id: uuid.UUID | None = None) -> list[Account]:
    """All accounts, or those with a role at the organisation itself, by name."""
    query = select(Row).order_by(Row.name, Row.id)
    if organisation_id is not None:
        current = MembershipRow.ended_at.is_(None) & (MembershipRow.organisation_id == organisation_id)
        query = query.where(exists().where(MembershipRow.account_id == Row.id, current))
    rows = list(session.scalars(query))
    return _as_domain(rows, *_granted(session, [row.id for row in rows]))


def authority_of(session: Session, account_id: uuid.UUID, *, areas: bool) -> Authority:
    """What the account may act as. With `areas` also whom it watches as the commissioner of an area."""
    roles = session.scalars(select(RoleRow.role).where(RoleRow.account_id == account_id))
    held = session.execute(_REACH, {"account": account_id})
    watched = session.scalars(_WATCHED, {"account": account_id}) if areas else ()
    return Authority(
        frozenset(_PLATFORM[role] for role in roles), _by_code((code, role) for code, role in held), frozenset(watched)
    )


def give_role(session: Session, account_id: uuid.UUID, role: PlatformRole, source: Source, by: str) -> bool:
    """False when the account had it."""
    given = session.execute(
        insert(RoleRow)
        .values(account_id=account_id, role=role, source=source, granted_by=by)
        .on_conflict_do_nothing()
        .returning(RoleRow.role)
    )
    return given.scalar() is not None


def take_role(session: Session, account_id: uuid.UUID, role: PlatformRole) -> bool:
    """False when the account had it not."""
    row = session.get(RoleRow, (account_id, role))
    if row is not None:
        session.delete(row)
        session.flush()
    return row is not None


def count_administrators(session: Session) -> int:
    """How many people can look after people, those who are disabled not counted. Locks them until the end."""
    query = select(Row.id).join(RoleRow).where(RoleRow.role == "administrator", Row.disabled_at.is_(None))
    return len(session.scalars(query.with_for_update(of=Row)).all())


def give_membership(
    session: Session, account_id: uuid.UUID, organisation_id: uuid.UUID, role: MemberRole, source: Source, by: str,
    at: dt.datetime,
) -> bool:  # fmt: skip
    """False when the account had it."""
    given = session.execute(
        insert(MembershipRow)
        .values(id=uuid.uuid4(), account_id=account_id, organisation_id=organisation_id, role=role, source=source,
                granted_by=by, since=at)
        .on_conflict_do_nothing(
            index_elements=["account_id", "organisation_id", "role"], index_where=MembershipRow.ended_at.is_(None)
        )
        .returning(MembershipRow.id)
    )  # fmt: skip
    return given.scalar() is not None


def end_memberships(
    session: Session, account_id: uuid.UUID, organisation_id: uuid.UUID, roles: Iterable[MemberRole], at: dt.datetime
) -> frozenset[MemberRole]:
    """Ends them and keeps the record of them. Returns the roles that were held until now."""
    ended = session.scalars(
        update(MembershipRow)
        .where(
            MembershipRow.account_id == account_id,
            MembershipRow.organisation_id == organisation_id,
            MembershipRow.role.in_(list(roles)),
            MembershipRow.ended_at.is_(None),
        )
        .values(ended_at=at)
        .returning(MembershipRow.role)
    )
    return frozenset(_MEMBER[role] for role in ended)


def from_provider(
    session: Session, account_id: uuid.UUID
) -> tuple[frozenset[PlatformRole], frozenset[tuple[uuid.UUID, MemberRole]]]:
    """What the sign-on provider gave the account at its last sign-in: roles, and (organisation, role)."""
    roles = session.scalars(select(RoleRow.role).where(RoleRow.account_id == account_id, RoleRow.source == "provider"))
    members = session.execute(
        select(MembershipRow.organisation_id, MembershipRow.role).where(
            MembershipRow.account_id == account_id, MembershipRow.source == "provider", MembershipRow.ended_at.is_(None)
        )
    )
    return (
        frozenset(_PLATFORM[role] for role in roles),
        frozenset((organisation, _MEMBER[role]) for organisation, role in members),
    )


def find_organisations(session: Session, codes: Iterable[str]) -> dict[str, uuid.UUID]:
    """The keys of those of the codes that are in the register."""
    query = select(tables.OrganisationRow.code, tables.OrganisationRow.id).where(
        tables.OrganisationRow.code.in_(list(codes))
    )
    return {row.code: row.id for row in session.execute(query)}


def has_demonstration_accounts(session: Session) -> bool:
    return session.scalar(select(exists().where(Row.demonstration))) is True


def forget_proofs(session: Session, account_id: uuid.UUID, *, but: str | None = None) -> None:
    """Ends every session of the account, or every one but that of the hash `but`."""
    kept: ColumnElement[bool] = SessionRow.token_hash != (but or "")
    for row in session.scalars(select(SessionRow).where(SessionRow.account_id == account_id, kept)):
        session.delete(row)
    session.flush()


def set_recovery_codes(session: Session, account_id: uuid.UUID, hashes: Iterable[str]) -> None:
    """Makes these the whole list of recovery codes."""
    for row in session.scalars(select(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id)):
        session.delete(row)
    session.flush()
    session.add_all(RecoveryCodeRow(account_id=account_id, code_hash=entry) for entry in hashes)
    session.flush()


def use_recovery_code(session: Session, account_id: uuid.UUID, code_hash: str) -> bool:
    """True exactly once for each code."""
    row = session.get(RecoveryCodeRow, (account_id, code_hash), with_for_update=True)
    if row is not None:
        session.delete(row)
        session.flush()
    return row is not None


def _granted(
    session: Session, ids: Sequence[uuid.UUID]
) -> tuple[dict[uuid.UUID, set[str]], dict[uuid.UUID, list[tuple[str, str]]]]:
    roles: dict[uuid.UUID, set[str]] = defaultdict(set)
    for account, role in session.execute(select(RoleRow.account_id, RoleRow.role).where(RoleRow.account_id.in_(ids))):
        roles[account].add(role)
    held: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    for account, code, role in session.execute(
        select(MembershipRow.account_id, tables.OrganisationRow.code, MembershipRow.role)
        .join(tables.OrganisationRow, tables.OrganisationRow.id == MembershipRow.organisation_id)
        .where(MembershipRow.account_id.in_(ids), MembershipRow.ended_at.is_(None))
    ):
        held[account].append((code, role))
    return roles, held


def _as_domain(
    rows: Sequence[Row], roles: Mapping[uuid.UUID, set[str]], held: Mapping[uuid.UUID, list[tuple[str, str]]]
) -> list[Account]:
    return [
        Account(
            id=row.id,
            kind=_KINDS[row.kind],
            name=row.name,
            email=row.email,
            roles=frozenset(_PLATFORM[role] for role in roles.get(row.id, ())),
            memberships=_by_code(held.get(row.id, ())),
            disabled_at=row.disabled_at,
            has_password=row.password_hash is not None,
            has_second_factor=row.second_factor is not None,
            demonstration=row.demonstration,
            issuer=row.issuer,
        )
        for row in rows
    ]


def _by_code(pairs: Iterable[tuple[str, str]]) -> Held:
    found: dict[str, set[MemberRole]] = defaultdict(set)
    for code, role in pairs:
        found[code].add(_MEMBER[role])
    return {code: frozenset(roles) for code, roles in sorted(found.items())}
