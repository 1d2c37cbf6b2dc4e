"""Signing in and out: with a password and a second step, or at the sign-in service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from census_api.api.kit.auth import SESSION, SIGN_ON, cookie_of, drop_cookie, set_cookie
from census_api.api.kit.dependencies import everyone
from census_api.domain.kit.errors import CensusError, Forbidden, InvalidRequest, SignInRequired, TooManyAttempts
from census_api.services.people import demo_accounts, sessions, single_sign_on
from census_api.web.kit.visit import ThePosted, TheVisit, Visit, own_page

router = APIRouter(include_in_schema=False)

_FLOW_SECONDS = 600
_AFTER = "/"
_Text = Annotated[str, Query(max_length=500)]


@router.get("/sign-in", dependencies=[everyone()])
def show_sign_in(visit: TheVisit, next: _Text = "", said: _Text = "") -> Response:
    """The form to sign in with."""
    if not visit.actor.is_anonymous:
        return visit.go(own_page(next, _AFTER))
    return visit.page("sign_in.html", **_shown(visit, next), said=said)


@router.post("/sign-in", dependencies=[everyone()])
def sign_in(visit: TheVisit, typed: ThePosted) -> Response:
    """Signs in, or asks for the second step, or says what is wrong."""
    try:
        opened = sessions.sign_in(
            visit.platform, visit.address, typed["email"], typed["password"], before=visit.session()
        )
    except (SignInRequired, TooManyAttempts, Forbidden) as error:
        return _again(visit, "sign_in.html", error, "email", **_shown(visit, typed["next"]), said="")
    return visit.let_in(opened, own_page(typed["next"], _AFTER))


@router.get("/sign-in/code", dependencies=[everyone()])
def code_form(visit: TheVisit) -> Response:
    """The form for the second step."""
    secret = visit.session()
    if secret is None or not sessions.waits_for_second_factor(visit.platform, secret):
        return visit.go("/sign-in")
    return visit.page("second_step_code.html")


@router.post("/sign-in/code", dependencies=[everyone()])
def second_step(visit: TheVisit, typed: ThePosted) -> Response:
    """Ends signing in with the code of the authenticator, or a recovery code."""
    secret = visit.session()
    if secret is None:
        return visit.go("/sign-in")
    try:
        opened = sessions.pass_second_factor(visit.platform, visit.address, secret, typed["code"][:100])
    except (SignInRequired, TooManyAttempts) as error:
        if not sessions.waits_for_second_factor(visit.platform, secret):
            return visit.go("/sign-in?said=ended")
        return _again(visit, "second_step_code.html", error, "code")
    return visit.let_in(opened, _AFTER)


@router.get("/sign-in/provider", dependencies=[everyone()])
def to_provider(visit: TheVisit, next: _Text = "") -> Response:
    """To the sign-in service."""
    begun = single_sign_on.begin_sign_on(visit.platform, visit.address, visit.base, own_page(next, _AFTER))
    answer = Response(status_code=303, headers={"Location": begun.address})
    set_cookie(answer, visit.platform.settings, SIGN_ON, begun.secret, _FLOW_SECONDS)
    return answer


@router.get(single_sign_on.CALLBACK, dependencies=[everyone()])
def from_provider(visit: TheVisit) -> Response:
    """Back from the sign-in service, with its word for who this is."""
    settings = visit.platform.settings
    secret = cookie_of(visit.request, settings, SIGN_ON)
    sent = {key: visit.request.query_params.get(key, "")[:4000] for key in ("code", "state", "iss")}
    said = {key: value for key, value in sent.items() if value}
    try:
        opened, path = single_sign_on.complete_sign_on(
            visit.platform, visit.address, visit.base, secret, said, before=visit.session()
        )
    except (SignInRequired, Forbidden, InvalidRequest, TooManyAttempts) as error:
        answer = _again(visit, "sign_in.html", error, "provider", **_shown(visit, ""), said="")
    else:
        answer = visit.let_in(opened, path)
    drop_cookie(answer, settings, SIGN_ON)
    return answer


@router.post("/sign-out", dependencies=[everyone()])
def sign_out(visit: TheVisit, typed: ThePosted) -> Response:
    """Ends the session at once."""
    secret = visit.session()
    if secret is not None:
        sessions.sign_out(visit.platform, secret, visit.address)
    answer = visit.go("/sign-in?said=out")
    drop_cookie(answer, visit.platform.settings, SESSION)
    return answer


def _shown(visit: Visit, next_page: str) -> dict[str, Any]:
    settings = visit.platform.settings
    return {
        "next": own_page(next_page, ""),
        "local": settings.local_sign_in,
        "provider": settings.sso_name if settings.sso_issuer else None,
        "demo_accounts": demo_accounts.list_shown(settings),
        "demo_password": demo_accounts.PASSWORD,
    }


def _again(visit: Visit, template: str, error: CensusError, at: str, **values: Any) -> Response:
    status = 429 if isinstance(error, TooManyAttempts) else 403 if isinstance(error, Forbidden) else 401
    answer = visit.refused(template, error, status, at, **values)
    if isinstance(error, TooManyAttempts):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer
