"""The exact identity of a change between two years: what is real, and what is who took part (methods.md 1.2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from census_api.statistics.comparability.components import Component, LineYear


class Term(StrEnum):
    """How the value of a component is booked. The terms are signed and add up to the change."""

    CONTINUING = "continuing"
    ENTRANT = "entrant"
    EXIT = "exit"
    SCOPE_GAINED = "scope_gained"
    SCOPE_LOST = "scope_lost"
    NONRESPONSE_LOST = "nonresponse_lost"
    NONRESPONSE_RECOVERED = "nonresponse_recovered"
    PARTIAL_LOST = "partial_lost"
    PARTIAL_RECOVERED = "partial_recovered"
    PARTIAL_COMPONENT = "partial_component"
    RECLASSIFIED = "reclassified"


REAL = frozenset({Term.CONTINUING, Term.ENTRANT, Term.EXIT, Term.SCOPE_GAINED, Term.SCOPE_LOST})
LOST = frozenset({Term.NONRESPONSE_LOST, Term.PARTIAL_LOST})
RECOVERED = frozenset({Term.NONRESPONSE_RECOVERED, Term.PARTIAL_RECOVERED})


@dataclass(frozen=True, slots=True)
class Movement:
    """What one component, or a sum of components of one term, adds to a cell: its values in the two years.

    Values are not negative. `recoded` is used by RECLASSIFIED alone (see `book_recoded`).
    """

    term: Term
    before: float
    after: float
    components: int = 1
    recoded: float | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A component with the term that it falls under."""

    term: Term
    component: Component

    @property
    def movement(self) -> Movement:
        return Movement(self.term, _total(self.component.before), _total(self.component.after))


def _total(lines: Sequence[LineYear]) -> float:
    return math.fsum(line.value for line in lines if line.value is not None)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The identity of one cell: totals of the two years, and the change by term (methods.md 1.2, 1.3).

    Values are in the unit of the measure. `terms` holds every term, signed, zero where nothing happened.
    """

    before: float
    after: float
    terms: dict[Term, float]
    artefact_gross: float
    n_matched: int
    matched_before: float
    matched_after: float
    lost: float
    """Year-before values of lines that were in the frame and did not report (for bounds, methods.md 1.5)."""
    recovered: float
    """Year-after values of lines that were in the frame the year before and had not reported."""

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def real(self) -> float:
        return math.fsum(value for term, value in self.terms.items() if term in REAL)

    @property
    def artefact_net(self) -> float:
        return math.fsum(value for term, value in self.terms.items() if term not in REAL)

    @property
    def match_rate_before(self) -> float | None:
        """Matched share of the earlier total; None where that total is 0."""
        return ratio(self.matched_before, self.before)

    @property
    def match_rate_after(self) -> float | None:
        return ratio(self.matched_after, self.after)

    @property
    def link_relative(self) -> float | None:
        """Matched total after over matched total before (ratio of sums); None where the latter is 0."""
        return ratio(self.matched_after, self.matched_before)

    @property
    def artefact_share(self) -> float | None:
        """Gross artefact over the mean of the two totals (G); None where both totals are 0."""
        return ratio(self.artefact_gross, (self.before + self.after) / 2)


def ratio(numerator: float, denominator: float) -> float | None:
    """numerator / denominator, None where the denominator is 0."""
    return numerator / denominator if denominator else None


def subtract_part(total: float, part: float) -> float:
    """total - part, exactly 0 where only rounding is left: a ratio over what is left must see that nothing is."""
    left = total - part
    return 0.0 if abs(left) <= 1e-12 * abs(total) else left


def book_units(units: Sequence[Component]) -> list[Booking]:
    """The term of every component that reported something in either year (methods.md 1.1, 1.2).

    One line that goes on as itself is judged by its own answers; several lines that lineage joins are continuing only
    when every one of them reported, otherwise a partial component.
    """
    framed, answered = _organisations(units)
    bookings: list[Booking] = []
    for unit in units:
        for part in _parts(unit):
            term = _term(part, framed, answered)
            if term is not None:
                bookings.append(Booking(term, part))
    return bookings


_Organisations = tuple[set[str], set[str]]


def _organisations(units: Sequence[Component]) -> tuple[_Organisations, _Organisations]:
    """Per year, the organisations with a line in the frame, and those that reported some line."""
    framed: _Organisations = (set(), set())
    answered: _Organisations = (set(), set())
    for unit in units:
        for year, lines in enumerate((unit.before, unit.after)):
            framed[year].update(line.organisation for line in lines)
            answered[year].update(line.organisation for line in lines if line.reported)
    return framed, answered


def _parts(unit: Component) -> list[Component]:
    """Lines without a counterpart are booked one by one: each may belong to another organisation."""
    if unit.before and unit.after:
        return [unit]
    return [Component((line,), ()) for line in unit.before] + [Component((), (line,)) for line in unit.after]


def _term(unit: Component, framed: _Organisations, answered: _Organisations) -> Term | None:
    if unit.matched:
        return Term.CONTINUING
    if not any(line.reported for line in (*unit.before, *unit.after)):
        return None
    if not unit.before:
        return Term.SCOPE_GAINED if unit.after[0].organisation in framed[0] else Term.ENTRANT
    if not unit.after:
        return Term.SCOPE_LOST if unit.before[0].organisation in framed[1] else Term.EXIT
    if not unit.is_one_line:
        return Term.PARTIAL_COMPONENT
    if unit.before[0].reported:
        return Term.PARTIAL_LOST if unit.after[0].organisation in answered[1] else Term.NONRESPONSE_LOST
    return Term.PARTIAL_RECOVERED if unit.before[0].organisation in answered[0] else Term.NONRESPONSE_RECOVERED


def book_recoded(before: float, after: float) -> tuple[Movement, Movement]:
    """A continuing line whose sector or role was recoded: what it adds to the cell it left and the cell it joined.

    The move is valued at the earlier year, so that it sums to 0 over cells; the line's own change is continuing in
    the cell it joined. It counts as matched in neither cell.
    """
    return (
        Movement(Term.RECLASSIFIED, before, 0.0),
        Movement(Term.RECLASSIFIED, 0.0, after, recoded=before),
    )


def decompose_change(movements: Iterable[Movement]) -> Decomposition:
    """The identity over movements, of single components or already summed by term."""
    moved = list(movements)
    matched = [m for m in moved if m.term is Term.CONTINUING]
    parts: dict[Term, list[float]] = {term: [] for term in Term}
    gross: list[float] = []
    for move in moved:
        if move.recoded is not None:
            parts[Term.RECLASSIFIED].append(move.recoded)
            parts[Term.CONTINUING] += [move.after, -move.recoded]
            gross.append(move.recoded)
            continue
        parts[move.term] += [move.after, -move.before]
        if move.term not in REAL:
            # of a line that answered in one year this is its value; of a partial component y0 + y1
            gross.append(move.before + move.after)
    return Decomposition(
        before=math.fsum(m.before for m in moved),
        after=math.fsum(m.after for m in moved),
        terms={term: math.fsum(values) for term, values in parts.items()},
        artefact_gross=math.fsum(gross),
        n_matched=sum(m.components for m in matched),
        matched_before=math.fsum(m.before for m in matched),
        matched_after=math.fsum(m.after for m in matched),
        lost=math.fsum(m.before for m in moved if m.term in LOST),
        recovered=math.fsum(m.after for m in moved if m.term in RECOVERED),
    )
