"""The returns of a collection for the census team: by state, and accepting or reminding many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.collecting.standing import ReturnFilter, ReturnStanding
from census_api.domain.kit.errors import CensusError, InvalidRequest
from census_api.services.collecting.life import accept_many
from census_api.services.collecting.return_lists import count_returns, list_returns
from census_api.services.progress.reminders import UNFINISHED, remind_employers
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import CursorQuery, PostedForm, ThePosted, TheVisit, Visit
from census_api.web.kit.words import OUTCOMES, STATES, count_in_words

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 50
_CHOSEN = "choose-"
StateFilter = Annotated[ReturnState | None, Query()]
Search = Annotated[str, Query(max_length=100)]


@router.get("/team/{year}/returns", dependencies=[may("return.accept")])
def team_returns(
    visit: TheVisit, year: Year, state: StateFilter = None, search: Search = "", cursor: CursorQuery = None
) -> Response:
    """A page of the returns, of one state or of all, with what can be done to many of them."""
    return visit.page("team_returns.html", **_shown(visit, year, state, search, cursor))


@router.post("/team/{year}/returns/accept", dependencies=[may("return.accept")])
def accept_chosen(visit: TheVisit, year: Year, typed: ThePosted) -> Response:
    """Accepts the chosen returns, and says for each what became of it."""
    try:
        results = accept_many(visit.platform, visit.actor, year, _chosen(typed))
    except InvalidRequest as error:
        return _refused(visit, year, error, "signed_off")
    return visit.page(
        "team_accepted.html",
        year=year,
        accepted=[found.organisation for found in results if found.problem is None],
        problems=[(found.organisation, found.problem) for found in results if found.problem is not None],
    )


@router.post("/team/{year}/returns/remind", dependencies=[may("mail.manage")])
def remind_chosen(visit: TheVisit, year: Year, typed: ThePosted) -> Response:
    """First says whom a reminder would go to; once that is confirmed, sends it and says who got it."""
    everybody = typed["everybody"] == "yes"
    confirmed = typed["confirmed"] == "yes"
    try:
        chosen = None if everybody else _chosen(typed)
        result = remind_employers(visit.platform, visit.actor, year, organisations=chosen, preview=not confirmed)
    except CensusError as error:
        return _refused(visit, year, error, None)
    rounds = (result.written, result.before, result.nobody)
    others = [] if chosen is None else sorted(set(chosen).difference(*rounds))
    return visit.page(
        "team_reminded.html",
        year=year,
        result=result,
        confirmed=confirmed,
        everybody=everybody,
        others=others,
    )


def _shown(visit: Visit, year: int, state: ReturnState | None, search: str, cursor: str | None) -> dict[str, Any]:
    wanted = ReturnFilter(state, search or None)
    found = list_returns(visit.platform, visit.actor, year, wanted, cursor=cursor, limit=ON_A_PAGE)
    counts = count_returns(visit.platform, visit.actor, year, search=search)
    return {
        "year": year,
        "rows": [(entry, STATES[entry.state], _newest(entry)) for entry in found.items],
        "total": found.total,
        "state": state,
        "search": search,
        "counts": [(entry, STATES[entry][0], counts[entry]) for entry in RETURN_STATES],
        "everybody": sum(counts.values()),
        "following": found.next,
        "base": f"/team/{year}/returns?{_query(state=state, search=search)}",
        "outcomes": OUTCOMES,
        "count": count_in_words,
        "unfinished": UNFINISHED,
        "select": _CHOSEN,
    }


def _newest(entry: ReturnStanding) -> str:
    if entry.received_at is None:
        return ""
    return f"Submission {entry.latest}, {in_words(entry.received_at)}"


def _query(**values: str | None) -> str:
    """The filters as the beginning of a query, with its last `&`."""
    given = {name: value for name, value in values.items() if value}
    return f"{urlencode(given)}&" if given else ""


def _chosen(typed: PostedForm) -> Sequence[str]:
    """The organisations whose boxes were ticked. Raises InvalidRequest when none was."""
    found = [name.removeprefix(_CHOSEN) for name in typed.values if name.startswith(_CHOSEN)]
    if not found:
        raise InvalidRequest("Choose at least one organisation: tick the box beside its name.")
    return found


def _refused(visit: Visit, year: int, error: CensusError, state: ReturnState | None) -> Response:
    shown = _shown(visit, year, state, "", None)
    first = shown["rows"][0][0].organisation if shown["rows"] else ""
    return visit.refused("team_returns.html", error, status_for(error), f"{_CHOSEN}{first}", **shown)
