"""Who acts, and what they may do. The one place that decides, for routes, pages, services and commands."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args
from uuid import UUID

from census_api.domain.kit.errors import Forbidden, NotFound, SignInRequired

PlatformRole = Literal["analyst", "pipeline", "census_team", "administrator"]
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)
MemberRole = Literal["editor", "signatory"]
MEMBER_ROLES: tuple[MemberRole, ...] = get_args(MemberRole)
ActorKind = Literal["person", "token", "system"]

Action = Literal[
    "collection.read",
    "return.read",
    "return.check",
    "return.submit",
    "return.explain",
    "return.sign_off",
    "return.query",
    "return.reply",
    "return.accept",
    "return.reopen",
    "return.decline",
    "return.withdraw",
    "return.extend",
    "return.history",
    "organisation.read",
    "members.manage",
    "people.manage",
    "tokens.manage",
    "register.manage",
    "frame.manage",
    "audit.read",
    "jobs.manage",
    "mail.manage",
    "export.raw",
    "retention.delete",
    "progress.read",
    "snapshot.freeze",
    "aggregate.read",
    "margins.read",
]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program behind a call, as it stood when the call came in.

    `address` is where a request came from, None inside the platform. `memberships` are by organisation code, those
    that come from a parent organisation included. `watched` are organisations whose returns may be read because they
    lie in the caller's own local authority. `scopes` narrow what a token may do; None is no narrowing.
    """

    name: str
    address: str | None = None
    user_id: UUID | None = None
    kind: ActorKind = "person"
    roles: frozenset[PlatformRole] = frozenset()
    memberships: Mapping[str, frozenset[MemberRole]] = field(default_factory=lambda: MappingProxyType({}))
    scopes: frozenset[str] | None = None
    watched: frozenset[str] = frozenset()

    @property
    def sees_all(self) -> bool:
        """True for those who may know of every organisation; what they may do there is the table's to say."""
        return self.kind == "system" or not self.roles.isdisjoint(_KNOW_ALL)

    @property
    def is_anonymous(self) -> bool:
        """True for who has not signed in."""
        return self.kind != "system" and self.user_id is None and not self.roles and not self.memberships

    def knows(self, organisation: str) -> bool:
        """Whether the actor may know that the organisation, given by its code, exists."""
        return self.sees_all or organisation in self.memberships or organisation in self.watched


SYSTEM = Actor("the platform", kind="system")
ANONYMOUS = Actor("nobody")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Who may. `members` by their role at the organisation asked for, `watchers` of its area too.

    `signed_in` and `everyone` are about what belongs to no organisation.
    """

    roles: frozenset[PlatformRole] = frozenset()
    members: frozenset[MemberRole] = frozenset()
    watchers: bool = False
    signed_in: bool = False
    everyone: bool = False
    by_token: bool = True


_KNOW_ALL: frozenset[PlatformRole] = frozenset({"census_team", "administrator"})
_TEAM: frozenset[PlatformRole] = frozenset({"census_team"})
_OFFICE: frozenset[PlatformRole] = frozenset({"census_team", "administrator"})
_ADMINISTRATOR: frozenset[PlatformRole] = frozenset({"administrator"})
_ANALYSTS: frozenset[PlatformRole] = frozenset({"analyst", "census_team"})
_PIPELINES: frozenset[PlatformRole] = frozenset({"analyst", "pipeline", "census_team"})
_FOLLOWERS: frozenset[PlatformRole] = frozenset({"analyst", "census_team", "administrator"})
_MEMBERS: frozenset[MemberRole] = frozenset({"editor", "signatory"})
_SIGNATORY: frozenset[MemberRole] = frozenset({"signatory"})

# An administrator looks after people and settings, and so knows of every organisation; returns are the employers' and
# the census team's. Only a person signs, and only a person changes who may do what.
POLICY: Mapping[Action, _Rule] = MappingProxyType(
    {
        "collection.read": _Rule(everyone=True),
        "return.read": _Rule(_TEAM, _MEMBERS, watchers=True),
        "return.check": _Rule(_TEAM, _MEMBERS, signed_in=True),
        "return.submit": _Rule(_TEAM, _MEMBERS),
        "return.explain": _Rule(_TEAM, _MEMBERS),
        "return.sign_off": _Rule(members=_SIGNATORY, by_token=False),
        "return.query": _Rule(_TEAM),
        "return.reply": _Rule(_TEAM, _MEMBERS),
        "return.accept": _Rule(_TEAM),
        "return.reopen": _Rule(_TEAM),
        "return.decline": _Rule(_TEAM),
        "return.withdraw": _Rule(_TEAM),
        "return.extend": _Rule(_TEAM),
        "return.history": _Rule(_TEAM, _MEMBERS, watchers=True),
        "organisation.read": _Rule(_OFFICE, _MEMBERS, watchers=True),
        "members.manage": _Rule(_OFFICE, _SIGNATORY, by_token=False),
        "people.manage": _Rule(_ADMINISTRATOR, by_token=False),
        "tokens.manage": _Rule(_ADMINISTRATOR, signed_in=True, by_token=False),
        "register.manage": _Rule(_OFFICE),
        "frame.manage": _Rule(_OFFICE),
        "audit.read": _Rule(_OFFICE),
        "jobs.manage": _Rule(_OFFICE),
        "mail.manage": _Rule(_OFFICE),
        "export.raw": _Rule(_TEAM),
        "retention.delete": _Rule(_TEAM, by_token=False),
        "progress.read": _Rule(_FOLLOWERS),
        "snapshot.freeze": _Rule(_TEAM),
        # a survey's program weights to the margins, and needs nothing else
        "aggregate.read": _Rule(_ANALYSTS),
        "margins.read": _Rule(_PIPELINES),
    }
)
SCOPES: tuple[Action, ...] = tuple(action for action in ACTIONS if POLICY[action].by_token)
"""What a token can be allowed to do, as far as its owner may do it."""

_WHO: Mapping[PlatformRole | MemberRole, str] = {
    "analyst": "analysts",
    "pipeline": "survey programs",
    "census_team": "the census team",
    "administrator": "administrators",
    "editor": "the organisation's editors",
    "signatory": "the organisation's signatories",
}


def authorise(actor: Actor, action: Action, organisation: str | None = None) -> None:
    """Returns when the actor may do it, to `organisation` (a code) or, with None, on the platform as a whole.

    Raises SignInRequired for who has not signed in; NotFound for an organisation that the actor may not know of, in
    the words of one that does not exist; Forbidden for who may know of it but not do that.
    """
    if actor.kind == "system" or is_allowed(actor, action, organisation):
        return
    if actor.is_anonymous:
        raise SignInRequired("Sign in to do this. A program sends its token in the Authorization header.")
    if organisation is not None and not actor.knows(organisation):
        raise no_such_organisation(organisation)
    raise Forbidden(_refusal(actor, action))


def is_allowed(actor: Actor, action: Action, organisation: str | None = None) -> bool:
    """Whether `authorise` would return: for pages that offer only what can be done."""
    rule = POLICY[action]
    if actor.kind == "system" or (rule.everyone and organisation is None):
        return True
    return not actor.is_anonymous and _in_scope(actor, action) and _holds(actor, rule, organisation)


def tenants(actor: Actor | None) -> frozenset[str] | None:
    """The codes of the organisations whose data the actor's transactions may touch; None for all of them."""
    if actor is None or actor.sees_all:
        return None
    return frozenset(actor.memberships) | actor.watched


def no_such_organisation(code: str) -> NotFound:
    """The same words whether the organisation is unknown or the caller may not know of it."""
    return NotFound(f"There is no organisation {code[:40]!r} here. Check the code in your invitation.")


def is_loopback(address: str) -> bool:
    """True for addresses that reach only this machine: 127.0.0.0/8, ::1, and the name localhost."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _holds(actor: Actor, rule: _Rule, organisation: str | None) -> bool:
    if organisation is not None and not actor.knows(organisation):
        return False
    if not actor.roles.isdisjoint(rule.roles):
        return True
    if organisation is None:
        return rule.signed_in
    held = actor.memberships.get(organisation, frozenset())
    return not held.isdisjoint(rule.members) or (rule.watchers and organisation in actor.watched)


def _in_scope(actor: Actor, action: Action) -> bool:
    if actor.kind == "token" and not POLICY[action].by_token:
        return False
    return actor.scopes is None or action in actor.scopes


def _refusal(actor: Actor, action: Action) -> str:
    rule = POLICY[action]
    if actor.kind == "token" and not _in_scope(actor, action):
        if not rule.by_token:
            return "No token can do this: a person has to sign in and do it."
        return f"This token is not allowed to do that. It needs the scope {action}; ask who gave it to you."
    names = [_WHO[role] for role in (*PLATFORM_ROLES, *MEMBER_ROLES) if role in rule.roles or role in rule.members]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"This can be done by {listed} only. Ask one of them, or ask the census team for that role."
