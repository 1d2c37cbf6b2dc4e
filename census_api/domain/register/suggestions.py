"""Which line may go on as which, by location, name, identifier and register: a suggestion that somebody has to decide."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from census_api.domain.register.lineage import EdgeKind, LineKey
from census_api.domain.register.organisations import Organisation

LEAST_SCORE = 0.6
"""What is less like than this is not suggested."""
_PLACE = 0.6
_CERTAIN = 0.95
_NAMES_ALIKE = 0.85
_WEIGHT_OF_NAME = 0.3
_COMMON = frozenset(
    {
        "a", "and", "care", "cic", "community", "company", "foundation", "for", "group", "limited", "ltd", "nhs", "of",
        "partnership", "plc", "service", "services", "team", "the", "treatment", "trust", "uk",
    }
)  # fmt: skip

Successors = Callable[[str], Collection[str]]
"""The codes that a local authority of the earlier year has in the later one."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pair of lines, what the edge would be, how like they are (0 to 1), and why, in words."""

    source: LineKey
    target: LineKey
    kind: EdgeKind
    score: float
    why: str


def suggest_edges(
    before: Sequence[LineKey],
    after: Sequence[LineKey],
    organisations: Mapping[str, Organisation],
    successors: Successors,
    linked: Collection[tuple[LineKey, LineKey]] = (),
) -> list[Suggestion]:
    """The likely pairs of the lines of two years, the likeliest first.

    Only lines that ended, or began, without an edge are looked at: a line that simply goes on needs no suggestion, and
    a pair in `linked` was decided or suggested before.
    """
    search = _LineSearch(before, after, organisations, successors, linked)
    found = [one for source in before for one in search.from_(source)]
    return sorted(found, key=lambda one: (-one.score, one.source, one.target))


class _LineSearch:
    """Lines of both years, by where they are."""

    def __init__(
        self,
        before: Sequence[LineKey],
        after: Sequence[LineKey],
        organisations: Mapping[str, Organisation],
        successors: Successors,
        linked: Collection[tuple[LineKey, LineKey]],
    ) -> None:
        self._organisations = organisations
        self._linked = frozenset(linked)
        later = frozenset(after)
        self._places = {source: tuple(successors(source.local_authority_code)) for source in before}
        known = [pair for pair in self._linked if pair[0] in self._places or pair[1] in later]
        continued = {source: [key for key in self._same(source) if key in later] for source in before}
        linked_from, linked_to = {source for source, _ in known}, {target for _, target in known}
        self._ended = {source for source, keys in continued.items() if not keys} - linked_from
        self._began = later - {key for keys in continued.values() for key in keys} - linked_to
        self._after: dict[str, list[LineKey]] = defaultdict(list)
        for target in after:
            self._after[target.local_authority_code].append(target)
        self._from: dict[str, int] = defaultdict(int)
        for source in before:
            self._from[source.organisation] += 1

    def from_(self, source: LineKey) -> Iterator[Suggestion]:
        """What the line may go on as."""
        for place in self._places[source]:
            for target in self._after[place]:
                if (source, target) in self._linked or not (source in self._ended or target in self._began):
                    continue
                found = self._judged(source, target)
                if found is not None and found.score >= LEAST_SCORE:
                    yield found

    def _same(self, source: LineKey) -> list[LineKey]:
        return [LineKey(source.organisation, place, source.service_type) for place in self._places[source]]

    def _judged(self, source: LineKey, target: LineKey) -> Suggestion | None:
        moved = source in self._ended and target in self._began
        if source.organisation == target.organisation:
            if not moved or source.service_type == target.service_type:
                return None
            return Suggestion(
                source, target, "reclassified", _PLACE, "one service of the organisation ended where another began"
            )
        if source.service_type != target.service_type:
            return None
        one, other = self._organisations[source.organisation], self._organisations[target.organisation]
        alike = measure_likeness(one.name, other.name)
        reasons = ["the one line ended where the other began"] if moved else []
        score = _PLACE + _WEIGHT_OF_NAME * alike if moved else 0.0
        related = _relation(one, other)
        if related is not None:
            score = max(score, _CERTAIN)
            reasons.append(related)
        elif alike >= _NAMES_ALIKE:
            score = max(score, alike)
        reasons.append(f"their names are {alike:.0%} alike")
        return Suggestion(source, target, self._kind(one, other, alike), round(score, 2), ", ".join(reasons))

    def _kind(self, one: Organisation, other: Organisation, alike: float) -> EdgeKind:
        if one.merged_into == other.code:
            return "merged"
        if alike >= _NAMES_ALIKE or _shared(one, other):
            return "renamed"
        began_new = not self._from[other.code]
        return "split" if began_new and self._goes_on(one.code) else "contract_transfer"

    def _goes_on(self, organisation: str) -> bool:
        return any(source.organisation == organisation and source not in self._ended for source in self._places)


def measure_likeness(one: str, other: str) -> float:
    """How like two names are, 0 to 1: their words in order of the alphabet, without what most names have."""
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0.0
    return SequenceMatcher(None, " ".join(first), " ".join(second), autojunk=False).ratio()


def _words(name: str) -> list[str]:
    plain = re.sub(r"\([^()]*\)", " ", name).casefold()
    return sorted(set(re.findall(r"[^\W_]+", plain)) - _COMMON)


def _relation(one: Organisation, other: Organisation) -> str | None:
    """What the register says of the two, None when it says nothing."""
    if one.merged_into == other.code:
        return f"the register says that {one.code} merged into {other.code}"
    shared = _shared(one, other)
    if shared:
        return f"they have the same {shared} number"
    if one.parent is not None and one.parent == other.parent:
        return "they have the same parent"
    return "the one is the parent of the other" if one.code == other.parent or other.code == one.parent else None


def _shared(one: Organisation, other: Organisation) -> str | None:
    return next((scheme for scheme, number in one.identifiers.items() if other.identifiers.get(scheme) == number), None)
