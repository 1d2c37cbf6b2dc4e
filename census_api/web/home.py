"""The first page: what this is, which collections there are, and how to check a file."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from census_api.domain.access import Actor
from census_api.domain.collection import CollectionStatus
from census_api.domain.errors import NotFound
from census_api.services.collections import list_collections
from census_api.services.platform import Platform
from census_api.web.rendering import STATIC_FILES, page

router = APIRouter(include_in_schema=False)

_ENGLAND = ZoneInfo("Europe/London")
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_PHASES = {"upcoming": "Opens later", "open": "Open", "late": "Late returns only", "closed": "Closed"}


@router.get("/")
def home(request: Request) -> Response:
    """The landing page."""
    platform: Platform = request.app.state.shared.platform
    caller: Actor = request.state.caller
    now = platform.clock()
    rows = [_row(status, now) for status in reversed(list_collections(platform, caller))]
    return page(
        "home.html",
        demo=platform.settings.mode == "demo",
        collections=rows,
        example=rows[0] if rows else None,
        base=str(request.base_url).rstrip("/"),
    )


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """A style sheet or picture."""
    found = STATIC_FILES.get(name)
    if found is None:
        raise NotFound("There is no such file here.")
    return Response(found.body, headers=_FOR_EVER, media_type=found.media_type)


def _row(status: CollectionStatus, now: dt.datetime) -> dict[str, str | int]:
    phase = status.phase(now)
    window = status.window
    # the window ends at the first moment that is outside it
    last_day = window.closes - dt.timedelta(minutes=1)
    return {
        "year": status.year,
        "title": status.title,
        "reference_date": _day(status.reference_date),
        "phase": phase,
        "phase_words": _PHASES[phase],
        "opens": _day(window.opens.astimezone(_ENGLAND).date()),
        "closes": _day(last_day.astimezone(_ENGLAND).date()),
    }


def _day(date: dt.date) -> str:
    return f"{date.day} {date:%B %Y}"
