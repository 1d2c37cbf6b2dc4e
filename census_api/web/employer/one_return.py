"""One return, as its employer looks after it: what to do next, sending a file, questions of the team, history."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import Cursor, OrganisationCode, Year, may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.questions import ReturnQuestion
from census_api.domain.collecting.returns import TRANSITIONS
from census_api.domain.collecting.submission import Submission
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.errors import CensusError, NotFound
from census_api.questionnaire.model import Spec
from census_api.services.collecting.background_checks import get_job
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.history import get_history
from census_api.services.collecting.receipts import standing_receipt
from census_api.services.collecting.return_queries import list_questions, reply_to_query
from census_api.services.collecting.submissions import list_submissions
from census_api.web.employer.sending import ONCE, lead_onwards, make_once_key, send_posted
from census_api.web.employer.standing import EmployerStanding, page_of, standing_of
from census_api.web.kit.forms import FileForm, file_form
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import ThePosted, TheVisit, Visit
from census_api.web.kit.words import TIMINGS, outcome_tag, row_words

router = APIRouter(prefix="/collections/{year}/returns/{organisation}", include_in_schema=False)

SUBMISSIONS_SHOWN = 10
HISTORY_SHOWN = 50
Posted = Annotated[FileForm, file_form(ONCE)]
JobId = Annotated[uuid.UUID, Path()]
QueryId = Annotated[uuid.UUID, Path()]
_SAID = {
    "replied": "Your answer was sent to the census team. Once nothing is left to do, the return has to be signed off "
    "again.",
    "signed": "The return is signed off.",
}


@router.get("", dependencies=[may("return.read")])
def one_return(
    visit: TheVisit,
    year: Year,
    organisation: OrganisationCode,
    cursor: Cursor = None,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The page of a return."""
    return visit.page("return.html", **_shown(visit, year, organisation, cursor), said=_SAID.get(said, ""))


@router.post("/submissions", dependencies=[may("return.submit")])
def send_file(visit: TheVisit, year: Year, organisation: OrganisationCode, posted: Posted) -> Response:
    """Takes a file, and shows what was found in it."""
    try:
        answer = send_posted(visit, year, organisation, posted)
    except NotFound:
        raise
    except CensusError as error:
        shown = _shown(visit, year, organisation, None)
        return visit.refused("return.html", error, status_for(error), "file", **shown, said="")
    return lead_onwards(visit, year, organisation, answer, "received")


@router.get("/checks/{job}", dependencies=[may("return.read")])
def being_checked(visit: TheVisit, year: Year, organisation: OrganisationCode, job: JobId) -> Response:
    """How far the check of a long file is: a page that comes again by itself until it is done."""
    found = get_job(visit.platform, visit.actor, job)
    if (found.collection, found.organisation) != (year, organisation):
        raise NotFound("There is no such check of this return.")
    if found.state == "done" and found.submission is not None:
        return visit.go(f"{page_of(year, organisation, found.submission)}?said=received")
    return visit.page(
        "being_checked.html",
        standing=standing_of(visit, get_collection(visit.platform, visit.actor, year), organisation),
        job=found,
        waits=found.state in ("waiting", "running"),
        percent=round(100 * found.share),
    )


@router.post("/queries/{query}/replies", dependencies=[may("return.reply")])
def post_reply(
    visit: TheVisit, year: Year, organisation: OrganisationCode, query: QueryId, typed: ThePosted
) -> Response:
    """Answers a question of the census team in words."""
    try:
        reply_to_query(visit.platform, visit.actor, year, organisation, query, typed["text"])
    except NotFound:
        raise
    except CensusError as error:
        shown = _shown(visit, year, organisation, None)
        if str(query) not in [question["id"] for question in shown["questions"]]:
            raise NotFound("This return has not been asked that question.") from error
        shown["typed"] = {str(query): typed["text"][:1000]}
        return visit.refused("return.html", error, status_for(error), f"reply-{query}", **shown, said="")
    return visit.go(f"{page_of(year, organisation)}?said=replied")


@router.get("/history", dependencies=[may("return.history")])
def show_history(visit: TheVisit, year: Year, organisation: OrganisationCode, cursor: Cursor = None) -> Response:
    """What happened to the return, a sentence each, the newest first."""
    platform, actor = visit.platform, visit.actor
    page = get_history(platform, actor, year, organisation, cursor=cursor, limit=HISTORY_SHOWN)
    return visit.page(
        "history.html",
        standing=standing_of(visit, get_collection(platform, actor, year), organisation),
        entries=[(in_words(entry.at), entry.sentence) for entry in page.items],
        following=page.next,
    )


def _shown(visit: Visit, year: int, code: str, cursor: str | None) -> dict[str, Any]:
    platform, actor = visit.platform, visit.actor
    standing = standing_of(visit, get_collection(platform, actor, year), code)
    page = list_submissions(platform, actor, year, code, cursor=cursor, limit=SUBMISSIONS_SHOWN)
    spec = platform.spec(year)
    questions = list_questions(platform, actor, year, code)
    return {
        "standing": standing,
        "submissions": [_submission(standing, entry) for entry in page.items],
        "following": page.next,
        "questions": [_question(spec, entry) for entry in sorted(questions, key=lambda entry: not entry.is_open)],
        "may_reply": is_allowed(actor, "return.reply", code) and (standing.found.state, "reply") in TRANSITIONS,
        "may_send": _may_send(visit, standing),
        "member": code in actor.memberships,
        "receipt": _receipt(visit, standing),
        "typed": {},
        "once": make_once_key(),
        "largest": platform.settings.max_upload_bytes // 1_000_000,
    }


def _may_send(visit: Visit, standing: EmployerStanding) -> bool:
    may = is_allowed(visit.actor, "return.submit", standing.code)
    return may and standing.takes_files and (standing.found.state, "submit") in TRANSITIONS


def _submission(standing: EmployerStanding, entry: Submission) -> dict[str, Any]:
    marks = [("signed off", standing.found.signed), ("accepted", standing.found.accepted)]
    notes = [word for word, number in marks if number == entry.number]
    if entry.timing is not None and entry.timing in TIMINGS:
        notes.append(TIMINGS[entry.timing])
    if entry.on_behalf:
        notes.append("on your behalf")
    return {
        "number": entry.number,
        "at": in_words(entry.received_at),
        "by": entry.received_by,
        "file": entry.file_name or "without a name",
        "tag": outcome_tag(entry),
        "notes": ", ".join(notes),
        "checked": entry.status == "checked",
    }


def _question(spec: Spec, entry: ReturnQuestion) -> dict[str, Any]:
    subject = entry.subject
    about = {
        "return": "the whole return",
        "line": row_words(spec, "services", f"{subject.local_authority_code}|{subject.service_type}"),
        "finding": f"a finding of submission {entry.submission}",
    }
    return {
        "id": str(entry.id),
        "about": about[subject.about],
        "finding": subject.finding_key,
        "submission": entry.submission,
        "text": entry.text,
        "by": entry.asked_by,
        "at": in_words(entry.asked_at),
        "open": entry.is_open,
        "replies": [(answer.replied_by, in_words(answer.replied_at), answer.text) for answer in entry.replies],
    }


def _receipt(visit: Visit, standing: EmployerStanding) -> str | None:
    if standing.found.signed is None:
        return None
    found = standing_receipt(visit.platform, visit.actor, standing.year, standing.code)
    return found.sign_off.reference
