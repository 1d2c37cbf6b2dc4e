"""Everything that goes wrong, as RFC 9457 problems: a stable code, a sentence for people, and a reference."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from census_api.api.kit.answers import json_bytes
from census_api.domain.kit import errors
from census_api.domain.kit.errors import CensusError, Refused

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 10
_FAULT = (
    "Something went wrong on the platform's side, not yours, and nothing was stored. Please try again; if it happens "
    "twice, give the reference to the census team."
)


class WrongMediaType(CensusError):
    """A body of a kind that the route does not take."""

    code: ClassVar[str] = "unsupported_media_type"


class MalformedUpload(CensusError):
    """A form that does not hold exactly one whole file."""

    code: ClassVar[str] = "malformed_upload"


class TooSlow(CensusError):
    """A body that stopped arriving."""

    code: ClassVar[str] = "upload_too_slow"


class WrongHost(CensusError):
    """A request for another machine's name: a page elsewhere may have had its own name point here."""

    code: ClassVar[str] = "wrong_host"


class CrossSite(CensusError):
    """A change that a page of another site asks for in the visitor's browser."""

    code: ClassVar[str] = "cross_site"


STATUS: dict[type[CensusError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.SignInRequired: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    WrongMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    MalformedUpload: HTTPStatus.BAD_REQUEST,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    WrongHost: HTTPStatus.MISDIRECTED_REQUEST,
    CrossSite: HTTPStatus.FORBIDDEN,
}
"""The status of each error. Anything else is a fault of ours: 500."""

_ROUTING = {
    404: ("no_such_page", "There is nothing at this address. The addresses are listed in /api/v1/openapi.json."),
    405: ("method_not_allowed", "This address does not take that method. The Allow header says which it takes."),
}


class Problem(BaseModel):
    """An error. `code` is stable, `detail` is for people, `reference` finds the request in the platform's log."""

    type: str = Field("about:blank", description="Always about:blank: `code` says which problem it is.")
    title: str = Field(description="The HTTP status in words.")
    status: int
    detail: str = Field(description="What is wrong, where, and what to do next.")
    code: str = Field(description="Stable: programs may depend on it.")
    reference: str = Field(description="The same as the X-Request-ID header.")


Responses = dict[int | str, dict[str, Any]]
"""What OpenAPI says about answers, by status."""


def document_problems(*statuses: int, only: Collection[int] = ()) -> Responses:
    """The `responses` of a route for OpenAPI: these problems, and those that every route of the API can have.

    Routes outside the API have `only` some.
    """
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(only or {*statuses, 401, 403, 404, 422, 503})
    }


def answer_problem(
    status: int, code: str, detail: str, reference: str, headers: dict[str, str] | None = None
) -> Response:
    """The answer that carries a problem."""
    title = HTTPStatus(status).phrase
    body = Problem(title=title, status=status, detail=detail, code=code, reference=reference, type="about:blank")
    return Response(json_bytes(body.model_dump()), status, headers, PROBLEM_TYPE)


def of_error(error: CensusError, reference: str) -> Response:
    """The problem of an error that the platform raised on purpose."""
    status = status_of(error)
    if status is None:
        return of_fault(error, reference)
    code = error.reason if isinstance(error, Refused) else error.code
    return answer_problem(status, code, error.message, reference, headers_of(error, status))


def status_of(error: CensusError) -> int | None:
    """The status of an error that the platform raised on purpose; None for what is a fault of ours."""
    return next((STATUS[kind].value for kind in type(error).__mro__ if kind in STATUS), None)


def headers_of(error: CensusError, status: int) -> dict[str, str] | None:
    """What the caller is told beside the problem: when to try again, and how to say who they are."""
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(error.seconds)}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="census"'}
    return {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None


def of_fault(error: Exception, reference: str) -> Response:
    """The problem of an error that nobody foresaw. Its places are logged, not its text, which may quote a return."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("unexpected_error", kind=type(error).__name__, places=places)
    return answer_problem(500, "internal_error", _FAULT, reference)


def reference_of(request: Request) -> str:
    return str(request.scope.get("census.reference", ""))


def register_handlers(app: FastAPI) -> None:
    """Makes every error of the app a problem."""

    @app.exception_handler(CensusError)
    def census_error(request: Request, error: CensusError) -> Response:
        return of_error(error, reference_of(request))

    @app.exception_handler(HTTPException)
    def routing_error(request: Request, error: HTTPException) -> Response:
        code, detail = _ROUTING.get(error.status_code, ("http_error", HTTPStatus(error.status_code).phrase + "."))
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(sorted(_methods_at(request)))
        return answer_problem(error.status_code, code, detail, reference_of(request), headers)

    @app.exception_handler(RequestValidationError)
    def wrong_parameter(request: Request, error: RequestValidationError) -> Response:
        return answer_problem(422, errors.InvalidRequest.code, _allowed(error), reference_of(request))

    @app.exception_handler(ClientDisconnect)
    def cut_off(request: Request, _: ClientDisconnect) -> Response:
        # nobody is there to read it, but the log and the metrics say what happened
        return answer_problem(
            400, "cut_off", "The upload ended before it was whole. Nothing was stored.", reference_of(request)
        )


def _methods_at(request: Request) -> set[str]:
    """What the address takes: each method of it is a route of its own, and the router names the first one's only."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


def _allowed(error: RequestValidationError) -> str:
    """One sentence a parameter: its name and what is allowed. Never what was sent."""
    sentences = []
    for entry in error.errors():
        where, *names = (str(part) for part in entry["loc"])
        message = str(entry["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        sentences.append(f"The {where} parameter {' '.join(names)[:60]} is not usable: it {_clause(message)}.")
    return " ".join(dict.fromkeys(sentences))


def _clause(message: str) -> str:
    if message == "Field required":
        return "is required"
    return "should be a UUID" if "UUID" in message else message[:1].lower() + message[1:].rstrip(".")
