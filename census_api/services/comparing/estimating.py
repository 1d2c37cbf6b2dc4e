"""Totals of a whole frame by cell: reported beside estimated, for one year of a panel (methods.md 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from census_api.domain.comparing import Place
from census_api.domain.kit.measures import Item, Measure
from census_api.services.comparing.panels import Panel, Side, carry_lines, cell_key
from census_api.statistics.nonresponse.estimates import Estimate, FrameUnit
from census_api.statistics.nonresponse.frames import Floats, Places, UnitFrame, as_estimates, impute_frame, make_classes
from census_api.statistics.policy import EstimatePolicy

_KEY = "inner_key"


def stock_of(measure: Measure) -> Item | None:
    """What a flow is measured against; None for a stock, which is rolled forward."""
    if not measure.flow:
        return None
    return "paid_wte" if measure.base == "wte" else "paid_headcount"


@dataclass(frozen=True, slots=True)
class KnownSizes:
    """What is known of units besides what they answered this year.

    `previous` is the panel whose later year this is. `stock` (unit, inner dimensions, stock, known) is given for flows.
    """

    previous: Panel | None = None
    stock: pl.DataFrame | None = None


def estimate_places(side: Side, by: Sequence[str], known: KnownSizes, policy: EstimatePolicy) -> dict[Place, Estimate]:
    """Reported and estimated totals by cell. Every cell borrows the ratios of its class over the whole country."""
    frame = _Units(side, by, policy)
    facts = _by_key(side.facts, frame.inner, "num")
    before = None if known.previous is None else _by_key(carry_lines(known.previous), frame.inner, "num")
    stocks = None if known.stock is None else _by_key(known.stock, frame.inner, "stock")
    has_before = None if known.previous is None else frame.places(known.previous.carry["later"].unique())
    found: dict[Place, Estimate] = {}
    for inner in sorted({*facts, *(before or {})}, key=str) or ([()] if not frame.inner else []):
        values = frame.values(facts.get(inner), np.flatnonzero(frame.reported))
        previous = _nothing(values)
        if before is not None and has_before is not None:
            previous = frame.values(before.get(inner), has_before)
        arrays = frame.arrays(values, previous, frame.size)
        if stocks is not None:
            arrays = _flows(frame, values, previous, stocks.get(inner))
        whole = as_estimates(arrays, impute_frame(arrays), policy)
        found |= {frame.place(domain, inner): one for domain, one in enumerate(whole)}
    return found


def _flows(frame: _Units, values: Floats, _previous: Floats, stock: pl.DataFrame | None) -> UnitFrame:
    """A flow is its class's rate this year x the stock, reported or constructed: never rolled forward."""
    known = frame.values(stock, np.flatnonzero(frame.reported))
    stocks = impute_frame(frame.arrays(known, _nothing(known), frame.size)).values
    return frame.arrays(values, _nothing(values), stocks)


def _nothing(values: Floats) -> Floats:
    return np.full(len(values), math.nan)


class _Units:
    """The units of a frame in a fixed order, with their classes and the outer cells that they lie in."""

    def __init__(self, side: Side, by: Sequence[str], policy: EstimatePolicy) -> None:
        self._by = tuple(by)
        self.inner = tuple(name for name in by if name not in side.outer)
        self._outer = tuple(name for name in by if name in side.outer)
        units = side.units.filter(pl.col("in_frame") | pl.col("reported")).sort("key")
        self._numbers = {unit: place for place, unit in enumerate(units["unit"])}
        self.reported = units["reported"].to_numpy()
        self.size = units["size"].cast(pl.Float64).fill_null(math.nan).to_numpy()
        self._parent = units["parent"].rank("dense").cast(pl.Int64).to_numpy() - 1
        keys = [cell_key(row, self._outer) for row in units.select(self._outer).to_dicts()] or [()] * len(units)
        self._keys = list(dict.fromkeys(keys))
        numbers = {key: number for number, key in enumerate(self._keys)}
        self._domain = np.array([numbers[key] for key in keys], dtype=np.int64)
        rows = units.select("key", "parent", "kind", "size", "reported").iter_rows()
        self._pool = make_classes(
            [
                FrameUnit(key, parent, kind, size_band(size, policy), size, 0.0 if reported else None)
                for key, parent, kind, size, reported in rows
            ],
            policy,
        )

    def places(self, units: pl.Series) -> Places:
        """Where units stand; those that are not of the frame are left out."""
        return np.array([self._numbers[unit] for unit in units if unit in self._numbers], dtype=np.int64)

    def values(self, facts: pl.DataFrame | None, known: Places) -> Floats:
        """One value a unit: 0 for a known one without rows, nan for one that is not known."""
        found = np.full(len(self._domain), math.nan)
        found[known] = 0.0
        if facts is not None:
            is_known = np.zeros(len(found), dtype=np.bool_)
            is_known[known] = True
            for unit, value in facts.iter_rows():
                place = self._numbers.get(unit)
                if place is not None and is_known[place]:
                    found[place] = value
        return found

    def arrays(self, values: Floats, previous: Floats, size: Floats) -> UnitFrame:
        return UnitFrame(self._pool, self._parent, self._domain, size, values, previous)

    def place(self, domain: int, inner: Place) -> Place:
        """The cell of a domain and the values of the inner dimensions, in the order that was asked for."""
        values = dict(zip(self._outer, self._keys[domain], strict=True)) | dict(zip(self.inner, inner, strict=True))
        return tuple(values[name] for name in self._by)


def size_band(size: float | None, policy: EstimatePolicy) -> int:
    """The size band of a line: small, medium, large. A line of unknown size is taken for a small one."""
    return sum((size or 0.0) >= start for start in (policy.medium_from, policy.large_from))


def _by_key(facts: pl.DataFrame, inner: Sequence[str], value: str) -> Mapping[Place, pl.DataFrame]:
    """Unit and value of facts, by the values of the inner dimensions."""
    sums = facts.group_by("unit", *inner).agg(pl.col(value).sum()).sort("unit")
    if not inner:
        return {(): sums.select("unit", value)}
    parts = sums.partition_by(list(inner), as_dict=True, include_key=False)
    return {tuple(str(name) or None for name in key): part.select("unit", value) for key, part in parts.items()}
