"""Cells of a rate: the change taken apart exactly, and the gate of its participation effect (methods.md 1.6, 1.7)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
from census_api.statistics.comparability.identity import Term
from census_api.statistics.comparability.mixes import crossed_mixes
from census_api.statistics.comparability.rate_change import RateChange, RateUnit, Share, rate_change
from census_api.statistics.comparability.status import GateVerdict, rate_status

_GONE = frozenset({Term.EXIT, Term.SCOPE_LOST, Term.NONRESPONSE_LOST, Term.PARTIAL_LOST})
_COME = frozenset({Term.ENTRANT, Term.SCOPE_GAINED, Term.NONRESPONSE_RECOVERED, Term.PARTIAL_RECOVERED})
_Row = dict[str, Any]


def rate_cells(work: Work, by: Sequence[str]) -> list[ComparisonCell]:
    """A cell for every value of the dimensions, in their order. Rates are shares of 1, effects differences of rates."""
    coverages = [count_answered(side, by) for side in work.panel.sides]
    open_lineage = find_undecided(work.panel, by)
    cells = rate_units(work.panel, by)
    found = []
    for place in places_of(cells, coverages, by):
        units = cells.get(place, [])
        change = rate_change(units)
        verdict = rate_status(
            change,
            work.policy.rate_change,
            definition_change=bool(work.definitions.changes(dict(zip(by, place, strict=True)))),
            lineage_resolved=place not in open_lineage,
        )
        cell = start_cell(work, place, by, verdict) | show_change(change, verdict)
        cell |= {
            "matched": show_matched(change),
            "adjusted": None,
            "terms": None,
            "bounds": None,
            "rate": show_parts(change, units),
        }
        sides = (coverages[0].get(place, NOBODY), coverages[1].get(place, NOBODY))
        cell["coverage"] = {
            "from": sides[0].as_dict(change.matched_shares[0]), "to": sides[1].as_dict(change.matched_shares[1])
        }  # fmt: skip
        found.append(cell | finish_cell(work, place, by))
    return found


def show_change(change: RateChange, verdict: GateVerdict) -> ComparisonCell:
    """Both rates, and their change unless it is blocked."""
    cell: ComparisonCell = {
        "from": tidy_number(change.before),
        "to": tidy_number(change.after),
        "change": None,
        "change_pct": None,
    }
    if verdict.shows_change:
        cell |= {"change": tidy_number(change.change), "change_pct": percent_change(change.change, change.before)}
    return cell


def show_matched(change: RateChange) -> ComparisonCell:
    """The rates of those that answered in both years."""
    before = _less(change.before, change.leavers, sign=1)
    after = _less(change.after, change.joiners, sign=-1)
    return {
        "n": change.n_matched, "from": tidy_number(before), "to": tidy_number(after), "change": tidy_number(change.matched_change),
        "change_pct": percent_change(change.matched_change, before),
        "leave_one_out": None if change.leave_one_out is None else [tidy_number(end) for end in change.leave_one_out],
    }  # fmt: skip


def _less(rate: float | None, effect: float | None, *, sign: int) -> float | None:
    return None if rate is None or effect is None else rate + sign * effect


def show_parts(change: RateChange, units: Sequence[RateUnit]) -> ComparisonCell:
    """The exact parts of the change, and what the two rates are made of."""
    failed = set(change.edit_failures)
    used = [unit for unit in units if unit.unit not in failed]
    return {
        "participation_effect": tidy_number(change.participation_effect),
        "within": tidy_number(change.within), "mix": tidy_number(change.mix),
        "joiners": tidy_number(change.joiners), "leavers": tidy_number(change.leavers),
        "joiners_by": {term.value: tidy_number(effect) for term, effect in change.joiners_by.items()},
        "leavers_by": {term.value: tidy_number(effect) for term, effect in change.leavers_by.items()},
        "matched_share": [tidy_number(share) for share in change.matched_shares],
        "numerator": _sums(used, "numerator"), "denominator": _sums(used, "denominator"),
        "edit_failures": len(failed), "reason": change.reason,
    }  # fmt: skip


def _sums(units: Sequence[RateUnit], part: str) -> ComparisonCell:
    def total(answers: Iterable[Share | None]) -> float | None:
        return tidy_number(math.fsum(getattr(answer, part) for answer in answers if answer is not None))

    return {"from": total(unit.before for unit in units), "to": total(unit.after for unit in units)}


def rate_units(panel: Panel, by: Sequence[str]) -> dict[Place, list[RateUnit]]:
    """Numerator and denominator of every component, by cell."""
    cells: dict[Place, list[RateUnit]] = {}
    for row in list_moves(panel, by).iter_rows(named=True):
        cells.setdefault(cell_key(row, by), []).extend(_units(row))
    return cells


def _units(row: _Row) -> list[RateUnit]:
    """One comparison unit; two, where what stands in the cell is not the same unit in both years."""
    term, name = Term(row["term"]), str(row["component"])
    before, after = Share(row["num0"], row["den0"]), Share(row["num1"], row["den1"])
    if row["split"]:
        term = Term.RECLASSIFIED
    if term is Term.CONTINUING:
        return [RateUnit(name, before, after)]
    if term in _GONE:
        return [RateUnit(f"{name} {term}", before, None, term)]
    if term in _COME:
        return [RateUnit(f"{name} {term}", None, after, term)]
    return [RateUnit(f"{name} {term} before", before, None, term), RateUnit(f"{name} {term} after", None, after, term)]


def show_composition(panel: Panel, by: Sequence[str]) -> ComparisonCell | None:
    """The matched change by what changed: rates within the cells, or the mix of each dimension (methods.md 1.7).

    None without dimensions, and where the matched have a denominator of 0 in either year.
    """
    if not by:
        return None
    table = list_moves(panel, by).filter((pl.col("term") == Term.CONTINUING.value) & ~pl.col("split"))
    sums = [pl.col(name).sum() for name in ("num0", "den0", "num1", "den1")]
    cells = {
        tuple(str(row[name]) for name in by): (Share(row["num0"], row["den0"]), Share(row["num1"], row["den1"]))
        for row in group_rows(table, by, *sums)
    }
    found = crossed_mixes(cells)
    if found is None:
        return None
    within, mixes = found
    return {"within": tidy_number(within), "mix": {name: tidy_number(mix) for name, mix in zip(by, mixes, strict=True)}}


def share_units(panel: Panel, by: Sequence[str], inner: Sequence[str]) -> Mapping[Place, list[RateUnit]]:
    """A level as a share of its lines' whole: the cell's value over that of all cells of the inner dimensions."""
    outer = [name for name in by if name not in inner]
    whole = list_moves(panel, outer).select(
        "component", "term", *outer, pl.col("num0").alias("den0"), pl.col("num1").alias("den1"), "split"
    )
    part = list_moves(panel, by).select("component", "term", *by, "num0", "num1")
    cells: dict[Place, list[RateUnit]] = {}
    keys = part.select(by).unique().sort(by)
    crossed = whole.join(keys, on=outer, how="inner") if outer else whole.join(keys, how="cross")
    rows = crossed.join(part, on=["component", "term", *by], how="left").with_columns(
        pl.col("num0", "num1").fill_null(0.0)
    )
    for row in rows.sort("component", "term", *by).iter_rows(named=True):
        cells.setdefault(cell_key(row, by), []).extend(_units(row))
    return cells
