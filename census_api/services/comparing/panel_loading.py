"""Reads the two years of a question from their snapshots, and the year before them, and makes panels of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from census_api.domain.comparing import ComparisonBreakdown, ComparisonQuestion
from census_api.domain.register.lineage import LineageEdge
from census_api.domain.snapshots.revisions import Snapshot
from census_api.questionnaire.load import SpecLibrary
from census_api.questionnaire.model import Spec
from census_api.services.comparing.definitions import Definitions, compare_definitions
from census_api.services.comparing.estimating import KnownSizes, stock_of
from census_api.services.comparing.panel_lineage import Lineage, of_organisations, trace_lineage
from census_api.services.comparing.panel_sides import (
    Renamed,
    breakdown_side,
    line_keys,
    people_of,
    staff_side,
    stocks_of,
    with_sizes,
)
from census_api.services.comparing.panels import Panel, Side, build_panel
from census_api.services.kit.platform import Platform
from census_api.store.comparing import queries as stored
from census_api.store.kit.session import Session
from census_api.store.register import lineage as stored_lineage


@dataclass(frozen=True, slots=True)
class Loaded:
    """A panel, what its years were asked, and what is known besides for estimates of the earlier and the later year."""

    panel: Panel
    definitions: Definitions
    known: tuple[KnownSizes, KnownSizes]


def breakdowns_of(specs: Sequence[Spec]) -> Mapping[str, ComparisonBreakdown]:
    """The breakdowns that all of the years ask."""
    keys = [key for key in specs[0].sheet if all(key in {s.key for s in spec.breakdowns} for spec in specs)]
    return {key: ComparisonBreakdown(key, specs[-1].sheet[key].rows_by == "role_code") for key in keys}


def edges_of(session: Session, years: Sequence[int]) -> list[LineageEdge]:
    """Every edge between the first and the last of the years."""
    return stored_lineage.edges_between(session, min(years), max(years))


def load_panel(
    session: Session,
    platform: Platform,
    asked: ComparisonQuestion,
    snapshots: tuple[Snapshot, Snapshot],
    earlier: Snapshot | None,
    edges: Sequence[LineageEdge],
) -> Loaded:
    """The panel of two snapshots; with the one before them, where there is one, the earlier year can be estimated."""
    reader = _PanelReader(session, platform.specs, asked, snapshots[1])
    before, after = (reader.lines(snapshot) for snapshot in snapshots)
    before = _sized(session, before, [(snapshots[1], after), (snapshots[0], before)])
    found = reader.definitions(snapshots[0])
    sides = (reader.side(snapshots[0], before, found.renamed), reader.side(snapshots[1], after, {}))
    years = (snapshots[0].collection, snapshots[1].collection)
    panel = build_panel(sides[0], sides[1], reader.lineage(edges, years, (before, after), sides))
    previous = None
    if earlier is not None:
        lines = reader.lines(earlier)
        side = reader.side(earlier, lines, reader.definitions(earlier).renamed)
        own = (earlier.collection, years[0])
        previous = build_panel(side, sides[0], reader.lineage(edges, own, (lines, before), (side, sides[0])))
    stocks = [reader.stock(snapshots[0], found.renamed), reader.stock(snapshots[1], {})]
    return Loaded(panel, found, (KnownSizes(previous, stocks[0]), KnownSizes(panel, stocks[1])))


def load_one(
    session: Session,
    platform: Platform,
    asked: ComparisonQuestion,
    snapshot: Snapshot,
    around: tuple[Snapshot | None, Snapshot | None],
    edges: Sequence[LineageEdge],
) -> tuple[Side, KnownSizes]:
    """One year, with the snapshots `around` it: the year before, and the year after for the sizes of a first year."""
    reader = _PanelReader(session, platform.specs, asked, snapshot)
    lines = reader.lines(snapshot)
    near = [(around[1], reader.lines(around[1]))] if around[1] else []
    near.append((snapshot, lines))
    lines = _sized(session, lines, near)
    side = reader.side(snapshot, lines, {})
    previous = None
    if around[0] is not None:
        its = reader.lines(around[0])
        before = reader.side(around[0], its, reader.definitions(around[0]).renamed)
        years = (around[0].collection, snapshot.collection)
        previous = build_panel(before, side, reader.lineage(edges, years, (its, lines), (before, side)))
    return side, KnownSizes(previous, reader.stock(snapshot, {}))


def _sized(session: Session, lines: pl.DataFrame, near: Sequence[tuple[Snapshot, pl.DataFrame]]) -> pl.DataFrame:
    if lines["size"].is_not_null().any():
        return lines
    return with_sizes(lines, [people_of(session, one, its) for one, its in near])


class _PanelReader:
    """Reads years under the names of the last of them."""

    def __init__(self, session: Session, specs: SpecLibrary, asked: ComparisonQuestion, last: Snapshot) -> None:
        self._session, self._specs, self._asked, self._last = session, specs, asked, last
        self._spec = specs.spec(last.collection)
        self._roles = stored.roles_of(session, last)

    def lines(self, snapshot: Snapshot) -> pl.DataFrame:
        return stored.lines_of(self._session, snapshot)

    def definitions(self, snapshot: Snapshot) -> Definitions:
        roles = (stored.roles_of(self._session, snapshot), self._roles)
        return compare_definitions(self._asked, (self._specs.spec(snapshot.collection), self._spec), roles)

    def side(self, snapshot: Snapshot, lines: pl.DataFrame, renamed: Renamed) -> Side:
        read = staff_side if self._asked.breakdown is None else breakdown_side
        return read(self._session, snapshot, lines, self._asked, renamed)

    def lineage(
        self,
        edges: Sequence[LineageEdge],
        years: tuple[int, int],
        lines: tuple[pl.DataFrame, pl.DataFrame],
        sides: tuple[Side, Side],
    ) -> Lineage:
        own = [edge for edge in edges if years[0] <= edge.from_year and edge.to_year <= years[1]]
        keys = (line_keys(lines[0]), line_keys(lines[1]))
        found = trace_lineage(own, years, keys, self._specs.spec(years[1]))
        if self._asked.breakdown is None:
            return found
        return of_organisations(found, (frozenset(sides[0].units["key"]), frozenset(sides[1].units["key"])))

    def stock(self, snapshot: Snapshot, renamed: Renamed) -> pl.DataFrame | None:
        item = stock_of(self._asked.measure)
        return None if item is None else stocks_of(self._session, snapshot, item, self._asked.inner, renamed)
