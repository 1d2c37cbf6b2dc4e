"""The master problem of suppression: the cheapest choice of cells that fulfils every inequality found so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from census_api.statistics.disclosure.attacker import Requirement
from census_api.statistics.disclosure.linked_table import LinkedTable, Values
from census_api.statistics.disclosure.solver import make_sparse, solve_whole

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_OPTIMAL = 0
_TIE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`picked` (n,) is 1 for primary and chosen cells, between for fractional choices; None when time ran out.

    `bound`: no choice that fulfils the inequalities costs less.
    """

    picked: Values | None
    bound: float
    proved: bool


@dataclass(slots=True, eq=False)
class Master:
    """Inequalities are kept over candidate cells only: primary cells are withheld in every choice."""

    size: int
    primary: Values
    candidates: Values
    costs: Values
    tie_costs: Values
    rows: list[csr_matrix] = field(default_factory=list)
    needs: list[float] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        table: LinkedTable,
        primary: Collection[int],
        candidates: Collection[int],
        weights: Values,
        requirements: Iterable[Requirement],
    ) -> Master:
        cells = np.array(sorted(candidates), dtype=int)
        costs = np.asarray(weights[cells], dtype=float)
        master = cls(len(table.values), np.array(sorted(primary), dtype=int), cells, costs, _tie_costs(costs))
        master._pairs(table, {each.cell for each in requirements})
        return master

    def cut(self, coefficients: Values, need: float) -> None:
        """Adds one inequality of coefficients (n,), made as strong as whole choices allow."""
        rest = need - float(np.sum(coefficients[self.primary]))
        if rest <= 0:
            return
        strongest = np.minimum(coefficients[self.candidates], rest) / rest
        self.rows.append(make_sparse(strongest))
        self.needs.append(1.0)

    def solve(self, *, whole: bool, seconds: float) -> Choice:
        """The cheapest choice, of whole cells or of fractions of cells."""
        picked = np.zeros(self.size)
        picked[self.primary] = 1.0
        if not len(self.candidates) or not self.rows:
            return Choice(picked, 0.0, proved=True)
        solved = solve_whole(
            self.costs + (self.tie_costs if whole else 0.0),
            integrality=np.full(len(self.candidates), int(whole)),
            rows=self.rows,
            needs=np.array(self.needs),
            seconds=seconds,
        )
        bound = float(solved.mip_dual_bound) if whole and solved.mip_dual_bound is not None else 0.0
        if not whole and solved.status == _OPTIMAL:
            bound = float(solved.fun)
        if solved.x is None:
            return Choice(None, max(0.0, bound), proved=False)
        picked[self.candidates] = np.round(solved.x) if whole else np.clip(solved.x, 0.0, 1.0)
        return Choice(picked, max(0.0, bound - float(np.sum(self.tie_costs)) * whole), solved.status == _OPTIMAL)

    def _pairs(self, table: LinkedTable, required: Collection[int]) -> None:
        """A cell withheld alone in a sum is known from it: each needs another one there."""
        place = {int(cell): column for column, cell in enumerate(self.candidates)}
        primary = set(self.primary.tolist())
        matrix = table.equations
        for row in range(matrix.shape[0]):
            cells = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].tolist()
            inside = [place[cell] for cell in cells if cell in place]
            held = primary.intersection(cells)
            if len(held) == 1 and held & set(required) and inside:
                self._at_least_one(inside, 1.0)
            if not held:
                for column in inside:
                    self._at_least_one(inside, 0.0, unless=column)

    def _at_least_one(self, columns: list[int], need: float, unless: int | None = None) -> None:
        signs = [-1.0 if column == unless else 1.0 for column in columns]
        entries = (signs, ([0] * len(columns), columns))
        self.rows.append(make_sparse(entries, (1, len(self.candidates))))
        self.needs.append(need)


def _tie_costs(costs: Values) -> Values:
    """Among equal costs: fewer cells, then earlier ones. Too small to outweigh any real difference of whole costs."""
    if not len(costs) or np.any(costs != np.round(costs)):
        return np.zeros(len(costs))
    step = _TIE / (2 * len(costs))
    return step * (1 + np.arange(len(costs)) / len(costs))
