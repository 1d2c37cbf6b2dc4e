"""What routes ask for: the platform, who is calling, and parameters that are checked before anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator, BeforeValidator

from census_api.api.metrics import Metrics
from census_api.domain.access import Actor, authorise
from census_api.domain.errors import InvalidRequest
from census_api.services.platform import Platform

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

    from census_api.api.uploads import Room


@dataclass(frozen=True, slots=True)
class SharedState:
    """What the requests of one application have in common."""

    platform: Platform
    metrics: Metrics
    room: Room


def shared_state(request: Request) -> SharedState:
    state: SharedState = request.app.state.shared
    return state


def the_platform(request: Request) -> Platform:
    return shared_state(request).platform


def caller(request: Request) -> Actor:
    """Who calls. Raises NotFound for anybody who may not even read; what more may be done is the services' to say."""
    actor = Actor("local user", request.client.host if request.client else "")
    authorise(actor, "read")
    request.state.caller = actor
    return actor


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


def digits(most: int) -> BeforeValidator:
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
Year = Annotated[int, digits(4), Path(ge=2000, le=2999, description="The year of the collection.", examples=[2024])]
Number = Annotated[
    int, digits(9), Path(ge=1, le=999_999_999, description="The submission's number, from 1.", examples=[1])
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
Cursor = Annotated[str | None, Query(max_length=100, description="The `next` of the page before.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="1 to 200 printable ASCII characters, new for each file. Sent again with the same file, the answer "
        "is the earlier one; with another file it is refused."
    ),
]
