"""A safe pattern without a proof: mend what is breached, then give back what was not needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np

from census_api.statistics.disclosure.attack import Attacks
from census_api.statistics.disclosure.attacker import Requirement
from census_api.statistics.disclosure.linked_table import Values
from census_api.statistics.disclosure.solver import solve_linear, stack_columns
from census_api.statistics.disclosure.unmet import Demands

_MOVED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """Mends patterns of one problem. `met_at_all` says whether a requirement can be met by any pattern."""

    attacks: Attacks
    primary: frozenset[int]
    weights: Values
    demands: Demands

    def mended(self, chosen: Iterable[int], met_at_all: Callable[[Requirement], bool]) -> set[int]:
        """`chosen` and what it takes to meet every requirement that can be met."""
        found = set(chosen)
        picked = self._picked(found)
        for requirement, _ in self.demands.unmet(self.attacks, picked):
            if met_at_all(requirement):
                found |= _cheapest_way(self.attacks, requirement, self.primary | found, self.weights) - self.primary
                picked[list(found)] = 1.0
        return found

    def cleaned(self, chosen: Iterable[int], met_at_all: Callable[[Requirement], bool], deadline: float) -> set[int]:
        """`chosen` without cells that are not needed, the dearest tried first, as far as time allows."""
        kept = set(chosen)
        for cell in sorted(kept, key=lambda each: -self.weights[each]):
            if time.monotonic() > deadline:
                break
            unmet = self.demands.unmet(self.attacks, self._picked(kept - {cell}))
            if not any(met_at_all(requirement) for requirement, _ in unmet):
                kept.discard(cell)
        return kept

    def _picked(self, chosen: Iterable[int]) -> Values:
        picked = np.zeros(len(self.attacks.may_move))
        picked[[*self.primary, *chosen]] = 1.0
        return picked


def _cheapest_way(attacks: Attacks, requirement: Requirement, free: Collection[int], weights: Values) -> set[int]:
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
    solved = solve_linear(
        np.concatenate([prices, prices]),
        A_eq=stack_columns([columns, -columns]),
        b_eq=np.zeros(columns.shape[0]),
        bounds=np.column_stack([least, np.concatenate([up, down])]),
    )
    if solved.status != 0:
        raise ArithmeticError(solved.message)
    moved = solved.x[: len(moving)] + solved.x[len(moving) :]
    return set(moving[moved > _MOVED].tolist())
