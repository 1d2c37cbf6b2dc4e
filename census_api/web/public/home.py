"""The first page: what this is, which collections there are, and how to check a file."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response

from census_api.api.kit.dependencies import everyone, may
from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.kit.errors import NotFound
from census_api.services.collecting.collections import list_collections
from census_api.web.employer.standing import EmployerStanding, collections_of, list_standings
from census_api.web.kit.rendering import STATIC_FILES
from census_api.web.kit.visit import TheVisit, Visit
from census_api.web.kit.words import day_in_words, last_day

router = APIRouter(include_in_schema=False)

_ENGLAND = ZoneInfo("Europe/London")
_OWN_SHOWN = 3
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_PHASES = {"upcoming": "Opens later", "open": "Open", "late": "Late returns only", "closed": "Closed"}


@router.get("/", dependencies=[may("collection.read")])
def show_home(visit: TheVisit) -> Response:
    """The landing page."""
    now = visit.platform.clock()
    rows = [_row(status, now) for status in reversed(list_collections(visit.platform, visit.actor))]
    return visit.page(
        "home.html",
        collections=rows,
        example=rows[0] if rows else None,
        base=visit.base,
        own=_own(visit),
        more=max(0, len(visit.actor.memberships) - _OWN_SHOWN),
    )


@router.get("/static/{name}", dependencies=[everyone()])
async def serve_static(name: str) -> Response:
    """A style sheet or picture."""
    found = STATIC_FILES.get(name)
    if found is None:
        raise NotFound("There is no such file here.")
    return Response(found.body, headers=_FOR_EVER, media_type=found.media_type)


def _own(visit: Visit) -> list[EmployerStanding]:
    """What the visitor's organisations have to do next, in the collections that are open."""
    if not visit.actor.memberships:
        return []
    codes = sorted(visit.actor.memberships)[:_OWN_SHOWN]
    return [found for status in collections_of(visit)[0] for found in list_standings(visit, status, codes)]


def _row(status: CollectionStatus, now: dt.datetime) -> dict[str, str | int]:
    phase = status.phase(now)
    window = status.window
    return {
        "year": status.year,
        "title": status.title,
        "reference_date": day_in_words(status.reference_date),
        "phase": phase,
        "phase_words": _PHASES[phase],
        "opens": day_in_words(window.opens.astimezone(_ENGLAND).date()),
        "closes": last_day(window.closes),
    }
