"""The description of the API, with what the framework leaves out or says in words of its own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from census_api.api.kit.bodies import describe_body, find_body
from census_api.api.kit.dependencies import is_public
from census_api.api.kit.problems import Problem

_BOUNDS = {"ge": "minimum", "le": "maximum"}


def describe_api(app: FastAPI) -> None:
    """Makes `app.openapi()` say what problems look like, which routes need a token, and what parameters really take."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        for route in iter_route_contexts(app.routes):
            for method in route.methods or ():
                operation = schema["paths"].get(route.path, {}).get(method.lower())
                if operation is not None:
                    operation.update(_read_off(route.original_route))
        for operations in schema["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _as_sent(parameter["schema"])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the description


def _read_off(route: object) -> dict[str, Any]:
    """What a route says by what it depends on: that nobody need sign in, and the body that it takes."""
    said: dict[str, Any] = {"security": []} if is_public(route) else {}
    kind = find_body(route.dependant) if isinstance(route, APIRoute) else None
    return said if kind is None else said | describe_body(kind)


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter in a request: one that is left out is not null, and null would be a word."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema = kinds[0] | {name: value for name, value in schema.items() if name != "anyOf"}
    # bounds of what a validator of ours reads come out under Python's names
    return {_BOUNDS.get(name, name): value for name, value in schema.items()}
