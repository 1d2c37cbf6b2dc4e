"""How far a collection is, by number and by size: overall, and by sector, region, local authority and service type."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.domain.progress.response import (
    ANSWERED,
    PROGRESS_DIMENSIONS,
    Progress,
    ProgressCell,
    ProgressDay,
    ProgressDimension,
)
from census_api.domain.register.lineage import LineKey
from census_api.domain.register.organisations import sector_on
from census_api.questionnaire.areas import AREAS, region_of
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.services.progress.sizes import known_sizes
from census_api.statistics.comparability.coverage import ExpectedUnit, measure_coverage
from census_api.store.collecting import collections
from census_api.store.kit.session import Session
from census_api.store.progress import queries as stored
from census_api.store.progress.queries import Framed
from census_api.store.register import lineage
from census_api.store.register import queries as register

ALL = "all"
"""The key of the cell that holds everybody."""
_LISTS: Mapping[ProgressDimension, str] = {
    "sector": "sectors", "region": "regions", "local_authority": AREAS, "service_type": "service_types",
}  # fmt: skip
_ENGLAND = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """A line that is expected: whose it is, the key of its cell in each dimension, and its last known headcount."""

    line: LineKey
    of: Framed
    cells: Mapping[ProgressDimension, str]
    size: float | None

    @property
    def answered(self) -> bool:
        return self.of.state in ANSWERED


def measure_progress(platform: Platform, actor: Actor, year: int) -> Progress:
    """Who is expected and who has answered, as it is now. Raises NotFound for a collection that is not set up.

    It names no organisation.
    """
    authorise(actor, "progress.read")
    spec = platform.spec(year)
    # who may see how far the census is need not be shown single returns: the platform reads them, and gives shares
    with platform.database.snapshot(SYSTEM) as session:
        framed = has_frame(session, year)
        organisations = stored.list_framed(session, year)
        lines = expected_lines(session, spec, organisations)
    by = {dimension: tuple(_cells(spec, dimension, lines)) for dimension in PROGRESS_DIMENSIONS}
    overall = _cell(ALL, "England", lines)
    return Progress(year, platform.clock(), framed, overall, by, tuple(_days(organisations)))


def has_frame(session: Session, year: int) -> bool:
    """Whether the collection has a frame. Raises NotFound for one that is not set up."""
    if collections.find_collection(session, year) is None:
        raise NotFound(f"The census of {year} has not been set up here.")
    return register.has_frame(session, year)


def expected_lines(session: Session, spec: Spec, organisations: Iterable[Framed]) -> list[ExpectedLine]:
    """The frame of the year of `spec`, each line with the sector that its organisation had on the reference date."""
    of = {entry.code: entry for entry in organisations}
    sizes = known_sizes(session, spec.year)
    spells = register.sector_spells(session, of)
    day = spec.collection.reference_date
    sectors = {code: sector_on(spells[code], day) or entry.sector for code, entry in of.items()}
    return [
        ExpectedLine(line, of[line.organisation], cells_of(spec, line, sectors[line.organisation]), sizes.get(line))
        for line in lineage.framed_lines(session, spec.year)
    ]


def cells_of(spec: Spec, line: LineKey, sector: str | None) -> dict[ProgressDimension, str]:
    """The key of the line's cell in each dimension in which it has one."""
    keys: dict[ProgressDimension, str | None] = {
        "sector": sector,
        "region": region_of(spec, line.local_authority_code),
        "local_authority": line.local_authority_code,
        "service_type": line.service_type,
    }
    return {dimension: key for dimension, key in keys.items() if key is not None}


def label_of(spec: Spec, dimension: ProgressDimension, key: str) -> str:
    """What people call a cell; its key where the year's list does not have it."""
    known = spec.code_lists[_LISTS[dimension]].by_code.get(key)
    return key if known is None else known.label


def _cells(spec: Spec, dimension: ProgressDimension, lines: Sequence[ExpectedLine]) -> list[ProgressCell]:
    held: dict[str, list[ExpectedLine]] = {}
    for one in lines:
        if dimension in one.cells:
            held.setdefault(one.cells[dimension], []).append(one)
    listed = [code for code in spec.code_lists[_LISTS[dimension]].by_code if code in held]
    others = sorted(held.keys() - set(listed))
    return [_cell(key, label_of(spec, dimension, key), held[key]) for key in (*listed, *others)]


def _cell(key: str, label: str, lines: Sequence[ExpectedLine]) -> ProgressCell:
    organisations = {one.of.code: one.of for one in lines}
    answered = [entry for entry in organisations.values() if entry.state in ANSWERED]
    late = sum(entry.timing == "late" for entry in answered)
    shares = measure_coverage([ExpectedUnit(str(one.line), one.size, one.answered) for one in lines])
    return ProgressCell(
        key=key,
        label=label,
        organisations=len(organisations),
        answered=len(answered),
        lines=len(lines),
        lines_answered=sum(one.answered for one in lines),
        states=dict(sorted(Counter(entry.state for entry in organisations.values()).items())),
        on_time=len(answered) - late,
        late=late,
        unit_share=shares.unit,
        size_share=shares.size,
        largest_missing=shares.largest_missing,
    )


def _days(organisations: Iterable[Framed]) -> list[ProgressDay]:
    received: Counter[dt.date] = Counter()
    signed: Counter[dt.date] = Counter()
    for entry in organisations:
        for moment, counter in ((entry.received_at, received), (entry.signed_at, signed)):
            if moment is not None:
                counter[moment.astimezone(_ENGLAND).date()] += 1
    days, so_far, of_them = [], 0, 0
    for day in sorted(received.keys() | signed.keys()):
        so_far, of_them = so_far + received[day], of_them + signed[day]
        days.append(ProgressDay(day, so_far, of_them))
    return days
