"""The panel of two years: which units took part in both, and what each adds to a cell (methods.md 1.1, 1.2).

Units are lines, or organisations where a breakdown is asked once an organisation. They are classified once for the
measure; cells are sums over units, so that the terms of the cells add up to those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from census_api.services.comparing.panel_lineage import Lineage
from census_api.statistics.comparability.components import Component, LineYear, find_components
from census_api.statistics.comparability.identity import Booking, Term, book_units

Rows = Callable[[pl.DataFrame], pl.DataFrame]
"""The known ones of some rows (unit and atom, which says which row of it), with the inner dimensions, num and den."""

NOWHERE = ""
"""Stands for None in the columns of dimensions: joins and groups treat it as a value."""


@dataclass(frozen=True, slots=True)
class Side:
    """One year of a panel.

    `units`: unit (its number), key, organisation, parent, kind (the sector, for classes of estimates), in_frame, reported
    (r of the measure), size, and a column an outer dimension. `facts`: unit, a column an inner dimension, and sums: num, den, rows, known, people, known_people.
    `doubtful`: unit and atom of rows that do not give the measure though their unit does.
    """

    units: pl.DataFrame
    facts: pl.DataFrame
    doubtful: pl.DataFrame
    rows: Rows
    outer: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Two years booked: `units` are (earlier, later) frames of unit, component and term, with the outer dimensions.

    `parents` names the parent organisation of every component, `lone` those that are one line which goes on as itself.
    `unresolved` are units, earlier and later, whose lineage nobody has decided. `carry` says which units of the later
    year go on from which known ones (`later`, `earlier`): from all of a component, where it has one later unit.
    """

    before: Side
    after: Side
    units: tuple[pl.DataFrame, pl.DataFrame]
    parents: pl.DataFrame
    lone: frozenset[int]
    unresolved: tuple[pl.DataFrame, pl.DataFrame]
    carry: pl.DataFrame

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.before, self.after


def build_panel(before: Side, after: Side, lineage: Lineage) -> Panel:
    """The panel of two years. Nothing in it depends on the order of units or on their names."""
    sides = (before, after)
    lines = [_lines(side, lineage) for side in sides]
    joined = find_components(lines[0], lines[1], lineage.edges)
    bookings = book_units(joined)
    numbers = [dict(zip(side.units["key"], side.units["unit"], strict=True)) for side in sides]
    return Panel(
        before,
        after,
        (_booked(before, bookings, numbers[0], 0), _booked(after, bookings, numbers[1], 1)),
        _parents(bookings, sides, numbers),
        frozenset(place for place, booking in enumerate(bookings) if booking.component.is_one_line),
        (_at_ends(before, lineage.unresolved[0]), _at_ends(after, lineage.unresolved[1])),
        _carry(joined, numbers),
    )


def _lines(side: Side, lineage: Lineage) -> list[LineYear]:
    rows = side.units.select("key", "organisation", "in_frame", "reported").iter_rows()
    return [
        LineYear(key, lineage.organisation(organisation), in_frame, 0.0 if reported else None)
        for key, organisation, in_frame, reported in rows
    ]


def _booked(side: Side, bookings: Sequence[Booking], numbers: dict[str, int], year: int) -> pl.DataFrame:
    rows = [
        (numbers[line.line], place, booking.term.value)
        for place, booking in enumerate(bookings)
        for line in (booking.component.before, booking.component.after)[year]
        if line.reported
    ]
    frame = pl.DataFrame(rows, schema={"unit": pl.Int64, "component": pl.Int64, "term": pl.String}, orient="row")
    return frame.join(side.units.select("unit", *side.outer), on="unit", how="left")


def _parents(bookings: Sequence[Booking], sides: tuple[Side, Side], numbers: Sequence[dict[str, int]]) -> pl.DataFrame:
    """A component whose latest lines have several parents counts under all of them together: no order may decide."""
    parents = [dict(zip(side.units["unit"], side.units["parent"], strict=True)) for side in sides]
    rows = []
    for place, booking in enumerate(bookings):
        year = 1 if booking.component.after else 0
        lines = (booking.component.before, booking.component.after)[year]
        rows.append((place, " ".join(sorted({parents[year][numbers[year][line.line]] for line in lines}))))
    return pl.DataFrame(rows, schema={"component": pl.Int64, "parent": pl.String}, orient="row")


def _carry(joined: Sequence[Component], numbers: Sequence[dict[str, int]]) -> pl.DataFrame:
    rows = [
        (numbers[0][line.line], numbers[1][unit.after[0].line])
        for unit in joined
        if len(unit.after) == 1 and all(line.reported for line in unit.before)
        for line in unit.before
    ]
    return pl.DataFrame(rows, schema={"earlier": pl.Int64, "later": pl.Int64}, orient="row")


def _at_ends(side: Side, keys: frozenset[str]) -> pl.DataFrame:
    return side.units.filter(pl.col("key").is_in(list(keys))).select("unit", *side.outer)


def list_moves(panel: Panel, by: Sequence[str]) -> pl.DataFrame:
    """What each component adds to each cell: component, term, the dimensions, num0, den0, num1, den1, split.

    A component that lies in other cells than before is `split`: its values stand in the cells where they were counted,
    and it is for the reader to book them as reclassified. Values are rounded to nine places, which the sums of two
    decimals never need: what is left of the way in which they were added up goes.
    """
    outer = [name for name in by if name in panel.before.outer]
    inner = [name for name in by if name not in outer]
    keys = ["component", "term", *by]
    sums = [_summed(side, units, outer, inner) for side, units in zip(panel.sides, panel.units, strict=True)]
    both = (
        sums[0]
        .rename({"num": "num0", "den": "den0"})
        .join(sums[1].rename({"num": "num1", "den": "den1"}), on=keys, how="full", coalesce=True)
        .with_columns(pl.col("num0", "den0", "num1", "den1").fill_null(0.0))
    )
    corrections = _unknown_rows(panel, outer, inner)
    if corrections is not None:
        both = pl.concat([both, corrections.select(both.columns)], how="vertical_relaxed")
        both = both.group_by(keys).agg(pl.col("num0", "den0", "num1", "den1").sum())
    both = both.with_columns(pl.col("num0", "den0", "num1", "den1").round(9)).sort(keys)
    moved = both.join(_split(panel, outer), on="component", how="left")
    return moved.with_columns(pl.col("split").fill_null(False) & (pl.col("term") == Term.CONTINUING.value))


def _summed(side: Side, units: pl.DataFrame, outer: list[str], inner: list[str]) -> pl.DataFrame:
    """Sums of a year by component and cell. Without inner dimensions a unit that has no rows counts with 0."""
    facts = side.facts.group_by("unit", *inner).agg(pl.col("num", "den").sum())
    joined = units.select("unit", "component", "term", *outer).join(facts, on="unit", how="inner" if inner else "left")
    summed = joined.group_by("component", "term", *outer, *inner).agg(pl.col("num", "den").fill_null(0.0).sum())
    return summed.select("component", "term", *outer, *inner, "num", "den")


def _split(panel: Panel, outer: list[str]) -> pl.DataFrame:
    """Continuing components whose two years do not lie in the same outer cells."""
    empty = pl.DataFrame(schema={"component": pl.Int64, "split": pl.Boolean})
    if not outer:
        return empty
    continuing = [
        units.filter(pl.col("term") == Term.CONTINUING.value).select("component", *outer).unique()
        for units in panel.units
    ]
    keys = ["component", *outer]
    alone = [continuing[year].join(continuing[1 - year], on=keys, how="anti").select("component") for year in (0, 1)]
    return pl.concat(alone).unique().with_columns(pl.lit(True).alias("split"))


def _unknown_rows(panel: Panel, outer: list[str], inner: list[str]) -> pl.DataFrame | None:
    """Takes out of what continues the rows that one of its two years does not answer: unknown is never zero.

    What such a row is known to have been is booked as left out of the other year's answer.
    """
    continuing = [units.filter(pl.col("term") == Term.CONTINUING.value) for units in panel.units]
    doubtful = [
        side.doubtful.join(units, on="unit", how="inner").select("component", "atom")
        for side, units in zip(panel.sides, continuing, strict=True)
    ]
    atoms = pl.concat(doubtful).unique()
    if atoms.is_empty():
        return None
    parts = [_known_of(side, units, atoms, outer, inner) for side, units in zip(panel.sides, continuing, strict=True)]
    keys = ["component", "atom", *outer, *inner]
    both = (
        parts[0]
        .rename({"num": "num0", "den": "den0"})
        .join(parts[1].rename({"num": "num1", "den": "den1"}), on=keys, how="full", coalesce=True)
        .with_columns(pl.col("num0", "den0", "num1", "den1").fill_null(0.0))
    )
    lone = pl.col("component").is_in(list(panel.lone))
    term = (
        pl.when(~lone)
        .then(pl.lit(Term.PARTIAL_COMPONENT.value))
        .when(pl.col("in0"))
        .then(pl.lit(Term.PARTIAL_LOST.value))
        .otherwise(pl.lit(Term.PARTIAL_RECOVERED.value))
    )
    booked = both.with_columns((pl.col("num0") != 0).alias("in0")).with_columns(term.alias("term"))
    taken = both.with_columns(
        pl.lit(Term.CONTINUING.value).alias("term"), *(-pl.col(name) for name in ("num0", "den0", "num1", "den1"))
    )
    columns = ["component", "term", *outer, *inner, "num0", "den0", "num1", "den1"]
    return pl.concat([booked.select(columns), taken.select(columns)])


def _known_of(side: Side, units: pl.DataFrame, atoms: pl.DataFrame, outer: list[str], inner: list[str]) -> pl.DataFrame:
    """What is known of some rows of components in one year, by component, row and cell."""
    wanted = units.join(atoms, on="component", how="inner").sort("unit", "atom")
    rows = side.rows(wanted.select("unit", "atom"))
    joined = rows.join(wanted.select("unit", "component", *outer).unique(), on="unit", how="inner")
    return joined.group_by("component", "atom", *outer, *inner).agg(pl.col("num", "den").sum())


def carry_lines(panel: Panel) -> pl.DataFrame:
    """What units of the later year stood at in the earlier one: unit, the inner dimensions, num."""
    facts = panel.before.facts.select("unit", *panel.before.inner, "num")
    joined = facts.join(panel.carry, left_on="unit", right_on="earlier", how="inner")
    return joined.group_by("later", *panel.before.inner).agg(pl.col("num").sum()).rename({"later": "unit"})


def cell_key(row: dict[str, Any], by: Sequence[str]) -> tuple[str | None, ...]:
    """The values of a row's dimensions; what stands for nowhere is None again."""
    return tuple(row[name] or None for name in by)
