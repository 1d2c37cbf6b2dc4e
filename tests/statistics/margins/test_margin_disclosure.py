"""The joint table is attacked afresh, with nothing but what is published."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.statistics.disclosure.attacker import find_interval
from census_api.statistics.disclosure.linked_table import LinkedTable, with_published_totals
from census_api.statistics.margins.estimated_totals import EligibleLine
from census_api.statistics.margins.protection import count_contributors, find_joins, is_sensitive, protect_joint

CATEGORIES = (("north", "south"), ("workers", "nurses"), ("charity", "nhs", "council"))


def line(parent: str, region: str, kind: str, **counts: float) -> EligibleLine:
    return EligibleLine(
        f"{parent}/{region}/{kind}",
        parent,
        kind,
        "adult_community",
        region,
        kind,
        in_frame=True,
        size=None,
        counts=counts,
    )


def everywhere(people: float = 30) -> list[EligibleLine]:
    return [
        line(f"{kind}-{number}", region, kind, workers=people + number, nurses=people - number)
        for region, kind, number in product(CATEGORIES[0], CATEGORIES[2], range(5))
    ]


@pytest.mark.parametrize(
    ("cell", "sensitive"),
    [
        ({}, False),
        ({"a": 0, "b": 0}, False),
        ({"a": 1, "b": 1, "c": 2}, True),
        ({"a": 20, "b": 20}, True),
        ({"a": 20, "b": 20, "c": 20}, False),
        ({"a": 100, "b": 20, "c": 5}, True),
        ({"a": 100, "b": 20, "c": 10}, False),
    ],
)
def test_few_people_few_organisations_and_dominated_cells_are_sensitive(
    cell: dict[str, float], sensitive: bool
) -> None:
    assert is_sensitive(cell) is sensitive


def test_a_table_of_many_is_shown_whole() -> None:
    found = protect_joint(everywhere(), CATEGORIES)
    assert (found.withheld, found.primary, found.safe) == (frozenset(), 0, True)


def test_categories_are_joined_until_they_may_be_shown() -> None:
    cells = {"a": {"p": 3.0}, "b": {"q": 50.0, "r": 50.0, "s": 50.0}, "c": {"t": 90.0, "u": 10.0}}
    assert find_joins(cells, {"a": "c"}) == {"a": "b", "c": "b"}
    assert find_joins(cells, {}) == {"a": "b", "c": "b"}
    assert find_joins({"b": cells["b"]}, {}) == {}


_counts = st.integers(0, 40)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("pqrstuv"), st.integers(0, 1), _counts, _counts, st.integers(0, 2)), max_size=24)
)
def test_withheld_cells_cannot_be_worked_out(rows: list[tuple[str, int, int, int, int]]) -> None:
    lines = everywhere(8) + [
        line(parent, CATEGORIES[0][region], CATEGORIES[2][kind], workers=workers, nurses=nurses)
        for parent, region, workers, nurses, kind in rows
    ]
    lines = lines[len(rows) :] if len(rows) % 2 else lines[: len(lines) - len(rows) // 2]

    found = protect_joint(lines, CATEGORIES)

    cells = count_contributors(lines)
    names = list(product(*CATEGORIES))
    inside = [cells.get(name, {}) for name in names]
    primary = {number for number, cell in enumerate(inside) if is_sensitive(cell)}
    assert {names[number] for number in primary} <= found.withheld
    if not found.safe:
        return
    table = with_published_totals(np.array([sum(cell.values()) for cell in inside]).reshape(2, 2, 3))
    known = table.values + np.maximum(table.values, 20)
    table = LinkedTable(table.values, table.equations, known, table.shape)
    withheld = [number for number, name in enumerate(names) if name in found.withheld]
    for number in primary:
        seen = find_interval(table, withheld, number)
        assert not seen.exact
        if 0 < table.values[number] < 5:
            assert seen.lo <= 1 + 1e-5
            assert seen.hi >= 5 - 1e-5
