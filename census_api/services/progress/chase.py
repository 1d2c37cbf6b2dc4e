"""Whom to chase first: those who have not answered, by what that is expected to move (methods.md 6)."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.progress.response import ANSWERED, OUT, Chase, ProgressDimension
from census_api.domain.register.lineage import LineKey
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.services.progress.response import ALL, ExpectedLine, expected_lines, has_frame, label_of
from census_api.statistics.comparability.identity import ratio
from census_api.statistics.plausibility.editing import Impact, rank_impacts
from census_api.statistics.policy import DEFAULT_POLICY
from census_api.store.people import addressees
from census_api.store.progress import queries as stored
from census_api.store.progress.queries import Framed

PUBLISHED: tuple[ProgressDimension, ...] = ("sector", "region", "service_type")
"""The published totals that count beside that of England. A single authority has few providers: each moves it all."""

_DOING: Mapping[ReturnState, str] = {
    "not_started": "has sent nothing",
    "in_progress": "has sent a file and not signed it",
    "queried": "has questions to answer",
    "reopened": "was given its return back and has not changed it",
}


@dataclass(frozen=True, slots=True)
class _Growth:
    """How lines of a sector have grown since they were last counted, among those that have answered."""

    overall: float
    by_sector: Mapping[str, float]

    def of(self, one: ExpectedLine) -> float:
        return self.by_sector.get(one.cells.get("sector", ""), self.overall)


def chase_list(platform: Platform, actor: Actor, year: int) -> list[Chase]:
    """Organisations that have not answered, those first whose answer is expected to move a published total most.

    A line is expected to have its last known paid headcount x the growth of its sector among those who answered; where
    it never gave one, the median of its sector. Those that were declined or withdrawn are left out. Raises NotFound.
    """
    authorise(actor, "return.accept")
    spec = platform.spec(year)
    with platform.database.snapshot(SYSTEM) as session:
        has_frame(session, year)
        organisations = stored.list_framed(session, year)
        lines = expected_lines(session, spec, organisations)
        given = stored.line_items(session, year, "standing", ["paid_headcount"])
        reminded = stored.list_reminded(session, year)
        people = addressees.list_members(session, [entry.id for entry in organisations])
    now = {line: items["paid_headcount"] for line, items in given.items()}
    missing = {entry.code: entry for entry in organisations if entry.state not in ANSWERED | OUT}
    absent: dict[str, list[ExpectedLine]] = {code: [] for code in missing}
    for one in lines:
        if one.of.code in missing:
            absent[one.of.code].append(one)
    growth, typical, totals = _growth(lines, now), _typical(lines), _totals(lines)
    moves = {code: _moves(own, growth, typical) for code, own in absent.items()}
    order = rank_impacts([Impact(code, moved) for code, moved in moves.items()], totals)
    return [
        _chase(
            spec, missing[place.unit], absent[place.unit], place.score, _most_moved(moves[place.unit], totals),
            len(people[missing[place.unit].id]), reminded.get(place.unit),
        )
        for place in order
    ]  # fmt: skip


def _chase(
    spec: Spec, entry: Framed, own: Sequence[ExpectedLine], score: float, most: str | None, people: int,
    reminded_at: dt.datetime | None,
) -> Chase:  # fmt: skip
    sizes = [one.size for one in own if one.size is not None]
    size = math.fsum(sizes) if sizes else None
    told = None if most is None else (score, name_of_total(spec, most))
    contact = "It has not been reminded"
    if not people:
        contact = "It has nobody to write to: invite somebody"
    elif reminded_at is not None:
        contact = f"It was last reminded on {in_words(reminded_at)}"
    return Chase(
        organisation=entry.code,
        name=entry.name,
        sector=own[0].cells.get("sector"),
        state=entry.state,
        lines=len(own),
        size=size,
        score=None if told is None else score,
        total=None if told is None else told[1],
        people=people,
        reminded_at=reminded_at,
        sentence=f"It {_DOING[entry.state]}. {_known(size, told)}. {contact}.",
    )


def _known(size: float | None, told: tuple[float, str] | None) -> str:
    known = "It has never given a headcount" if size is None else f"It last had {size:,.0f} paid people"
    if told is None:
        return f"{known}, and there is no earlier total to compare that with"
    expected = "typical lines of its sector are" if size is None else "what it may have now is"
    return f"{known}; {expected} {told[0]:.1f}% of the last known headcount of {told[1]}"


def _growth(lines: Sequence[ExpectedLine], now: Mapping[LineKey, float | None]) -> _Growth:
    """Link relatives of those who answered and were counted before: by sector where five did, else overall, else 1."""
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in lines:
        value = now.get(one.line)
        if one.answered and one.size and value is not None:
            pairs[one.cells.get("sector", "")].append((one.size, value))
    least = DEFAULT_POLICY.estimate.min_respondents
    by_sector = {key: _link(held) for key, held in pairs.items() if len(held) >= least}
    whole = [pair for held in pairs.values() for pair in held]
    return _Growth(_link(whole) if len(whole) >= least else 1.0, by_sector)


def _link(pairs: Iterable[tuple[float, float]]) -> float:
    before, after = zip(*pairs, strict=True)
    return ratio(math.fsum(after), math.fsum(before)) or 1.0


def _typical(lines: Sequence[ExpectedLine]) -> Mapping[str, float]:
    """The median size of a line, by sector; under ALL that of every line."""
    sizes: dict[str, list[float]] = defaultdict(list)
    for one in lines:
        if one.size is not None:
            sizes[one.cells.get("sector", "")].append(one.size)
            sizes[ALL].append(one.size)
    return {key: statistics.median(held) for key, held in sizes.items()}


def _totals(lines: Sequence[ExpectedLine]) -> dict[str, float]:
    """The last known paid headcount of every published total, on the lines that are expected now."""
    totals: dict[str, float] = defaultdict(float)
    for one in lines:
        for total in totals_of(one.cells):
            totals[total] += one.size or 0.0
    return {total: value for total, value in totals.items() if value}


def _moves(own: Iterable[ExpectedLine], growth: _Growth, typical: Mapping[str, float]) -> dict[str, float]:
    """What an organisation's lines are expected to add to each total."""
    moves: dict[str, float] = defaultdict(float)
    for one in own:
        size = one.size if one.size is not None else typical.get(one.cells.get("sector", ""), typical.get(ALL, 0.0))
        for total in totals_of(one.cells):
            moves[total] += size * growth.of(one)
    return dict(moves)


def totals_of(cells: Mapping[ProgressDimension, str]) -> list[str]:
    """The published totals that a line in these cells is part of."""
    return [ALL, *(f"{name}:{cells[name]}" for name in PUBLISHED if name in cells)]


def _most_moved(moved: Mapping[str, float], totals: Mapping[str, float]) -> str | None:
    shares = {total: move / totals[total] for total, move in moved.items() if total in totals}
    return max(shares, key=lambda total: (shares[total], total), default=None)


def name_of_total(spec: Spec, total: str) -> str:
    """What people call a published total."""
    return next(
        (label_of(spec, name, total.partition(":")[2]) for name in PUBLISHED if total.startswith(f"{name}:")), "England"
    )
