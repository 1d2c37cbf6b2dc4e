"""What every page needs: who looks at it, a form token, and the way to the next page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Query, Request, Response

from census_api.api.kit.auth import (
    FORM,
    SESSION,
    address_of,
    cookie_of,
    drop_cookie,
    form_token,
    require_form_token,
    seconds_until,
    set_cookie,
)
from census_api.api.kit.bodies import read_whole
from census_api.api.kit.dependencies import Caller, ThePlatform
from census_api.api.kit.problems import WrongMediaType
from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import CensusError, InvalidRequest
from census_api.domain.people import new_secret
from census_api.services.kit.platform import Platform, end_view, open_view
from census_api.services.people.sessions import OpenedSession
from census_api.web.kit.navigation import list_navigation
from census_api.web.kit.rendering import render_page

TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field, not a secret
_MOST_FIELDS = 100
CursorQuery = Annotated[str | None, Query(max_length=500)]
"""Where a page of a list begins. Whatever is no cursor of ours is refused by who reads it."""
_OWN_PAGE = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~%?=&-]*")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page."""

    request: Request
    platform: Platform
    actor: Actor

    @property
    def address(self) -> str | None:
        return address_of(self.request)

    @property
    def base(self) -> str:
        """The address that people use for the platform, without a slash at its end."""
        return self.platform.settings.public_url or str(self.request.base_url).rstrip("/")

    def session(self) -> str | None:
        """The secret of the browser's session, of whoever it is and whether or not it has ended."""
        return cookie_of(self.request, self.platform.settings, SESSION)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page with what all pages show, whose forms carry the token of this browser."""
        # everything has been read: nobody waits for the connection while the page is written
        end_view(self.platform)
        settings = self.platform.settings
        secret = self.session() or cookie_of(self.request, settings, FORM)
        made = secret or new_secret()
        answer = render_page(
            template,
            status,
            demo=settings.mode == "demo",
            visitor=None if self.actor.is_anonymous else self.actor.name,
            navigation=list_navigation(self.actor, self.request.url.path),
            form_token=form_token(made),
            **{"errors": {}, **values},
        )
        if secret is None:
            set_cookie(answer, settings, FORM, made)
        return answer

    def refused(self, template: str, error: CensusError, status: int, at: str, **values: Any) -> Response:
        """The page with its form again, saying first what is wrong; `at` is the field that it is about."""
        return self.page(template, status, **values, errors={at: error.message})

    def go(self, path: str) -> Response:
        """To another page of ours, by GET."""
        return Response(status_code=303, headers={"Location": path})

    def let_in(self, opened: OpenedSession, path: str) -> Response:
        """To a page of ours, with the session that has just begun."""
        settings = self.platform.settings
        answer = self.go("/sign-in/code" if opened.waits_for_second_factor else path)
        until = seconds_until(opened.ends_at, self.platform.clock())
        set_cookie(answer, settings, SESSION, opened.secret, until)
        drop_cookie(answer, settings, FORM)
        return answer


def open_visit(request: Request, platform: ThePlatform, caller: Caller) -> Iterator[Visit]:
    """A visit. A page that is asked for, and changes nothing, is read in one transaction: it never shows two states."""
    if request.method != "GET":
        yield Visit(request, platform, caller)
        return
    with open_view(platform) as seen:
        yield Visit(request, seen, caller)


TheVisit = Annotated[Visit, Depends(open_visit, scope="function")]


@dataclass(frozen=True, slots=True)
class PostedForm:
    """What was typed into a form of ours."""

    values: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


async def read_form(request: Request, platform: ThePlatform) -> PostedForm:
    """The fields of a form that a page of ours sent.

    Raises FormTokenMissing for any other form, WrongMediaType, TooLarge, InvalidRequest for a field given twice.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise WrongMediaType("This page takes its own form only. Go back and use the form.")
    data = await read_whole(request)
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequest("The form could not be read. Go back, reload the page and fill it in again.") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidRequest("The form holds a field twice. Go back, reload the page and fill it in again.")
    require_form_token(request, platform.settings, values.pop(TOKEN_FIELD, ""))
    return PostedForm(values)


ThePosted = Annotated[PostedForm, Depends(read_form)]


def own_page(path: str, otherwise: str = "/") -> str:
    """The path where it is one of this platform; anything that could lead elsewhere is not."""
    return path if len(path) <= 500 and _OWN_PAGE.fullmatch(path) else otherwise
