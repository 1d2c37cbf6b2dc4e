"""The states of a return, and what a new submission does to them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, get_args

from census_api.domain.errors import Conflict

ReturnState = Literal[
    "not_started", "in_progress", "signed_off", "queried", "accepted", "reopened", "declined", "withdrawn"
]
RETURN_STATES: tuple[ReturnState, ...] = get_args(ReturnState)

_WORDS: dict[ReturnState, str] = {
    "accepted": "has been accepted",
    "declined": "has been declined",
    "withdrawn": "has been withdrawn",
}


@dataclass(frozen=True, slots=True)
class Return:
    """An organisation's answer to a collection. `id` is None while nothing was ever sent.

    `version` grows with every change; `latest` is the number of the newest checked submission.
    """

    id: uuid.UUID | None
    collection: int
    organisation: str
    state: ReturnState
    version: int
    latest: int | None


def state_after_submission(state: ReturnState) -> ReturnState:
    """The state once another submission is stored. Raises Conflict where the census team has to act first.

    A signed return stays signed: the newer submission does not count until it is signed itself.
    """
    if state in _WORDS:
        raise Conflict(f"This return {_WORDS[state]}. Ask the census team to reopen it before you send another file.")
    return "signed_off" if state == "signed_off" else "in_progress"
