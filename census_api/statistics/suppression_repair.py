"""A safe pattern without a proof: mend what is breached, then give back what was not needed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import hstack

from census_api.statistics.attacker import Requirement, meets
from census_api.statistics.linked_table import Values
from census_api.statistics.suppression_attack import Attacks

_MOVED = 1e-7


def repaired(
    attacks: Attacks,
    primary: Iterable[int],
    chosen: Iterable[int],
    weights: Values,
    requirements: Sequence[Requirement],
) -> set[int]:
    """`chosen` and what it takes to meet every requirement, the neediest first; each must be attainable."""
    held, found = set(primary), set(chosen)
    for requirement in sorted(requirements, key=lambda each: -each.need):
        if not meets(attacks.reach(requirement, _picked(attacks, held | found)).reach, requirement.need):
            found |= _cheapest_way(attacks, requirement, held | found, weights)
    return found - held


def cleaned(
    attacks: Attacks,
    primary: Iterable[int],
    chosen: Iterable[int],
    weights: Values,
    requirements: Sequence[Requirement],
    deadline: float,
) -> set[int]:
    """`chosen` without cells that are not needed, the dearest tried first, as far as time allows."""
    held, kept = set(primary), set(chosen)
    for cell in sorted(kept, key=lambda each: -weights[each]):
        if _all_met(attacks, held | kept - {cell}, requirements, deadline):
            kept.discard(cell)
    return kept


def _all_met(attacks: Attacks, withheld: set[int], requirements: Sequence[Requirement], deadline: float) -> bool:
    picked = _picked(attacks, withheld)
    return all(
        time.monotonic() < deadline and meets(attacks.reach(requirement, picked).reach, requirement.need)
        for requirement in requirements
    )


def _picked(attacks: Attacks, withheld: Iterable[int]) -> Values:
    picked = np.zeros(len(attacks.may_move))
    picked[list(withheld)] = 1.0
    return picked


def _cheapest_way(attacks: Attacks, requirement: Requirement, free: set[int], weights: Values) -> set[int]:
    """The cells that move when the required cell moves as far as it needs by the cheapest way."""
    moving = np.flatnonzero(attacks.may_move)
    moving = moving[~np.isin(moving, list(requirement.known))]
    room = np.maximum(np.minimum(attacks.down[moving], attacks.up[moving]), _MOVED)
    prices = np.where(np.isin(moving, list(free)), 0.0, weights[moving] / np.minimum(room, requirement.need))
    columns = attacks.equations[:, moving]
    up, down = attacks.up[moving].copy(), attacks.down[moving].copy()
    own = int(np.flatnonzero(moving == requirement.cell)[0])
    (down if requirement.direction == 1 else up)[own] = 0.0
    forced = up if requirement.direction == 1 else down
    least = np.zeros(2 * len(moving))
    least[own + (0 if requirement.direction == 1 else len(moving))] = min(requirement.need, forced[own])
    solved = linprog(
        np.concatenate([prices, prices]),
        A_eq=hstack([columns, -columns], format="csc"),
        b_eq=np.zeros(columns.shape[0]),
        bounds=np.column_stack([least, np.concatenate([up, down])]),
        method="highs",
    )
    if solved.status != 0:
        raise ArithmeticError(solved.message)
    moved = solved.x[: len(moving)] + solved.x[len(moving) :]
    return set(moving[moved > _MOVED].tolist())
