"""The people of a snapshot that the national survey speaks for, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from census_api.questionnaire.survey import NOT_COVERED, SurveyGroups
from census_api.statistics.margins.estimated_totals import EligibleLine
from census_api.statistics.margins.totals import MarginsRefused, StaffCount, is_eligible
from census_api.store.margins.queries import FrozenLine, PaidPeople

HEAD_OFFICE = "head_office"
LEFT_OUT = ("head_office", "route_out_of_scope", "not_covered")
LineKey = tuple[str, str, str]
"""Organisation, local authority and service type: the same line in another year."""
Roles = Mapping[tuple[str, str], tuple[str, str]]
"""(role, sector) -> its profession group in the survey's grouping, and in the plan's."""


@dataclass(frozen=True, slots=True)
class SurveyLine:
    """A line with its eligible people by both groupings: (survey's group, plan's group) -> people.

    `people` is None where the line did not report its paid people.
    """

    key: LineKey
    line: FrozenLine
    people: Mapping[tuple[str, str], float] | None


@dataclass(frozen=True, slots=True)
class SurveyPopulation:
    """`left_out` are paid people by why they are not of the population and by parent; `unknown` rows gave no number."""

    lines: tuple[SurveyLine, ...]
    left_out: Mapping[str, Mapping[str, float]]
    unknown: int


def both_groupings(survey: SurveyGroups, plan: SurveyGroups) -> Roles:
    """Both groups of every role and sector."""
    return {key: (group, plan.professions[key]) for key, group in survey.professions.items()}


def build_population(lines: Sequence[FrozenLine], people: Iterable[PaidPeople], roles: Roles) -> SurveyPopulation:
    """The population of a snapshot. Raises MarginsRefused where nobody can say whether people belong to it, or where."""
    by_line: dict[int, list[PaidPeople]] = {}
    for row in people:
        by_line.setdefault(row.line, []).append(row)
    left_out: dict[str, dict[str, float]] = {reason: {} for reason in LEFT_OUT}
    found = []
    for line in lines:
        rows = by_line.get(line.number, [])
        if line.service_type == HEAD_OFFICE:
            _leave_out(left_out["head_office"], line, rows)
        else:
            found.append(_survey_line(line, rows, roles, left_out))
    unknown = sum(row.applies and row.people is None for rows in by_line.values() for row in rows)
    return SurveyPopulation(tuple(found), left_out, unknown)


def eligible_lines(these: SurveyPopulation, before: SurveyPopulation | None, plan: bool) -> list[EligibleLine]:
    """The lines in one grouping, with the year before where the line was there."""
    earlier = {line.key: line.people for line in before.lines} if before is not None else {}
    return [
        EligibleLine(
            unit="/".join(line.key),
            parent=line.line.parent,
            sector=line.line.sector,
            service_type=line.line.service_type,
            region=line.line.region or "",
            organisation_type=line.line.organisation_type,
            in_frame=line.line.in_frame,
            size=line.line.size,
            counts=_grouped(line.people, plan),
            previous=_grouped(earlier.get(line.key), plan),
        )
        for line in these.lines
    ]


def join_lines(lines: Iterable[EligibleLine], into: Sequence[Mapping[str, str]]) -> list[EligibleLine]:
    """The lines with categories joined: `into` has a mapping for each dimension."""
    regions, professions, types = into
    return [
        replace(
            line,
            region=regions.get(line.region, line.region),
            organisation_type=types.get(line.organisation_type, line.organisation_type),
            counts=_renamed(line.counts, professions),
            previous=_renamed(line.previous, professions),
        )
        for line in lines
    ]


def count_movers(these: SurveyPopulation) -> dict[tuple[str, str], dict[str, float]]:
    """People whose group differs between the groupings: (survey's, plan's) -> parent -> people."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for line in these.lines:
        for pair, count in (line.people or {}).items():
            if pair[0] != pair[1]:
                _count(found.setdefault(pair, {}), line.line.parent, count)
    return found


def _survey_line(
    line: FrozenLine, rows: Sequence[PaidPeople], roles: Roles, left_out: dict[str, dict[str, float]]
) -> SurveyLine:
    key = (line.organisation, line.local_authority, line.service_type)
    answered = line.reported and (line.nil or any(row.people is not None or not row.applies for row in rows))
    if not answered:
        _refuse_unplaced(line)
        return SurveyLine(key, line, None)
    people: dict[tuple[str, str], float] = {}
    for row in rows:
        if not row.people:
            continue
        pair = roles.get((row.role, line.sector), (NOT_COVERED, NOT_COVERED))
        if not _in_scope(line, row.people):
            _count(left_out["route_out_of_scope"], line.parent, row.people)
        elif NOT_COVERED in pair:
            _count(left_out["not_covered"], line.parent, row.people)
        else:
            _refuse_unplaced(line)
            people[pair] = people.get(pair, 0.0) + row.people
    return SurveyLine(key, line, people)


def _in_scope(line: FrozenLine, people: float) -> bool:
    what = f"the staff of a service of the kind {line.service_type}"
    return is_eligible(StaffCount(what, paid=True, head_office=False, count=people, route=line.route))


def _leave_out(into: dict[str, float], line: FrozenLine, rows: Iterable[PaidPeople]) -> None:
    for row in rows:
        if row.people:
            _count(into, line.parent, row.people)


def _refuse_unplaced(line: FrozenLine) -> None:
    if line.region is None:
        raise MarginsRefused(
            "region_unknown",
            f"The region of a service of the kind {line.service_type} is not known, so its staff cannot be placed. "
            "Correct its local authority, and freeze the snapshot again.",
        )


def _grouped(people: Mapping[tuple[str, str], float] | None, plan: bool) -> dict[str, float] | None:
    if people is None:
        return None
    found: dict[str, float] = {}
    for pair, count in people.items():
        _count(found, pair[plan], count)
    return found


def _renamed(counts: Mapping[str, float] | None, names: Mapping[str, str]) -> dict[str, float] | None:
    if counts is None:
        return None
    found: dict[str, float] = {}
    for name, count in counts.items():
        _count(found, names.get(name, name), count)
    return found


def _count(into: dict[str, float], key: str, count: float) -> None:
    into[key] = into.get(key, 0.0) + count
