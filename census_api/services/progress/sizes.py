"""How large a line was when it last said so: what participation is weighed by before a return is in (methods.md 1.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from census_api.domain.register.lineage import LineageEdge, LineKey
from census_api.store.collecting import collections
from census_api.store.kit.session import Session
from census_api.store.progress import queries as progress
from census_api.store.register import lineage


def known_sizes(session: Session, year: int) -> dict[LineKey, float]:
    """The last known paid headcount of each line before a collection, under the name that the line has in it.

    Each earlier year's snapshot says, or its accepted returns where none is frozen; confirmed lineage carries what is
    known from year to year. A line that never gave one is not in the answer: unknown is not zero.
    """
    years = [row.year for row in collections.all_collections(session) if row.year < year]
    known: dict[LineKey, float] = {}
    for before, after in zip(years, [*years, year][1:], strict=True):
        known |= _reported(session, before)
        known = carry_sizes(known, lineage.edges_between(session, before, after), lineage.framed_lines(session, after))
    return known


def carry_sizes(
    known: Mapping[LineKey, float], edges: Iterable[LineageEdge], after: Collection[LineKey]
) -> dict[LineKey, float]:
    """Sizes under the lines of the next year: along confirmed edges, in equal parts where a line went on as several.

    A line that is expected again goes on as itself too. One without edges keeps its size, should it come back.
    """
    targets: dict[LineKey, set[LineKey]] = defaultdict(set)
    for edge in edges:
        if edge.state == "confirmed":
            targets[edge.source].add(edge.target)
    expected = frozenset(after)
    sizes: dict[LineKey, float] = defaultdict(float)
    for line, size in known.items():
        ends = targets.get(line, set()) | ({line} if line in expected else set()) or {line}
        for end in ends:
            sizes[end] += size / len(ends)
    return dict(sizes)


def _reported(session: Session, year: int) -> dict[LineKey, float]:
    frozen = progress.frozen_sizes(session, year)
    if frozen is not None:
        return frozen
    given = progress.line_items(session, year, "accepted", ["paid_headcount"])
    return {line: size for line, items in given.items() if (size := items["paid_headcount"]) is not None}
