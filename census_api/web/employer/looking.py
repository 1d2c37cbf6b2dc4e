"""A submission that somebody looks at: what was found in it, and what they can do about it there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.explanations import REASON_LABELS, Explanation
from census_api.domain.collecting.findings import Finding, FindingGroup
from census_api.domain.collecting.returns import TRANSITIONS, ReturnEvent
from census_api.domain.collecting.submission import Submission
from census_api.domain.kit.access import Action, is_allowed
from census_api.questionnaire.model import Spec
from census_api.questionnaire.model import show_code as code_shown
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.corrections import file_is_sound, place_of
from census_api.services.collecting.explanations import Explained, list_explanations
from census_api.services.collecting.submissions import get_submission, group_findings
from census_api.web.employer.standing import EmployerStanding, page_of, standing_of
from census_api.web.kit.visit import Visit
from census_api.web.kit.words import SEVERITIES, column_words, place_words

_WHOLE = "The whole return"


@dataclass(frozen=True, slots=True)
class Looking:
    """A checked submission in its return. `explained` is where its explanations stand."""

    visit: Visit
    spec: Spec
    standing: EmployerStanding
    submission: Submission
    groups: list[FindingGroup]
    explained: Explained

    @property
    def number(self) -> int:
        return self.submission.number or 0

    @property
    def address(self) -> str:
        return page_of(self.standing.year, self.standing.code, self.number)

    @property
    def is_newest(self) -> bool:
        newest = self.standing.newest
        return newest is not None and newest.number == self.number

    @property
    def may_explain(self) -> bool:
        return self._may("return.explain", "explain") and self.standing.found.signed != self.number

    @property
    def may_correct(self) -> bool:
        return (
            self._may("return.submit", "submit") and self.standing.takes_files and file_is_sound(self.spec, self.groups)
        )

    @property
    def counts(self) -> dict[str, int]:
        return {severity: self.submission.counts.get(severity, 0) for severity in SEVERITIES}

    def _may(self, action: Action, event: ReturnEvent) -> bool:
        allowed = is_allowed(self.visit.actor, action, self.standing.code)
        return allowed and self.is_newest and (self.standing.found.state, event) in TRANSITIONS


def look_at(visit: Visit, year: int, code: str, number: int) -> Looking:
    """The submission with all that its pages need. Raises NotFound, Conflict while it is being checked."""
    platform, actor = visit.platform, visit.actor
    submission = get_submission(platform, actor, year, code, number)
    groups = group_findings(platform, actor, year, code, number)
    return Looking(
        visit=visit,
        spec=platform.spec(year),
        standing=standing_of(visit, get_collection(platform, actor, year), code),
        submission=submission,
        groups=groups,
        explained=list_explanations(platform, actor, year, code, number),
    )


def show_finding(at: Looking, finding: Finding, given: Mapping[str, Explanation]) -> dict[str, Any]:
    """A finding as a page shows it."""
    place = place_of(at.spec, finding)
    explanation = given.get(finding.key)
    return {
        "key": finding.key,
        "address": f"{at.address}/findings/{finding.key}",
        "where": place_words(finding),
        "column": column_words(at.spec, finding.sheet, finding.column),
        "tag": SEVERITIES[finding.severity],
        "value": finding.value,
        "message": finding.message,
        "expected": finding.expected,
        "fix": finding.fix,
        "rule": finding.rule,
        "explanation": None if explanation is None else _explanation(explanation),
        "may_explain": finding.severity == "query" and at.may_explain,
        "correct": place.question.label if place is not None and at.may_correct else None,
        "is_code": place is not None and place.question.code_list is not None,
    }


def list_choices(at: Looking, finding: Finding) -> list[tuple[str, str]]:
    """The answers to choose from where the question has a list; empty where it has none."""
    place = place_of(at.spec, finding)
    if place is None or place.question.code_list is None:
        return []
    listed = at.spec.code_lists[place.question.code_list].codes
    return [("", "Choose an answer"), *((code.code, code_shown(code)) for code in listed)]


def given_by_key(explained: Explained) -> dict[str, Explanation]:
    return {explanation.finding_key: explanation for explanation in explained.given}


def by_sheet(groups: Iterable[FindingGroup]) -> list[tuple[str, str, dict[str, int]]]:
    """(what to call it, its title or empty, findings by severity) for every sheet that has any."""
    counted: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(map(str, SEVERITIES), 0))
    for group in groups:
        counted[group.sheet or ""][group.severity] += group.count
    return [(sheet or _WHOLE, sheet, counts) for sheet, counts in counted.items()]


def by_rule(spec: Spec, groups: Iterable[FindingGroup]) -> list[dict[str, Any]]:
    """What each rule found and where, errors first."""
    order = list(SEVERITIES)
    listed = sorted(groups, key=lambda group: (order.index(group.severity), -group.count))
    return [
        {
            "rule": group.rule,
            "title": spec.rule[group.rule].title if group.rule in spec.rule else group.rule,
            "tag": SEVERITIES[group.severity],
            "sheet": group.sheet,
            "where": group.sheet or _WHOLE,
            "count": group.count,
        }
        for group in listed
    ]


def _explanation(explanation: Explanation) -> dict[str, Any]:
    return {
        "reason": REASON_LABELS[explanation.reason],
        "code": explanation.reason,
        "text": explanation.text,
        "by": explanation.given_by,
        "at": in_words(explanation.given_at),
        "carried_from": explanation.carried_from,
    }
