"""The attacker's linear problem of suppression, and the inequality that it teaches the master problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from census_api.statistics.disclosure.attacker import Requirement
from census_api.statistics.disclosure.linked_table import LinkedTable, Values
from census_api.statistics.disclosure.solver import solve_linear

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix

_NOISE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Attack:
    """How far a cell can move, and the price (m,) of each published sum that stops it there."""

    reach: float
    prices: Values
    moves: Values


@dataclass(frozen=True, slots=True, eq=False)
class Attacks:
    """The moves that cells can make without any published figure changing.

    `down` and `up` (n,) say how far each cell may move at most; `may_move` (n,) is 1 for cells that may be withheld.
    """

    equations: csc_matrix
    down: Values
    up: Values
    may_move: Values
    primary: frozenset[int]

    @classmethod
    def of(
        cls,
        table: LinkedTable,
        primary: frozenset[int],
        candidates: Collection[int],
        requirements: Iterable[Requirement],
    ) -> Attacks:
        may_move = np.zeros(len(table.values))
        may_move[[*primary, *candidates]] = 1.0
        # where nothing limits a cell, no more than everything there is can move into it
        most = float(np.sum(table.values)) + max((each.need for each in requirements), default=0.0)
        up = np.minimum(table.upper - table.values, most)
        return cls(table.equations.tocsc(), table.values * may_move, up * may_move, may_move, primary)

    def reach(self, requirement: Requirement, picked: Values) -> Attack:
        """The furthest move of the required cell when each cell may move by its share `picked` (n,) of its most."""
        share = picked.copy()
        share[list(requirement.known)] = 0.0
        moving = np.flatnonzero((share > _NOISE) & (self.down + self.up > 0))
        prices, moves = np.zeros(self.equations.shape[0]), np.zeros(len(picked))
        if requirement.cell not in moving:
            return Attack(0.0, prices, moves)
        columns = self.equations[:, moving].tocsr()
        rows = np.flatnonzero(np.diff(columns.indptr))
        goal = np.where(moving == requirement.cell, -float(requirement.direction), 0.0)
        bounds = np.column_stack([-self.down[moving] * share[moving], self.up[moving] * share[moving]])
        solved = _solved(goal, columns[rows], bounds)
        prices[rows] = -solved.eqlin.marginals
        moves[moving] = solved.x
        return Attack(-float(solved.fun), prices, moves)

    def opposite(self, moves: Values, picked: Values) -> Values:
        """The same move backwards, as far as every cell can go."""
        wanted = np.abs(moves)
        room = np.where(moves > 0, self.down, self.up) * picked
        share = np.divide(room, wanted, out=np.ones_like(wanted), where=wanted > _NOISE)
        return -moves * max(0.0, min(1.0, float(share.min(initial=1.0))))

    def cut(self, requirement: Requirement, attack: Attack) -> Values:
        """Coefficients (n,) whose sum over withheld cells must reach the need, whatever the pattern.

        Any prices give a valid inequality: moves that change no sum are worth the same after the prices are charged.
        """
        worth = -(self.equations.T @ attack.prices)
        worth[requirement.cell] += requirement.direction
        worth[np.abs(worth) < _NOISE] = 0.0
        coefficients = np.maximum(worth, 0) * self.up + np.maximum(-worth, 0) * self.down
        coefficients[list(requirement.known)] = 0.0
        return np.asarray(coefficients, dtype=float)


def _solved(goal: Values, columns: Any, bounds: Values) -> Any:
    solved = solve_linear(goal, A_eq=columns, b_eq=np.zeros(columns.shape[0]), bounds=bounds)
    if solved.status != 0:
        # no move at all is always possible, so this is the solver's failure and not the table's
        raise ArithmeticError(solved.message)
    return solved
