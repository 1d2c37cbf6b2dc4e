"""All pages of the census team, in the order in which their addresses are tried: a year is what no page is named."""

from __future__ import annotations

from fastapi import APIRouter

from census_api.web.team import lineage, lists, moves, office, people, progress, returns, review, snapshots, start

router = APIRouter(include_in_schema=False)
for _pages in (
    start,
    office,
    people,
    lineage,
    lists,
    returns,
    review,
    moves,
    snapshots,
    progress,
):
    router.include_router(_pages.router)
