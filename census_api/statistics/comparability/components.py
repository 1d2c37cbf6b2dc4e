"""Comparison units: the connected components of the lineage between the lines of two years (methods.md 1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from census_api.domain.kit.errors import InvalidRequest

Edge = tuple[str, str]
"""The id of a line in the earlier year, and the id of a line in the later year that carries it on."""


@dataclass(frozen=True, slots=True)
class LineYear:
    """One line in one year, for one measure.

    `value` None means not reported: a blank is never zero. `organisation` is the same key in both years for an
    organisation that was only renamed or merged; whoever builds the panel resolves that.
    """

    line: str
    organisation: str
    in_frame: bool
    value: float | None

    @property
    def reported(self) -> bool:
        return self.value is not None

    @property
    def exists(self) -> bool:
        """It was expected to report, or did."""
        return self.in_frame or self.reported


@dataclass(frozen=True, slots=True)
class Component:
    """Lines of two years that lineage makes one unit of comparison. One side may be empty."""

    before: tuple[LineYear, ...]
    after: tuple[LineYear, ...]

    @property
    def matched(self) -> bool:
        """Lines on both sides, and every one of them reported (methods.md 1.1)."""
        lines = (*self.before, *self.after)
        return bool(self.before) and bool(self.after) and all(line.reported for line in lines)

    @property
    def is_one_line(self) -> bool:
        """A single line that goes on as itself."""
        return len(self.before) == len(self.after) == 1 and self.before[0].line == self.after[0].line


_Node = tuple[int, str]


def find_components(
    before: Sequence[LineYear], after: Sequence[LineYear], edges: Iterable[Edge] = ()
) -> list[Component]:
    """The components of two years of lines, each side sorted by line, in order of their first line.

    A line that no edge touches in either year goes on as itself. Lines that neither were in the frame nor reported do
    not exist and are left out; an edge to a line that does not exist joins nothing to it but may join others.

    Raises:
        InvalidRequest: a line given twice in one year.
    """
    here = _nodes(before, after)
    forest = _Forest()
    touched: set[_Node] = set()
    for old, new in edges:
        touched |= {(0, old), (1, new)}
        forest.join((0, old), (1, new))
    for year, line in here:
        if year == 0 and not touched & {(0, line), (1, line)}:
            forest.join((0, line), (1, line))
    groups: dict[_Node, list[_Node]] = {}
    for node in sorted(here):
        groups.setdefault(forest.root(node), []).append(node)
    return [
        Component(tuple(here[n] for n in nodes if n[0] == 0), tuple(here[n] for n in nodes if n[0] == 1))
        for nodes in groups.values()
    ]


def _nodes(before: Sequence[LineYear], after: Sequence[LineYear]) -> dict[_Node, LineYear]:
    here: dict[_Node, LineYear] = {}
    for year, lines in enumerate((before, after)):
        for line in lines:
            if (year, line.line) in here:
                raise InvalidRequest(f"The line {line.line} is given twice in one year. Give every line once a year.")
            if line.exists:
                here[year, line.line] = line
    return here


class _Forest:
    """Disjoint sets."""

    def __init__(self) -> None:
        self._parent: dict[_Node, _Node] = {}

    def root(self, node: _Node) -> _Node:
        path = []
        while (parent := self._parent.get(node, node)) != node:
            path.append(node)
            node = parent
        for passed in path:
            self._parent[passed] = node
        return node

    def join(self, one: _Node, other: _Node) -> None:
        self._parent[self.root(one)] = self.root(other)
