"""One return as the census team looks at it: findings with their explanations, questions, and the moves that they can make."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import OrganisationCode, Year, limit_digits, may
from census_api.domain.collecting.deadlines import end_in_words, in_words
from census_api.domain.collecting.explanations import REASON_LABELS
from census_api.domain.collecting.questions import ReturnQuestion
from census_api.domain.collecting.returns import TRANSITIONS, ReturnEvent, ReturnState, note_on
from census_api.questionnaire.model import Spec
from census_api.services.collecting.review import Review, review_return, since_last_year
from census_api.web.kit.visit import CursorQuery, TheVisit
from census_api.web.kit.words import (
    SEVERITIES,
    STATES,
    Tag,
    column_words,
    count_in_words,
    outcome_tag,
    place_words,
    row_words,
)

router = APIRouter(include_in_schema=False)

Chosen = Annotated[int | None, limit_digits(9), Query(ge=1, le=999_999_999)]
_MOVES: tuple[tuple[ReturnEvent, str, str], ...] = (
    ("accept", "accept", "Accept"),
    ("query", "ask", "Ask a question"),
    ("reopen", "reopen", "Reopen"),
    ("decline", "decline", "Note that they will not answer"),
    ("withdraw", "withdraw", "Withdraw"),
)
SAID = {
    "accept": "The return is accepted. The employer has a mail that says so.",
    "ask": "The question is asked. The employer has a mail that says so, and time to answer.",
    "reopen": "The return is with the employer again, with time to answer.",
    "decline": "It is noted that this organisation will not answer.",
    "withdraw": "The return is withdrawn and counts no more.",
    "extend": "The organisation's own time is set.",
    "upload": "The file is stored, on the organisation's behalf.",
}


@router.get("/team/{year}/returns/{organisation}", dependencies=[may("return.query")])
def review_page(
    visit: TheVisit,
    year: Year,
    organisation: OrganisationCode,
    submission: Chosen = None,
    cursor: CursorQuery = None,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Everything that is needed to decide: what was sent, what the rules say, what was explained, asked and answered."""
    found = review_return(visit.platform, visit.actor, year, organisation, submission, cursor=cursor)
    spec = visit.platform.spec(year)
    number = None if found.reviewed is None else found.reviewed.submission.number
    compared = None
    if number is not None and cursor is None:
        compared = since_last_year(visit.platform, visit.actor, year, organisation, number)
    return visit.page("team_review.html", **_shown(found, spec, year), compared=compared, said=SAID.get(said, ""))


def list_moves(state: ReturnState) -> list[tuple[str, str]]:
    """What the team can do to a return in this state: the end of the page's address, and its label."""
    can = [(page, label) for event, page, label in _MOVES if (state, event) in TRANSITIONS]
    if (state, "submit") in TRANSITIONS:
        can.append(("upload", "Send a file on their behalf"))
    return [*can, ("extend", "Give more time")]


def question_words(spec: Spec, question: ReturnQuestion) -> str:
    """What a question is about, in words."""
    subject = question.subject
    if subject.about == "line":
        return row_words(spec, "services", f"{subject.local_authority_code}|{subject.service_type}")
    return "A finding" if subject.about == "finding" else "The whole return"


def _shown(found: Review, spec: Spec, year: int) -> dict[str, Any]:
    code = found.organisation.code
    return {
        "year": year,
        "organisation": found.organisation,
        "found": found.found,
        "tag": STATES[found.found.state],
        "note": note_on(found.found),
        "facts": _facts(found),
        "moves": list_moves(found.found.state),
        "reviewed": found.reviewed,
        "groups": _groups(found, spec),
        "queries": _queries(found, spec),
        "questions": [(question, question_words(spec, question)) for question in found.questions],
        "submissions": [(entry, outcome_tag(entry), in_words(entry.received_at)) for entry in found.submissions.items],
        "history": [(entry, in_words(entry.at)) for entry in found.history.items],
        "in_words": in_words,
        "page": f"/team/{year}/returns/{code}",
        "theirs": f"/collections/{year}/returns/{code}",
        "api": f"/api/v1/collections/{year}/returns/{code}/submissions",
        "count": count_in_words,
    }


def _facts(found: Review) -> list[tuple[str, str]]:
    current, signed = found.found, found.sign_off
    facts = [("Sector", (found.organisation.sector or "not known").replace("_", " "))]
    if signed is not None:
        facts.append(
            (
                "Signed off",
                f"submission {signed.submission} by {signed.name}, {signed.role}, {in_words(signed.signed_at)}",
            )
        )
        facts.append(("Receipt", signed.reference))
    if current.accepted is not None:
        facts.append(("Accepted", f"submission {current.accepted}"))
    if current.deadline is not None:
        own = current.extended_to == current.deadline
        facts.append(("Own time ends" if own else "Time ends", end_in_words(current.deadline)))
    return facts


def _groups(found: Review, spec: Spec) -> list[tuple[str, str, Tag, str, int]]:
    """Rule, title, tag, sheet and number of the findings of the submission that is looked at."""
    if found.reviewed is None:
        return []
    return [
        (
            group.rule,
            spec.rule[group.rule].title if group.rule in spec.rule else group.rule,
            SEVERITIES[group.severity],
            group.sheet or "The whole return",
            group.count,
        )
        for group in found.reviewed.groups
    ]


def _queries(found: Review, spec: Spec) -> list[dict[str, Any]]:
    if found.reviewed is None:
        return []
    listed = []
    for finding in found.reviewed.queries.items:
        given = found.reviewed.explanations.get(finding.key)
        listed.append(
            {
                "finding": finding,
                "place": place_words(finding),
                "column": column_words(spec, finding.sheet, finding.column),
                "given": given,
                "reason": "" if given is None else REASON_LABELS[given.reason],
            }
        )
    return listed
