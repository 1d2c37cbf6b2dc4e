"""Cells of a level: the exact identity, the gate, and what is offered where the gate is shut (methods.md 1.2 to 1.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from census_api.domain.comparing import Place
from census_api.services.comparing.cells import (
    NOBODY,
    ComparisonCell,
    Work,
    count_answered,
    find_undecided,
    finish_cell,
    group_rows,
    percent_change,
    places_of,
    start_cell,
    tidy_number,
)
from census_api.services.comparing.panels import Panel, cell_key, list_moves
from census_api.statistics.comparability.bounds import Growth, cell_bounds, growth_range
from census_api.statistics.comparability.identity import (
    Decomposition,
    Movement,
    Term,
    book_recoded,
    decompose_change,
    ratio,
)
from census_api.statistics.comparability.status import level_evidence, level_status
from census_api.statistics.nonresponse.panel_growth import LinkEstimate, Matched, link_interval
from census_api.statistics.policy import BoundsPolicy

_CONTINUING = Term.CONTINUING.value


@dataclass(frozen=True, slots=True)
class Around:
    """The identity of one cell, the components that answered twice, and how they grew or those of the cell around."""

    identity: Decomposition
    matched: Sequence[Matched]
    growth: Growth | None


@dataclass(slots=True)
class _Parts:
    """What is known of one cell: its movements, and the components that answered twice."""

    movements: list[Movement] = field(default_factory=list)
    matched: list[Matched] = field(default_factory=list)


def level_cells(work: Work, by: Sequence[str], adjusted: Mapping[Place, ComparisonCell]) -> list[ComparisonCell]:
    """A cell for every value of the dimensions, in their order. `adjusted` are the estimates by cell."""
    cells = measure_surroundings(work.panel, by, work.policy.bounds)
    coverages = [count_answered(side, by) for side in work.panel.sides]
    open_lineage = find_undecided(work.panel, by)
    nothing = Around(decompose_change([]), [], None)
    found = []
    for place in places_of(cells, coverages, by):
        own = cells.get(place, nothing)
        sides = (coverages[0].get(place, NOBODY), coverages[1].get(place, NOBODY))
        identity, bounds = own.identity, cell_bounds(own.identity, own.growth)
        evidence = level_evidence(
            identity,
            (sides[0].found.size, sides[1].found.size),
            bounds,
            definition_change=bool(work.definitions.changes(dict(zip(by, place, strict=True)))),
            lineage_resolved=place not in open_lineage,
        )
        verdict = level_status(evidence, work.policy.level)
        cell = start_cell(work, place, by, verdict) | {
            "from": tidy_number(identity.before),
            "to": tidy_number(identity.after),
        }
        if verdict.shows_change:
            cell |= {
                "change": tidy_number(identity.change),
                "change_pct": percent_change(identity.change, identity.before),
            }
        link = link_interval(own.matched, max(sides[1].expected, 1), sides[1].found.size, work.policy.estimate)
        cell |= {
            "matched": _matched(identity, link),
            "adjusted": _adjusted(adjusted.get(place), link),
            "terms": {term.value: tidy_number(value) for term, value in identity.terms.items()},
            "real": tidy_number(identity.real),
            "artefact": {"net": tidy_number(identity.artefact_net), "gross": tidy_number(identity.artefact_gross),
                         "share": tidy_number(identity.artefact_share)},
            "coverage": {
                "from": sides[0].as_dict(identity.match_rate_before), "to": sides[1].as_dict(identity.match_rate_after)
            },
            "bounds": None if bounds is None else [tidy_number(bounds.low), tidy_number(bounds.high)],
        }  # fmt: skip
        found.append(cell | finish_cell(work, place, by))
    return found


def measure_surroundings(panel: Panel, by: Sequence[str], policy: BoundsPolicy) -> dict[Place, Around]:
    """Every cell that anybody reported something for, taken apart."""
    cells = _parts(panel, by)
    growth = _Growths(panel, by, cells, policy)
    return {
        place: Around(decompose_change(parts.movements), parts.matched, growth.of(place))
        for place, parts in cells.items()
    }


def _matched(identity: Decomposition, link: LinkEstimate) -> ComparisonCell:
    change = identity.matched_after - identity.matched_before
    growth = None if link.interval is None else [tidy_number(100 * (end - 1)) for end in link.interval]
    return {
        "n": identity.n_matched, "from": tidy_number(identity.matched_before), "to": tidy_number(identity.matched_after),
        "change": tidy_number(change), "change_pct": percent_change(change, identity.matched_before),
        "link_relative": tidy_number(identity.link_relative), "interval_pct": growth,
    }  # fmt: skip


def _adjusted(estimates: ComparisonCell | None, link: LinkEstimate) -> ComparisonCell | None:
    """The estimates of both years, and the interval of their difference: the jackknife of growth, both years at once."""
    if estimates is None:
        return None
    before, after = estimates["from"], estimates["to"]
    change = None if before is None or after is None else after - before
    interval = None
    if change is not None and link.interval is not None:
        half = (link.interval[1] - link.interval[0]) / 2 * before
        interval = [tidy_number(change - half), tidy_number(change + half)]
    return estimates | {
        "change": tidy_number(change),
        "change_pct": percent_change(change, before),
        "interval": interval,
    }


def _parts(panel: Panel, by: Sequence[str]) -> dict[Place, _Parts]:
    table = list_moves(panel, by)
    cells: dict[Place, _Parts] = {}
    inner = [name for name in by if name not in panel.before.outer]
    if inner:
        # of the people of a role only lines that had some in either year say anything
        table = table.filter((pl.col("num0") != 0) | (pl.col("num1") != 0))
    whole = table.filter(~pl.col("split"))
    sums = (pl.col("num0").sum(), pl.col("num1").sum(), pl.len().alias("n"))
    for row in group_rows(whole, [*by, "term"], *sums):
        cell = cells.setdefault(cell_key(row, by), _Parts())
        before, after = round(row["num0"], 9), round(row["num1"], 9)
        cell.movements.append(Movement(Term(row["term"]), before, after, row["n"]))
    for place, movement in _recoded(table.filter("split"), by, inner):
        cells.setdefault(place, _Parts()).movements.append(movement)
    pairs = whole.filter(pl.col("term") == _CONTINUING).join(panel.parents, on="component").sort("component")
    for row in group_rows(pairs, by, pl.col("parent"), pl.col("num0"), pl.col("num1")):
        cells[cell_key(row, by)].matched = [
            Matched(*unit) for unit in zip(row["parent"], row["num0"], row["num1"], strict=True)
        ]
    return cells


def _recoded(split: pl.DataFrame, by: Sequence[str], inner: Sequence[str]) -> list[tuple[Place, Movement]]:
    """Components that lie in other cells than before, valued at the earlier year (methods.md 1.2).

    Its earlier value is laid over the later cells in proportion to the later values. What a cell keeps of it continues
    there; the rest is reclassified.
    """
    found: list[tuple[Place, Movement]] = []
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in split.to_dicts():
        groups.setdefault((row["component"], *(row[name] for name in inner)), []).append(row)
    for rows in groups.values():
        before, after = (math.fsum(row[name] for row in rows) for name in ("num0", "num1"))
        for row in rows:
            place = cell_key(row, by)
            moved = before * row["num1"] / after if after else 0.0
            found += [(place, movement) for movement in _moved(row["num0"], row["num1"], moved, gone=not after)]
    return found


def _moved(before: float, after: float, moved: float, *, gone: bool) -> list[Movement]:
    """What one cell of a divided component shows: `moved` is the earlier value of what stands there now."""
    if gone:
        return [Movement(Term.CONTINUING, before, 0.0)]
    kept = min(before, moved)
    share = ratio(kept, moved) or 0.0
    found = [Movement(Term.CONTINUING, kept, after * share)] if kept else []
    if before > kept:
        found.append(book_recoded(before - kept, 0.0)[0])
    if after and share < 1:
        found.append(Movement(Term.RECLASSIFIED, 0.0, after * (1 - share), recoded=moved - kept))
    return found


class _Growths:
    """How the units of a cell have grown; of the cell around it where it has too few (methods.md 1.5)."""

    def __init__(self, panel: Panel, by: Sequence[str], cells: Mapping[Place, _Parts], policy: BoundsPolicy) -> None:
        self._panel, self._by, self._policy = panel, tuple(by), policy
        self._levels: dict[tuple[str, ...], dict[Place, list[tuple[float, float]]]] = {self._by: _pairs(cells)}

    def of(self, place: Place) -> Growth | None:
        own = self._levels[self._by].get(place, [])
        wider: list[tuple[float, float]] = []
        for length in range(len(place) - 1, -1, -1):
            if len([1 for before, _ in wider or own if before > 0]) >= self._policy.min_units:
                break
            wider = self._level(self._by[:length]).get(place[:length], [])
        return growth_range(own, wider, self._policy)

    def _level(self, by: tuple[str, ...]) -> dict[Place, list[tuple[float, float]]]:
        if by not in self._levels:
            self._levels[by] = _pairs(_parts(self._panel, by))
        return self._levels[by]


def _pairs(cells: Mapping[Place, _Parts]) -> dict[Place, list[tuple[float, float]]]:
    return {place: [(unit.before, unit.after) for unit in parts.matched] for place, parts in cells.items()}
