"""Which further cells to withhold so that the sensitive ones cannot be worked out, at the least cost.

The cutting-plane method of methods, section 5.3. A master problem picks cells; an attacker's linear problem for each
requirement either finds them enough, or yields an inequality that every safe choice fulfils and this one does not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from census_api.statistics.attacker import Breach, Requirement, audit, meets
from census_api.statistics.linked_table import LinkedTable, Values
from census_api.statistics.suppression_attack import Attacks
from census_api.statistics.suppression_master import Master
from census_api.statistics.suppression_repair import cleaned, repaired

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
class _Search:
    problem: SuppressionProblem
    attacks: Attacks
    master: Master
    requirements: Sequence[Requirement]
    deadline: float
    picked: Values = field(init=False)
    bound: float = 0.0

    def run(self) -> bool:
        """Whether the cheapest safe pattern was found, and proved, in time; `picked` is the last choice."""
        self.picked = np.zeros(len(self.problem.table.values))
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
        """Adds a cut for every requirement that the choice fails; how many failed, None when time ran out."""
        failed = 0
        for requirement in self.requirements:
            if time.monotonic() > self.deadline:
                return None
            attack = self.attacks.reach(requirement, picked)
            if meets(attack.reach, requirement.need):
                continue
            failed += 1
            self.master.cut(self.attacks.cut(requirement, attack), requirement.need)
            inner = self.attacks.reach(requirement, np.maximum(picked, _INTERIOR * self.attacks.may_move))
            self.master.cut(self.attacks.cut(requirement, inner), requirement.need)
        return failed


def suppress(problem: SuppressionProblem, time_limit: float = DEFAULT_TIME_LIMIT) -> Pattern:
    """The cheapest safe pattern; where `time_limit` seconds do not suffice, a safe pattern and how good it is.

    A safe pattern is found whatever it takes; only its proof and its tidying are cut short.
    """
    started = time.monotonic()
    attacks = Attacks.of(problem.table, problem.primary, problem.candidates, problem.requirements)
    attainable, unattainable = _sorted_out(problem, attacks)
    master = Master.of(problem.table, problem.primary, problem.candidates, problem.weights, attainable)
    search = _Search(problem, attacks, master, attainable, started + _SHARE_FOR_PROOF * time_limit)
    proved = search.run()
    chosen = {cell for cell in problem.candidates if search.picked[cell] > 0.5}
    if not proved:
        chosen = repaired(attacks, problem.primary, chosen, problem.weights, attainable)
        chosen = cleaned(attacks, problem.primary, chosen, problem.weights, attainable, started + time_limit)
    secondary = tuple(sorted(chosen))
    cost = float(np.sum(problem.weights[list(secondary)]))
    breaches = audit(problem.table, problem.primary | chosen, attainable)
    return Pattern(secondary, cost, cost if proved else search.bound, proved, unattainable, tuple(breaches))


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


def _sorted_out(
    problem: SuppressionProblem, attacks: Attacks
) -> tuple[tuple[Requirement, ...], tuple[Requirement, ...]]:
    """Requirements that hold when everything is withheld, and those that do not even then."""
    everything = np.zeros(len(problem.table.values))
    everything[[*problem.primary, *problem.candidates]] = 1.0
    attainable: list[Requirement] = []
    unattainable: list[Requirement] = []
    for requirement in problem.requirements:
        if requirement.need <= 0:
            continue
        reach = attacks.reach(requirement, everything).reach
        (attainable if meets(reach, requirement.need) else unattainable).append(requirement)
    return tuple(attainable), tuple(unattainable)
