"""What is asked of two snapshots, and what the codes of an answer mean in plain English (design.md 5, methods.md 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, ROLE_DIMENSIONS, Measure

MOST_DIMENSIONS = 3
TOTAL = "total"
"""Asked for in place of dimensions: the one cell of the whole country, which every answer holds as well."""

Place = tuple[str | None, ...]
"""The values of a cell, in the order of the dimensions that were asked for. None: known to lie in no one of them."""


@dataclass(frozen=True, slots=True)
class ComparisonBreakdown:
    """A breakdown of paid headcount by its key, and whether its rows are roles, or else role groups."""

    key: str
    by_role: bool


@dataclass(frozen=True, slots=True)
class ComparisonQuestion:
    """A measure, and what it is broken by. `outer` are attributes of a line, `inner` of the people on it."""

    measure: Measure
    by: tuple[str, ...] = ()
    breakdown: ComparisonBreakdown | None = None

    @property
    def outer(self) -> tuple[str, ...]:
        return tuple(name for name in self.by if name in LINE_DIMENSIONS)

    @property
    def inner(self) -> tuple[str, ...]:
        return tuple(name for name in self.by if name not in LINE_DIMENSIONS)

    @property
    def total(self) -> ComparisonQuestion:
        """The same of the whole country."""
        return ComparisonQuestion(self.measure, (), self.breakdown)


def make_question(
    measure: str, by: str | Sequence[str], breakdowns: Mapping[str, ComparisonBreakdown]
) -> ComparisonQuestion:
    """What is asked, checked. `by` holds dimensions, as a list or with commas between; empty or "total" is the country.

    Raises:
        InvalidRequest: an unknown measure or dimension, too many of them, or a pair that has no answer; it names what
            is allowed.
    """
    if measure not in MEASURES:
        raise InvalidRequest(f"There is no measure of that name. The measures are {', '.join(MEASURES)}.")
    names = [part.strip() for part in by.split(",")] if isinstance(by, str) else list(by)
    wanted = tuple(name for name in names if name and name != TOTAL)
    _check_dimensions(wanted, breakdowns)
    found = MEASURES[measure]
    sheets = [name for name in wanted if name in breakdowns]
    if sheets:
        return _of_breakdown(found, wanted, [breakdowns[name] for name in sheets])
    _check_pair(found, wanted)
    return ComparisonQuestion(found, wanted)


def _check_dimensions(wanted: Sequence[str], breakdowns: Mapping[str, ComparisonBreakdown]) -> None:
    allowed = (*LINE_DIMENSIONS, *ROLE_DIMENSIONS, PAID, *breakdowns)
    if any(name not in allowed for name in wanted):
        raise InvalidRequest(f"There is a breakdown that does not exist. You can break by {', '.join(allowed)}.")
    if len(set(wanted)) < len(wanted):
        raise InvalidRequest("A breakdown is named twice. Name each one once.")
    if len(wanted) > MOST_DIMENSIONS:
        raise InvalidRequest(f"At most {MOST_DIMENSIONS} breakdowns can be crossed. Leave some out.")


def _of_breakdown(
    measure: Measure, wanted: tuple[str, ...], sheets: Sequence[ComparisonBreakdown]
) -> ComparisonQuestion:
    """Breakdowns are asked once an organisation, of its paid people (design.md 3)."""
    if len(sheets) > 1:
        raise InvalidRequest(
            f"{sheets[0].key} and {sheets[1].key} are asked one by one, so they cannot be crossed. Choose one of them."
        )
    sheet = sheets[0]
    if measure.key != "paid_headcount":
        raise InvalidRequest(f"{sheet.key} is asked of paid headcount only. Ask for the measure paid_headcount.")
    roles = ROLE_DIMENSIONS if sheet.by_role else ("role_group",)
    allowed = (*(name for name in LINE_DIMENSIONS if name != "service_type"), *roles, sheet.key)
    if any(name not in allowed for name in wanted):
        raise InvalidRequest(f"{sheet.key} can be crossed with {', '.join(allowed[:-1])} only.")
    return ComparisonQuestion(measure, wanted, sheet)


def _check_pair(measure: Measure, wanted: Sequence[str]) -> None:
    if measure.of == "regulated" and any(name in ROLE_DIMENSIONS for name in wanted):
        raise InvalidRequest(
            f"{measure.key} compares roles that are regulated with those that are not, so it cannot be broken by role. "
            f"You can break it by {', '.join(LINE_DIMENSIONS)}."
        )
    kinds = {item.startswith("unpaid") for item in measure.items}
    if PAID in wanted and (measure.is_rate or len(kinds) == 1):
        raise InvalidRequest(
            f"{measure.key} cannot be broken by paid and unpaid. The measures that can are wte and headcount."
        )


REASONS: Mapping[str, str] = MappingProxyType(
    {
        "ARTEFACT_EXCEEDS_CHANGE": "Who answered explains more of the difference than what really changed.",
        "ARTEFACT_GROSS": "Organisations that answered in only one of the two years are a large part of the figures.",
        "COVERAGE": "Too much of the expected workforce, counted by size, is missing from one of the two years.",
        "DEFINITION_CHANGE": "What was asked differs between the two years, and nothing declares how to bridge it.",
        "LINEAGE_UNRESOLVED": "Services that may carry on others are still to be confirmed by the census team.",
        "MATCHED_SHARE": "Those that answered in both years are less than half of what the rate is counted over.",
        "MATCH_RATE": "Too little of the figures comes from services that answered in both years.",
        "OUTSIDE_BOUNDS": "The difference is larger than the growth of those that answered twice makes plausible.",
        "PARTICIPATION": "The difference in the rate comes to a large part from who answered.",
        "SMALL_BASE": "Too few services answered in both years.",
    }
)
"""A sentence for each reason code, for people."""

SHORT_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "ARTEFACT_EXCEEDS_CHANGE": "who answered outweighs the change",
        "ARTEFACT_GROSS": "much answered once only",
        "COVERAGE": "too much missing",
        "DEFINITION_CHANGE": "other questions",
        "LINEAGE_UNRESOLVED": "links to confirm",
        "MATCHED_SHARE": "too little of the base in both years",
        "MATCH_RATE": "too little in both years",
        "OUTSIDE_BOUNDS": "not plausible",
        "PARTICIPATION": "who answered moves it",
        "SMALL_BASE": "too few services",
    }
)
"""The same in a few words, for tables."""

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "BLOCKED": "The two years must not be compared here.",
        "CAUTION": "The two years can be compared here with caution.",
        "COMPARABLE": "The two years can be compared here.",
        "NOT_APPLICABLE": "There is nothing to compare here.",
    }
)

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "continuing": "Change of services that answered in both years",
        "entrant": "New organisations",
        "exit": "Organisations that have left",
        "scope_gained": "New services of organisations that were there before",
        "scope_lost": "Services that an organisation no longer runs",
        "nonresponse_recovered": "Organisations that did not answer before and now have",
        "nonresponse_lost": "Organisations that answered before and now have not",
        "partial_recovered": "Services left out of an earlier answer",
        "partial_lost": "Services left out of the later answer",
        "partial_component": "Services that were joined or divided, with a part of them not answered for",
        "reclassified": "Services that moved from one group to another",
    }
)
"""What each term of the identity is, in words."""

SHORT_TERMS: Mapping[str, str] = MappingProxyType(
    {
        "continuing": "Answered twice",
        "entrant": "New organisations",
        "exit": "Left",
        "scope_gained": "Services gained",
        "scope_lost": "Services given up",
        "nonresponse_recovered": "Answered again",
        "nonresponse_lost": "Fell silent",
        "partial_recovered": "Left out before",
        "partial_lost": "Left out now",
        "partial_component": "Answered in part",
        "reclassified": "Moved group",
    }
)
"""The same in a few words, for pictures."""
