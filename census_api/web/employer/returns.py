"""The employer's start page: every return of the visitor's organisations, what to do next, and one way to send a file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, signed_in
from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound
from census_api.domain.kit.paging import cursor_after, key_of
from census_api.services.collecting.check import organisation_in
from census_api.web.employer.sending import ONCE, file_of, lead_onwards, make_once_key, send_posted
from census_api.web.employer.standing import collections_of, list_standings, own_organisations
from census_api.web.kit.forms import FileForm, file_form
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import CursorQuery, TheVisit, Visit
from census_api.web.kit.words import day_in_words, last_day

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 25
Posted = Annotated[FileForm, file_form("organisation", ONCE)]


@router.get("/returns", dependencies=[signed_in()])
def show_returns(
    visit: TheVisit,
    year: Annotated[int | None, Query(ge=2000, le=2999)] = None,
    cursor: CursorQuery = None,
) -> Response:
    """The returns of the collection that is open, or of the year that was asked for."""
    return visit.page("returns.html", **_shown(visit, year, cursor))


@router.post("/returns/{year}", dependencies=[signed_in()])
def send_for_one(visit: TheVisit, year: Year, posted: Posted) -> Response:
    """Takes a file for one of the visitor's organisations: the one that was chosen, or the one that the file names."""
    try:
        file = file_of(posted)
        chosen = posted.typed["organisation"]
        if chosen and chosen not in visit.actor.memberships:
            raise InvalidRequest("Choose one of your organisations in the list.")
        code = chosen or organisation_in(visit.platform, visit.actor, year, file.data)
        answer = send_posted(visit, year, code, posted)
    except NotFound:
        raise
    except CensusError as error:
        shown = _shown(visit, year, None) | {"chosen": posted.typed["organisation"]}
        return visit.refused("returns.html", error, status_for(error), "file", **shown)
    return lead_onwards(visit, year, code, answer, "received")


def _shown(visit: Visit, year: int | None, cursor: str | None) -> dict[str, Any]:
    running, others = collections_of(visit)
    known = [*running, *others]
    if year is not None and year not in [status.year for status in known]:
        raise NotFound(f"The census of {year} has not been set up here.")
    chosen = [status for status in known if status.year == year] or running or known[:1]
    codes = own_organisations(visit)
    after = key_of(cursor, int, str)
    places = [(int(code not in visit.actor.memberships), code) for code in codes]
    left = [place for place in places if after is None or place > after]
    shown = [code for _, code in left[:ON_A_PAGE]]
    collections = [_collection(visit, status, shown) for status in chosen]
    names = {entry.code: f"{entry.name} ({entry.code})" for found in collections for entry in found["standings"]}
    return {
        "collections": collections,
        "others": [status.year for status in known if status not in chosen],
        "following": cursor_after(*left[ON_A_PAGE - 1]) if len(left) > ON_A_PAGE else None,
        "asked": year,
        "own": [(code, names.get(code, code)) for code in sorted(visit.actor.memberships)],
        "organisations": len(codes),
        "chosen": "",
        "once": make_once_key(),
    }


def _collection(visit: Visit, status: CollectionStatus, codes: list[str]) -> dict[str, Any]:
    phase = status.phase(visit.platform.clock())
    return {
        "year": status.year,
        "title": status.title,
        "reference_date": day_in_words(status.reference_date),
        "closes": last_day(status.window.closes),
        "phase": phase,
        "takes_files": phase in ("open", "late"),
        "standings": list_standings(visit, status, codes),
    }
