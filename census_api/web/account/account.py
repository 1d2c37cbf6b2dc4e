"""The own account: invitation and new password, how one signs in, and where one has a role."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from census_api.api.kit.auth import SESSION, drop_cookie
from census_api.api.kit.dependencies import everyone, signed_in
from census_api.domain.kit.errors import CensusError, Conflict, InvalidRequest, NotFound, TooManyAttempts
from census_api.services.people import accounts, one_time_links, second_factor
from census_api.web.kit.visit import PostedForm, ThePosted, TheVisit, Visit

router = APIRouter(include_in_schema=False)

Secret = Annotated[str, Path(max_length=100)]
_DIFFERENT = InvalidRequest("The two passwords are not the same. Type the new password twice.")


@router.get("/forgotten", dependencies=[everyone()])
def forgotten_form(visit: TheVisit) -> Response:
    """The form for who does not know the password."""
    return visit.page("forgotten.html", sent=False)


@router.post("/forgotten", dependencies=[everyone()])
def send_reset_link(visit: TheVisit, typed: ThePosted) -> Response:
    """Sends a link, if there is an account; the answer is the same if there is none."""
    try:
        one_time_links.request_reset(visit.platform, visit.address, typed["email"])
    except TooManyAttempts as error:
        return _too_often(visit.refused("forgotten.html", error, 429, "email", sent=False), error)
    return visit.page("forgotten.html", sent=True)


@router.get("/accept/{secret}", dependencies=[everyone()])
@router.get("/new-password/{secret}", dependencies=[everyone()])
def link_form(visit: TheVisit, secret: Secret) -> Response:
    """The form that an invitation, or a link to a new password, leads to."""
    try:
        return visit.page("new_password.html", link=one_time_links.find_waiting(visit.platform, visit.address, secret))
    except (NotFound, TooManyAttempts) as error:
        return _no_link(visit, error)


@router.post("/accept/{secret}", dependencies=[everyone()])
@router.post("/new-password/{secret}", dependencies=[everyone()])
def use_link(visit: TheVisit, secret: Secret, typed: ThePosted) -> Response:
    """Sets the password, once."""
    try:
        link = one_time_links.find_waiting(visit.platform, visit.address, secret)
        try:
            one_time_links.redeem_link(visit.platform, visit.address, secret, _twice(typed))
        except InvalidRequest as error:
            return visit.refused("new_password.html", error, 422, "new_password", link=link)
    except (NotFound, TooManyAttempts) as error:
        return _no_link(visit, error)
    answer = visit.go("/sign-in?said=set")
    drop_cookie(answer, visit.platform.settings, SESSION)
    return answer


@router.get("/account", dependencies=[signed_in()])
def show_account(visit: TheVisit) -> Response:
    """Who one is here, where one has a role, and how one signs in."""
    return _account_page(visit)


@router.post("/account/password", dependencies=[signed_in()])
def change_password(visit: TheVisit, typed: ThePosted) -> Response:
    """Sets another password. Every session ends, this one too."""
    try:
        accounts.change_password(visit.platform, visit.actor, typed["password"], _twice(typed))
    except InvalidRequest as error:
        return _account_page(visit, error, 422, "password")
    answer = visit.go("/sign-in?said=set")
    drop_cookie(answer, visit.platform.settings, SESSION)
    return answer


@router.get("/account/second-step", dependencies=[signed_in()])
def second_step_form(visit: TheVisit) -> Response:
    """A key for an authenticator, and the form that proves it was taken."""
    return _second_step_page(visit, second_factor.propose_factor(_email(visit)))


@router.post("/account/second-step", dependencies=[signed_in()])
def second_step_on(visit: TheVisit, typed: ThePosted) -> Response:
    """Switches the second step on, and shows the recovery codes this once."""
    try:
        codes = second_factor.switch_on(visit.platform, visit.actor, typed["key"], typed["code"], typed["password"])
    except Conflict as error:
        return _account_page(visit, error, 409, "second_step")
    except InvalidRequest as error:
        proposed = second_factor.propose_again(typed["key"], _email(visit))
        return _second_step_page(visit, proposed, error)
    return visit.page("recovery_codes.html", codes=codes)


@router.post("/account/second-step/off", dependencies=[signed_in()])
def second_step_off(visit: TheVisit, typed: ThePosted) -> Response:
    """Switches the second step off."""
    try:
        second_factor.switch_off(visit.platform, visit.actor, typed["off_password"])
    except InvalidRequest as error:
        return _account_page(visit, error, 422, "off_password")
    return visit.go("/account")


def _email(visit: Visit) -> str:
    assert visit.actor.user_id is not None
    return accounts.get_account(visit.platform, visit.actor, visit.actor.user_id).email or visit.actor.name


def _account_page(visit: Visit, error: CensusError | None = None, status: int = 200, at: str = "") -> Response:
    assert visit.actor.user_id is not None
    own = accounts.get_account(visit.platform, visit.actor, visit.actor.user_id)
    return visit.page(
        "account.html",
        status,
        account=own,
        roles=sorted(role.replace("_", " ") for role in own.roles),
        held=[(code, " and ".join(sorted(roles))) for code, roles in sorted(visit.actor.memberships.items())],
        errors={} if error is None else {at: error.message},
    )


def _second_step_page(visit: Visit, proposed: second_factor.Enrolment, error: CensusError | None = None) -> Response:
    grouped = " ".join(proposed.secret[start : start + 4] for start in range(0, len(proposed.secret), 4))
    return visit.page(
        "second_step.html",
        200 if error is None else 422,
        proposed=proposed,
        grouped=grouped,
        errors={} if error is None else {"code": error.message},
    )


def _twice(typed: PostedForm) -> str:
    if typed["new_password"] != typed["new_password_again"]:
        raise _DIFFERENT
    return typed["new_password"]


def _no_link(visit: Visit, error: CensusError) -> Response:
    if isinstance(error, TooManyAttempts):
        return _too_often(visit.refused("forgotten.html", error, 429, "email", sent=False), error)
    return visit.page(
        "problem.html", 404, title="This link does not work any more", message=error.message, reference=""
    )


def _too_often(answer: Response, error: TooManyAttempts) -> Response:
    answer.headers["Retry-After"] = str(error.seconds)
    return answer
