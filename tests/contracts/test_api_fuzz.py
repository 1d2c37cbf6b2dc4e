"""The API against what its own description allows and forbids, by schemathesis, with all of its checks, as each role.

The short run, the same requests every time, is part of the tests. A long one with chance in it:
`CENSUS_FUZZ_EXAMPLES=100 ./census test tests/contracts/test_api_fuzz.py -n 0 -s` (so many requests an operation and role;
`CENSUS_FUZZ_SEED` repeats one).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import schemathesis
import structlog
from schemathesis.engine import events, from_schema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from census_api.api.kit.auth import FORM_TOKEN_HEADER, form_token
from census_api.app import create_app
from census_api.domain.kit.access import SYSTEM, MemberRole, PlatformRole
from census_api.domain.kit.errors import SignInRequired
from census_api.domain.kit.paging import KEY_CURSOR
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, sessions
from census_api.store.people import queries as people
from tests.api.serving import served
from tests.factories.life import BRING_TO
from tests.factories.people import add_person, add_token
from tests.factories.uploads import make_upload

ROLES = ("nobody", "editor", "signatory", "analyst", "pipeline", "census_team", "administrator")
_AT_ALPHA: dict[str, tuple[MemberRole, ...]] = {"editor": ("editor",), "signatory": ("editor", "signatory")}
_ON_THE_PLATFORM: dict[str, tuple[PlatformRole, ...]] = {
    "analyst": ("analyst",),
    "pipeline": ("pipeline",),
    "census_team": ("census_team",),
    "administrator": ("administrator",),
}
_ASKED = os.environ.get("CENSUS_FUZZ_EXAMPLES")
_EXAMPLES = int(_ASKED or 2)
_SEED = int(os.environ.get("CENSUS_FUZZ_SEED") or (random.randrange(2**32) if _ASKED else 1))
_THOROUGH = ("census_team",)
"""For whom the short run, too, tries every edge of every parameter: they get furthest, and it takes most of the time."""
_SESSION = "the session of this test"

_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
"""What schemathesis itself lets the answer to a request in the right form be."""
_REJECTED = ["400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429", "5xx"]
"""And to one in the wrong form."""
_BY_CONTENT = {
    "GET /api/v1/collections/{year}/returns/{organisation}/submissions/{number}/findings": (
        "a rule or sheet that the year does not have is refused, and which it has is not in the description of all years"
    ),
    "GET /api/v1/series": "two snapshots at least, with commas between them, that belong together",
}
"""Requests for reading, in the right form, that are refused for what they say all the same, and why."""
_LISTED = "what is wrong with the rows of a list is what the answer says, at each row"
_EXCEPT = {
    "GET /api/v1/frame/{year}.{format}": (
        ("unsupported_method", "allow_header_conformance"),
        "to the router this is also the address without an ending, which takes PUT and then refuses the year",
    ),
    "POST /api/v1/organisations": (("negative_data_rejection",), _LISTED),
    "PUT /api/v1/frame/{year}": (("negative_data_rejection",), _LISTED),
}
"""Checks that do not apply to an operation, and why."""


@dataclass
class Fuzzed:
    """What came of a run."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)

    def note(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError):
            self.failures[f"{event.label}: {type(event.value).__name__}"] = str(event.value)[:500]
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            self._note_scenario(event)

    def _note_scenario(self, event: events.ScenarioFinished) -> None:
        recorder = event.recorder
        for exchange in recorder.interactions.values():
            self.statuses["none" if exchange.response is None else str(exchange.response.status_code)] += 1
        for case_id, checks in recorder.checks.items():
            label = recorder.cases[case_id].value.operation.label
            self.operations.add(label)
            for check in checks:
                if check.failure_info is not None:
                    text = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                    answer = recorder.interactions[case_id].response if case_id in recorder.interactions else None
                    said = "" if answer is None else f"\n{answer.status_code} {answer.content[:300]!r}"
                    self.failures.setdefault(f"{check.name}: {label}", f"{text[:1200]}{said}")

    def __str__(self) -> str:
        listed = [f"{name}\n{text}" for name, text in sorted(self.failures.items())]
        return "\n\n".join([f"seed {_SEED}: {len(listed)} failures, answers {dict(self.statuses)}", *listed])


class AsPerson:
    """The application for a person whose session stands behind a bearer token: the only way in that schemathesis takes.

    A person who was disabled, or took their own role, in the middle of it comes back.
    """

    def __init__(self, app: ASGIApp, platform: Platform, role: str) -> None:
        self._app = app
        self._platform = platform
        self._roles = frozenset(_ON_THE_PLATFORM.get(role, ()))
        self._members = frozenset(_AT_ALPHA.get(role, ()))
        self._account = add_person(platform, role, *self._roles, at={"ALPHA": self._members})
        self._secret = self._session()
        self._was_refused = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (b"authorization", f"Bearer {_SESSION}".encode()) not in scope["headers"]:
            await self._app(scope, receive, send)
            return
        if self._was_refused:
            self._come_back()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._was_refused = message["status"] in (401, 403)
            await send(message)

        own = [
            (b"cookie", f"census-session={self._secret}".encode()),
            (FORM_TOKEN_HEADER.lower().encode(), form_token(self._secret).encode()),
        ]
        others = [pair for pair in scope["headers"] if pair[0] not in (b"authorization", b"cookie")]
        await self._app({**scope, "headers": others + own}, receive, noting)

    def _come_back(self) -> None:
        with contextlib.suppress(SignInRequired):
            actor = sessions.actor_of_session(self._platform, self._secret, None)
            if actor.roles == self._roles and actor.memberships.get("ALPHA", frozenset()) >= self._members:
                return
        accounts.enable_account(self._platform, SYSTEM, self._account)
        for role in self._roles:
            accounts.set_role(self._platform, SYSTEM, self._account, role, held=True)
        for member in self._members:
            accounts.set_membership(self._platform, SYSTEM, self._account, "ALPHA", member, held=True)
        self._secret = self._session()

    def _session(self) -> str:
        with self._platform.database.transaction() as session:
            row = people.find_account(session, self._account)
            assert row is not None
            return sessions.begin_session(session, self._platform, row, None, "a test").secret


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without a line in the log for each of thousands of requests."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def peopled(platform: Platform) -> Platform:
    """With a return of ALPHA that was asked about, answered and signed, one of BETA with errors, and an administrator."""
    BRING_TO["signed_off"](platform)
    submit_return(platform, SYSTEM, 2024, "BETA", make_upload("BETA"))
    add_person(platform, "another", "administrator")
    return replace(platform, settings=platform.settings.model_copy(update={"mode": "demo"}))


@pytest.mark.parametrize("role", ROLES)
def test_the_api_does_as_it_says(peopled: Platform, quiet: None, role: str) -> None:
    app = create_app(peopled)
    # the examples name an organisation of the demonstration
    description = json.loads(json.dumps(app.openapi()).replace("DEMO-CLEAN", "ALPHA"))
    entrance, headers = _entrance(app, peopled, role)
    found = Fuzzed()
    with served(entrance) as address:
        schema = schemathesis.openapi.from_dict(description, config=_config(description, headers, role))
        schema.config.update(base_url=address)
        for event in from_schema(schema).execute():
            found.note(event)
    print(f"{role}: {found}")
    assert found.failures == {}, str(found)
    listed = {f"{method.upper()} {path}" for path, methods in description["paths"].items() for method in methods}
    assert found.operations >= listed or role not in _THOROUGH


def _entrance(app: ASGIApp, platform: Platform, role: str) -> tuple[ASGIApp, dict[str, str]]:
    """The application for the role, and the headers that say who calls."""
    if role == "nobody":
        return app, {}
    if role == "pipeline":
        account = add_person(platform, role, *_ON_THE_PLATFORM[role])
        return app, {"Authorization": f"Bearer {add_token(platform, account)}"}
    return AsPerson(app, platform, role), {"Authorization": f"Bearer {_SESSION}"}


def _config(description: dict[str, Any], headers: dict[str, str], role: str) -> schemathesis.Config:
    """Every check. Names and numbers are mostly ones that are there, so that doors open."""
    values = {"year": [2024, 2024, 2025], "organisation": ["ALPHA", "ALPHA", "ALPHA", "BETA"], "number": [1, 2, 3]}
    return schemathesis.Config.from_dict(
        {
            "seed": _SEED,
            "headers": headers,
            "phases": {
                "coverage": {"enabled": bool(_ASKED) or role in _THOROUGH},
                # what one answer says is tried where another request asks: a name may come where a code belongs
                "stateful": {"checks": _accepting("422")},
            },
            # who has an outdated version hears of that first
            "checks": {"negative_data_rejection": {"expected-statuses": [*_REJECTED, "412"]}},
            "continue-on-failure": True,
            "generation": {
                "max-examples": _EXAMPLES,
                "database": "none",
                "deterministic": not _ASKED,
                "no-shrink": True,
            },
            "dictionaries": {name: {"values": listed} for name, listed in values.items()},
            "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.8} for name in values},
            "operations": _what_form_does_not_say(description),
        }
    )


def _what_form_does_not_say(description: dict[str, Any]) -> list[dict[str, Any]]:
    """For each operation whose request can be in the right form and still be refused: with which statuses.

    412 where If-Match names a version, which only the return's reader knows; 422 where a body holds words, dates and
    files, which are judged by what they say, and where a cursor holds a key, which is of one list and of no other.
    """
    found = []
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            label = f"{method.upper()} {path}"
            names = [parameter["name"].lower() for parameter in operation.get("parameters", ())]
            more = ["412"] if "if-match" in names else []
            cursors = [one for one in operation.get("parameters", ()) if one["name"] == "cursor"]
            by_key = any(KEY_CURSOR in json.dumps(one, ensure_ascii=False) for one in cursors)
            if "requestBody" in operation or label in _BY_CONTENT or by_key:
                more.append("422")
            checks = _accepting(*more) if more else {}
            checks |= {name: {"enabled": False} for name in _EXCEPT.get(label, ((), ""))[0]}
            if checks:
                found.append({"include-name": label, "checks": checks})
    return found


def _accepting(*statuses: str) -> dict[str, Any]:
    return {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, *statuses]}}
