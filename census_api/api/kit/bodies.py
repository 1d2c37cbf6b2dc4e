"""Small JSON bodies: read whole within a limit, strictly, and never said back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import anyio
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, ConfigDict, ValidationError

from census_api.api.kit.problems import TooSlow, WrongMediaType
from census_api.domain.kit.errors import InvalidRequest, TooLarge

MOST_BYTES = 64_000
IDLE_SECONDS = 30.0


class Body(BaseModel):
    """A body that a route takes: nothing but its fields, in the types of JSON."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Kind = TypeVar("Kind", bound=Body)


class JsonBody(Generic[Kind]):
    """The dependency that reads a body of this kind. No body at all is one without any field.

    It raises WrongMediaType, TooLarge, TooSlow, or InvalidRequest naming the fields that are wrong.
    """

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind

    async def __call__(self, request: Request) -> Kind:
        data = await read_whole(request)
        if data:
            _refuse_other_kinds(request)
        return _parsed(self.kind, data or b"{}")


if TYPE_CHECKING:
    BodyOf = Annotated[Kind, "read from the request"]
    """The type of the parameter that takes the body of a request: `body: BodyOf[ReasonBody]`. All that a route says."""
else:

    class BodyOf:
        def __class_getitem__(cls, kind: type[Body]) -> Any:
            return Annotated[kind, Depends(JsonBody(kind))]


def find_body(dependant: Dependant) -> type[Body] | None:
    """The kind of body that a route takes by `BodyOf`."""
    return next((inner.call.kind for inner in dependant.dependencies if isinstance(inner.call, JsonBody)), None)


def describe_body(kind: type[Body]) -> dict[str, Any]:
    """What OpenAPI says about a body of this kind, with what it is made of at its place."""
    schema = kind.model_json_schema()
    whole = _put_in_place(schema, schema.pop("$defs", {}))
    required = bool(schema.get("required"))
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": whole}}}}


def _put_in_place(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_put_in_place(entry, parts) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _put_in_place(parts[schema["$ref"].rpartition("/")[2]], parts)
    # a default of null says no more than that a field may be left out
    return {name: _put_in_place(entry, parts) for name, entry in schema.items() if entry is not None}


async def read_whole(request: Request) -> bytes:
    too_large = TooLarge(f"The body has more than the {MOST_BYTES:,} bytes that can be sent here.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > MOST_BYTES:
        raise too_large
    data = bytearray()
    try:
        with anyio.fail_after(IDLE_SECONDS):
            async for piece in request.stream():
                data += piece
                if len(data) > MOST_BYTES:
                    raise too_large
    except TimeoutError:
        raise TooSlow("The body stopped before it was whole. Nothing was changed. Please send it again.") from None
    return bytes(data)


def _refuse_other_kinds(request: Request) -> None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType("The body is of a kind that is not taken here. Send application/json.")


def _parsed(kind: type[Kind], data: bytes) -> Kind:
    try:
        json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_constant)
        return kind.model_validate_json(data)
    except ValidationError as problem:
        raise InvalidRequest(_sentences(kind, problem)) from None
    except (ValueError, RecursionError):
        raise InvalidRequest(
            "The body is not JSON that can be read. Send one object, each of its names once."
        ) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a name stands twice")
    return tree


def _constant(name: str) -> None:
    raise ValueError(name)


def _sentences(kind: type[Body], problem: ValidationError) -> str:
    """One sentence a field: its name and what is allowed. Never what was sent, not even the name of a field."""
    known = kind.model_fields
    sentences = []
    for entry in problem.errors(include_input=False, include_url=False, include_context=False):
        name = str(entry["loc"][0]) if entry["loc"] else ""
        if name not in known:
            sentences.append(f"The body is one object with the fields {', '.join(known)}.")
        elif entry["type"] == "missing":
            sentences.append(f"The field {name} is required.")
        else:
            message = str(entry["msg"]).removeprefix("Value error, ").removeprefix("Input ")
            sentences.append(f"The field {name} is not usable: it {message[:1].lower()}{message[1:]}.")
    return " ".join(dict.fromkeys(sentences))
