"""Which lines of one year go on as which of another: decided edges, years in between, local authorities that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from census_api.domain.register.lineage import LineageEdge, LineKey
from census_api.questionnaire.areas import areas_after
from census_api.questionnaire.model import Spec
from census_api.statistics.comparability.components import Edge

_JOINED = ("renamed", "merged")


@dataclass(frozen=True, slots=True)
class Lineage:
    """Between the units of two years, by key. `organisations` gives the one key of those that became one.

    `unresolved` are the units, earlier and later, at the ends of edges that nobody has decided.
    """

    edges: tuple[Edge, ...] = ()
    organisations: Mapping[str, str] = field(default_factory=dict)
    unresolved: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    def organisation(self, code: str) -> str:
        return self.organisations.get(code, code)


def trace_lineage(
    edges: Sequence[LineageEdge],
    years: tuple[int, int],
    lines: tuple[Sequence[LineKey], Sequence[LineKey]],
    after: Spec,
) -> Lineage:
    """The lineage of lines between two years, from every edge that lies between them (methods.md 1.1).

    `lines` are those of the two years; `after` is the spec of the later one, whose list of local authorities says what
    became of earlier ones. A line whose authority only got another code goes on without anybody drawing an edge.
    """
    confirmed = [edge for edge in edges if edge.state == "confirmed"]
    composed = _composed(confirmed, years)
    composed |= _renumbered(composed, lines, after)
    suggested = [edge for edge in edges if edge.state == "suggested"]
    return Lineage(
        tuple(sorted(composed)),
        _joined((edge.source.organisation, edge.target.organisation) for edge in confirmed if edge.kind in _JOINED),
        (frozenset(str(edge.source) for edge in suggested), frozenset(str(edge.target) for edge in suggested)),
    )


def of_organisations(found: Lineage, organisations: tuple[Collection[str], Collection[str]]) -> Lineage:
    """The same between whole organisations: those that any line passed between are one unit of comparison."""
    pairs = {(_organisation(old), _organisation(new)) for old, new in found.edges}
    touched = {code for pair in pairs for code in pair}
    # an organisation that handed a line on has gone on as itself as well
    stayed = {(code, code) for code in touched if all(code in side for side in organisations)}
    before, after = (frozenset(map(_organisation, side)) for side in found.unresolved)
    return Lineage(tuple(sorted(pairs | stayed)), found.organisations, (before, after))


def _organisation(line: str) -> str:
    return line.split("|", 1)[0]


def _composed(edges: Sequence[LineageEdge], years: tuple[int, int]) -> set[Edge]:
    """Edges from the first year to the last: step by step, a line that a step does not touch going on as itself."""
    stops = sorted({year for edge in edges for year in (edge.from_year, edge.to_year)} | set(years))
    direct = [(edge.from_year, edge.to_year, str(edge.source), str(edge.target)) for edge in edges]
    found: set[Edge] = set()
    for first, last in pairwise(stops):
        step = {(old, new) for start, end, old, new in direct if (start, end) == (first, last)}
        found = _followed(found, step)
    skipping = {(old, new) for start, end, old, new in direct if end - start > 1 and (start, end) == years}
    return found | skipping


def _followed(so_far: set[Edge], step: set[Edge]) -> set[Edge]:
    onwards: dict[str, set[str]] = {}
    for old, new in step:
        onwards.setdefault(old, set()).add(new)
    touched = {end for edge in step for end in edge}
    moved = {end for edge in so_far for end in edge}
    found = {(first, new) for first, old in so_far for new in onwards.get(old, set())}
    found |= {(first, old) for first, old in so_far if old not in touched}
    # a line that no earlier step touched is still itself
    return found | {(old, new) for old, new in step if old not in moved}


def _renumbered(edges: set[Edge], lines: tuple[Sequence[LineKey], Sequence[LineKey]], after: Spec) -> set[Edge]:
    """Edges of lines whose local authority has another code in the later year, where nobody has drawn any."""
    taken = ({old for old, _ in edges}, {new for _, new in edges})
    there = set(lines[1])
    known = after.code_lists["local_authorities"].by_code
    found: set[Edge] = set()
    for line in lines[0]:
        if line.local_authority_code in known or str(line) in taken[0]:
            continue
        for code in areas_after(after, line.local_authority_code):
            later = LineKey(line.organisation, code, line.service_type)
            if later in there and str(later) not in taken[1]:
                found.add((str(line), str(later)))
    return found


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every organisation that became one with others -> the one key of them all, the first by name."""
    groups: dict[str, set[str]] = {}
    for one, other in pairs:
        if one == other:
            continue
        group = groups.get(one, {one}) | groups.get(other, {other})
        for code in group:
            groups[code] = group
    return {code: min(group) for code, group in groups.items()}
