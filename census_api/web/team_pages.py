"""All pages of the census team, in the order in which their addresses are tried: a year is what no page is named."""

from __future__ import annotations

from fastapi import APIRouter

from census_api.web import (
    team,
    team_lineage,
    team_lists,
    team_moves,
    team_office,
    team_people,
    team_progress,
    team_returns,
    team_review,
    team_snapshots,
)

router = APIRouter(include_in_schema=False)
for _pages in (
    team,
    team_office,
    team_people,
    team_lineage,
    team_lists,
    team_returns,
    team_review,
    team_moves,
    team_snapshots,
    team_progress,
):
    router.include_router(_pages.router)
