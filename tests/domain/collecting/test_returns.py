"""The table of states: what may follow what, and what is said of everything else."""

from __future__ import annotations

import importlib.util
import uuid
from dataclasses import replace
from itertools import product

import pytest

from census_api.domain.collecting.returns import (
    MOVES,
    RETURN_EVENTS,
    RETURN_STATES,
    TRANSITIONS,
    Return,
    ReturnEvent,
    ReturnState,
    note_on,
    state_after,
)
from census_api.domain.kit.errors import Conflict
from census_api.questionnaire.resources import find_folder

CLOSED = {"accepted", "declined", "withdrawn"}
DESIGNED = {
    ("not_started", "in_progress"),
    ("in_progress", "signed_off"),
    ("signed_off", "accepted"),
    ("signed_off", "queried"),
    ("queried", "in_progress"),
    ("accepted", "reopened"),
    ("reopened", "in_progress"),
}


def test_every_move_of_the_design_is_there() -> None:
    assert DESIGNED <= MOVES
    others = {after for _, after in MOVES - DESIGNED}
    assert others == {"declined", "withdrawn", "reopened"}


@pytest.mark.parametrize(("state", "event"), list(product(RETURN_STATES, RETURN_EVENTS)))
def test_every_event_in_every_state_moves_or_is_refused_in_words(state: ReturnState, event: ReturnEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert state_after(state, event) == TRANSITIONS[state, event]
        return
    with pytest.raises(Conflict, match=r"^This return .*, so .*\. [A-Z].*\.$"):
        state_after(state, event)


@pytest.mark.parametrize("state", RETURN_STATES)
def test_a_file_is_taken_until_the_return_is_closed(state: ReturnState) -> None:
    if state in CLOSED:
        with pytest.raises(Conflict, match="reopen"):
            state_after(state, "submit")
    else:
        assert state_after(state, "submit") == ("signed_off" if state == "signed_off" else "in_progress")


def test_only_what_is_signed_is_accepted_and_only_what_is_accepted_was_signed() -> None:
    assert [before for (before, event) in TRANSITIONS if event == "accept"] == ["signed_off"]
    assert {before for before, after in MOVES if after == "accepted"} == {"signed_off"}


def test_no_state_is_a_dead_end_and_all_can_be_reached() -> None:
    reached: set[ReturnState] = {"not_started"}
    while more := {after for before, after in MOVES if before in reached} - reached:
        reached |= more
    assert reached == set(RETURN_STATES)
    assert {before for before, _ in MOVES} == set(RETURN_STATES)


def test_the_database_knows_the_same_moves() -> None:
    file = next(find_folder("migrations").glob("versions/*_life.py"))
    found = importlib.util.spec_from_file_location("life_migration", file)
    assert found is not None
    assert found.loader is not None
    migration = importlib.util.module_from_spec(found)
    found.loader.exec_module(migration)
    assert set(migration.MOVES) == MOVES


def test_a_return_that_a_snapshot_holds_says_what_a_change_means() -> None:
    free = Return(uuid.uuid4(), 2024, "ALPHA", "reopened", 5, 1)
    assert note_on(free) is None
    frozen = replace(free, frozen_in=uuid.uuid4())
    assert "next revision only" in (note_on(frozen) or "")
    assert note_on(replace(frozen, state="accepted")) is None
