"""Which further cells to withhold so that the sensitive ones cannot be worked out, at the least cost.

The cutting-plane method of methods, section 5.3. A master problem picks cells; an attacker's linear problem for each
requirement either finds them enough, or yields an inequality that every safe choice fulfils and this one does not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from census_api.statistics.disclosure.attack import Attacks
from census_api.statistics.disclosure.attacker import Breach, Requirement, audit_pattern, meets_need
from census_api.statistics.disclosure.linked_table import LinkedTable, Values
from census_api.statistics.disclosure.master import Master
from census_api.statistics.disclosure.repair import Repair
from census_api.statistics.disclosure.unmet import Demands

DEFAULT_TIME_LIMIT = 60.0
_SHARE_FOR_PROOF = 0.7
_RELAXED_ROUNDS = 40
_ENOUGH_PROGRESS = 1e-3
_INTERIOR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class SuppressionProblem:
    """`primary` cells are withheld already; `weights` (n,) is what withholding another costs.

    Cells in `fixed` stay published; so do true zeros, which everybody knows.
    """

    table: LinkedTable
    primary: frozenset[int]
    weights: Values
    requirements: tuple[Requirement, ...]
    fixed: frozenset[int] = frozenset()

    @property
    def candidates(self) -> tuple[int, ...]:
        """The cells that may be withheld beside the primary ones."""
        taken = self.primary | self.fixed
        return tuple(cell for cell in np.flatnonzero(self.table.values > 0).tolist() if cell not in taken)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The cells to withhold beside the primary ones, in order.

    `lower_bound`: no safe pattern costs less. `unattainable`: requirements that no pattern can meet; coarsen the table
    there. `breaches`: what an independent attack on the finished pattern still found; release nothing unless empty.
    """

    secondary: tuple[int, ...]
    cost: float
    lower_bound: float
    proved: bool
    unattainable: tuple[Requirement, ...]
    breaches: tuple[Breach, ...]

    @property
    def gap(self) -> float:
        """How much of the cost might be saved at most: 0 for a proved optimum."""
        return 0.0 if self.proved or self.cost <= 0 else max(0.0, (self.cost - self.lower_bound) / self.cost)

    @property
    def safe(self) -> bool:
        """Whether the table may be released with this pattern."""
        return not self.breaches and not self.unattainable


@dataclass(slots=True)
class _PatternSearch:
    problem: SuppressionProblem
    attacks: Attacks
    master: Master
    demands: Demands
    deadline: float
    picked: Values
    bound: float = 0.0
    attainable: set[Requirement] = field(default_factory=set)
    unattainable: set[Requirement] = field(default_factory=set)

    def run(self) -> bool:
        """Whether the cheapest safe pattern was found, and proved, in time; `picked` is the last choice."""
        self._relaxed()
        while time.monotonic() < self.deadline:
            solved = self.master.solve(whole=True, seconds=self.deadline - time.monotonic())
            self.bound = max(self.bound, solved.bound)
            if solved.picked is None:
                return False
            self.picked = solved.picked
            added = self._separate(self.picked)
            if added is None:
                return False
            if added == 0:
                return solved.proved
        return False

    def _relaxed(self) -> None:
        """Most cuts are found with fractional choices, which are far cheaper to make than whole ones."""
        for _ in range(_RELAXED_ROUNDS):
            left = self.deadline - time.monotonic()
            if left <= 0:
                return
            solved = self.master.solve(whole=False, seconds=left)
            if solved.picked is None or not self._separate(solved.picked):
                return
            if solved.bound - self.bound < _ENOUGH_PROGRESS * solved.bound:
                return
            self.bound = solved.bound

    def _separate(self, picked: Values) -> int | None:
        """Adds cuts for the requirements that the choice fails; how many there are, None when time ran out."""
        failed = 0
        for requirement, attack in self.demands.unmet(self.attacks, picked):
            if time.monotonic() > self.deadline:
                return None
            if not self.can_be_met(requirement):
                continue
            failed += 1
            self.master.cut(self.attacks.cut(requirement, attack), requirement.need)
            inner = self.attacks.reach(requirement, np.maximum(picked, _INTERIOR * self.attacks.may_move))
            self.master.cut(self.attacks.cut(requirement, inner), requirement.need)
        return failed

    def can_be_met(self, requirement: Requirement) -> bool:
        """Whether the requirement holds at least when everything is withheld. Asked only of those that fail."""
        if requirement not in self.attainable and requirement not in self.unattainable:
            met = meets_need(self.attacks.reach(requirement, self.attacks.may_move).reach, requirement.need)
            (self.attainable if met else self.unattainable).add(requirement)
        return requirement in self.attainable


def suppress_cells(problem: SuppressionProblem, time_limit: float = DEFAULT_TIME_LIMIT) -> Pattern:
    """The cheapest safe pattern; where `time_limit` seconds do not suffice, a safe pattern and how good it is.

    A safe pattern is found whatever it takes; only its proof and its tidying are cut short.
    """
    deadline = time.monotonic() + time_limit
    needed = tuple(each for each in problem.requirements if each.need > 0)
    attacks = Attacks.of(problem.table, problem.primary, problem.candidates, needed)
    master = Master.of(problem.table, problem.primary, problem.candidates, problem.weights, needed)
    demands = Demands.of(needed)
    nothing = np.zeros(len(problem.table.values))
    search = _PatternSearch(problem, attacks, master, demands, deadline - (1 - _SHARE_FOR_PROOF) * time_limit, nothing)
    proved = search.run()
    chosen = {cell for cell in problem.candidates if search.picked[cell] > 0.5}
    if not proved:
        repair = Repair(attacks, problem.primary, problem.weights, demands)
        chosen = repair.cleaned(repair.mended(chosen, search.can_be_met), search.can_be_met, deadline)
    secondary = tuple(sorted(chosen))
    cost = float(np.sum(problem.weights[list(secondary)]))
    breaches = audit_pattern(problem.table, problem.primary | chosen, needed)
    return Pattern(
        secondary,
        cost,
        cost if proved else search.bound,
        proved,
        tuple(each for each in needed if each in search.unattainable),
        tuple(breach for breach in breaches if breach.requirement not in search.unattainable),
    )


def insider_requirements(
    table: LinkedTable, requirements: Sequence[Requirement], known_by: Sequence[frozenset[int]]
) -> tuple[Requirement, ...]:
    """The same requirements against organisations that stand alone in a cell, and so know it.

    `known_by` holds, for each such organisation, its own cells. Only cells that share a sum with one of them matter.
    """
    columns = table.equations.tocsc()
    touched = [
        set(columns.indices[columns.indptr[cell] : columns.indptr[cell + 1]]) for cell in range(len(table.values))
    ]
    found = []
    for known in known_by:
        sums = set().union(*(touched[cell] for cell in known))
        found += [
            Requirement(each.cell, each.direction, each.need, known)
            for each in requirements
            if each.cell not in known and not sums.isdisjoint(touched[each.cell])
        ]
    return tuple(found)
