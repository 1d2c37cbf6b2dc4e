"""What routes ask for: the platform, who is calling, and parameters that are checked before anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BeforeValidator

from census_api.api.kit.auth import visitor_of, who_calls
from census_api.api.kit.metrics import Metrics
from census_api.domain.kit.access import ANONYMOUS, Action, Actor, authorise, is_allowed
from census_api.domain.kit.errors import Forbidden, InvalidRequest, SignInRequired
from census_api.domain.kit.paging import CURSOR, KEY_CURSOR
from census_api.services.kit.platform import Platform

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

    from census_api.api.kit.upload_room import UploadRoom


@dataclass(frozen=True, slots=True)
class SharedState:
    """What the requests of one application have in common."""

    platform: Platform
    metrics: Metrics
    room: UploadRoom


def shared_state(request: Request) -> SharedState:
    state: SharedState = request.app.state.shared
    return state


def the_platform(request: Request) -> Platform:
    return shared_state(request).platform


class ActionDoor:
    """What a route is for. At the door of every route: who may not do it there is told so before anything is read.

    A route whose path names an organisation asks about that organisation.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, request: Request, platform: ThePlatform) -> None:
        authorise(caller(request, platform), self.action, request.path_params.get("organisation"))


class SignedInDoor:
    """The door of routes about the caller's own account: anybody who has signed in."""

    def __call__(self, request: Request, platform: ThePlatform) -> None:
        if caller(request, platform).is_anonymous:
            raise SignInRequired("Sign in to do this. A program sends its token in the Authorization header.")


class EveryoneDoor:
    """The door of what belongs to nobody: signing in, pictures, health."""

    async def __call__(self) -> None:
        """Lets everybody in, and asks the database nothing."""


def may(action: Action) -> Any:
    """For the `dependencies` of a route: the action that it is for."""
    return Depends(ActionDoor(action))


def signed_in() -> Any:
    """For the `dependencies` of a route that is about the caller alone."""
    return Depends(SignedInDoor())


def everyone() -> Any:
    """For the `dependencies` of a route that is open to everybody."""
    return Depends(EveryoneDoor())


def find_declared(dependant: Dependant) -> ActionDoor | SignedInDoor | EveryoneDoor | None:
    """What a route says about who may call it."""
    doors = (ActionDoor, SignedInDoor, EveryoneDoor)
    return next((inner.call for inner in dependant.dependencies if isinstance(inner.call, doors)), None)


def is_public(route: object) -> bool:
    """Whether who has not signed in may call the route."""
    door = find_declared(route.dependant) if isinstance(route, APIRoute) else None
    return isinstance(door, EveryoneDoor) or (isinstance(door, ActionDoor) and is_allowed(ANONYMOUS, door.action))


async def declared_only(request: Request) -> None:
    """For the `dependencies` of a router: what does not say who may call it is for nobody."""
    if find_declared(request.scope["route"].dependant) is None:
        raise Forbidden("Nobody has said who may do this, so nobody may. Tell the people who run the platform.")


def caller(request: Request, platform: ThePlatform) -> Actor:
    """Who calls, found once a request: pages go by the cookie alone, the API takes tokens too.

    Raises SignInRequired for a token that is not valid.
    """
    found: Actor | None = getattr(request.state, "actor", None)
    if found is None:
        of_api = request.url.path.startswith("/api/")
        found = request.state.actor = (who_calls if of_api else visitor_of)(request, platform)
        # the log names the account, by its number alone
        request.scope["census.actor"] = None if found.user_id is None else str(found.user_id)
    return found


def known_parameters_only(request: Request) -> None:
    """A parameter that is silently not read is worse than one that is refused."""
    route: Any = request.scope["route"]
    known = _query_names(route.dependant)
    if any(name not in known for name in request.query_params):
        may_be = f"The parameters are {', '.join(sorted(known))}." if known else "It takes none."
        raise InvalidRequest(f"There is a query parameter that this address does not have. {may_be}")


def _query_names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))


def limit_digits(most: int) -> BeforeValidator:
    """Whole numbers in plain digits: Python's own reading would take 1_0, ٣ and 2.0 as well."""

    def check(value: object) -> int:
        if isinstance(value, int):
            return value
        if not isinstance(value, str) or not re.fullmatch(f"[0-9]{{1,{most}}}", value):
            raise ValueError(f"must be a whole number of at most {most} digits")
        return int(value)

    return BeforeValidator(check, json_schema_input_type=int)


def _organisation_code(code: str) -> str:
    if not re.fullmatch(_CODE, code):
        raise ValueError("must be 1 to 40 letters, digits, points, hyphens and underscores, as in your invitation")
    return code


_CODE = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}"
_SHAPE: dict[str, Any] = {"json_schema_extra": {"pattern": f"^{_CODE}$"}}

ThePlatform = Annotated[Platform, Depends(the_platform)]
Shared = Annotated[SharedState, Depends(shared_state)]
Caller = Annotated[Actor, Depends(caller)]
Year = Annotated[
    int, limit_digits(4), Path(ge=2000, le=2999, description="The year of the collection.", examples=[2024])
]
Number = Annotated[
    int, limit_digits(9), Path(ge=1, le=999_999_999, description="The submission's number, from 1.", examples=[1])
]

OrganisationCode = Annotated[
    str,
    AfterValidator(_organisation_code),
    Path(description="The organisation's code in the register.", examples=["DEMO-CLEAN"], **_SHAPE),
]
OrganisationQuery = Annotated[
    Annotated[str, AfterValidator(_organisation_code)] | None,
    Query(description="The organisation's code in the register.", examples=["DEMO-CLEAN"], **_SHAPE),
]
Cursor = Annotated[
    str | None,
    Query(description="The `next` of the page before.", json_schema_extra={"pattern": f"^{CURSOR}$"}),
]
KeyCursor = Annotated[
    str | None,
    Query(description="The `next` of the page before.", json_schema_extra={"pattern": f"^{KEY_CURSOR}$"}),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="1 to 200 printable ASCII characters, new for each file. Sent again with the same file, the answer "
        "is the earlier one; with another file it is refused.",
        json_schema_extra={"pattern": "^[!-~]([ -~]{0,198}[!-~])?$"},
    ),
]


def limit_up_to(largest: int) -> Any:
    """The type of the parameter `limit`."""
    return Annotated[int, limit_digits(6), Query(ge=1, le=largest, description=f"How many to show, 1 to {largest}.")]


SnapshotText = Annotated[
    str,
    Path(
        max_length=40,
        description="The snapshot's UUID, a year (its latest frozen revision), or a year and a revision: 2024.2.",
        examples=["2024"],
    ),
]
