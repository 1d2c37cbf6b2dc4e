"""What stands out in the returns of a collection against last year and against peers (methods.md 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from census_api.domain.kit.measures import Item
from census_api.domain.register.lineage import LineKey


@dataclass(frozen=True, slots=True)
class Doubt:
    """One figure that may be wrong, and what it would move.

    `reported` is the line's sum of the item, `last_year` the same a year before (None where there is none), `predicted`
    what it was expected to be. `suspicion` is 0 to 1; `score` is suspicion x the distance from what was predicted, in
    per cent of the published total that it moves most, which `total` names. `first`: it is in the smallest set whose
    checking leaves every published total within its tolerance. `sentence` says it for people.
    """

    organisation: str
    name: str
    line: LineKey
    item: Item
    reported: float
    last_year: float | None
    predicted: float
    suspicion: float
    score: float
    total: str
    first: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Doubts of a collection, those that move a published total most first.

    `judged` counts the figures that had something to be compared with, `unjudged` those that had nothing. `residual` is
    the tolerance as a part of 1. `first` counts the doubts to ask about; `outside` those that lie beyond the limits of
    the edit, whatever they move.
    """

    collection: int
    judged: int
    unjudged: Mapping[Item, int]
    residual: float
    first: int
    outside: int
    doubts: tuple[Doubt, ...]
