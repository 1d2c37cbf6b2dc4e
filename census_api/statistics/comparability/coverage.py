"""Who answered, by number and by size (methods.md 1.3)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from census_api.statistics.comparability.identity import ratio


@dataclass(frozen=True, slots=True)
class ExpectedUnit:
    """A unit in the frame of a cell. `size` is its last headcount before the year, or its size at registration."""

    unit: str
    size: float | None
    responded: bool


@dataclass(frozen=True, slots=True)
class FrameCoverage:
    """Shares of 1; None where the frame is empty or nothing is known of its size."""

    unit: float | None
    size: float | None
    largest_missing: float | None
    """The largest unit that did not answer, as a share of the size of the frame (D); 0 where all answered."""


def measure_coverage(frame: Sequence[ExpectedUnit]) -> FrameCoverage:
    """Unit and size coverage of a cell, and its largest missing unit. An unknown size counts as the cell's median."""
    known = [unit.size for unit in frame if unit.size is not None]
    typical = statistics.median(known) if known else 0.0
    sizes = [(typical if unit.size is None else unit.size, unit.responded) for unit in frame]
    whole = math.fsum(size for size, _ in sizes)
    missing = max((size for size, responded in sizes if not responded), default=0.0)
    return FrameCoverage(
        unit=ratio(sum(unit.responded for unit in frame), len(frame)),
        size=ratio(math.fsum(size for size, responded in sizes if responded), whole),
        largest_missing=ratio(missing, whole),
    )


def chained_index(link_relatives: Iterable[float | None], start: float = 100.0) -> list[float | None]:
    """The index of every year from the first (`start`) on: I_t = I_(t-1) x LR_t. Unknown from the first gap on."""
    index: list[float | None] = [start]
    for link in link_relatives:
        last = index[-1]
        index.append(None if last is None or link is None else last * link)
    return index
