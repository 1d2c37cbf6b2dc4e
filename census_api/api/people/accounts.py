"""People: who the caller is, who belongs to an organisation, and for administrators all accounts."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import Payload
from census_api.api.kit.dependencies import Caller, OrganisationCode, ThePlatform, may, signed_in
from census_api.api.kit.problems import document_problems
from census_api.domain.kit.access import ACTIONS, Actor, MemberRole, PlatformRole, is_allowed
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.people import Account
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts as service
from census_api.services.people import one_time_links
from census_api.services.people.accounts import Roles

router = APIRouter(tags=["people"])

AccountId = Annotated[uuid.UUID, Path(description="The account's number.")]
_DONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done"}}


class MePayload(Payload):
    """The caller: what they may do on the platform as a whole, and at which organisations they have a role."""

    name: str
    kind: Literal["person", "token", "system"]
    roles: list[str]
    organisations: dict[str, list[str]] = Field(description="Roles by organisation code, those of a parent included.")
    scopes: list[str] | None = Field(description="What a token is narrowed to; null for a person.")
    may: list[str] = Field(description="Actions that are open to the caller whatever the organisation.")

    @classmethod
    def of(cls, actor: Actor) -> MePayload:
        return cls(
            name=actor.name,
            kind=actor.kind,
            roles=sorted(actor.roles),
            organisations={code: sorted(roles) for code, roles in sorted(actor.memberships.items())},
            scopes=None if actor.scopes is None else sorted(actor.scopes),
            may=[action for action in ACTIONS if is_allowed(actor, action)],
        )


class AccountPayload(Payload):
    """One account. Members see of one another what belongs to their own organisation."""

    id: uuid.UUID
    kind: Literal["person", "machine"]
    name: str
    email: str | None
    roles: list[str]
    organisations: dict[str, list[str]]
    disabled_at: dt.datetime | None

    @classmethod
    def of(cls, account: Account) -> AccountPayload:
        return cls(
            id=account.id,
            kind=account.kind,
            name=account.name,
            email=account.email,
            roles=sorted(account.roles),
            organisations={code: sorted(roles) for code, roles in account.memberships.items()},
            disabled_at=account.disabled_at,
        )


class AccountsPayload(Payload):
    items: list[AccountPayload]


class NewMember(Body):
    """Who gets which role at the organisation. An address without an account gets one, and an invitation."""

    email: str = Field(max_length=254)
    name: str = Field(max_length=100)
    role: MemberRole = "editor"


class NewAccount(Body):
    """A person, or with kind machine a program, which has no address and cannot sign in."""

    kind: Literal["person", "machine"] = "person"
    email: str | None = Field(default=None, max_length=254)
    name: str = Field(max_length=100)
    roles: list[PlatformRole] = Field(default_factory=list, max_length=4)


class HandOver(Body):
    """Who gets the leaver's roles at the organisation."""

    successor: str = Field(description="The number of the successor's account.", max_length=36)


@router.get("/me", dependencies=[signed_in()], response_model=MePayload, responses=document_problems())
def me(caller: Caller) -> Response:
    """Who the caller is, and what they may do."""
    return json_answer(MePayload.of(caller))


@router.get(
    "/organisations/{organisation}/members",
    dependencies=[may("organisation.read")],
    response_model=AccountsPayload,
    responses=document_problems(),
)
def list_members(platform: ThePlatform, caller: Caller, organisation: OrganisationCode) -> Response:
    """Who has a role at the organisation itself."""
    found = service.list_members(platform, caller, organisation)
    return json_answer(AccountsPayload(items=[AccountPayload.of(account) for account in found]))


@router.post(
    "/organisations/{organisation}/members",
    dependencies=[may("members.manage")],
    status_code=201,
    response_model=AccountPayload,
    responses=document_problems(413, 415),
)
def add_member(
    platform: ThePlatform,
    caller: Caller,
    organisation: OrganisationCode,
    body: BodyOf[NewMember],
) -> Response:
    """Gives a person a role at the organisation, and invites who is new. A signatory can add editors."""
    account = service.invite_member(platform, caller, organisation, body.email, body.name, body.role)
    one_time_links.invite_person(platform, caller, account.id, organisation=organisation)
    seen = next(entry for entry in service.list_members(platform, caller, organisation) if entry.id == account.id)
    return json_answer(AccountPayload.of(seen), 201)


@router.delete(
    "/organisations/{organisation}/members/{account}",
    dependencies=[may("organisation.read")],
    status_code=204,
    response_class=Response,
    responses=document_problems() | _DONE,
)
def remove_member(
    platform: ThePlatform, caller: Caller, organisation: OrganisationCode, account: AccountId
) -> Response:
    """Ends a person's roles at the organisation at once. What they did stays under their name. Anybody may leave."""
    service.remove_member(platform, caller, organisation, account)
    return Response(status_code=204)


@router.post(
    "/organisations/{organisation}/members/{account}/hand-over",
    dependencies=[may("organisation.read")],
    status_code=204,
    response_class=Response,
    responses=document_problems(413, 415) | _DONE,
)
def hand_over(
    platform: ThePlatform,
    caller: Caller,
    organisation: OrganisationCode,
    account: AccountId,
    body: BodyOf[HandOver],
) -> Response:
    """The successor gets the roles that the leaver has at the organisation, and the leaver loses them."""
    service.hand_over(platform, caller, organisation, account, _number(body.successor))
    return Response(status_code=204)


@router.get(
    "/accounts", dependencies=[may("people.manage")], response_model=AccountsPayload, responses=document_problems()
)
def list_accounts(platform: ThePlatform, caller: Caller) -> Response:
    """Everybody, by name."""
    found = service.list_accounts(platform, caller)
    return json_answer(AccountsPayload(items=[AccountPayload.of(account) for account in found]))


@router.post(
    "/accounts",
    dependencies=[may("people.manage")],
    status_code=201,
    response_model=AccountPayload,
    responses=document_problems(409, 413, 415),
)
def add_account(platform: ThePlatform, caller: Caller, body: BodyOf[NewAccount]) -> Response:
    """Adds an account, and sends its person an invitation."""
    account = _added(platform, caller, body)
    return json_answer(AccountPayload.of(account), 201)


@router.post(
    "/accounts/{account}/{change}",
    dependencies=[may("people.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems(409) | _DONE,
)
def change_account(
    platform: ThePlatform,
    caller: Caller,
    account: AccountId,
    change: Literal["invite", "disable", "enable", "reset-second-factor"],
) -> Response:
    """Invites again, disables (every session ends at once), enables, or forgets a lost second factor."""
    if change == "invite":
        one_time_links.invite_person(platform, caller, account)
    elif change == "disable":
        service.disable_account(platform, caller, account)
    elif change == "enable":
        service.enable_account(platform, caller, account)
    else:
        service.reset_second_factor(platform, caller, account)
    return Response(status_code=204)


@router.put(
    "/accounts/{account}/roles/{role}",
    dependencies=[may("people.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems(409) | _DONE,
)
def give_role(platform: ThePlatform, caller: Caller, account: AccountId, role: PlatformRole) -> Response:
    """Gives a role of the platform."""
    service.set_role(platform, caller, account, role, held=True)
    return Response(status_code=204)


@router.delete(
    "/accounts/{account}/roles/{role}",
    dependencies=[may("people.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems(409) | _DONE,
)
def take_role(platform: ThePlatform, caller: Caller, account: AccountId, role: PlatformRole) -> Response:
    """Takes a role of the platform. The last administrator stays one."""
    service.set_role(platform, caller, account, role, held=False)
    return Response(status_code=204)


@router.put(
    "/organisations/{organisation}/members/{account}/roles/{role}",
    dependencies=[may("members.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems() | _DONE,
)
def give_membership(
    platform: ThePlatform, caller: Caller, organisation: OrganisationCode, account: AccountId, role: MemberRole
) -> Response:
    """Gives an account a role at the organisation, and at those below it. A signatory can make editors."""
    service.set_membership(platform, caller, account, organisation, role, held=True)
    return Response(status_code=204)


@router.delete(
    "/organisations/{organisation}/members/{account}/roles/{role}",
    dependencies=[may("members.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems() | _DONE,
)
def take_membership(
    platform: ThePlatform, caller: Caller, organisation: OrganisationCode, account: AccountId, role: MemberRole
) -> Response:
    """Ends an account's role at the organisation. A signatory can remove editors."""
    service.set_membership(platform, caller, account, organisation, role, held=False)
    return Response(status_code=204)


def _added(platform: Platform, caller: Actor, body: NewAccount) -> Account:
    roles = Roles(frozenset(body.roles))
    if body.kind == "machine":
        return service.add_machine(platform, caller, body.name, roles)
    account = service.add_person(platform, caller, body.email or "", body.name, roles)
    one_time_links.invite_person(platform, caller, account.id)
    return account


def _number(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("The field successor is not usable: it is the number of an account.") from None
