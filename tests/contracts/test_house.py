"""The house stays as it is drawn: figures of length, names and folders (see house.py)."""

from __future__ import annotations

import ast

import pytest

from tests.contracts.house import HouseFigure, list_functions, measure_house


@pytest.mark.parametrize("figure", measure_house(), ids=lambda figure: figure.name)
def test_a_figure_of_the_house_holds(figure: HouseFigure) -> None:
    assert figure.holds, f"{figure.value} is more than {figure.limit}: {figure.places}"


def test_what_is_counted_as_a_function() -> None:
    module = ast.parse(
        """
class Panel:
    @property
    def size(self) -> int: ...
    def grow(self, by) -> None: ...

@cache
def read_panel(path: str) -> Panel:
    def inner(): ...
def _hidden(): ...
"""
    )
    grow, hidden, read = sorted(
        (one for one in list_functions(module, "m.py") if one.name != "size"), key=lambda one: one.name.strip("_")
    )
    assert (grow.name, grow.is_typed, grow.is_counted) == ("grow", False, True)
    assert (read.name, read.is_typed, read.is_counted, read.lines) == ("read_panel", True, True, 3)
    assert (hidden.is_typed, hidden.is_counted) == (False, False)
    assert not next(one for one in list_functions(module, "m.py") if one.name == "size").is_counted
