"""The linear solver and its sparse matrices, loaded with the first problem: most processes never have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_matrix


def make_sparse(entries: Any, shape: tuple[int, int] | None = None) -> csr_matrix:
    """A matrix by its rows, of a dense array or of `(values, (rows, columns))`."""
    from scipy.sparse import csr_matrix

    return csr_matrix(entries, shape=shape)


def stack_rows(rows: Sequence[csr_matrix]) -> csr_matrix:
    """The rows below each other."""
    from scipy.sparse import vstack

    return vstack(rows, format="csr")


def stack_columns(columns: Sequence[Any]) -> Any:
    """The columns beside each other."""
    from scipy.sparse import hstack

    return hstack(columns, format="csc")


def solve_linear(goal: Any, **problem: Any) -> Any:
    """The least of `goal @ x`, by HiGHS; arguments and answer are those of scipy.optimize.linprog."""
    from scipy.optimize import linprog

    return linprog(goal, method="highs", **problem)


def solve_whole(goal: Any, *, integrality: Any, rows: Sequence[csr_matrix], needs: Any, seconds: float) -> Any:
    """The least of `goal @ x` for x from 0 to 1, whole where `integrality` is 1, with `rows @ x` at least `needs`.

    Stops at a proof, or after `seconds`; the answer is that of scipy.optimize.milp.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    return milp(
        goal,
        integrality=integrality,
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(stack_rows(rows), needs, float("inf")),
        options={"time_limit": max(seconds, 0.1), "mip_rel_gap": 0.0},
    )
