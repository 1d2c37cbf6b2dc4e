"""People and programs: accounts with their roles and invitations, and the tokens that programs use."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES, SCOPES, MemberRole, PlatformRole
from census_api.domain.kit.errors import CensusError, InvalidRequest
from census_api.domain.people import Account
from census_api.services.people import accounts, one_time_links, tokens
from census_api.services.people.accounts import Roles
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import PostedForm, ThePosted, TheVisit, Visit

router = APIRouter(include_in_schema=False)

_DOOR = [may("people.manage")]
AccountId = Annotated[uuid.UUID, Path()]
TokenId = Annotated[uuid.UUID, Path()]
Said = Annotated[str, Query(max_length=20)]
Deed = Literal["disable", "enable", "invite", "reset-second-step"]
_SAID = {
    "added": "The account is made. Invite them, so that they can choose a password.",
    "invited": "The invitation is on its way.",
    "changed": "The change is made, and holds from now on.",
    "revoked": "The token opens nothing any more.",
}
_ROLE_WORDS: dict[PlatformRole | MemberRole, str] = {
    "analyst": "Analyst",
    "pipeline": "Survey program",
    "census_team": "Census team",
    "administrator": "Administrator",
    "editor": "Editor",
    "signatory": "Signatory",
}
_PERSON_ROLES = [(role, _ROLE_WORDS[role]) for role in PLATFORM_ROLES if role != "pipeline"]
_DAYS = 90


@router.get("/team/people", dependencies=_DOOR)
def show_people(visit: TheVisit, search: Annotated[str, Query(max_length=100)] = "", said: Said = "") -> Response:
    """Everybody with an account, and the form for one more."""
    return _people(visit, search=search, said=_SAID.get(said, ""))


@router.post("/team/people", dependencies=_DOOR)
def add_person(visit: TheVisit, typed: ThePosted) -> Response:
    """A new account, of a person or of a program."""
    platform, actor = visit.platform, visit.actor
    try:
        if typed["kind"] == "program":
            made = accounts.add_machine(platform, actor, typed["name"], _roles(typed, default="pipeline"))
        else:
            made = accounts.add_person(platform, actor, typed["email"], typed["name"], _roles(typed))
    except CensusError as error:
        at = error.field or ("organisation" if typed["organisation"] else "name")
        return _people(visit, status_for(error), typed=typed.values, errors={at: error.message})
    return visit.go(f"/team/people/{made.id}?said=added")


@router.get("/team/people/{account}", dependencies=_DOOR)
def show_person(visit: TheVisit, account: AccountId, said: Said = "") -> Response:
    """One account: its roles, and what can be done with it."""
    return _person(visit, account, said=_SAID.get(said, ""))


@router.post("/team/people/{account}/roles", dependencies=_DOOR)
def change_roles(visit: TheVisit, account: AccountId, typed: ThePosted) -> Response:
    """Gives or takes one role: of the platform or, with an organisation, of a member."""
    platform, actor = visit.platform, visit.actor
    held = typed["held"] == "yes"
    try:
        if typed["organisation"].strip():
            member = _member_role(typed["member"])
            accounts.set_membership(platform, actor, account, typed["organisation"].strip(), member, held=held)
        else:
            accounts.set_role(platform, actor, account, _platform_role(typed["role"]), held=held)
    except CensusError as error:
        at = "organisation" if typed["organisation"] else "role"
        return _person(visit, account, status_for(error), typed=typed.values, errors={at: error.message})
    return visit.go(f"/team/people/{account}?said=changed")


@router.post("/team/people/{account}/{deed}", dependencies=_DOOR)
def do_with(visit: TheVisit, account: AccountId, deed: Deed, _: ThePosted) -> Response:
    """Shuts an account out, lets it in again, invites its person, or forgets the second step that they have lost."""
    platform, actor = visit.platform, visit.actor
    said = "changed"
    try:
        if deed == "invite":
            said = "invited"
            one_time_links.invite_person(platform, actor, account)
        elif deed == "reset-second-step":
            accounts.reset_second_factor(platform, actor, account)
        elif deed == "disable":
            accounts.disable_account(platform, actor, account)
        else:
            accounts.enable_account(platform, actor, account)
    except CensusError as error:
        return _person(visit, account, status_for(error), errors={deed: error.message})
    return visit.go(f"/team/people/{account}?said={said}")


@router.get("/team/tokens", dependencies=_DOOR)
def all_tokens(visit: TheVisit, said: Said = "") -> Response:
    """Everybody's tokens, and the form for one more."""
    return _tokens(visit, said=_SAID.get(said, ""))


@router.post("/team/tokens", dependencies=_DOOR)
def make_token(visit: TheVisit, typed: ThePosted) -> Response:
    """A new token, shown this once."""
    scopes = [scope for scope in SCOPES if typed[f"scope-{scope}"] == "yes"]
    try:
        days = typed["days"]
        if not (days.isascii() and days.isdigit() and len(days) < 5):
            raise InvalidRequest(f"Type how many days the token lasts, 1 to {tokens.MOST_DAYS}.", field="days")
        account = _account_id(typed["account"])
        token, secret = tokens.create_token(visit.platform, visit.actor, account, typed["name"], scopes, int(days))
    except CensusError as error:
        at = f"scope-{SCOPES[0]}" if error.field == "scopes" else error.field or "name"
        return _tokens(visit, status_for(error), typed=typed.values, errors={at: error.message})
    return visit.page("team_token.html", token=token, secret=secret, ends=in_words(token.ends_at))


@router.post("/team/tokens/{token}/revoke", dependencies=_DOOR)
def revoke_token(visit: TheVisit, token: TokenId, _: ThePosted) -> Response:
    """Ends a token."""
    tokens.revoke_token(visit.platform, visit.actor, token)
    return visit.go("/team/tokens?said=revoked")


def _people(visit: Visit, status: int = 200, *, search: str = "", said: str = "", **values: Any) -> Response:
    words = search.casefold().split()
    everybody = accounts.list_accounts(visit.platform, visit.actor)
    shown = [account for account in everybody if all(word in _searchable(account) for word in words)]
    return visit.page(
        "team_people.html",
        status,
        **{
            "people": [(account, _roles_in_words(account)) for account in shown],
            "total": len(everybody),
            "search": search,
            "said": said,
            "roles": _PERSON_ROLES,
            "members": [(role, _ROLE_WORDS[role]) for role in MEMBER_ROLES],
            "typed": {},
            **values,
        },
    )


def _person(visit: Visit, account: uuid.UUID, status: int = 200, **values: Any) -> Response:
    found = accounts.get_account(visit.platform, visit.actor, account)
    held = [(code, role) for code, roles in sorted(found.memberships.items()) for role in sorted(roles)]
    return visit.page(
        "team_person.html",
        status,
        **{
            "person": found,
            "own": found.id == visit.actor.user_id,
            "held": sorted(found.roles),
            "memberships": held,
            "words": _ROLE_WORDS,
            "roles": [(role, words) for role, words in _ROLE_WORDS.items() if role in PLATFORM_ROLES],
            "members": [(role, _ROLE_WORDS[role]) for role in MEMBER_ROLES],
            "said": "",
            "typed": {},
            **values,
        },
    )


def _tokens(visit: Visit, status: int = 200, **values: Any) -> Response:
    now = visit.platform.clock()
    listed = tokens.list_tokens(visit.platform, visit.actor, everybody=True)
    known = accounts.list_accounts(visit.platform, visit.actor)
    return visit.page(
        "team_tokens.html",
        status,
        **{
            "tokens": [
                (
                    token,
                    token.revoked_at is None and token.ends_at > now,
                    in_words(token.ends_at),
                    in_words(token.used_at) if token.used_at else "never",
                )
                for token in listed
            ],
            "accounts": [(str(account.id), account.name) for account in known if not account.is_disabled],
            "scopes": SCOPES,
            "days": _DAYS,
            "said": "",
            "typed": {},
            **values,
        },
    )


def _roles(typed: PostedForm, *, default: PlatformRole | None = None) -> Roles:
    """What the form of a new account gives: one role of the platform, or one at an organisation."""
    if typed["organisation"].strip():
        return Roles(members={typed["organisation"].strip(): frozenset({_member_role(typed["member"])})})
    if default is not None:
        return Roles(frozenset({default}))
    return Roles(frozenset({_platform_role(typed["role"])} if typed["role"] else ()))


def _platform_role(text: str) -> PlatformRole:
    for role in PLATFORM_ROLES:
        if role == text:
            return role
    raise InvalidRequest("Choose a role.")


def _member_role(text: str) -> MemberRole:
    for role in MEMBER_ROLES:
        if role == text:
            return role
    raise InvalidRequest("Choose what they are at the organisation: editor or signatory.")


def _account_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("Choose whose token it is.") from None


def _searchable(account: Account) -> str:
    return " ".join((account.name, account.email or "", *account.memberships, *account.roles)).casefold()


def _roles_in_words(account: Account) -> str:
    own = [_ROLE_WORDS[role] for role in PLATFORM_ROLES if role in account.roles]
    members = [
        f"{' and '.join(_ROLE_WORDS[role].lower() for role in sorted(roles))} at {code}"
        for code, roles in sorted(account.memberships.items())
    ]
    return "; ".join([*own, *members]) or "no role"
