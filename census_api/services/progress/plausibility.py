"""What to ask about first: figures unlike last year's or their peers', by what they can move (methods.md 6)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.measures import Item
from census_api.domain.progress.plausibility import Doubt, Plausibility
from census_api.domain.progress.response import ProgressDimension
from census_api.domain.register.lineage import LineKey
from census_api.domain.register.organisations import sector_on
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.services.progress.chase import name_of_total, totals_of
from census_api.services.progress.response import cells_of, has_frame
from census_api.services.progress.sizes import carry_sizes, known_sizes
from census_api.statistics.comparability.identity import ratio
from census_api.statistics.plausibility.editing import Impact, score_suspicion, selective_score, to_query
from census_api.statistics.plausibility.soft_edits import hb_edit, robust_z
from census_api.statistics.policy import DEFAULT_POLICY, PlausibilityPolicy
from census_api.store.kit.session import Session
from census_api.store.progress import queries as stored
from census_api.store.register import lineage
from census_api.store.register import queries as register

COMPARED: tuple[Item, ...] = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "starters", "leavers", "vacant_wte",
)  # fmt: skip
MOST_DOUBTS = 5000
_SIZE: Item = "paid_headcount"
_Values = Mapping[LineKey, Mapping[Item, float | None]]
_Cells = Mapping[ProgressDimension, str]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A figure and what is known beside it: last year's, what was expected, how suspect it is and why."""

    line: LineKey
    item: Item
    reported: float
    before: float | None
    predicted: float | None
    suspicion: float
    why: str
    totals: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.line}|{self.item}"


@dataclass(frozen=True, slots=True)
class _Figures:
    """Everything that is compared: this year's lines and last year's under the same names, sizes, and cells."""

    now: _Values
    before: _Values
    sizes: Mapping[LineKey, float]
    cells: Mapping[LineKey, _Cells]

    def totals(self) -> dict[str, float]:
        """What would be published of each item, were everything taken as it stands."""
        totals: dict[str, float] = defaultdict(float)
        for line, items in self.now.items():
            for item, value in items.items():
                for total in self.totals_of(line, item):
                    totals[total] += value or 0.0
        return dict(totals)

    def totals_of(self, line: LineKey, item: Item) -> tuple[str, ...]:
        return tuple(f"{item}|{total}" for total in totals_of(self.cells[line]))


def rank_doubts(platform: Platform, actor: Actor, year: int, *, limit: int = MOST_DOUBTS) -> Plausibility:
    """The figures of the submissions that stand now, against those accepted a year before: the first `limit` doubts.

    Raises NotFound for a collection that is not set up.
    """
    authorise(actor, "return.accept")
    spec, policy = platform.spec(year), DEFAULT_POLICY.plausibility
    with platform.database.snapshot(SYSTEM) as session:
        has_frame(session, year)
        figures = _figures(session, spec)
        names = {entry.code: entry.name for entry in register.all_organisations(session)}
    units = [unit for item in COMPARED for unit in _judged(figures, item, policy)]
    totals = figures.totals()
    impacts = [
        Impact(unit.name, dict.fromkeys(unit.totals, unit.suspicion * abs(unit.reported - unit.predicted)))
        for unit in units
        if unit.predicted is not None
    ]
    first = frozenset(one.unit for one in to_query(impacts, totals, policy))
    doubts = [doubt for unit in units if (doubt := _doubt(spec, unit, names, totals, unit.name in first)) is not None]
    doubts.sort(key=lambda one: (-one.score, str(one.line), one.item))
    return Plausibility(
        collection=year,
        judged=len(impacts),
        unjudged=dict(Counter(unit.item for unit in units if unit.predicted is None)),
        residual=policy.residual,
        first=len(first),
        outside=sum(doubt.suspicion >= 1 for doubt in doubts),
        doubts=tuple(doubts[:limit]),
    )


def _figures(session: Session, spec: Spec) -> _Figures:
    now = stored.line_items(session, spec.year, "standing", COMPARED)
    earlier = stored.line_items(session, spec.year - 1, "accepted", COMPARED)
    edges = lineage.edges_between(session, spec.year - 1, spec.year)
    before: dict[LineKey, dict[Item, float | None]] = defaultdict(dict)
    for item in COMPARED:
        known = {line: value for line, items in earlier.items() if (value := items[item]) is not None}
        for line, value in carry_sizes(known, edges, now).items():
            before[line][item] = value
    spells, day = register.sector_spells(session), spec.collection.reference_date
    cells = {line: cells_of(spec, line, sector_on(spells[line.organisation], day)) for line in now}
    return _Figures(now, before, known_sizes(session, spec.year), cells)


def _judged(figures: _Figures, item: Item, policy: PlausibilityPolicy) -> list[_Unit]:
    """Every line that gives the item, judged among those of its sector, or all lines where its sector has too few."""
    classes: dict[str, list[LineKey]] = defaultdict(list)
    given = [line for line, items in figures.now.items() if items[item] is not None]
    for line in given:
        classes[figures.cells[line].get("sector", "")].append(line)
    whole = _Class(figures, item, given, policy)
    units = []
    for lines in classes.values():
        own = _Class(figures, item, lines, policy)
        judge = own if len(own.pairs) >= policy.z_min_group else whole
        units += [judge.unit(line, whole) for line in lines]
    return units


class _Class:
    """The lines of one class and item, both years by position, with the edit over them and its rates."""

    def __init__(self, figures: _Figures, item: Item, lines: Sequence[LineKey], policy: PlausibilityPolicy) -> None:
        self._figures, self._item, self._policy = figures, item, policy
        self._place = {line: place for place, line in enumerate(lines)}
        self._now = [figures.now[line][item] or 0.0 for line in lines]
        self._before = [figures.before.get(line, {}).get(item) for line in lines]
        self._edit = hb_edit(self._before, self._now, policy)
        flagged = frozenset(self._edit.flagged)
        self.pairs = [
            (y0, y1)
            for place, (y0, y1) in enumerate(zip(self._before, self._now, strict=True))
            if y0 is not None and place not in flagged
        ]
        self._link = _ratio_of_sums((y1, y0) for y0, y1 in self.pairs)
        sizes = [figures.now[line][_SIZE] for line in lines]
        known = [(y1, z) for y1, z in zip(self._now, sizes, strict=True) if z is not None]
        self._rate = _ratio_of_sums(known)
        self.rates = [None if not z else y1 / z for y1, z in known]

    def unit(self, line: LineKey, parent: _Class) -> _Unit:
        place = self._place[line]
        reported, before = self._now[place], self._before[place]
        doubt, why = self._suspicion(line, place, parent)
        totals = self._figures.totals_of(line, self._item)
        return _Unit(line, self._item, reported, before, self._predicted(line, before), doubt, why, totals)

    def _predicted(self, line: LineKey, before: float | None) -> float | None:
        """Last year's x the growth of the class; else its rate x the line's size: its headcount, or the last known."""
        if before is not None and self._link is not None:
            return before * self._link
        if self._item == _SIZE:
            return self._figures.sizes.get(line)
        size = self._figures.now[line][_SIZE]
        return None if size is None or self._rate is None else size * self._rate

    def _suspicion(self, line: LineKey, place: int, parent: _Class) -> tuple[float, str]:
        reported, before = self._now[place], self._before[place]
        if before is not None and not (reported and before):
            gone = max(reported, before) >= self._policy.ratio_floor
            return float(gone), "one of the two years is 0" if gone else ""
        changed = score_suspicion(self._edit, place)
        if changed >= 1:
            return 1.0, "it changed far more than others of its class"
        size = self._figures.now[line][_SIZE]
        if self._item == _SIZE or not size:
            return changed, ""
        peers = robust_z(reported / size, self.rates, parent.rates, self._policy)
        if peers.flag:
            return 1.0, "it is far from that of others of its class, for the people that the line has"
        if before is not None or peers.z is None:
            return changed, ""
        return min(1.0, abs(peers.z) / self._policy.z_limit), ""


def _ratio_of_sums(pairs: Iterable[tuple[float, float]]) -> float | None:
    held = list(pairs)
    return ratio(math.fsum(first for first, _ in held), math.fsum(second for _, second in held))


def _doubt(spec: Spec, unit: _Unit, names: Mapping[str, str], totals: Mapping[str, float], first: bool) -> Doubt | None:
    """None for a figure that is as expected, or with which nothing can be compared."""
    scores = {
        total: unit.suspicion * score
        for total in unit.totals
        if (score := selective_score(unit.reported, unit.predicted, 1.0, totals[total])) is not None
    }
    most = max(scores, key=lambda total: (scores[total], total), default=None)
    if most is None or unit.predicted is None or not scores[most]:
        return None
    label = name_of_total(spec, most.partition("|")[2])
    return Doubt(
        organisation=unit.line.organisation,
        name=names[unit.line.organisation],
        line=unit.line,
        item=unit.item,
        reported=unit.reported,
        last_year=unit.before,
        predicted=unit.predicted,
        suspicion=unit.suspicion,
        score=scores[most],
        total=label,
        first=first,
        sentence=_sentence(spec, unit, unit.predicted, scores[most], label),
    )


def _sentence(spec: Spec, unit: _Unit, predicted: float, score: float, label: str) -> str:
    question = spec.sheet["staff"].by_key[unit.item].label
    last = "nothing to compare with last year" if unit.before is None else f"{unit.before:,.6g} last year"
    why = f", because {unit.why}" if unit.why else ""
    return (
        f"{question}: {unit.reported:,.6g} reported, {last}, about {predicted:,.3g} expected. Suspicion "
        f"{unit.suspicion:.2f}{why}. It may move the total of {label} by {score:,.1f}%."
    )
