"""Who calls: a program by its token, a person by the cookie of a session; and the proof that a page of ours asked.

A cookie travels with whatever a browser is made to send, so it opens nothing that changes anything unless the request
also carries the session's form token, which only pages of this platform can know.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import ClassVar, Literal

from fastapi import Request, Response

from census_api.domain.kit.access import ANONYMOUS, Actor
from census_api.domain.kit.errors import Forbidden, SignInRequired
from census_api.services.kit.platform import Platform
from census_api.services.people.sessions import actor_of_session
from census_api.services.people.tokens import actor_of_token
from census_api.settings import Settings

Cookie = Literal["census-session", "census-form", "census-sign-on"]
SESSION: Cookie = "census-session"
FORM: Cookie = "census-form"
SIGN_ON: Cookie = "census-sign-on"

FORM_TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header, not a secret
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LONGEST = 200


class FormTokenMissing(Forbidden):
    """A change that the session's cookie alone asks for."""

    code: ClassVar[str] = "form_token_missing"


def who_calls(request: Request, platform: Platform) -> Actor:
    """The caller of the API: by token, by session, or nobody.

    Raises SignInRequired for a token that is not valid, FormTokenMissing for a change by cookie alone.
    """
    address = address_of(request)
    sent = request.headers.get("authorization")
    if sent is not None:
        scheme, _, token = sent.partition(" ")
        if scheme.lower() != "bearer" or not 1 <= len(token) <= _LONGEST:
            raise SignInRequired("The Authorization header is not usable. It says Bearer, a space, and the token.")
        return actor_of_token(platform, token, address)
    actor = visitor_of(request, platform)
    if not actor.is_anonymous and request.method not in SAFE_METHODS:
        require_form_token(request, platform.settings, request.headers.get(FORM_TOKEN_HEADER, ""))
    return actor


def visitor_of(request: Request, platform: Platform) -> Actor:
    """Whose session the request's cookie names; nobody where there is none, or it has ended."""
    address, secret = address_of(request), cookie_of(request, platform.settings, SESSION)
    if secret is not None:
        try:
            return actor_of_session(platform, secret, address)
        except SignInRequired:
            pass
    return Actor(ANONYMOUS.name, address)


def address_of(request: Request) -> str | None:
    return request.client.host if request.client else None


def cookie_of(request: Request, settings: Settings, cookie: Cookie) -> str | None:
    found = request.cookies.get(_name(settings, cookie), "")
    return found if 1 <= len(found) <= _LONGEST else None


def set_cookie(answer: Response, settings: Settings, cookie: Cookie, value: str, seconds: int | None = None) -> None:
    """A cookie that no script reads and no other site's form sends; without `seconds` it goes with the browser."""
    answer.set_cookie(
        _name(settings, cookie), value, max_age=seconds, path="/", secure=settings.cookies_are_secure, httponly=True,
        samesite="lax",
    )  # fmt: skip


def drop_cookie(answer: Response, settings: Settings, cookie: Cookie) -> None:
    answer.delete_cookie(
        _name(settings, cookie), path="/", secure=settings.cookies_are_secure, httponly=True, samesite="lax"
    )


def seconds_until(moment: dt.datetime, now: dt.datetime) -> int:
    return max(0, int((moment - now).total_seconds()))


def form_token(secret: str) -> str:
    """The token that forms of the holder of a cookie carry. Who does not have the cookie cannot make it."""
    return hmac.new(secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def require_form_token(request: Request, settings: Settings, sent: str) -> None:
    """Raises FormTokenMissing unless it is the token of the session's cookie or, without one, of the form's."""
    secret = cookie_of(request, settings, SESSION) or cookie_of(request, settings, FORM)
    if secret is None or not hmac.compare_digest(form_token(secret).encode(), sent.encode("utf-8", "replace")):
        raise FormTokenMissing(
            "This did not come from a page of the census, or the page is out of date. Nothing was changed. "
            "Go back, reload the page and try again; a program sends its token in the Authorization header."
        )


def _name(settings: Settings, cookie: Cookie) -> str:
    return f"__Host-{cookie}" if settings.cookies_are_secure else cookie
