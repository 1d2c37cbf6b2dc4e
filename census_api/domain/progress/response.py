"""How far a collection is: who is expected, who has answered, and whom to ask next (methods.md 1.3 and 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from census_api.domain.collecting.returns import ReturnState

ProgressDimension = Literal["sector", "region", "local_authority", "service_type"]
PROGRESS_DIMENSIONS: tuple[ProgressDimension, ...] = get_args(ProgressDimension)

ANSWERED: frozenset[ReturnState] = frozenset({"signed_off", "accepted"})
"""The states in which an organisation has answered: what came in before is not its word yet."""
OUT: frozenset[ReturnState] = frozenset({"declined", "withdrawn"})
"""The states in which nobody waits for an answer any more. They stay expected, and are not answered."""


@dataclass(frozen=True, slots=True)
class ProgressCell:
    """One row of the table: everybody, or those of one sector, region, local authority or service type.

    An organisation stands in every cell in which it has a line. `states` counts organisations by the state of their
    return. `on_time` (longer time that was given included) and `late` count the answered ones by when they first
    signed. Shares are parts of 1: `unit_share` of lines, `size_share` of their last known paid headcount (an unknown
    one counts as the cell's median), `largest_missing` the largest line without an answer as a part of that size.
    None where nothing is expected or no size is known.
    """

    key: str
    label: str
    organisations: int
    answered: int
    lines: int
    lines_answered: int
    states: Mapping[ReturnState, int]
    on_time: int
    late: int
    unit_share: float | None
    size_share: float | None
    largest_missing: float | None


@dataclass(frozen=True, slots=True)
class ProgressDay:
    """How many organisations had sent a file that could be read, and had signed one, by the end of a day in England."""

    day: dt.date
    received: int
    signed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole of it. `framed` is False while nobody has said who is expected: then every count is 0.

    `by` has the cells of each dimension in the order of the year's code lists, those without an expected line left out.
    `days` are those on which something came in.
    """

    collection: int
    at: dt.datetime
    framed: bool
    overall: ProgressCell
    by: Mapping[ProgressDimension, tuple[ProgressCell, ...]]
    days: tuple[ProgressDay, ...]


@dataclass(frozen=True, slots=True)
class Chase:
    """An organisation that has not answered, and what that is expected to move.

    `score`: per cent of the published total that it moves most, which `total` names (None where there is no earlier
    figure to compare with). `size`: its last known paid headcount, None if it never gave one. `people`: how many can be
    written to; `reminded_at`: when they last were. `sentence` says all of it for people.
    """

    organisation: str
    name: str
    sector: str | None
    state: ReturnState
    lines: int
    size: float | None
    score: float | None
    total: str | None
    people: int
    reminded_at: dt.datetime | None
    sentence: str
