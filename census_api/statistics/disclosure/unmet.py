"""Which requirements a pattern fails, with as few attacks as that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from census_api.statistics.disclosure.attack import Attack, Attacks
from census_api.statistics.disclosure.attacker import SLACK, Requirement, meets_need
from census_api.statistics.disclosure.linked_table import Values

_STILL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Demands:
    """Requirements (k,), and the same as columns. `groups` number the distinct sets of known cells."""

    requirements: tuple[Requirement, ...]
    cells: NDArray[np.int_]
    directions: Values
    least: Values
    groups: NDArray[np.int_]
    known: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, requirements: Sequence[Requirement]) -> Demands:
        """In the order in which to attack: insiders first, because a move that keeps their cells still is open to all."""
        ordered = tuple(sorted(requirements, key=lambda each: (-len(each.known), -each.need)))
        number: dict[frozenset[int], int] = {}
        groups = [number.setdefault(each.known, len(number)) for each in ordered]
        return cls(
            ordered,
            np.array([each.cell for each in ordered], dtype=int),
            np.array([each.direction for each in ordered], dtype=float),
            np.array([each.need - SLACK * max(1.0, each.need) for each in ordered]),
            np.array(groups, dtype=int),
            tuple(tuple(known) for known in number),
        )

    def shown_met(self, moves: Values) -> NDArray[np.bool_]:
        """The requirements that one possible move (n,) of all cells proves to be met."""
        still: NDArray[Any] = np.array([not np.any(np.abs(moves[list(known)]) > _STILL) for known in self.known])
        return np.asarray(still[self.groups] & (self.directions * moves[self.cells] >= self.least))

    def unmet(self, attacks: Attacks, picked: Values) -> Iterator[tuple[Requirement, Attack]]:
        """The requirements that fail, each with its attack.

        `picked` (n,) may grow between one and the next: what was possible stays so.
        """
        waiting = np.ones(len(self.requirements), dtype=bool)
        while waiting.any():
            place = int(np.argmax(waiting))
            requirement = self.requirements[place]
            attack = attacks.reach(requirement, picked)
            waiting[place] = False
            for moves in (attack.moves, attacks.opposite(attack.moves, picked)):
                waiting &= ~self.shown_met(moves)
            if not meets_need(attack.reach, requirement.need):
                yield requirement, attack
