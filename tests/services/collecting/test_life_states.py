"""Every event in every state by everybody: moved as the table says, or refused with nothing changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from census_api.domain.collecting.returns import RETURN_EVENTS, RETURN_STATES, TRANSITIONS, ReturnEvent, ReturnState
from census_api.domain.kit.access import ANONYMOUS, Actor
from census_api.domain.kit.errors import Conflict, Forbidden, NotFound, SignInRequired
from census_api.domain.register.organisations import Organisation
from census_api.intake.sandbox import Sandbox
from census_api.services.collecting import life
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.return_queries import ask_query, list_questions, reply_to_query
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.factories.actors import (
    ADMINISTRATOR,
    ANALYST,
    ANN,
    EDITOR,
    EVE,
    NOW,
    OTHER_EDITOR,
    OTHER_SIGNATORY,
    PIPELINE,
    SIGNATORY,
    TEAM,
)
from tests.factories.life import (
    BECAUSE,
    BRING_TO,
    ROLE,
    WHOLE,
    WHY,
    YEAR,
    asking_upload,
    clean_upload,
    explain_all,
    now,
    send,
)

if TYPE_CHECKING:
    from census_api.embedded_postgres.launcher import RunningPostgres

PEOPLE: Mapping[str, Actor] = {
    "the platform": ANN,
    "editor": EDITOR,
    "signatory": SIGNATORY,
    "team": TEAM,
    "administrator": ADMINISTRATOR,
    "analyst": ANALYST,
    "pipeline": PIPELINE,
    "other editor": OTHER_EDITOR,
    "other signatory": OTHER_SIGNATORY,
    "without a role": EVE,
    "not signed in": ANONYMOUS,
}
EMPLOYERS = {"editor", "signatory", "team", "the platform"}
OFFICE = {"team", "the platform"}
MAY: Mapping[ReturnEvent, set[str]] = {
    "submit": EMPLOYERS,
    "explain": EMPLOYERS,
    "reply": EMPLOYERS,
    "sign_off": {"signatory", "the platform"},
    "query": OFFICE,
    "accept": OFFICE,
    "reopen": OFFICE,
    "decline": OFFICE,
    "withdraw": OFFICE,
}
KNOW_OF_IT = {"editor", "signatory", "team", "administrator"}
NOTHING_SENT = {"not_started", "declined"}
ACTIONS: Mapping[ReturnEvent, str] = {
    "submit": "submission.checked",
    "explain": "return.explained",
    "reply": "return.replied",
    "sign_off": "return.signed_off",
    "query": "return.queried",
    "accept": "return.accepted",
    "reopen": "return.reopened",
    "decline": "return.declined",
    "withdraw": "return.withdrawn",
}


def newest(platform: Platform) -> int:
    return now(platform).latest or 1


def do_explain(platform: Platform, actor: Actor) -> None:
    number, key = newest(platform), "0" * 16
    if now(platform).latest:
        found = list_explanations(platform, ANN, YEAR, "ALPHA", number)
        key = next((e.finding_key for e in found.given), "") or found.missing[0].key
    explain_finding(platform, actor, YEAR, "ALPHA", number, key, reason="checked", text=BECAUSE)


def do_reply(platform: Platform, actor: Actor) -> None:
    asked = list_questions(platform, ANN, YEAR, "ALPHA")
    reply_to_query(platform, actor, YEAR, "ALPHA", asked[0].id if asked else uuid.uuid4(), "Yes.")


DO: Mapping[ReturnEvent, Callable[[Platform, Actor], object]] = {
    "submit": lambda platform, actor: submit_return(platform, actor, YEAR, "ALPHA", clean_upload(platform)),
    "explain": do_explain,
    "reply": do_reply,
    "sign_off": lambda platform, actor: sign_off(platform, actor, YEAR, "ALPHA", newest(platform), role=ROLE),
    "query": lambda platform, actor: ask_query(platform, actor, YEAR, "ALPHA", WHOLE, "Is the team complete?"),
    "accept": lambda platform, actor: life.accept_return(platform, actor, YEAR, "ALPHA"),
    "reopen": lambda platform, actor: life.reopen_return(platform, actor, YEAR, "ALPHA", reason=WHY),
    "decline": lambda platform, actor: life.decline_return(platform, actor, YEAR, "ALPHA", reason=WHY),
    "withdraw": lambda platform, actor: life.withdraw_return(platform, actor, YEAR, "ALPHA", reason=WHY),
}


def newer_file(platform: Platform) -> None:
    """A signed return takes an explanation or another sign-off only for a newer file."""
    send(platform, asking_upload(platform, "9.9"))


def newer_file_explained(platform: Platform) -> None:
    newer_file(platform)
    explain_all(platform, 2)


BEFORE: Mapping[tuple[ReturnState, ReturnEvent], Callable[[Platform], None]] = {
    ("signed_off", "explain"): newer_file,
    ("signed_off", "sign_off"): newer_file_explained,
}


@pytest.fixture(scope="module")
def in_state(
    postgres_server: RunningPostgres, migrated_template: str, sandbox: Sandbox
) -> Iterator[Callable[[ReturnState], Platform]]:
    """Platforms whose return of ALPHA is in a state: a copy of a database that was brought there once."""
    made: dict[ReturnState, str] = {}
    platforms: list[Platform] = []

    def database(template: str) -> str:
        name = f"census_life_{uuid.uuid4().hex}"
        postgres_server.create_database(name, template=template)
        return name

    @contextmanager
    def opened(name: str) -> Iterator[Platform]:
        platform = Platform(connect_database(postgres_server.url(name)), sandbox, Settings(), clock=lambda: NOW)
        yield platform
        platform.database.close()

    def platform_in(state: ReturnState) -> Platform:
        if state not in made:
            made[state] = database(migrated_template)
            with opened(made[state]) as platform:
                ensure_collections(platform, ANN)
                load_organisations(platform, ANN, [Organisation("ALPHA", "Alpha Recovery", "voluntary")])
                BRING_TO[state](platform)
        copied = Platform(
            connect_database(postgres_server.url(database(made[state]))), sandbox, Settings(), clock=lambda: NOW
        )
        platforms.append(copied)
        return copied

    yield platform_in
    for platform in platforms:
        platform.database.close()


def everything(platform: Platform) -> list[object]:
    """What the life of a return leaves behind, without the reads that the audit notes."""
    queries = (
        "SELECT state, version, last_number, signed_submission_id, accepted_submission_id FROM return",
        "SELECT count(*) FROM audit_event WHERE action <> 'return.read'",
        "SELECT count(*) FROM submission",
        "SELECT count(*) FROM explanation",
        "SELECT count(*) FROM sign_off",
        "SELECT count(*) FROM return_query",
        "SELECT count(*) FROM query_reply",
        "SELECT count(*) FROM extension",
        "SELECT count(*) FROM mail",
    )
    with platform.database.transaction() as session:
        return [session.execute(text(query)).all() for query in queries]


def refusals(state: ReturnState, event: ReturnEvent, who: str) -> tuple[type[Exception], ...]:
    if who == "not signed in":
        return (SignInRequired,)
    if who not in MAY[event]:
        return (Forbidden,) if who in KNOW_OF_IT else (NotFound,)
    if state in NOTHING_SENT and event in ("explain", "reply", "sign_off"):
        return (NotFound,)
    return (Conflict,)


@pytest.mark.parametrize("state", RETURN_STATES)
def test_what_is_not_in_the_table_or_not_theirs_is_refused_and_changes_nothing(
    in_state: Callable[[ReturnState], Platform], state: ReturnState
) -> None:
    platform = in_state(state)
    assert now(platform).state == state
    before = everything(platform)
    tried = 0
    for event in RETURN_EVENTS:
        for who, actor in PEOPLE.items():
            if who in MAY[event] and (state, event) in TRANSITIONS:
                continue
            with pytest.raises(refusals(state, event, who)):
                DO[event](platform, actor)
            tried += 1
            assert everything(platform) == before, (event, who)
    assert tried > len(RETURN_EVENTS) * 6


@pytest.mark.parametrize(
    ("state", "event", "who"),
    [(state, event, who) for (state, event) in TRANSITIONS for who in sorted(MAY[event])],
)
def test_what_is_in_the_table_moves_the_return_and_is_noted_once(
    in_state: Callable[[ReturnState], Platform], state: ReturnState, event: ReturnEvent, who: str
) -> None:
    platform = in_state(state)
    if (state, event) in BEFORE:
        BEFORE[state, event](platform)
    before, noted = now(platform), actions(platform, ACTIONS[event])
    DO[event](platform, PEOPLE[who])
    after = now(platform)
    assert after.state == TRANSITIONS[state, event]
    assert after.version == before.version + 1
    assert actions(platform, ACTIONS[event]) == [*noted, PEOPLE[who].name]


def actions(platform: Platform, action: str) -> list[str]:
    """Who did it, each time it was done."""
    with platform.database.transaction() as session:
        query = text("SELECT actor FROM audit_event WHERE action = :action ORDER BY id")
        return list(session.scalars(query, {"action": action}))
