"""Aggregates of a frozen snapshot: any measure by any dimensions, with what every figure rests on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from census_api.domain.aggregates import (
    PAID_VALUES,
    AggregateCell,
    AggregateFigure,
    Aggregates,
    Contributors,
    Query,
    Tally,
    merge_tallies,
    restrict_measure,
)
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.measures import LINE_DIMENSIONS, PAID, ROLE_DIMENSIONS, Measure
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.aggregates.figures import Answering, breakdown_figure, figure_of
from census_api.services.aggregates.question import Codebook, Wanted, codebook_of, parse_question
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.store.aggregates import queries as stored
from census_api.store.aggregates.queries import BreakdownTally, Codes, LinePlace
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import list_frozen

MOST_FIGURES = 60_000
"""Cells times measures of one answer."""
_MOST_SNAPSHOTS = 1_000

_NOTES = (
    "A figure that is not known is empty, with a reason. A zero was reported as a zero.",
    "A combination of codes that nobody reported a row for is not listed.",
)
_OF_BREAKDOWNS = (
    "Breakdowns of people are asked once an organisation. By place they hold only organisations whose reported lines lie "
    "in one; the coverage of paid headcount says how much of the place that is. People who work on more than one line "
    "count once here and on each line on the Staff sheet."
)


@dataclass(frozen=True, slots=True)
class AggregateQuestion:
    """A question that has an answer: of a frozen snapshot, with every name in it known. Both never change."""

    snapshot: Snapshot
    query: Query
    book: Codebook


def what_can_be_asked(platform: Platform, actor: Actor, snapshot: str) -> tuple[Snapshot, Codebook]:
    """The frozen snapshot that a text names (a UUID, 2024 or 2024.2), and its dimensions with their codes.

    Raises Forbidden; NotFound naming the snapshots that there are.
    """
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        found = resolve_snapshot(session, snapshot)
        return found, _codebook(platform, session, found)


def resolve_question(platform: Platform, actor: Actor, snapshot: str, wanted: Wanted) -> AggregateQuestion:
    """What is asked of a snapshot. Raises what `what_can_be_asked` does, and InvalidRequest naming what can be asked."""
    found, book = what_can_be_asked(platform, actor, snapshot)
    return AggregateQuestion(found, parse_question(wanted, book), book)


def answer_question(platform: Platform, actor: Actor, asked: AggregateQuestion) -> Aggregates:
    """The figures, all read at one moment. Raises Forbidden, InvalidRequest for more than MOST_FIGURES of them."""
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        reading = _Reading(session, asked.snapshot, asked.query, asked.book)
        return reading.of_breakdown() if asked.query.sheet else reading.of_staff()


def compute_aggregates(platform: Platform, actor: Actor, snapshot: str, wanted: Wanted) -> Aggregates:
    """The question and its answer. Raises what they do."""
    return answer_question(platform, actor, resolve_question(platform, actor, snapshot, wanted))


def frozen_snapshots(platform: Platform, actor: Actor) -> list[Snapshot]:
    """All frozen snapshots, the newest first."""
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        return list_frozen(session)[::-1]


def _codebook(platform: Platform, session: Session, snapshot: Snapshot) -> Codebook:
    year = snapshot.collection
    return codebook_of(platform.spec(year), stored.roles_of(session, year, snapshot.id))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One query of one snapshot, in one transaction."""

    session: Session
    snapshot: Snapshot
    query: Query
    book: Codebook

    @property
    def key(self) -> tuple[Session, int, uuid.UUID]:
        return self.session, self.snapshot.collection, self.snapshot.id

    def of_staff(self) -> Aggregates:
        query = self.query
        places = {place.by: place for place in stored.list_places(*self.key, query)}
        of_roles = bool(query.used(ROLE_DIMENSIONS))
        found: dict[Codes, list[Tally]] = {} if of_roles else {by: [] for by in places}
        by_regulated = any(measure.of for measure in query.measures)
        for read, (codes, tally) in enumerate(
            stored.iterate_tallies(*self.key, query, by_regulated=by_regulated), start=1
        ):
            found.setdefault(codes, []).append(tally)
            self._check_size(len(found), read)
        whole = list(merge_tallies(tally for tallies in found.values() for tally in tallies))
        everywhere = places.get(()) or self._everywhere()
        lines = Answering(everywhere.reported, everywhere.answering)
        total = tuple(figure_of(self._part(measure), whole, lines) for measure in query.measures)
        bases = [self._shared_out(measure, whole) for measure in query.measures]
        who = self._who(query, places)

        def cells() -> Iterator[AggregateCell]:
            for codes in self._sorted(found):
                place = places.get(self._place_of(codes))
                here = None if of_roles or place is None else Answering(place.reported, place.answering)
                for by, measures in self._split(codes):
                    figures = tuple(
                        figure_of(measure, found[codes], here, base)
                        for measure, base in zip(measures, bases, strict=True)
                    )
                    yield AggregateCell(by, who.get(codes) or _behind(place, 0, 0), figures)

        of_all = self._who(replace(query, by=()), {(): everywhere}).get((), Contributors())
        size = len(found) * (2 if PAID in query.by else 1)
        return self._answer(total, of_all, cells(), size)

    def of_breakdown(self) -> Aggregates:
        query, sheet = self.query, str(self.query.sheet)
        (measure,) = query.measures
        kept = set(query.filters.get(sheet, self.book.labels[sheet]))
        found: dict[tuple[Codes, str | None], list[BreakdownTally]] = {}
        covered: dict[Codes, float] = {}
        for read, tally in enumerate(stored.breakdown_tallies(*self.key, query), start=1):
            covered[tally.by] = covered.get(tally.by, 0) + tally.value
            if tally.category in kept:
                category = tally.category if sheet in query.by else None
                found.setdefault((tally.by, category), []).append(tally)
            self._check_size(len(found), read)
        outer = replace(query, by=tuple(name for name in query.by if name != sheet), filters=self._outer_filters(sheet))
        asked = {codes: sum(tally.sums[0] for tally in tallies) for codes, tallies in self._staff(outer).items()}
        everything = [tally for tallies in found.values() for tally in tallies]
        total = breakdown_figure(measure, everything, asked=sum(asked.values()), covered=sum(covered.values()))
        who = self._who(outer, {}, sheet=sheet)
        at = query.by.index(sheet) if sheet in query.by else None

        def cells() -> Iterator[AggregateCell]:
            keyed = {_woven(codes, category, at): (codes, category) for codes, category in found}
            for by in self._sorted(keyed):
                codes, category = keyed[by]
                figure = breakdown_figure(
                    measure, found[codes, category], asked=asked.get(codes), covered=covered[codes], whole=total.value
                )
                yield AggregateCell(by, who.get(codes, Contributors()), (figure,))

        of_all = self._who(replace(outer, by=()), {}, sheet=sheet).get((), Contributors())
        return self._answer((total,), of_all, cells(), len(found), (_OF_BREAKDOWNS,))

    def _answer(
        self,
        total: tuple[AggregateFigure, ...],
        everywhere: Contributors,
        cells: Iterable[AggregateCell],
        size: int,
        notes: tuple[str, ...] = (),
    ) -> Aggregates:
        snapshot, query = self.snapshot, self.query
        return Aggregates(
            snapshot.id, snapshot.name, snapshot.collection, str(snapshot.content_hash), query,
            {name: self.book.labels[name] for name in query.by}, AggregateCell((), everywhere, total), cells, size,
            (*_NOTES, *notes),
        )  # fmt: skip

    def _staff(self, query: Query) -> dict[Codes, list[Tally]]:
        found: dict[Codes, list[Tally]] = {}
        for read, (codes, tally) in enumerate(stored.iterate_tallies(*self.key, query, by_regulated=False), start=1):
            found.setdefault(codes, []).append(tally)
            self._check_size(len(found), read)
        return found

    def _everywhere(self) -> LinePlace:
        return next(iter(stored.list_places(*self.key, replace(self.query, by=()))))

    def _who(
        self, query: Query, places: Mapping[Codes, LinePlace], *, sheet: str | None = None
    ) -> dict[Codes, Contributors]:
        """Organisations and parents behind each cell, by the query's codes of place and role, in its order."""
        of_roles = bool(query.used(ROLE_DIMENSIONS) or query.filtered(ROLE_DIMENSIONS))
        if sheet is None and not of_roles:
            return {by: _behind(place, place.organisations, place.parents) for by, place in places.items()}
        keyed = query if sheet is None else replace(query, filters={**query.filters, sheet: ()})
        lines, roles = query.used(LINE_DIMENSIONS), query.used(ROLE_DIMENSIONS)
        names = query.used((*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
        found = {}
        for at, of_role, organisations, parents in stored.iterate_contributors(
            *self.key, keyed, self.book.role_keys(keyed)
        ):
            codes = dict(zip((*lines, *roles), (*at, *of_role), strict=True))
            found[tuple(codes[name] for name in names)] = _behind(places.get(at), organisations, parents)
        return found

    def _outer_filters(self, sheet: str) -> dict[str, tuple[str, ...]]:
        return {name: codes for name, codes in self.query.filters.items() if name != sheet}

    def _place_of(self, codes: Codes) -> Codes:
        names = self.query.used((*LINE_DIMENSIONS, *ROLE_DIMENSIONS))
        return tuple(code for name, code in zip(names, codes, strict=True) if name in LINE_DIMENSIONS)

    def _part(self, measure: Measure) -> Measure:
        """The measure, or the part of it that the filter by paid leaves."""
        kept = self.query.filters.get(PAID, PAID_VALUES)
        return restrict_measure(measure, kept[0]) if len(kept) == 1 else measure

    def _shared_out(self, measure: Measure, whole: list[Tally]) -> float | None:
        """What the shares of a level are of: all that its cells hold, which by paid is more than rows that gave both."""
        if PAID not in self.query.by:
            return figure_of(self._part(measure), whole).value
        parts = [
            figure_of(restrict_measure(measure, paid), whole).value
            for paid in self.query.filters.get(PAID, PAID_VALUES)
        ]
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    def _split(self, codes: Codes) -> Iterator[tuple[Codes, tuple[Measure, ...]]]:
        """The cell itself, or where it is broken down by paid one for each of its parts."""
        measures = self.query.measures
        if PAID not in self.query.by:
            yield codes, tuple(self._part(measure) for measure in measures)
            return
        at = self.query.by.index(PAID)
        for paid in self.query.filters.get(PAID, PAID_VALUES):
            yield _woven(codes, paid, at), tuple(restrict_measure(measure, paid) for measure in measures)

    def _sorted(self, found: Iterable[Codes]) -> list[Codes]:
        names = [name for name in self.query.by if name != PAID]
        ranks = [self.book.ranks(name) for name in names]
        unlisted = max(map(len, ranks), default=0)

        def order(codes: Codes) -> list[tuple[int, str]]:
            # codes that the year's list does not have stand after it, what the frame does not say last
            return [
                (unlisted + 1, "") if code is None else (rank.get(code, unlisted), code)
                for rank, code in zip(ranks, codes, strict=True)
            ]

        return sorted(found, key=order)

    def _check_size(self, cells: int, read: int) -> None:
        parts = 2 if PAID in self.query.by else 1
        if cells * parts * len(self.query.measures) > MOST_FIGURES or read > stored.MOST_TALLIES:
            raise InvalidRequest(
                f"This breakdown is too large: an answer has at most {MOST_FIGURES:,} figures. Ask for fewer dimensions or measures at once, "
                "or filter it, for example by region."
            )


def _behind(place: LinePlace | None, organisations: int, parents: int) -> Contributors:
    lines = (None, None) if place is None else (place.expected, place.reported)
    return Contributors(organisations, parents, *lines)


def _woven(codes: Codes, code: str | None, at: int | None) -> Codes:
    return codes if at is None else (*codes[:at], code, *codes[at:])
