"""No name, number or reference of another organisation's things says anything: the answer is that to a random one.

Walks over every route, page and parameter that can name something of an organisation.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from census_api.api.kit.auth import FORM_TOKEN_HEADER, form_token
from census_api.domain.collecting.signoff import new_reference
from census_api.domain.kit.access import SYSTEM
from census_api.services.collecting import return_queries, submit
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submissions import get_report
from census_api.services.kit.platform import Platform
from census_api.services.people.tokens import list_tokens
from census_api.settings import Settings
from census_api.store.mail import queries as outbox
from tests.contracts.test_routes_and_roles import NONE, OTHER, OWN, Route, World
from tests.factories.actors import OTHER_EDITOR, OTHER_SIGNATORY, TEAM, make_actor
from tests.factories.life import ROLE, WHOLE, nil_upload
from tests.factories.people import add_person, add_token
from tests.factories.uploads import make_upload

ROLES = ("stranger", "editor", "signatory", "analyst", "pipeline")
BODIES = {
    "replies": {"text": "Yes."},
    "explanations": {"reason": "checked", "text": "It was checked with the team."},
    "sign-off": {"role": "Director", "declared": True},
    "hand-over": {"successor": str(uuid.UUID(int=9))},
}
RANDOM = {
    "account": uuid.UUID(int=11), "job": uuid.UUID(int=12), "query": uuid.UUID(int=13), "mail": uuid.UUID(int=14),
    "token": uuid.UUID(int=15), "reference": new_reference(), "finding_key": "9" * 16, "number": 7,
}  # fmt: skip
"""What a path can name of an organisation, and names nothing here."""


@dataclass(frozen=True)
class Theirs:
    """What BETA has."""

    job: uuid.UUID
    account: uuid.UUID
    token: uuid.UUID
    query: uuid.UUID
    mail: uuid.UUID
    reference: str
    finding_key: str
    number: int


@pytest.fixture
def world(platform: Platform) -> Iterator[World]:
    submit.submit_return(platform, SYSTEM, 2024, OWN, make_upload())
    world = World(platform)
    with world.client:
        yield world


@pytest.fixture
def theirs(platform: Platform) -> Theirs:
    """A return of BETA that was sent, asked about, signed, and sent again as a long file with findings."""
    account = add_person(platform, "bea", at={OTHER: ["editor", "signatory"]})
    add_token(platform, account)
    (token,) = list_tokens(platform, make_actor("bea", user_id=account))
    submit.submit_return(platform, OTHER_EDITOR, 2024, OTHER, nil_upload(OTHER))
    signed = sign_off(platform, OTHER_SIGNATORY, 2024, OTHER, 1, role=ROLE).result.sign_off
    asked = return_queries.ask_query(platform, TEAM, 2024, OTHER, WHOLE, "Is that all of them?").result
    submit.submit_return(platform, OTHER_EDITOR, 2024, OTHER, make_upload(OTHER))
    slow = replace(platform, settings=Settings(long_file_bytes=10))
    job = submit.submit_return(slow, OTHER_EDITOR, 2024, OTHER, make_upload(OTHER, headcount=11)).job
    assert job is not None
    with platform.database.transaction(SYSTEM) as session:
        mail = outbox.page_mails(session, limit=1)[0][0].id
    finding = get_report(platform, TEAM, 2024, OTHER, 2).findings[0].key
    return Theirs(job, account, token.id, asked.id, mail, signed.reference, finding, 3)


def ask(world: World, role: str, route: Route, path: str) -> Any:
    """As the role would, with a body that the route takes."""
    headers, cookies = {}, {}
    if role in world.tokens and path.startswith("/api/"):
        headers["Authorization"] = f"Bearer {world.tokens[role]}"
    else:
        secret = world.session(role)
        cookies, headers = {"census-session": secret}, {FORM_TOKEN_HEADER: form_token(secret)}
    world.client.cookies.clear()
    world.client.cookies.update(cookies)
    of_page = not path.startswith("/api/")
    data = {"form_token": headers.get(FORM_TOKEN_HEADER, "")} if route.method == "POST" and of_page else None
    body = next((body for word, body in BODIES.items() if f"/{word}" in path), {})
    json = body if data is None and route.method in ("POST", "PUT") else None
    return world.client.request(route.method, path, headers=headers, data=data, json=json)


def said(answer: Any, *values: str) -> tuple[int, str, tuple[str, ...]]:
    """An answer, without what was asked for and what is new each time."""
    text = answer.text.replace(answer.headers["x-request-id"], "")
    text = re.sub('name="(form_token|once)" value="[^"]+"', "", text)
    for value in values:
        text = re.sub(rf"\b{re.escape(value)}\b", "…", text)
    return answer.status_code, text, tuple(sorted(set(answer.headers) - {"content-length"}))


def aimed(route: Route, organisation: str, things: Mapping[str, object]) -> str:
    """The address of the route with these things in it."""
    fixed = {
        "role": "editor" if "members" in route.path else "analyst",
        "change": "enable",
        "organisation": organisation,
    }
    values = {field.alias: "x" for field in route.dependant.path_params} | {"year": "2024"}
    return route.path.format(**{**values, **fixed, **things})


def each_role_and(routes: Iterable[Route]) -> Iterator[tuple[str, Route]]:
    return itertools.product(ROLES, routes)


def of_things(world: World) -> list[Route]:
    return [route for route in world.routes() if names_of(route) & set(RANDOM)]


def names_of(route: Route) -> set[str]:
    return {field.alias for field in route.dependant.path_params}


def test_their_things_are_not_there(world: World, theirs: Theirs) -> None:
    """What belongs to BETA, asked for by itself or as if it were ALPHA's."""
    things = asdict(theirs)
    for role, route in each_role_and(of_things(world)):
        named = names_of(route) & set(RANDOM)
        real = ask(world, role, route, aimed(route, OWN, things))
        random = ask(world, role, route, aimed(route, OWN, RANDOM))
        # a page may say in its own words that there is no such thing
        least = 300 if route.path.startswith("/api/") else 200
        assert least <= real.status_code < 500, (role, route.method, route.path, real.text)
        shown = [[str(values[name]) for name in named] for values in (things, RANDOM)]
        assert said(real, *shown[0]) == said(random, *shown[1]), (role, route.method, route.path)


def test_they_are_not_there_where_they_are(world: World, theirs: Theirs) -> None:
    """What belongs to BETA, asked for at BETA, against what does not exist at an organisation that does not exist."""
    things = asdict(theirs)
    for role, route in each_role_and(of_things(world)):
        if "organisation" in names_of(route):
            real = ask(world, role, route, aimed(route, OTHER, things))
            random = ask(world, role, route, aimed(route, NONE, RANDOM))
            assert real.status_code == 404, (role, route.method, route.path, real.text)
            hidden = [str(value) for value in (*things.values(), *RANDOM.values())]
            assert said(real, OTHER, *hidden) == said(random, NONE, *hidden), (role, route.method, route.path)


def test_jobs_and_receipts_answer_404(world: World, theirs: Theirs) -> None:
    for name in ("/api/v1/jobs/{job}", "/api/v1/receipts/{reference}", "/receipts/{reference}"):
        (found,) = (route for route in world.routes() if route.path == name and route.method == "GET")
        for role, route in each_role_and([found]):
            assert ask(world, role, route, aimed(route, OWN, asdict(theirs))).status_code == 404


def test_their_code_in_a_query_names_nobody(world: World, theirs: Theirs) -> None:
    asked = [route for route in world.routes() if "organisation" in {f.alias for f in route.dependant.query_params}]
    assert asked
    for role, route in each_role_and(asked):
        path = aimed(route, OWN, RANDOM)
        real, random = (ask(world, role, route, f"{path}?organisation={code}") for code in (OTHER, NONE))
        assert said(real, OTHER) == said(random, NONE), (role, route.method, route.path)
        # who looks at no single return may read lists that lead past it
        assert real.status_code >= 300 or role == "analyst", (role, route.path, real.text)


def test_there_is_something_to_find(world: World, theirs: Theirs) -> None:
    """The census team finds all of it, so that the silence above is not that of an empty house."""
    found = []
    for route in of_things(world):
        if route.method == "GET" and route.path.startswith("/api/") and "account" not in names_of(route):
            found.append(
                ask(world, "census_team", route, aimed(route, OTHER, asdict(theirs) | {"number": 2})).status_code
            )
    assert found.count(200) >= 8, found
