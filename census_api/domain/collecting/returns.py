"""The life of a return: its states, what can happen to it, and the one table that says what may follow what."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from census_api.domain.kit.errors import Conflict

ReturnState = Literal[
    "not_started", "in_progress", "signed_off", "queried", "accepted", "reopened", "declined", "withdrawn"
]
RETURN_STATES: tuple[ReturnState, ...] = get_args(ReturnState)

ReturnEvent = Literal["submit", "explain", "reply", "sign_off", "query", "accept", "reopen", "decline", "withdraw"]
RETURN_EVENTS: tuple[ReturnEvent, ...] = get_args(ReturnEvent)

# A signed return stays signed when a newer file comes in or is explained: it stands until the newer one is signed
# itself. A queried return goes back to the employer's hands with the first answer, and has to be signed again.
TRANSITIONS: Mapping[tuple[ReturnState, ReturnEvent], ReturnState] = MappingProxyType(
    {
        ("not_started", "submit"): "in_progress",
        ("not_started", "decline"): "declined",
        ("in_progress", "submit"): "in_progress",
        ("in_progress", "explain"): "in_progress",
        ("in_progress", "reply"): "in_progress",
        ("in_progress", "sign_off"): "signed_off",
        ("in_progress", "decline"): "declined",
        ("in_progress", "withdraw"): "withdrawn",
        ("signed_off", "submit"): "signed_off",
        ("signed_off", "explain"): "signed_off",
        ("signed_off", "sign_off"): "signed_off",
        ("signed_off", "query"): "queried",
        ("signed_off", "accept"): "accepted",
        ("signed_off", "withdraw"): "withdrawn",
        ("queried", "submit"): "in_progress",
        ("queried", "explain"): "in_progress",
        ("queried", "reply"): "in_progress",
        ("queried", "query"): "queried",
        ("queried", "withdraw"): "withdrawn",
        ("accepted", "reopen"): "reopened",
        ("reopened", "submit"): "in_progress",
        ("reopened", "explain"): "in_progress",
        ("reopened", "decline"): "declined",
        ("reopened", "withdraw"): "withdrawn",
        ("declined", "reopen"): "reopened",
        ("withdrawn", "reopen"): "reopened",
    }
)
"""(state, event) -> the state that follows. What is not here is refused, by the database too."""

MOVES: frozenset[tuple[ReturnState, ReturnState]] = frozenset(
    (before, after) for (before, _), after in TRANSITIONS.items() if before != after
)
"""The changes of state that the table allows, whatever the event."""

_STATE_WORDS: Mapping[ReturnState, str] = MappingProxyType(
    {
        "not_started": "has not been started",
        "in_progress": "has not been signed off",
        "signed_off": "has been signed off",
        "queried": "has questions of the census team to answer",
        "accepted": "has been accepted",
        "reopened": "has been reopened and not been changed since",
        "declined": "has been declined",
        "withdrawn": "has been withdrawn",
    }
)
_REFUSED: Mapping[ReturnEvent, str] = MappingProxyType(
    {
        "submit": "no file can be sent for it",
        "explain": "its explanations cannot be changed",
        "reply": "there is no question to answer",
        "sign_off": "it cannot be signed off",
        "query": "no question can be asked about it",
        "accept": "it cannot be accepted",
        "reopen": "it cannot be reopened",
        "decline": "it cannot be declined",
        "withdraw": "it cannot be withdrawn",
    }
)
_NEXT: Mapping[ReturnState, str] = MappingProxyType(
    {
        "not_started": "The employer sends a file first.",
        "in_progress": "The employer signs it off first.",
        "signed_off": "Ask the census team a question about it, or wait for its acceptance.",
        "queried": "The employer answers, or sends a new file, and signs it off again.",
        "accepted": "Ask the census team to reopen it first.",
        "reopened": "The employer sends a new file, or changes an explanation, first.",
        "declined": "Ask the census team to reopen it first.",
        "withdrawn": "Ask the census team to reopen it first.",
    }
)


@dataclass(frozen=True, slots=True)
class Return:
    """An organisation's answer to a collection. `id` is None while nothing was ever sent.

    `version` grows with every change; `latest`, `signed` and `accepted` are numbers of submissions: the newest checked
    one, the one whose sign-off stands, the accepted one. `frozen_in` is the newest snapshot that holds the return;
    `deadline` the first moment at which nothing is taken any more, `extended_to` the organisation's own, if later.
    """

    id: uuid.UUID | None
    collection: int
    organisation: str
    state: ReturnState
    version: int
    latest: int | None
    signed: int | None = None
    accepted: int | None = None
    frozen_in: uuid.UUID | None = None
    deadline: dt.datetime | None = None
    extended_to: dt.datetime | None = None


def state_after(state: ReturnState, event: ReturnEvent) -> ReturnState:
    """The state that follows. Raises Conflict, saying what has to happen first, for a move not in the table."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(explain_refusal(state, event)) from None


def explain_refusal(state: ReturnState, event: ReturnEvent) -> str:
    """Why an event cannot happen in a state, and what has to happen first."""
    return f"This return {_STATE_WORDS[state]}, so {_REFUSED[event]}. {_NEXT[state]}"


def note_on(found: Return) -> str | None:
    """What has to be said of a return that a snapshot holds and that has changed since, or may; None otherwise."""
    if found.frozen_in is None or found.state == "accepted":
        return None
    return (
        "A frozen snapshot holds this return as it was accepted then, and never changes. What changes now counts in "
        "the next revision only."
    )
