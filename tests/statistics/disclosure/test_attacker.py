from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.disclosure.attacker import Interval, Requirement, audit_pattern, find_interval
from census_api.statistics.disclosure.linked_table import LinkedTable, row_of_cells, with_published_totals, with_totals

CLASSIC = np.array([[20.0, 50, 10], [8, 19, 22], [17, 32, 12]])


@given(arrays(np.int64, (2, 2), elements=st.integers(0, 60)))
def test_a_wholly_withheld_square_is_known_to_its_classic_bounds(
    cells: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> None:
    table = with_published_totals(cells.astype(float))
    found = find_interval(table, range(4), 0)
    row, column, total = cells[0].sum(), cells[:, 0].sum(), cells.sum()

    assert found.lo == pytest.approx(max(0, row + column - total), abs=1e-6)
    assert found.hi == pytest.approx(min(row, column), abs=1e-6)


@given(arrays(np.int64, (3, 3), elements=st.integers(0, 40)), st.sets(st.integers(0, 8), min_size=1), st.data())
def test_the_truth_is_always_inside_and_knowing_more_never_widens(
    cells: np.ndarray[tuple[int, ...], np.dtype[np.int64]], withheld: set[int], data: st.DataObject
) -> None:
    table = with_published_totals(cells.astype(float))
    cell = data.draw(st.sampled_from(sorted(withheld)))
    known = data.draw(st.sets(st.sampled_from(sorted(withheld))))
    outside, inside = find_interval(table, withheld, cell), find_interval(table, withheld, cell, known)

    value = float(table.values[cell])
    assert outside.lo - 1e-6 <= inside.lo - 1e-9 <= value + 1e-6
    assert value - 1e-6 <= inside.hi <= outside.hi + 1e-6


def test_what_is_published_is_known() -> None:
    found = find_interval(with_published_totals(CLASSIC), [1, 2], 0)
    assert found == Interval(20, 20)
    assert found.exact


def test_without_a_total_nothing_limits_a_cell() -> None:
    row = row_of_cells(np.array([15.0, 20]), total_published=False)
    assert find_interval(row, [0, 1], 1) == Interval(0, float("inf"))


def test_what_is_known_beforehand_narrows_the_interval() -> None:
    table = with_totals(np.array([[3.0, 200], [200, 200]]), prior_reach=20)
    withheld = [table.cell(row, column) for row in range(2) for column in range(2)]
    assert find_interval(table, withheld, table.cell(0, 0)) == pytest.approx(Interval(0, 23))


def test_totals_are_cells_and_tie_the_inner_cells() -> None:
    table = with_totals(np.arange(24.0).reshape(2, 3, 4))
    assert table.shape == (3, 4, 5)
    assert table.values[table.cell(2, 3, 4)] == 276
    assert np.abs(table.equations @ table.values).max() == 0
    assert table.equations.shape == (4 * 5 + 3 * 5 + 3 * 4, 60)
    assert table.place(table.cell(1, 2, 3)) == (1, 2, 3)


def test_contradictory_sums_are_refused() -> None:
    table = row_of_cells(np.array([15.0, 20]), total_published=True)
    impossible = LinkedTable(table.values, table.equations, np.array([1.0, 1.0]), table.shape)
    with pytest.raises(InvalidRequest, match="contradict"):
        find_interval(impossible, [0, 1], 0)


def test_an_audit_names_what_does_not_hold() -> None:
    table = with_published_totals(CLASSIC)
    wide, tight = [5, 3, 6, 8], [5, 3]
    needs = [Requirement(5, 1, 8), Requirement(5, -1, 17), Requirement(5, 1, 9)]
    assert [breach.requirement for breach in audit_pattern(table, wide, needs)] == [needs[2]]
    assert [breach.reach for breach in audit_pattern(table, tight, needs)] == pytest.approx([0, 0, 0])
    insider = Requirement(5, 1, 1, frozenset({3}))
    assert len(audit_pattern(table, wide, [insider])) == 1
