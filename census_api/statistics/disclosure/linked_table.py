"""Tables as an attacker sees them: cells, and the published sums that tie cells together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from census_api.statistics.disclosure.solver import make_sparse

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinkedTable:
    """`values` (n,) are the true cells, flattened in row-major order of `shape`.

    `equations` (m, n) are the sums: the attacker knows `equations @ values`. `upper` (n,) is what the attacker knows
    of each cell beforehand to be its most; infinity where nothing is known. Below zero no cell can be.
    """

    values: Values
    equations: csr_matrix
    upper: Values
    shape: tuple[int, ...]

    def cell(self, *place: int) -> int:
        """The number of the cell at a place of the table."""
        return int(np.ravel_multi_index(place, self.shape))

    def place(self, cell: int) -> tuple[int, ...]:
        """The place of a cell in the table."""
        return tuple(int(part) for part in np.unravel_index(cell, self.shape))


def with_published_totals(table: Values) -> LinkedTable:
    """A table whose one-way totals are published and stay so: only its inner cells are cells.

    For two dimensions: every row sum and every column sum.
    """
    numbers = np.arange(table.size).reshape(table.shape)
    groups = [numbers.take(index, axis=axis).ravel() for axis, size in enumerate(table.shape) for index in range(size)]
    rows = np.concatenate([np.full(len(group), row) for row, group in enumerate(groups)])
    columns = np.concatenate(groups)
    equations = make_sparse((np.ones(len(columns)), (rows, columns)), (len(groups), table.size))
    return LinkedTable(table.astype(float).ravel(), equations, np.full(table.size, np.inf), table.shape)


def row_of_cells(cells: Values, *, total_published: bool) -> LinkedTable:
    """One row of cells whose total is published, or is not."""
    equations = make_sparse(np.ones((int(total_published), cells.size)))
    return LinkedTable(cells.astype(float), equations, np.full(cells.size, np.inf), cells.shape)


def with_totals(inner: Values, prior_reach: float | None = None) -> LinkedTable:
    """A table of any dimension with all its subtotals and its total as cells, the last place of each axis being the sum.

    Every line along every axis is an equation. With `prior_reach` the attacker knows that a cell of value a is at
    most a + max(a, prior_reach).
    """
    table = inner.astype(float)
    for axis in range(inner.ndim):
        table = np.concatenate([table, table.sum(axis=axis, keepdims=True)], axis=axis)
    numbers = np.arange(table.size).reshape(table.shape)
    signs, rows, columns = [], [], []
    count = 0
    for axis in range(table.ndim):
        for place in product(*(range(size) for other, size in enumerate(table.shape) if other != axis)):
            line = np.moveaxis(numbers, axis, -1)[place]
            signs.append(np.append(np.ones(len(line) - 1), -1.0))
            rows.append(np.full(len(line), count))
            columns.append(line)
            count += 1
    entries = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    values = table.ravel()
    upper = np.full(table.size, np.inf) if prior_reach is None else values + np.maximum(values, prior_reach)
    return LinkedTable(values, make_sparse(entries, (count, table.size)), upper, table.shape)
