"""The API's description is committed: a change of the interface is a change that somebody sees.

After a change that is meant: `UPDATE_OPENAPI=1 ./census test tests/contracts/test_openapi.py`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from census_api.api.kit.bodies import Body, describe_body, find_body
from census_api.app import create_app
from census_api.intake.sandbox import Sandbox
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.session import connect_database

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    with Platform(connect_database("postgresql+psycopg://nobody@/none"), Sandbox(), Settings()) as platform:
        return create_app(platform).openapi()


def test_the_description_is_the_committed_one(description: dict[str, Any]) -> None:
    text = json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        SNAPSHOT.write_text(text, "utf-8")
    assert text == SNAPSHOT.read_text("utf-8")


def test_it_is_openapi_3_1_and_whole(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    schemas = description["components"]["schemas"]
    for reference in set(_references(description)):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_every_operation_says_what_can_go_wrong_and_is_described(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert operation["description"].endswith("."), path
            if path.startswith("/api"):
                assert "application/problem+json" in operation["responses"]["422"]["content"]
            assert "HTTPValidationError" not in json.dumps(operation)


def _references(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        found = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        return found + [reference for value in tree.values() for reference in _references(value)]
    return [reference for value in tree for reference in _references(value)] if isinstance(tree, list) else []


def test_a_body_is_said_once_by_its_type_and_only_files_are_described_by_hand() -> None:
    with Platform(connect_database("postgresql+psycopg://nobody@/none"), Sandbox(), Settings()) as platform:
        routes = [
            (context.path, context.original_route)
            for context in iter_route_contexts(create_app(platform).routes)
            if (context.path or "").startswith("/api/") and isinstance(context.original_route, APIRoute)
        ]
    by_hand = {path for path, route in routes if "requestBody" in (route.openapi_extra or {})}
    assert by_hand == {
        "/api/v1/collections/{year}/check",
        "/api/v1/collections/{year}/returns/{organisation}/submissions",
        "/api/v1/frame/{year}",
        "/api/v1/organisations",
    }
    assert [path for path, route in routes if route.body_field is not None] == []
    assert len([path for path, route in routes if find_body(route.dependant) is not None]) >= 20


def test_what_a_body_is_made_of_stands_at_its_place() -> None:
    class Part(Body):
        code: str | None = None

    class Whole(Body):
        first: Part
        others: list[Part]

    schema = describe_body(Whole)["requestBody"]["content"]["application/json"]["schema"]
    part = Part.model_json_schema()
    del part["properties"]["code"]["default"]
    assert schema["properties"]["first"] == part
    assert schema["properties"]["others"]["items"] == part
    assert "$defs" not in schema
