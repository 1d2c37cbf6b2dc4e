"""Every route x every role x (own organisation, another one, one that does not exist): a table that is checked in.

Outcomes: 401 sign in, 403 not allowed, 404 may not know of it, ok let through (whatever is said behind the door).
After a route that is meant: `UPDATE_ROUTES=1 ./census test tests/contracts/test_routes_and_roles.py`, then read the diff.
"""

from __future__ import annotations

import csv
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from census_api.api.kit.auth import FORM_TOKEN_HEADER, form_token
from census_api.api.kit.dependencies import ActionDoor, EveryoneDoor, SignedInDoor, find_declared
from census_api.app import create_app
from census_api.domain.kit.access import ANONYMOUS, SYSTEM, Action, Actor, is_allowed
from census_api.services.collecting import submit
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, sessions, tokens
from census_api.store.people import queries as people
from tests.factories.calling import make_client
from tests.factories.people import add_person, add_token
from tests.factories.uploads import make_upload

TABLE = Path(__file__).with_name("routes_and_roles.csv")
COLUMNS = ("method", "path", "for", "role", "own", "other", "none")
OWN, OTHER, NONE = "ALPHA", "BETA", "NOBODY"
ROLES = (
    "nobody", "disabled", "stranger", "editor", "signatory", "analyst", "pipeline", "pipeline without scope",
    "census_team", "administrator",
)  # fmt: skip
VALUES = {"year": "2024", "number": "1", "finding_key": "0" * 16, "change": "enable", "secret": "x", "name": "x"}
NOT_SAID = "There is no organisation"


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    door: ActionDoor | SignedInDoor | EveryoneDoor | None
    dependant: Any

    @property
    def opens_for(self) -> str:
        return self.door.action if isinstance(self.door, ActionDoor) else type(self.door).__name__.removesuffix("Door")

    def address(self, organisation: str, spare: uuid.UUID) -> str:
        values = {**VALUES, "organisation": organisation, "account": str(spare)}
        for field in self.dependant.path_params:
            is_number = field.field_info.annotation is uuid.UUID
            values.setdefault(field.alias, str(uuid.UUID(int=7)) if is_number else "x")
        values["role"] = "editor" if "members" in self.path else "analyst"
        return self.path.format(**values)


@pytest.fixture
def world(platform: Platform) -> Iterator[World]:
    for code in (OWN, OTHER):
        submit.submit_return(platform, SYSTEM, 2024, code, make_upload())
    world = World(platform)
    with world.client:
        yield world


class World:
    """One platform, one application on it, and somebody of each role."""

    def __init__(self, platform: Platform) -> None:
        self.platform = replace(platform, settings=platform.settings.model_copy(update={"mode": "demo"}))
        self.app = create_app(self.platform)
        self.client = make_client(self.app, raises=False)
        self.people = {
            "stranger": add_person(platform, "stranger"),
            "disabled": add_person(platform, "disabled", "census_team", "administrator"),
            "editor": add_person(platform, "editor", at={OWN: ["editor"]}),
            "signatory": add_person(platform, "signatory", at={OWN: ["editor", "signatory"]}),
            "analyst": add_person(platform, "analyst", "analyst"),
            "pipeline": add_person(platform, "pipeline", "pipeline"),
            "census_team": add_person(platform, "team", "census_team"),
            "administrator": add_person(platform, "administrator", "administrator"),
        }
        self.spare = add_person(platform, "spare", at={OWN: ["editor"]})
        self.tokens = {
            "pipeline": add_token(platform, self.people["pipeline"]),
            "pipeline without scope": add_token(platform, self.people["pipeline"], ["frame.manage"]),
            "disabled": add_token(platform, self.people["disabled"]),
        }
        self.disabled_session = self.session("disabled")
        self.kept = {"disabled": self.disabled_session}
        accounts.disable_account(platform, SYSTEM, self.people["disabled"])

    def routes(self) -> list[Route]:
        found = []
        for context in iter_route_contexts(self.app.routes):
            assert isinstance(context.original_route, APIRoute)
            assert context.path is not None
            dependant = context.original_route.dependant
            for method in sorted((context.methods or set()) - {"HEAD"}):
                found.append(Route(method, context.path, find_declared(dependant), dependant))
        return sorted(found, key=lambda route: (route.path, route.method))

    def session(self, role: str) -> str:
        with self.platform.database.transaction() as session:
            row = people.find_account(session, self.people[role])
            assert row is not None
            return sessions.begin_session(session, self.platform, row, None, "a test").secret

    def browser(self, role: str, *, lasting: bool) -> str:
        """The secret of a session of the role: some pages end it, the others share one."""
        if role == "nobody":
            return "nobody"
        key = role.removesuffix(" without scope")
        if not lasting:
            return self.disabled_session if key == "disabled" else self.session(key)
        return self.kept.setdefault(key, self.session(key) if key not in self.kept else "")

    def actor(self, role: str) -> Actor:
        if role in ("nobody", "disabled"):
            return ANONYMOUS
        if role in self.tokens:
            return tokens.actor_of_token(self.platform, self.tokens[role], None)
        return sessions.actor_of_session(self.platform, self.session(role), None)

    def call(self, route: Route, role: str, organisation: str) -> Any:
        """As the role would: a program by its token, a person by a session and the token of its forms."""
        headers, cookies = {}, {}
        of_api = route.path.startswith("/api/")
        if role in self.tokens and of_api:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        else:
            secret = self.browser(role, lasting=of_api or route.method == "GET")
            cookies = {"census-session": secret}
            headers[FORM_TOKEN_HEADER] = form_token(secret)
        data = {"form_token": headers.get(FORM_TOKEN_HEADER, "")} if route.method == "POST" and not of_api else None
        self.client.cookies.clear()
        self.client.cookies.update(cookies)
        address = route.address(organisation, self.spare)
        return self.client.request(route.method, address, headers=headers, data=data)

    def outcome(self, route: Route, role: str, organisation: str) -> str:
        answer = self.call(route, role, organisation)
        assert answer.status_code < 500, (route.method, route.path, role, organisation, answer.text)
        if isinstance(route.door, EveryoneDoor):
            return "ok"
        if answer.status_code == 404:
            return "404" if NOT_SAID in answer.text else "ok"
        return str(answer.status_code) if answer.status_code in (401, 403) else "ok"

    def row(self, route: Route, role: str) -> dict[str, str]:
        named = "{organisation}" in route.path
        return {
            "method": route.method,
            "path": route.path,
            "for": route.opens_for,
            "role": role,
            "own": self.outcome(route, role, OWN),
            "other": self.outcome(route, role, OTHER) if named else "-",
            "none": self.outcome(route, role, NONE) if named else "-",
        }


def written() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def renew_table(world: World) -> None:
    """Takes rows of routes that are gone out, and writes those of new ones as they answer now: read them in the diff."""
    routes = {(route.method, route.path): route for route in world.routes()}
    rows = [row for row in written() if (row["method"], row["path"]) in routes]
    listed = {(row["method"], row["path"]) for row in rows}
    rows += [world.row(route, role) for at, route in routes.items() if at not in listed for role in ROLES]
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def test_every_route_says_who_may_call_it(world: World) -> None:
    silent = [(route.method, route.path) for route in world.routes() if route.door is None]
    assert silent == []


def test_every_route_and_role_is_in_the_table(world: World) -> None:
    if os.environ.get("UPDATE_ROUTES"):
        renew_table(world)
    listed = {(row["method"], row["path"], row["role"]) for row in written()}
    there = {(route.method, route.path, role) for route in world.routes() for role in ROLES}
    assert sorted(there - listed) == []
    assert sorted(listed - there) == []


def test_every_route_answers_every_role_as_the_table_says(world: World) -> None:
    expected = {(row["method"], row["path"], row["role"]): row for row in written()}
    wrong = []
    for route in world.routes():
        for role in ROLES:
            found = world.row(route, role)
            if found != expected[route.method, route.path, role]:
                wrong.append(found)
    assert wrong == []


def test_the_table_says_what_the_policy_says(world: World) -> None:
    """What the doors ask is the policy's; what stands behind some doors asks more, never less."""
    doors = {(route.method, route.path): route.door for route in world.routes()}
    actors = {role: world.actor(role) for role in ROLES}
    for row in written():
        door, actor = doors[row["method"], row["path"]], actors[row["role"]]
        for column, organisation in (("own", OWN), ("other", OTHER), ("none", NONE)):
            if row[column] == "-" or isinstance(door, EveryoneDoor):
                continue
            named = organisation if "{organisation}" in row["path"] else None
            if row["role"] == "disabled" and row["path"].startswith("/api/"):
                # whose token is not valid is nobody, not even where everybody may
                assert row[column] == "401", row
            else:
                assert row[column] in said_by_policy(door, actor, named), row


def said_by_policy(
    door: ActionDoor | SignedInDoor | EveryoneDoor | None, actor: Actor, organisation: str | None
) -> set[str]:
    if actor.is_anonymous and not (isinstance(door, ActionDoor) and door.action == "collection.read"):
        return {"401"}
    if isinstance(door, SignedInDoor):
        return {"ok", "403"}
    assert isinstance(door, ActionDoor)
    action: Action = door.action
    if is_allowed(actor, action, organisation):
        # an organisation that is not there is not there for the team either
        return {"ok", "403"} if organisation != NONE else {"404", "ok"}
    return {"403"} if organisation is None or actor.knows(organisation) else {"404"}


def test_another_organisation_looks_like_one_that_is_not_there(world: World) -> None:
    for route in world.routes():
        if "{organisation}" not in route.path:
            continue
        for role in ("stranger", "editor", "signatory", "analyst", "pipeline"):
            other, none = (world.call(route, role, organisation) for organisation in (OTHER, NONE))
            assert other.status_code == none.status_code == 404, (route.path, role)
            assert said(other, OTHER) == said(none, NONE)
            assert set(other.headers) == set(none.headers)


def said(answer: Any, organisation: str) -> str:
    return str(answer.text).replace(organisation, "CODE").replace(answer.headers["x-request-id"], "")
