"""Selective editing: whom to query and whom to chase first, by what they can move (methods.md 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from census_api.statistics.plausibility.soft_edits import HBEdit
from census_api.statistics.policy import DEFAULT_POLICY, PlausibilityPolicy


def selective_score(
    reported: float | None,
    predicted: float | None,
    weight: float,
    standardiser: float,
    fallback: float | None = None,
) -> float | None:
    """100 |reported - predicted| weight / standardiser (methods.md 6), in per cent of the published total.

    The prediction is last year's value rolled forward; without one the fallback (class rate x size) is used. None
    where the unit did not report, nothing predicts it, or the published total is 0.
    """
    prediction = fallback if predicted is None else predicted
    if reported is None or prediction is None or standardiser == 0:
        return None
    return 100 * abs(reported - prediction) * weight / abs(standardiser)


def score_suspicion(edit: HBEdit, position: int) -> float:
    """How suspect a unit's change is, 0 to 1: its distance from the centre of the edit over that of the limit."""
    effect, limits = edit.effects[position], edit.floored
    if effect is None or limits is None:
        return 0.0
    distance = abs(effect - edit.centre)
    limit = abs((limits.high if effect > edit.centre else limits.low) - edit.centre)
    return min(1.0, distance / limit) if limit else float(distance > 0)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a unit may move: for each published total, the expected error in the unit of that total."""

    unit: str
    moves: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit and its score: the largest share of a published total that it may move, in per cent."""

    unit: str
    score: float


def rank_impacts(impacts: Sequence[Impact], totals: Mapping[str, float]) -> list[Scored]:
    """Units by score, largest first, equal scores by unit. The score is the maximum over the published totals."""
    scored = [
        Scored(
            impact.unit,
            max(
                (100 * abs(move) / abs(totals[key]) for key, move in impact.moves.items() if totals.get(key)),
                default=0.0,
            ),
        )
        for impact in impacts
    ]
    return sorted(scored, key=lambda one: (-one.score, one.unit))


def to_query(
    impacts: Sequence[Impact],
    totals: Mapping[str, float],
    policy: PlausibilityPolicy = DEFAULT_POLICY.plausibility,
) -> list[Scored]:
    """The fewest units, taken by score, whose checking leaves every published total within its tolerance.

    The errors of the units left alone are added without regard to sign: they must not be relied on to cancel.
    """
    order = rank_impacts(impacts, totals)
    moves = {impact.unit: impact.moves for impact in impacts}
    left = dict.fromkeys(totals, 0.0)
    for place in range(len(order), 0, -1):
        for key, move in moves[order[place - 1].unit].items():
            if key in left:
                left[key] += abs(move)
        if any(total and left[key] / abs(total) >= policy.residual for key, total in totals.items()):
            return order[:place]
    return []


@dataclass(frozen=True, slots=True)
class Absent:
    """A unit that has not answered: the size it is known by, its class's link relative, and the totals it is in."""

    unit: str
    size: float
    link: float
    totals: tuple[str, ...]


def to_chase(absent: Sequence[Absent], totals: Mapping[str, float]) -> list[Scored]:
    """Non-respondents by what they are expected to move, size x LR over the published total, largest first."""
    return rank_impacts([Impact(one.unit, dict.fromkeys(one.totals, one.size * one.link)) for one in absent], totals)
