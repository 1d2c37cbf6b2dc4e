"""Which cells of a table may not be published as they are, and why (methods, sections 5.2 and 5.5)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.disclosure.thresholds import DEFAULT_POLICY, DisclosurePolicy
from census_api.statistics.exact import Number, make_exact, measure_exact

NO_NEED = (Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class RowSensitivity:
    """Which cells of a row are sensitive. A row whose total is sensitive is withheld whole."""

    cells: tuple[bool, ...]
    total: bool


@dataclass(frozen=True, slots=True)
class Dominance:
    """How far a cell gives its largest contributors away.

    `p_need` is by how much an estimate of the cell must be able to miss it, in the cell's own unit.
    `nk_fail` is None where that rule was not asked for.
    """

    contributors: int
    p_fail: bool
    p_need: Fraction
    nk_fail: bool | None
    org_fail: bool


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one organisation adds to a cell. `parent` is None for an organisation that stands alone."""

    parent: str | None
    unit: str
    value: Number | None


@dataclass(frozen=True, slots=True)
class ReleasedFigure:
    """A figure of one release and the organisations in it; `total` is None where the figure was withheld."""

    total: Number | None
    organisations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Differencing:
    """What somebody learns who subtracts one release from another."""

    difference: Fraction | None
    parents: int
    blocked: bool


def sensitive_count(count: Number | None, minimum: int = DEFAULT_POLICY.min_count) -> bool:
    """Whether so few people are counted that they could be known. Nobody, and no answer, are not sensitive."""
    return count is not None and 0 < measure_exact(count) < minimum


def sensitive_row(row: Sequence[Number | None], minimum: int = DEFAULT_POLICY.min_count) -> RowSensitivity:
    """The same for the cells of a row and their total.

    Zeros beside a single filled cell say what everybody in the row is, so they are sensitive where the total is shown.
    """
    counts = [None if count is None else measure_exact(count) for count in row]
    total = sum((count for count in counts if count is not None), Fraction(0))
    total_sensitive = sensitive_count(total, minimum)
    filled = sum(1 for count in counts if count)
    zeros_reveal = filled == 1 and None not in counts and not total_sensitive
    cells = tuple(sensitive_count(count, minimum) or (count == 0 and zeros_reveal) for count in counts)
    return RowSensitivity(cells, total_sensitive)


def measure_dominance(
    contributions: Iterable[Number | None],
    p_percent: Number = DEFAULT_POLICY.p_percent,
    nk: tuple[int, Number] | None = None,
    min_contributors: int = DEFAULT_POLICY.min_parents,
) -> Dominance:
    """The p% rule, the (n,k) rule and the number of contributors of one cell.

    Who adds nothing does not contribute. Raises InvalidRequest for contributions below zero.
    """
    sizes = sorted((size for size in map(_size, contributions) if size), reverse=True)
    total = sum(sizes, Fraction(0))
    wanted = make_exact(p_percent) / 100 * (sizes[0] if sizes else 0)
    remainder = sum(sizes[2:], Fraction(0))
    nk_fail = None
    if nk is not None:
        count, percent = nk
        nk_fail = sum(sizes[:count], Fraction(0)) > make_exact(percent) / 100 * total
    return Dominance(
        contributors=len(sizes),
        p_fail=remainder < wanted,
        p_need=max(Fraction(0), wanted - remainder),
        nk_fail=nk_fail,
        org_fail=len(sizes) < min_contributors,
    )


def by_unit(contributions: Iterable[Contribution]) -> list[Fraction]:
    """Contributions summed by organisation: two records of one organisation are one contributor."""
    return _summed(((record.parent, record.unit), record.value) for record in contributions)


def by_parent(contributions: Iterable[Contribution]) -> list[Fraction]:
    """Contributions summed by parent: whoever owns several organisations knows what all of them gave."""
    return _summed((_owner(record), record.value) for record in contributions)


def measure_differencing(
    first: ReleasedFigure,
    second: ReleasedFigure,
    min_parents: int = DEFAULT_POLICY.min_parents,
    parent_of: Mapping[str, str] | None = None,
) -> Differencing:
    """Whether two releases may stand side by side: those in only one of them are nobody, or enough to hide in."""
    owners = parent_of or {}
    changed = {owners.get(name, name) for name in first.organisations ^ second.organisations}
    known = first.total is not None and second.total is not None
    found = make_exact(second.total or 0) - make_exact(first.total or 0) if known else None
    return Differencing(found, len(changed), 0 < len(changed) < min_parents)


def round_count(
    value: Number | None, minimum: int = DEFAULT_POLICY.min_count, base: int = DEFAULT_POLICY.round_base
) -> int | None:
    """The value as a multiple of `base`, half away from zero; None where it is withheld because it is small.

    Rounding comes on top of suppression. Round every figure from its unrounded value, totals too, or none.
    """
    found = None if value is None else make_exact(value)
    if found is None or 0 < abs(found) < minimum:
        return None
    if base < 1:
        raise InvalidRequest("Figures can be rounded to a multiple of 1 or more, not of less.")
    steps = math.floor(abs(found) / base + Fraction(1, 2))
    return base * (steps if found > 0 else -steps)


def required_protection(
    headcount: Number, dominated: Dominance, policy: DisclosurePolicy = DEFAULT_POLICY
) -> tuple[Fraction, Fraction]:
    """How far (down, up) from a headcount an attacker's interval must reach; nothing for a cell that may be shown."""
    size = measure_exact(headcount)
    if size == 0:
        return NO_NEED
    down, up = NO_NEED
    if size < policy.min_count:
        down, up = max(size - 1, Fraction(0)), policy.min_count - size
    spread = dominated.p_need
    if dominated.org_fail:
        spread = max(spread, make_exact(policy.few_parents_percent) / 100 * size)
    return max(down, spread), max(up, spread)


def sole_contributors(contributors: Sequence[Collection[str]]) -> dict[str, frozenset[int]]:
    """The cells that each organisation knows because nobody else is in them."""
    known: dict[str, set[int]] = {}
    for cell, names in enumerate(contributors):
        distinct = set(names)
        if len(distinct) == 1:
            known.setdefault(distinct.pop(), set()).add(cell)
    return {name: frozenset(cells) for name, cells in known.items()}


def _size(value: Number | None) -> Fraction:
    return Fraction(0) if value is None else measure_exact(value)


def _owner(record: Contribution) -> tuple[str, str]:
    return ("unit", record.unit) if record.parent is None else ("parent", record.parent)


def _summed(pairs: Iterable[tuple[tuple[str | None, str], Number | None]]) -> list[Fraction]:
    sums: dict[tuple[str | None, str], Fraction] = {}
    for key, value in pairs:
        sums[key] = sums.get(key, Fraction(0)) + _size(value)
    return list(sums.values())
