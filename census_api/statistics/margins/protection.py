"""Which figures of the margins would give organisations or people away (methods, section 5).

The margins themselves are what a survey needs, so a category that may not be shown is joined with another. Cells of the
joint table are withheld: those under the rules, and as many more as it takes that they cannot be worked out from the
margins, by outsiders or by an organisation that stands alone in a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from census_api.statistics.disclosure.attacker import Requirement
from census_api.statistics.disclosure.linked_table import LinkedTable, with_published_totals
from census_api.statistics.disclosure.primary import (
    measure_dominance,
    required_protection,
    sensitive_count,
    sole_contributors,
)
from census_api.statistics.disclosure.suppression import SuppressionProblem, insider_requirements, suppress_cells
from census_api.statistics.disclosure.thresholds import DEFAULT_POLICY, DisclosurePolicy
from census_api.statistics.margins.estimated_totals import EligibleLine, MarginCell

TIME_LIMIT = 10.0
"""Seconds for the cheapest pattern; after that a safe one that may withhold more."""

Contributors = dict[str, float]
"""Parent organisation -> people."""


@dataclass(frozen=True, slots=True)
class JointDisclosure:
    """The cells to withhold. `safe` False: no pattern protects them, and the joint table is not given out at all."""

    withheld: frozenset[MarginCell]
    primary: int
    safe: bool


def count_contributors(
    lines: Iterable[EligibleLine], axes: Sequence[int] = (0, 1, 2)
) -> dict[tuple[str, ...], Contributors]:
    """Who is in each cell of the table of these dimensions, by parent. Cells with nobody are left out."""
    found: dict[tuple[str, ...], Contributors] = {}
    for line in lines:
        for profession, count in (line.counts or {}).items():
            if count:
                place = (line.region, profession, line.organisation_type)
                cell = found.setdefault(tuple(place[axis] for axis in axes), {})
                cell[line.parent] = cell.get(line.parent, 0.0) + count
    return found


def is_sensitive(cell: Mapping[str, float], policy: DisclosurePolicy = DEFAULT_POLICY) -> bool:
    """Few people, few organisations, or one that the others can work out. Nobody at all is not sensitive."""
    if not any(cell.values()):
        return False
    judged = measure_dominance(cell.values(), policy.p_percent, policy.nk, policy.min_parents)
    return sensitive_count(_people(cell), policy.min_count) or judged.p_fail or judged.org_fail


def find_joins(
    categories: Mapping[str, Contributors], parents: Mapping[str, str], policy: DisclosurePolicy = DEFAULT_POLICY
) -> dict[str, str]:
    """Categories of a margin that may not be shown -> the one they are joined with, until all that is left may be.

    A join takes the named parent, and otherwise the smallest category that is left.
    """
    left = {name: dict(cell) for name, cell in categories.items()}
    done: dict[str, str] = {}
    while len(left) > 1:
        name = next((name for name, cell in left.items() if is_sensitive(cell, policy)), None)
        if name is None:
            return done
        into = _destination(name, left, parents)
        cell = left.pop(name)
        for owner, count in cell.items():
            left[into][owner] = left[into].get(owner, 0.0) + count
        done = {**{child: into if parent == name else parent for child, parent in done.items()}, name: into}
    return done


def protect_joint(
    lines: Sequence[EligibleLine],
    categories: Sequence[Sequence[str]],
    policy: DisclosurePolicy = DEFAULT_POLICY,
    time_limit: float = TIME_LIMIT,
    *,
    insiders: bool = True,
) -> JointDisclosure:
    """The pattern for the joint table of these lines, whose one-way totals are published.

    Against `insiders` too: organisations that know a cell because nobody else is in it.
    """
    cells = count_contributors(lines)
    names = [(a, b, c) for a in categories[0] for b in categories[1] for c in categories[2]]
    inside = [cells.get(name, {}) for name in names]
    primary = [number for number, cell in enumerate(inside) if is_sensitive(cell, policy)]
    if not primary:
        return JointDisclosure(frozenset(), 0, safe=True)
    table = _table(inside, [len(names) for names in categories], policy)
    needed = _requirements(inside, primary, policy)
    alone = sole_contributors([frozenset(cell) for cell in inside]) if insiders else {}
    problem = SuppressionProblem(table, frozenset(primary), np.log1p(table.values), _together(needed, alone))
    found = suppress_cells(problem, time_limit)
    if alone and not found.safe:
        everybody = needed + insider_requirements(table, needed, list(alone.values()))
        found = suppress_cells(replace(problem, requirements=everybody), time_limit)
    withheld = frozenset(names[number] for number in (*primary, *found.secondary))
    return JointDisclosure(withheld, len(primary), found.safe)


def _table(inside: Sequence[Contributors], shape: Sequence[int], policy: DisclosurePolicy) -> LinkedTable:
    values = np.array([float(_people(cell)) for cell in inside]).reshape(shape)
    table = with_published_totals(values)
    upper = table.values + np.maximum(table.values, policy.prior_reach)
    return LinkedTable(table.values, table.equations, upper, table.shape)


def _requirements(
    inside: Sequence[Contributors], primary: Sequence[int], policy: DisclosurePolicy
) -> tuple[Requirement, ...]:
    found = []
    for number in primary:
        judged = measure_dominance(inside[number].values(), policy.p_percent, policy.nk, policy.min_parents)
        down, up = required_protection(_people(inside[number]), judged, policy)
        found += [Requirement(number, 1, float(up)), Requirement(number, -1, float(down))]
    return tuple(found)


def _together(needed: Iterable[Requirement], alone: Mapping[str, frozenset[int]]) -> tuple[Requirement, ...]:
    """The same against all organisations that stand alone in a cell at once, as if they told each other.

    Stronger than against each by itself, and a tenth of the attacks. Whose own cell is the target keeps its cells.
    """
    found = []
    for each in needed:
        others = [cells for cells in alone.values() if each.cell not in cells]
        found.append(replace(each, known=frozenset().union(*others)))
    return tuple(found)


def _destination(name: str, left: Mapping[str, Contributors], parents: Mapping[str, str]) -> str:
    named = parents.get(name)
    if named is not None and named in left and named != name:
        return named
    return min((other for other in left if other != name), key=lambda other: (_people(left[other]), other))


def _people(cell: Mapping[str, float]) -> Fraction:
    return sum((Fraction(repr(count)) for count in cell.values()), Fraction(0))
