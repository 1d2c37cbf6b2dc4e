"""Random panels of lines over two years, with every kind of participation event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from census_api.statistics.comparability.components import Edge, LineYear, find_components
from census_api.statistics.comparability.identity import Booking, Decomposition, book_units, decompose_change


@dataclass(frozen=True)
class Panel:
    before: tuple[LineYear, ...]
    after: tuple[LineYear, ...]
    edges: tuple[Edge, ...] = ()

    def bookings(self) -> list[Booking]:
        return book_units(find_components(self.before, self.after, self.edges))

    def decomposed(self) -> Decomposition:
        return decompose_change(booking.movement for booking in self.bookings())


def total(lines: Sequence[LineYear]) -> float:
    return sum(line.value for line in lines if line.value is not None)


VALUES = st.one_of(st.none(), st.just(0.0), st.integers(0, 400).map(lambda hundredths: hundredths / 4))


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    """Lines of up to six organisations: present, absent or silent in either year, some of them joined by lineage."""
    sides: list[list[LineYear]] = [[], []]
    for number in range(draw(st.integers(0, 14))):
        organisation = f"org{draw(st.integers(0, 5))}"
        for side in sides:
            if draw(st.booleans()):
                side.append(LineYear(f"line{number}", organisation, draw(st.booleans()), draw(VALUES)))
    names = [[line.line for line in side] for side in sides]
    edges: list[Edge] = []
    if all(names):
        pairs = st.tuples(st.sampled_from(names[0]), st.sampled_from(names[1]))
        edges = draw(st.lists(pairs, max_size=4))
    return Panel(tuple(sides[0]), tuple(sides[1]), tuple(edges))


def renamed(panel: Panel) -> Panel:
    """The same panel with other names, in another order."""

    def side(lines: Sequence[LineYear]) -> tuple[LineYear, ...]:
        return tuple(
            replace(line, line=_mirrored(line.line), organisation=_mirrored(line.organisation))
            for line in reversed(lines)
        )

    edges = tuple((_mirrored(old), _mirrored(new)) for old, new in reversed(panel.edges))
    return Panel(side(panel.before), side(panel.after), edges)


def _mirrored(name: str) -> str:
    digits = name.lstrip("lineorg")
    return f"{999 - int(digits)}-{name.rstrip('0123456789')}"
