"""What was found in a submission: grouped, filtered, a page at a time; explained or corrected where it stands."""

from __future__ import annotations

import itertools
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import Cursor, Number, OrganisationCode, Year, may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.explanations import REASON_LABELS, REASONS
from census_api.domain.kit.errors import CensusError, NotFound
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.corrections import correct_cell
from census_api.services.collecting.explanations import explain_finding
from census_api.services.collecting.submissions import get_finding, get_submission, list_findings
from census_api.web.employer.looking import (
    Looking,
    by_rule,
    by_sheet,
    given_by_key,
    list_choices,
    look_at,
    show_finding,
)
from census_api.web.employer.sending import lead_onwards
from census_api.web.employer.standing import UNREAD, page_of, standing_of
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import ThePosted, TheVisit, Visit, own_page
from census_api.web.kit.words import OUTCOMES, count_in_words, outcome_tag

router = APIRouter(prefix="/collections/{year}/returns/{organisation}/submissions/{number}", include_in_schema=False)

ON_A_PAGE = 50
FindingKey = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
Choice = Annotated[str, Query(max_length=60)]
_REASONS = [("", "Choose a reason"), *((reason, REASON_LABELS[reason]) for reason in REASONS)]
_SEVERITIES = [("", "Everything"), ("error", "Errors"), ("query", "Queries"), ("note", "Notes")]
_SAID = {
    "received": "Your file was received as submission {number} and is kept.",
    "corrected": "The corrected value was saved as a new submission, number {number}. The one before is kept as it was.",
    "explained": "Your explanation was saved.",
}


@router.get("", dependencies=[may("return.read")])
def show_findings(
    visit: TheVisit,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    severity: Choice = "",
    sheet: Choice = "",
    rule: Choice = "",
    cursor: Cursor = None,
    said: Choice = "",
) -> Response:
    """A submission with a page of its findings, all of them or those that pass the filter."""
    submission = get_submission(visit.platform, visit.actor, year, organisation, number)
    if submission.status != "checked":
        status = get_collection(visit.platform, visit.actor, year)
        standing = standing_of(visit, status, organisation)
        waits = submission.status in UNREAD
        return visit.page("unchecked.html", standing=standing, submission=submission, waits=waits)
    at = look_at(visit, year, organisation, number)
    wanted = {name: value for name, value in (("severity", severity), ("sheet", sheet), ("rule", rule)) if value}
    page = list_findings(
        visit.platform, visit.actor, year, organisation, number, **wanted, cursor=cursor, limit=ON_A_PAGE
    )
    given = given_by_key(at.explained)
    here = f"{at.address}?{urlencode({**wanted, **({'cursor': cursor} if cursor else {})})}".rstrip("?")
    return visit.page(
        "findings.html",
        **_about(at),
        by_sheet=by_sheet(at.groups),
        by_rule=by_rule(at.spec, at.groups),
        wanted={"severity": severity, "sheet": sheet, "rule": rule},
        severities=_SEVERITIES,
        sheets=[("", "All sheets"), *((entry.title, entry.title) for entry in at.spec.sheets)],
        rules=[("", "All checks"), *_rules(at)],
        tables=[
            (title or "The whole return", [show_finding(at, finding, given) for finding in group])
            for title, group in itertools.groupby(page.items, key=lambda finding: finding.sheet)
        ],
        shown=len(page.items),
        total=page.total,
        following=page.next,
        base=f"{at.address}?{urlencode(wanted)}{'&' if wanted else ''}",
        here=here,
        said=_SAID.get(said, "").format(number=number),
    )


@router.get("/findings/{finding_key}", dependencies=[may("return.read")])
def one_finding(
    visit: TheVisit, year: Year, organisation: OrganisationCode, number: Number, finding_key: FindingKey,
    said: Choice = "",
) -> Response:  # fmt: skip
    """One finding, with the forms that explain or correct it."""
    return _finding_page(visit, (year, organisation, number, finding_key), said=_SAID.get(said, ""))


@router.post("/findings/{finding_key}/explanation", dependencies=[may("return.explain")])
def post_explanation(
    visit: TheVisit, year: Year, organisation: OrganisationCode, number: Number, finding_key: FindingKey,
    typed: ThePosted,
) -> Response:  # fmt: skip
    """Explains a query; then to the list where the form was, or to the next query that wants an explanation."""
    reason, text = typed["reason"], typed["text"]
    try:
        explain_finding(visit.platform, visit.actor, year, organisation, number, finding_key, reason=reason, text=text)
    except NotFound:
        raise
    except CensusError as error:
        field = "reason" if reason not in REASONS else "text"
        message = "Choose a reason in the list." if field == "reason" else error.message
        at = (year, organisation, number, finding_key)
        return _finding_page(visit, at, {field: message}, status_for(error), {"reason": reason, "text": text[:1000]})
    back = own_page(typed["back"], "")
    if back:
        return visit.go(f"{back}{'&' if '?' in back else '?'}said=explained#f-{finding_key}")
    missing = look_at(visit, year, organisation, number).explained.missing
    onward = f"/findings/{missing[0].key}" if missing else ""
    return visit.go(f"{page_of(year, organisation, number)}{onward}?said=explained")


@router.post("/findings/{finding_key}/correction", dependencies=[may("return.submit")])
def post_correction(
    visit: TheVisit, year: Year, organisation: OrganisationCode, number: Number, finding_key: FindingKey,
    typed: ThePosted,
) -> Response:  # fmt: skip
    """Corrects the value of a finding: a new submission, whose findings are shown next."""
    value = typed["value"]
    try:
        answer = correct_cell(visit.platform, visit.actor, year, organisation, number, finding_key, value)
    except NotFound:
        raise
    except CensusError as error:
        at = (year, organisation, number, finding_key)
        return _finding_page(visit, at, {"value": error.message}, status_for(error), {"value": value[:1000]})
    return lead_onwards(visit, year, organisation, answer, "corrected")


def _finding_page(
    visit: Visit, at: tuple[int, str, int, str], errors: dict[str, str] | None = None, status: int = 200,
    typed: dict[str, str] | None = None, said: str = "",
) -> Response:  # fmt: skip
    year, code, number, key = at
    looking = look_at(visit, year, code, number)
    finding = get_finding(visit.platform, visit.actor, year, code, number, key)
    row = show_finding(looking, finding, given_by_key(looking.explained))
    before = row["explanation"] or {}
    rule = looking.spec.rule.get(finding.rule)
    return visit.page(
        "finding.html",
        status,
        **_about(looking),
        row=row,
        choices=list_choices(looking, finding),
        why=rule.why if rule else "",
        title=rule.title if rule else finding.rule,
        typed={"value": "", "reason": before.get("code", ""), "text": before.get("text", ""), **(typed or {})},
        errors=errors or {},
        said=said,
    )


def _about(at: Looking) -> dict[str, Any]:
    """What all pages about a checked submission show."""
    counts = at.counts
    parts = [
        count_in_words(counts["error"], "error"),
        count_in_words(counts["query"], "query", "queries"),
        count_in_words(counts["note"], "note"),
    ]
    left = len(at.explained.missing)
    return {
        "standing": at.standing,
        "submission": at.submission,
        "number": at.number,
        "address": at.address,
        "received": in_words(at.submission.received_at),
        "tag": outcome_tag(at.submission),
        "outcome": OUTCOMES[at.submission.outcome][0] if at.submission.outcome else "",
        "found": f"{parts[0]}, {parts[1]} and {parts[2]}",
        "counts": counts,
        "missing": left,
        "missing_words": count_in_words(left, "query still needs an explanation", "queries still need an explanation"),
        "first_missing": at.explained.missing[0].key if left else "",
        "carried": sum(entry.carried_from is not None for entry in at.explained.given),
        "dropped": len(at.explained.dropped),
        "is_newest": at.is_newest,
        "may_explain": at.may_explain,
        "may_correct": at.may_correct,
        "reasons": _REASONS,
    }


def _rules(at: Looking) -> list[tuple[str, str]]:
    """The checks that found something: what there is to choose from."""
    codes = dict.fromkeys(group.rule for group in at.groups)
    return [(code, f"{at.spec.rule[code].title} ({code})") for code in codes if code in at.spec.rule]
