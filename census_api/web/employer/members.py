"""Who belongs to an organisation: inviting, roles, leaving and handing over."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import OrganisationCode, may
from census_api.domain.kit.access import MEMBER_ROLES, MemberRole, is_allowed
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound
from census_api.domain.people import Account, checked_email, checked_name, may_give
from census_api.services.people import accounts, one_time_links
from census_api.services.register.organisations import get_organisation
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import PostedForm, ThePosted, TheVisit, Visit

router = APIRouter(prefix="/organisations/{organisation}/members", include_in_schema=False)

AccountId = Annotated[uuid.UUID, Path()]
ROLES: dict[MemberRole, tuple[str, str]] = {
    "editor": ("Editor", "sends files, explains and answers questions"),
    "signatory": ("Signatory", "signs the return off, and adds editors"),
}
_SAID = {
    "invited": "The person was added. Who is new here gets a mail with a link to choose a password.",
    "removed": "The person has no role at this organisation any more.",
    "changed": "The roles were changed.",
    "over": "Your roles were handed over.",
}


@router.get("", dependencies=[may("organisation.read")])
def show_members(
    visit: TheVisit, organisation: OrganisationCode, said: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Who has a role at the organisation, and the form that adds somebody."""
    return visit.page("members.html", **_shown(visit, organisation), said=_SAID.get(said, ""))


@router.post("", dependencies=[may("members.manage")])
def add_member(visit: TheVisit, organisation: OrganisationCode, typed: ThePosted) -> Response:
    """Adds a person, and invites who is new."""
    platform, actor = visit.platform, visit.actor
    try:
        role = _role(typed["role"])
        account = accounts.invite_member(platform, actor, organisation, typed["email"], typed["name"], role)
        one_time_links.invite_person(platform, actor, account.id, organisation=organisation)
    except CensusError as error:
        field = _wrong_field(typed)
        shown = _shown(visit, organisation)
        shown["typed"] = {key: typed[key][:300] for key in ("email", "name", "role")}
        return visit.refused("members.html", error, status_for(error), field, **shown, said="")
    return visit.go(f"/organisations/{organisation}/members?said=invited")


@router.get("/{account}", dependencies=[may("organisation.read")])
def show_member(visit: TheVisit, organisation: OrganisationCode, account: AccountId) -> Response:
    """One member, and what can be changed about their roles."""
    return _member_page(visit, organisation, account)


@router.post("/{account}/roles", dependencies=[may("members.manage")])
def change_roles(visit: TheVisit, organisation: OrganisationCode, account: AccountId, typed: ThePosted) -> Response:
    """Gives or takes one role."""

    def change() -> None:
        role, held = _role(typed["role"]), typed["held"] == "yes"
        accounts.set_membership(visit.platform, visit.actor, account, organisation, role, held=held)

    return _changed(visit, organisation, account, change, "changed")


@router.post("/{account}/remove", dependencies=[may("organisation.read")])
def remove_member(visit: TheVisit, organisation: OrganisationCode, account: AccountId, _: ThePosted) -> Response:
    """Ends all roles of a member here. Anybody may leave."""

    def change() -> None:
        accounts.remove_member(visit.platform, visit.actor, organisation, account)

    return _changed(visit, organisation, account, change, "removed")


@router.post("/{account}/hand-over", dependencies=[may("organisation.read")])
def hand_over(visit: TheVisit, organisation: OrganisationCode, account: AccountId, typed: ThePosted) -> Response:
    """Gives the roles of a member to another, and takes them from the first."""

    def change() -> None:
        accounts.hand_over(visit.platform, visit.actor, organisation, account, _number(typed))

    return _changed(visit, organisation, account, change, "over")


def _wrong_field(typed: PostedForm) -> str:
    for field, check in (("name", checked_name), ("email", checked_email)):
        try:
            check(typed[field])
        except InvalidRequest:
            return field
    return "role"


def _changed(visit: Visit, organisation: str, account: uuid.UUID, change: Callable[[], None], said: str) -> Response:
    try:
        change()
    except NotFound:
        raise
    except CensusError as error:
        return _member_page(visit, organisation, account, error)
    if account == visit.actor.user_id and said in ("removed", "over"):
        # who has left may not know of the organisation any more
        return visit.go("/account")
    back = f"/organisations/{organisation}/members"
    return visit.go(f"{back}/{account}?said={said}" if said == "changed" else f"{back}?said={said}")


def _member_page(visit: Visit, organisation: str, account: uuid.UUID, error: CensusError | None = None) -> Response:
    everybody = accounts.list_members(visit.platform, visit.actor, organisation)
    found = next((entry for entry in everybody if entry.id == account), None)
    if found is None:
        raise NotFound("That person has no role at this organisation.")
    actor = visit.actor
    held = found.memberships.get(organisation, frozenset())
    manages = is_allowed(actor, "members.manage", organisation) and account != actor.user_id
    return visit.page(
        "member.html",
        200 if error is None else status_for(error),
        code=organisation,
        name=get_organisation(visit.platform, actor, organisation).name,
        member=_row(found, organisation, actor.user_id),
        roles=[
            (role, ROLES[role][0], ROLES[role][1], role in held)
            for role in MEMBER_ROLES
            if manages and may_give(actor, role, organisation)
        ],
        may_remove=account == actor.user_id or (manages and all(may_give(actor, role, organisation) for role in held)),
        heirs=[(str(entry.id), entry.name) for entry in everybody if entry.id != account and not entry.is_disabled]
        if account == actor.user_id or actor.sees_all
        else [],
        errors={} if error is None else {"content": error.message},
    )


def _shown(visit: Visit, organisation: str) -> dict[str, Any]:
    actor = visit.actor
    found = accounts.list_members(visit.platform, actor, organisation)
    roles = [role for role in MEMBER_ROLES if may_give(actor, role, organisation)]
    return {
        "code": organisation,
        "name": get_organisation(visit.platform, actor, organisation).name,
        "members": [_row(account, organisation, actor.user_id) for account in found],
        "roles": [(role, f"{ROLES[role][0]}: {ROLES[role][1]}") for role in roles],
        "may_add": is_allowed(actor, "members.manage", organisation) and bool(roles),
        "only_editors": roles == ["editor"],
        "typed": {"email": "", "name": "", "role": "editor"},
    }


def _row(account: Account, organisation: str, own: uuid.UUID | None) -> dict[str, Any]:
    held = account.memberships.get(organisation, frozenset())
    return {
        "id": str(account.id),
        "name": account.name,
        "email": account.email or "",
        "roles": " and ".join(ROLES[role][0].lower() for role in MEMBER_ROLES if role in held),
        "disabled": account.is_disabled,
        "is_self": account.id == own,
    }


def _role(text: str) -> MemberRole:
    for role in MEMBER_ROLES:
        if role == text:
            return role
    raise InvalidRequest("Choose a role in the list.")


def _number(typed: PostedForm) -> uuid.UUID:
    try:
        return uuid.UUID(typed["successor"])
    except ValueError:
        raise InvalidRequest("Choose the person who takes over in the list.") from None
