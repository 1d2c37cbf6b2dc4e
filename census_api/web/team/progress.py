"""How far a collection is, and whom to chase first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.paging import cursor_after, position_of
from census_api.domain.progress.response import ProgressDimension
from census_api.services.collecting.collections import get_collection
from census_api.services.progress.chase import chase_list
from census_api.services.progress.response import measure_progress
from census_api.web.kit.visit import CursorQuery, TheVisit
from census_api.web.kit.words import STATES, day_in_words, last_day
from census_api.web.team.progress_charts import by_cell, by_day, percent_of

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 50
_MOST_BARS = 15
_BY: dict[ProgressDimension, str] = {
    "sector": "by sector",
    "region": "by region",
    "local_authority": "by local authority",
    "service_type": "by service type",
}
Dimension = Annotated[ProgressDimension, Query()]


@router.get("/team/{year}", dependencies=[may("progress.read")])
def show_dashboard(visit: TheVisit, year: Year, by: Dimension = "sector") -> Response:
    """The response, by number and by size: overall, by day, and by sector, region, authority or service."""
    status = get_collection(visit.platform, visit.actor, year)
    found = measure_progress(visit.platform, visit.actor, year)
    cells = found.by[by]
    return visit.page(
        "team_year.html",
        year=year,
        closes=last_day(status.window.closes),
        late_until=last_day(status.window.late_until),
        at=in_words(found.at),
        found=found,
        states=[(STATES[state], number) for state, number in found.overall.states.items()],
        days=[(day_in_words(entry.day), entry.received, entry.signed) for entry in found.days],
        over_time=by_day(found.days, found.overall.organisations),
        bars=by_cell(cells, _BY[by]) if len(cells) <= _MOST_BARS else None,
        cells=cells,
        by=by,
        words=_BY,
        percent=percent_of,
        reviews=is_allowed(visit.actor, "return.accept"),
        keeps_frame=is_allowed(visit.actor, "frame.manage"),
    )


@router.get("/team/{year}/chase", dependencies=[may("return.accept")])
def show_chase(visit: TheVisit, year: Year, cursor: CursorQuery = None) -> Response:
    """Who has not answered, those first whose answer is expected to move a published total most."""
    # a ranking has places: the second page begins with the 51st, whoever that is by now
    start = position_of(cursor) or 0
    found = chase_list(visit.platform, visit.actor, year)
    shown = found[start : start + ON_A_PAGE]
    return visit.page(
        "team_chase.html",
        year=year,
        rows=[(start + place, entry, STATES[entry.state]) for place, entry in enumerate(shown, 1)],
        total=len(found),
        following=cursor_after(start + ON_A_PAGE) if start + ON_A_PAGE < len(found) else None,
        select="choose-",
    )
