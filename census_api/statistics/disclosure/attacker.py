"""What somebody can work out about a withheld cell from everything that is published (methods, sections 5.2 to 5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.disclosure.linked_table import LinkedTable, Values
from census_api.statistics.disclosure.solver import solve_linear

SLACK = 1e-6
"""Widths are compared to this part of what is needed, never finer than the solver works."""

_OPTIMAL = 0
_UNBOUNDED = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """All that an attacker can say of a cell; `hi` is infinite where nothing limits it."""

    lo: float
    hi: float

    @property
    def exact(self) -> bool:
        """Whether the cell is simply known."""
        return self.hi - self.lo <= SLACK * max(1.0, abs(self.lo))


@dataclass(frozen=True, slots=True)
class Requirement:
    """An attacker's interval must reach `need` beyond the value of `cell`, upward (+1) or downward (-1).

    `known` are cells that this attacker has anyway: those in which its organisation stands alone.
    """

    cell: int
    direction: Literal[1, -1]
    need: float
    known: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Breach:
    """A requirement that does not hold, and how far the interval does reach."""

    requirement: Requirement
    reach: float


def find_interval(table: LinkedTable, withheld: Collection[int], cell: int, known: Collection[int] = ()) -> Interval:
    """The least and the most that a cell can be, given every cell that is not withheld and every published sum.

    `known` are withheld cells that this attacker knows. Raises InvalidRequest where the sums contradict the cells.
    """
    value = float(table.values[cell])
    unknown = np.array(sorted(set(withheld) - set(known)), dtype=int)
    if cell not in unknown:
        return Interval(value, value)
    columns = table.equations[:, unknown]
    columns = columns[np.flatnonzero(np.diff(columns.indptr))]
    sums = columns @ table.values[unknown]
    goal = (unknown == cell).astype(float)
    bounds = np.column_stack([np.zeros(len(unknown)), table.upper[unknown]])
    low, high = (_extreme(sign * goal, columns, sums, bounds) for sign in (1.0, -1.0))
    return Interval(low, -high)


def meets_need(reach: float, need: float) -> bool:
    """Whether an interval is wide enough."""
    return reach >= need - SLACK * max(1.0, need)


def audit_pattern(table: LinkedTable, withheld: Collection[int], requirements: Iterable[Requirement]) -> list[Breach]:
    """Attacks every requirement afresh, from the published figures alone, and names those that do not hold."""
    found: dict[tuple[int, frozenset[int]], Interval] = {}
    breaches = []
    for requirement in requirements:
        attack = (requirement.cell, requirement.known)
        if attack not in found:
            found[attack] = find_interval(table, withheld, *attack)
        value = float(table.values[requirement.cell])
        reach = found[attack].hi - value if requirement.direction == 1 else value - found[attack].lo
        if not meets_need(reach, requirement.need):
            breaches.append(Breach(requirement, reach))
    return breaches


def _extreme(goal: Values, columns: Any, sums: Values, bounds: Values) -> float:
    equations = {"A_eq": columns, "b_eq": sums} if columns.shape[0] else {}
    solved = solve_linear(goal, bounds=bounds, **equations)
    if solved.status == _UNBOUNDED:
        return -np.inf
    if solved.status != _OPTIMAL:
        raise InvalidRequest("The published sums contradict the cells of the table. Check the table before release.")
    return float(solved.fun)
