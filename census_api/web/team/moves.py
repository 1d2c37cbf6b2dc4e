"""The moves that the census team makes with one return, each on a page of its own that says what will happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import OrganisationCode, Year, may
from census_api.domain.collecting.deadlines import ANSWER_DAYS, end_in_words
from census_api.domain.collecting.questions import Subject
from census_api.domain.collecting.returns import Return
from census_api.domain.kit.access import Action
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound
from census_api.services.collecting import life
from census_api.services.collecting.life import extend_deadline
from census_api.services.collecting.return_queries import ask_query
from census_api.services.collecting.review import lines_of
from census_api.services.collecting.submissions import get_finding, get_return
from census_api.services.register.organisations import get_organisation
from census_api.web.employer.sending import ONCE, lead_onwards, make_once_key, send_posted
from census_api.web.kit.forms import FileForm, file_form
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import PostedForm, ThePosted, TheVisit, Visit
from census_api.web.kit.words import STATES, place_words, row_words

router = APIRouter(include_in_schema=False)

_BASE = "/team/{year}/returns/{organisation}"
_KEY = "^[0-9a-f]{16}$"
FindingKey = Annotated[str | None, Query(pattern=_KEY)]
Posted = Annotated[FileForm, file_form(ONCE)]


@dataclass(frozen=True, slots=True)
class TeamMove:
    """A move that needs a reason and nothing else. `warn` where the employer loses something by it."""

    page: str
    action: Action
    make: Callable[..., Return]
    title: str
    text: str
    button: str
    warn: bool = False


_WITH_REASON = (
    TeamMove(
        "reopen", "return.reopen", life.reopen_return, "Reopen the return",
        "The return goes back to the employer, who can send a new file and has to sign it again. They get a mail, and "
        f"{ANSWER_DAYS} days even when the census has closed. A snapshot that holds the return stays as it is.",
        "Reopen it",
    ),
    TeamMove(
        "decline", "return.decline", life.decline_return, "Note that they will not answer",
        "The organisation then counts as one that was asked and did not answer. It is chased no more, and is never "
        "counted as having nobody. The return can be reopened.",
        "Note it", warn=True,
    ),
    TeamMove(
        "withdraw", "return.withdraw", life.withdraw_return, "Withdraw the return",
        "The return then counts no more, although a file was sent. Everything that was sent is kept. The return can be "
        "reopened. A snapshot that holds it stays as it is.",
        "Withdraw it", warn=True,
    ),
)  # fmt: skip


def _form_of(move: TeamMove) -> Callable[..., Response]:
    def form(visit: TheVisit, year: Year, organisation: OrganisationCode) -> Response:
        return _page(visit, year, organisation, "team_reason.html", move=move)

    return form


def _making(move: TeamMove) -> Callable[..., Response]:
    def make(visit: TheVisit, year: Year, organisation: OrganisationCode, typed: ThePosted) -> Response:
        try:
            move.make(visit.platform, visit.actor, year, organisation, reason=typed["reason"], expected=_version(typed))
        except CensusError as error:
            return _again(visit, year, organisation, "team_reason.html", error, "reason", typed, move=move)
        return _done(visit, year, organisation, move.page)

    return make


for _move in _WITH_REASON:
    _path, _door = f"{_BASE}/{_move.page}", [may(_move.action)]
    router.add_api_route(_path, _form_of(_move), methods=["GET"], dependencies=_door)
    router.add_api_route(_path, _making(_move), methods=["POST"], dependencies=_door)


@router.get(f"{_BASE}/accept", dependencies=[may("return.accept")])
def accept_form(visit: TheVisit, year: Year, organisation: OrganisationCode) -> Response:
    """What accepting means, and the button."""
    return _page(visit, year, organisation, "team_accept.html")


@router.post(f"{_BASE}/accept", dependencies=[may("return.accept")])
def accept_page(visit: TheVisit, year: Year, organisation: OrganisationCode, typed: ThePosted) -> Response:
    """Accepts the return as it was signed."""
    try:
        life.accept_return(visit.platform, visit.actor, year, organisation, expected=_version(typed))
    except CensusError as error:
        return _again(visit, year, organisation, "team_accept.html", error, "accept", typed)
    return _done(visit, year, organisation, "accept")


@router.get(f"{_BASE}/ask", dependencies=[may("return.query")])
def ask_form(visit: TheVisit, year: Year, organisation: OrganisationCode, finding: FindingKey = None) -> Response:
    """The form for a question about the whole return, a line of it, or a finding."""
    chosen = "" if finding is None else f"finding:{finding}"
    return _page(
        visit, year, organisation, "team_ask.html", abouts=_abouts(visit, year, organisation, chosen), about=chosen
    )


@router.post(f"{_BASE}/ask", dependencies=[may("return.query")])
def ask_question(visit: TheVisit, year: Year, organisation: OrganisationCode, typed: ThePosted) -> Response:
    """Asks, and gives the return back to the employer."""
    about = typed["about"]
    try:
        ask_query(
            visit.platform, visit.actor, year, organisation, _subject(about), typed["text"], expected=_version(typed)
        )  # fmt: skip
    except CensusError as error:
        abouts = _abouts(visit, year, organisation, "")
        return _again(visit, year, organisation, "team_ask.html", error, "text", typed, abouts=abouts, about=about)
    return _done(visit, year, organisation, "ask")


@router.get(f"{_BASE}/extend", dependencies=[may("return.extend")])
def extend_form(visit: TheVisit, year: Year, organisation: OrganisationCode) -> Response:
    """The form for an organisation's own last day."""
    return _page(visit, year, organisation, "team_extend.html", until="")


@router.post(f"{_BASE}/extend", dependencies=[may("return.extend")])
def extend_time(visit: TheVisit, year: Year, organisation: OrganisationCode, typed: ThePosted) -> Response:
    """Sets the organisation's own last day."""
    try:
        until = _date(typed["until"])
        extend_deadline(
            visit.platform, visit.actor, year, organisation, until, reason=typed["reason"], expected=_version(typed)
        )  # fmt: skip
    except CensusError as error:
        at = error.field or "until"
        return _again(visit, year, organisation, "team_extend.html", error, at, typed, until=typed["until"])
    return _done(visit, year, organisation, "extend")


@router.get(f"{_BASE}/upload", dependencies=[may("return.query")])
def upload_form(visit: TheVisit, year: Year, organisation: OrganisationCode) -> Response:
    """The form for a file that the employer has sent to the team in some other way."""
    return _page(visit, year, organisation, "team_upload.html", once=make_once_key())


@router.post(f"{_BASE}/upload", dependencies=[may("return.query")])
def upload_file(visit: TheVisit, year: Year, organisation: OrganisationCode, posted: Posted) -> Response:
    """Stores the file as the next submission, noted as sent on the organisation's behalf."""
    try:
        answer = send_posted(visit, year, organisation, posted)
    except CensusError as error:
        return _again(visit, year, organisation, "team_upload.html", error, "file", posted.typed, once=make_once_key())
    if answer.report is None:
        return lead_onwards(visit, year, organisation, answer, "received")
    return _done(visit, year, organisation, f"upload&submission={answer.submission.number}")


def _page(visit: Visit, year: int, code: str, template: str, status: int = 200, **values: Any) -> Response:
    platform, actor = visit.platform, visit.actor
    found = get_return(platform, actor, year, code)
    shown: dict[str, Any] = {
        "year": year,
        "organisation": get_organisation(platform, actor, code),
        "found": found,
        "tag": STATES[found.state],
        "page": f"/team/{year}/returns/{code}",
        "time": "" if found.deadline is None else end_in_words(found.deadline),
        "typed": {},
    }
    return visit.page(template, status, **shown | values)


def _again(
    visit: Visit, year: int, code: str, template: str, error: CensusError, at: str, typed: PostedForm, **values: Any
) -> Response:
    """The form again with what was typed. What is not there at all is a page of its own."""
    if isinstance(error, NotFound):
        raise error
    return _page(
        visit, year, code, template, status_for(error), errors={at: error.message}, typed=typed.values, **values
    )


def _done(visit: Visit, year: int, code: str, said: str) -> Response:
    return visit.go(f"/team/{year}/returns/{code}?said={said}")


def _version(typed: PostedForm) -> int | None:
    text = typed["version"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest("Choose the last day, or type it as year-month-day, for example 2025-09-30.") from None


def _subject(about: str) -> Subject:
    """What was chosen: `return`, `finding:KEY`, or `line:AREA|SERVICE`. Raises InvalidRequest."""
    kind, _, rest = about.partition(":")
    if kind == "finding":
        return Subject("finding", finding_key=rest)
    if kind == "line":
        area, _, service = rest.partition("|")
        return Subject("line", local_authority_code=area, service_type=service)
    if about != "return":
        raise InvalidRequest("Choose what the question is about.")
    return Subject("return")


def _abouts(visit: Visit, year: int, code: str, chosen: str) -> list[tuple[str, str]]:
    """What can be asked about: the finding that one came from, the whole return, each of its lines."""
    platform, actor, spec = visit.platform, visit.actor, visit.platform.spec(year)
    options = [("return", "The whole return")]
    if chosen.startswith("finding:"):
        found = get_return(platform, actor, year, code)
        number = found.signed or found.latest or 0
        finding = get_finding(platform, actor, year, code, number, chosen.removeprefix("finding:"))
        options.insert(0, (chosen, f"{place_words(finding)}: {finding.message}"))
    lines = lines_of(platform, actor, year, code)
    return options + [(f"line:{area}|{kind}", row_words(spec, "services", f"{area}|{kind}")) for area, kind in lines]
