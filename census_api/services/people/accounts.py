"""Accounts and what they may do: who is there, who belongs to which organisation, who has left."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from census_api.domain.kit.access import (
    MEMBER_ROLES,
    SYSTEM,
    Actor,
    MemberRole,
    PlatformRole,
    authorise,
    no_such_organisation,
)
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, SignInRequired
from census_api.domain.people import Account, checked_email, checked_name, may_give
from census_api.services.kit.platform import Platform
from census_api.services.mail import writing
from census_api.services.people import passwords, second_factor
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.people import credentials
from census_api.store.people import queries as people
from census_api.store.people.tables import AccountRow as Row
from census_api.store.register import queries as register

_NOBODY = "There is no such account. Check its number or address in the list of accounts."
_LAST = "That is the only administrator. Make another one first, so that somebody can look after the accounts."


class Roles(NamedTuple):
    """What is given to an account: roles of the platform, and roles at organisations by their codes."""

    platform: frozenset[PlatformRole] = frozenset()
    members: Mapping[str, frozenset[MemberRole]] = {}


def add_person(
    platform: Platform, actor: Actor, email: str, name: str, roles: Roles, *, demonstration: bool = False
) -> Account:
    """A new account without a password: invite it, or let its person sign in at the provider.

    Raises Forbidden for a role that the actor may not give, Conflict when the address has an account, InvalidRequest.
    """
    _may_give_all(actor, roles)
    with platform.database.transaction() as session:
        row = people.add_account(
            session, kind="person", name=checked_name(name), email=checked_email(email), demonstration=demonstration
        )
        if row is None:
            raise Conflict("There is an account of that address already. Give it the role instead.", field="email")
        _record(session, platform, actor, "account.added", row.id)
        _give(session, platform, actor, row.id, roles)
        return people.as_domain(session, row)


def add_machine(platform: Platform, actor: Actor, name: str, roles: Roles, *, demonstration: bool = False) -> Account:
    """A new account for a program, which has tokens and cannot sign in. Raises Conflict when there is one of that name."""
    authorise(actor, "people.manage")
    with platform.database.transaction() as session:
        if people.find_machine(session, checked_name(name)) is not None:
            raise Conflict("There is a program of that name already. Give it a token instead.", field="name")
        row = people.add_account(
            session, kind="machine", name=checked_name(name), email=None, demonstration=demonstration
        )
        assert row is not None
        _record(session, platform, actor, "account.added", row.id, detail={"kind": "machine"})
        _give(session, platform, actor, row.id, roles)
        return people.as_domain(session, row)


def invite_member(
    platform: Platform, actor: Actor, organisation: str, email: str, name: str, role: MemberRole
) -> Account:
    """Gives a person a role at an organisation, with a new account where there is none yet.

    A signatory can make editors of the own organisation, and nobody can make a signatory but the team and
    administrators. An address that has an account keeps its name. Send the invitation afterwards.
    """
    authorise(actor, "members.manage", organisation)
    if not may_give(actor, role, organisation):
        raise Forbidden("A signatory can add editors. Ask the census team to make somebody a signatory.")
    with platform.database.transaction() as session:
        row = people.add_account(session, kind="person", name=checked_name(name), email=checked_email(email))
        if row is None:
            row = people.find_by_email(session, checked_email(email), lock=True)
            assert row is not None
        else:
            _record(session, platform, actor, "account.added", row.id)
        _give(session, platform, actor, row.id, Roles(members={organisation: frozenset({role})}))
        return people.as_domain(session, row)


def remove_member(platform: Platform, actor: Actor, organisation: str, account_id: uuid.UUID) -> None:
    """Ends every role of an account at an organisation, at once. What the person did there stays under the name.

    Anybody may leave; signatories may remove editors, and only the team and administrators signatories.
    """
    if account_id != actor.user_id:
        authorise(actor, "members.manage", organisation)
    with platform.database.transaction() as session:
        key = _organisation(session, organisation)
        held = people.as_domain(session, _account(session, account_id, lock=True)).memberships.get(organisation)
        if held is None:
            raise NotFound(_NOBODY)
        if account_id != actor.user_id and any(not may_give(actor, role, organisation) for role in held):
            raise Forbidden("Only the census team can remove a signatory. Ask them.")
        _end(session, platform, actor, account_id, (organisation, key), held)


def hand_over(platform: Platform, actor: Actor, organisation: str, leaver: uuid.UUID, successor: uuid.UUID) -> None:
    """The successor gets the leaver's roles at the organisation and the leaver loses them, in one step.

    So the number of signatories never grows by it. The leaver may do it, the team and administrators may; the successor
    must be a member already unless it is they who do it. Raises Forbidden, NotFound, InvalidRequest.
    """
    if leaver != actor.user_id and not actor.sees_all:
        authorise(actor, "members.manage", organisation)
        raise Forbidden("Only the person who leaves, or the census team, can hand over a role.")
    authorise(actor, "organisation.read", organisation)
    if leaver == successor:
        raise InvalidRequest("A role is handed over to somebody else.")
    with platform.database.transaction() as session:
        key = _organisation(session, organisation)
        for account_id in sorted((leaver, successor)):
            _account(session, account_id, lock=True)
        held = people.as_domain(session, _account(session, leaver)).memberships.get(organisation)
        heir = people.as_domain(session, _account(session, successor))
        if held is None:
            raise NotFound("There is no role of that person's own at this organisation to hand over.")
        if heir.is_disabled or heir.kind != "person" or not (actor.sees_all or organisation in heir.memberships):
            raise InvalidRequest("The successor is not a member of this organisation. Add them as an editor first.")
        _end(session, platform, actor, leaver, (organisation, key), held)
        _give(session, platform, actor, successor, Roles(members={organisation: held}))
        detail = {"from": str(leaver), "to": str(successor)}
        _record(session, platform, actor, "membership.handed_over", leaver, organisation, detail)


def set_role(platform: Platform, actor: Actor, account_id: uuid.UUID, role: PlatformRole, *, held: bool) -> None:
    """Gives or takes a role of the platform. Raises Conflict for the last administrator."""
    authorise(actor, "people.manage")
    with platform.database.transaction() as session:
        row = _account(session, account_id, lock=True)
        if held:
            _give(session, platform, actor, row.id, Roles(frozenset({role})))
            return
        if role == "administrator" and people.count_administrators(session) <= 1:
            raise Conflict(_LAST)
        if people.take_role(session, row.id, role):
            _record(session, platform, actor, "role.taken", row.id, detail={"role": role})


def set_membership(
    platform: Platform, actor: Actor, account_id: uuid.UUID, organisation: str, role: MemberRole, *, held: bool
) -> None:
    """Gives or takes a role at an organisation, for those who may give that role there."""
    authorise(actor, "members.manage", organisation)
    if not may_give(actor, role, organisation):
        raise Forbidden("A signatory can add and remove editors. Ask the census team about signatories.")
    with platform.database.transaction() as session:
        key = _organisation(session, organisation)
        row = _account(session, account_id, lock=True)
        if not (actor.sees_all or organisation in people.as_domain(session, row).memberships):
            # whether there is such an account elsewhere is not a member's to know
            raise NotFound(_NOBODY)
        if held:
            _give(session, platform, actor, row.id, Roles(members={organisation: frozenset({role})}))
        else:
            _end(session, platform, actor, row.id, (organisation, key), frozenset({role}))


def disable_account(platform: Platform, actor: Actor, account_id: uuid.UUID) -> None:
    """Ends every session of the account at once, and shuts out it and its tokens. Raises Conflict for the last administrator."""
    authorise(actor, "people.manage")
    with platform.database.transaction() as session:
        row = _account(session, account_id, lock=True)
        is_administrator = "administrator" in people.as_domain(session, row).roles
        if row.disabled_at is None and is_administrator and people.count_administrators(session) <= 1:
            raise Conflict(_LAST)
        if row.disabled_at is None:
            row.disabled_at = platform.clock()
            _record(session, platform, actor, "account.disabled", row.id)
        people.forget_proofs(session, row.id)
        credentials.drop_links(session, row.id)


def enable_account(platform: Platform, actor: Actor, account_id: uuid.UUID) -> None:
    """Lets the account in again, with the roles that it had."""
    authorise(actor, "people.manage")
    with platform.database.transaction() as session:
        row = _account(session, account_id, lock=True)
        if row.disabled_at is not None:
            row.disabled_at = None
            _record(session, platform, actor, "account.enabled", row.id)


def reset_second_factor(platform: Platform, actor: Actor, account_id: uuid.UUID) -> None:
    """For who has lost the telephone and the recovery codes: the password alone will do again."""
    authorise(actor, "people.manage")
    with platform.database.transaction() as session:
        row = _account(session, account_id, lock=True)
        second_factor.clear_factor(session, row)
        people.forget_proofs(session, row.id)
        _record(session, platform, actor, "second_factor.reset", row.id)


def change_password(platform: Platform, actor: Actor, old: str, new: str) -> None:
    """The actor's own password. Every session of the account ends: sign in again.

    Raises InvalidRequest when the old one is wrong or the new one will not do.
    """
    with platform.database.transaction() as session:
        row = people.find_account(session, actor.user_id) if actor.user_id is not None else None
    if row is None or actor.kind != "person":
        raise SignInRequired("Sign in to change your password.")
    if not passwords.is_right(old, row.password_hash)[0]:
        raise InvalidRequest("Your present password is not right. Nothing was changed.")
    made = passwords.hash_password(passwords.check_acceptable(new, row.name, row.email))
    with platform.database.transaction() as session:
        row = _account(session, row.id, lock=True)
        row.password_hash = made
        people.forget_proofs(session, row.id)
        credentials.drop_links(session, row.id)
        _record(session, platform, actor, "password.changed", row.id)


def list_accounts(platform: Platform, actor: Actor) -> list[Account]:
    """Everybody, by name."""
    authorise(actor, "people.manage")
    with platform.database.snapshot() as session:
        return people.list_accounts(session)


def list_members(platform: Platform, actor: Actor, organisation: str) -> list[Account]:
    """Who has a role at the organisation itself, by name, with that role alone. Raises NotFound."""
    authorise(actor, "organisation.read", organisation)
    with platform.database.snapshot(actor) as session:
        found = people.list_accounts(session, organisation_id=_organisation(session, organisation))
    if actor.sees_all:
        return found
    return [account.seen_from(organisation) for account in found]


def get_account(platform: Platform, actor: Actor, account: uuid.UUID | str) -> Account:
    """An account by its number or e-mail address, the own one or, for those who manage people, any. Raises NotFound."""
    with platform.database.snapshot() as session:
        row = (
            people.find_account(session, account)
            if isinstance(account, uuid.UUID)
            else people.find_by_email(session, account)
        )
        if row is None or row.id != actor.user_id:
            authorise(actor, "people.manage")
        if row is None:
            raise NotFound(_NOBODY)
        return people.as_domain(session, row)


def first_administrator(platform: Platform, email: str, name: str) -> Account:
    """The account that everything else begins with. Raises Conflict when there is an administrator."""
    with platform.database.transaction() as session:
        if people.count_administrators(session):
            raise Conflict("There is an administrator already. Administrators make others: census user role.")
    return add_person(platform, SYSTEM, email, name, Roles(frozenset({"administrator"})))


def _may_give_all(actor: Actor, roles: Roles) -> None:
    if roles.platform or not roles.members:
        authorise(actor, "people.manage")
    for organisation, wanted in roles.members.items():
        authorise(actor, "members.manage", organisation)
        if any(not may_give(actor, role, organisation) for role in wanted):
            raise Forbidden("A signatory can add editors. Ask the census team to make somebody a signatory.")


def _give(session: Session, platform: Platform, actor: Actor, account_id: uuid.UUID, roles: Roles) -> None:
    if account_id == actor.user_id:
        raise Forbidden("Nobody can give a role to themselves. Ask somebody else who may.")
    for role in sorted(roles.platform):
        if people.give_role(session, account_id, role, "local", actor.name):
            _record(session, platform, actor, "role.given", account_id, detail={"role": role})
    for code, wanted in roles.members.items():
        key = _organisation(session, code)
        given = False
        for member in (role for role in MEMBER_ROLES if role in wanted):
            if people.give_membership(session, account_id, key, member, "local", actor.name, platform.clock()):
                _record(session, platform, actor, "membership.given", account_id, code, {"role": member})
                given = True
        if given:
            _tell(session, platform, _account(session, account_id), code)


def _tell(session: Session, platform: Platform, row: Row, organisation: str) -> None:
    """Writes to who has a new role at an organisation; one who has never signed in hears of it by the invitation."""
    signs_in = row.password_hash is not None or row.subject is not None
    if row.email is None or not signs_in or row.disabled_at is not None:
        return
    with contextlib.suppress(InvalidRequest):  # an address that takes no mail is no reason not to give the role
        writing.enqueue_mail(
            session, "member", row.email, organisation=organisation, collection=None, links={"page": "/returns"},
            facts={"name": row.name}, at=platform.clock(),
        )  # fmt: skip


def _end(
    session: Session, platform: Platform, actor: Actor, account_id: uuid.UUID, organisation: tuple[str, uuid.UUID],
    roles: frozenset[MemberRole],
) -> None:  # fmt: skip
    code, key = organisation
    for role in sorted(people.end_memberships(session, account_id, key, roles, platform.clock())):
        _record(session, platform, actor, "membership.ended", account_id, code, {"role": role})


def _account(session: Session, account_id: uuid.UUID, *, lock: bool = False) -> Row:
    row = people.find_account(session, account_id, lock=lock)
    if row is None:
        raise NotFound(_NOBODY)
    return row


def _organisation(session: Session, code: str) -> uuid.UUID:
    found = register.find_organisation(session, code)
    if found is None:
        raise no_such_organisation(code)
    return found[0]


def _record(
    session: Session, platform: Platform, actor: Actor, action: str, account_id: uuid.UUID,
    organisation: str | None = None, detail: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    audit.record(
        session, actor, action, organisation=organisation, subject=f"account {account_id}", detail=detail or {},
        at=platform.clock(),
    )  # fmt: skip
