"""Freezing a collection: the revisions that there are, what each changed, and making the next."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.errors import Conflict
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.return_lists import count_returns
from census_api.services.snapshots.revisions import list_snapshots, request_freeze
from census_api.web.kit.visit import ThePosted, TheVisit, Visit
from census_api.web.kit.words import Tag, count_in_words

router = APIRouter(include_in_schema=False)

_STATES: dict[str, Tag] = {
    "building": ("Being made", "info"),
    "frozen": ("Frozen", "good"),
    "failed": ("Not made", "bad"),
}
_CHANGES = {"added": "came in", "removed": "left", "changed": "has other content"}
_SAID = {
    "asked": "A worker makes the snapshot now. This page shows how far it is.",
    "same": "Nothing has changed since the latest revision, so there is no new one.",
}
_WAITING: tuple[ReturnState, ...] = ("signed_off", "queried", "reopened", "in_progress")


@router.get("/team/{year}/snapshots", dependencies=[may("return.accept")])
def show_snapshots(visit: TheVisit, year: Year, said: Annotated[str, Query(max_length=10)] = "") -> Response:
    """The revisions of a year, the newest first, and what freezing would leave out now."""
    return _page(visit, year, said=_SAID.get(said, ""))


@router.post("/team/{year}/snapshots", dependencies=[may("snapshot.freeze")])
def freeze_snapshot(visit: TheVisit, year: Year, _: ThePosted) -> Response:
    """Has the accepted returns frozen, unless nothing has changed since they last were."""
    try:
        asked = request_freeze(visit.platform, visit.actor, year)
    except Conflict as problem:
        return _page(visit, year, 409, errors={"freeze": problem.message})
    said = "asked" if asked.snapshot.state == "building" else "same"
    return visit.go(f"/team/{year}/snapshots?said={said}")


def _page(visit: Visit, year: int, status: int = 200, *, said: str = "", **values: Any) -> Response:
    platform, actor = visit.platform, visit.actor
    get_collection(platform, actor, year)
    found = list_snapshots(platform, actor, year)
    counts = count_returns(platform, actor, year)
    return visit.page(
        "team_snapshots.html",
        status,
        year=year,
        rows=[(entry, _STATES[entry.state], _facts(entry)) for entry in found.items],
        building=any(entry.state == "building" for entry in found.items),
        changes=_CHANGES,
        accepted=counts["accepted"],
        unfinished=sum(counts[state] for state in _WAITING),
        freezes=is_allowed(actor, "snapshot.freeze"),
        said=said,
        **values,
    )


def _facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    facts = [("Asked for", f"{snapshot.started_by}, {in_words(snapshot.started_at)}")]
    if snapshot.state == "building":
        return [*facts, ("How far", f"{snapshot.share:.0%}, {snapshot.stage}")]
    if snapshot.frozen_at is None:
        return [*facts, ("Why not", snapshot.message or "not known")]
    return [
        *facts,
        ("Frozen", in_words(snapshot.frozen_at)),
        (
            "Holds",
            ", ".join(
                (
                    count_in_words(snapshot.returns, "return"),
                    count_in_words(snapshot.lines, "line"),
                    f"{snapshot.facts:,} rows of staff",
                )
            ),
        ),
        ("Content hash", snapshot.content_hash or "not known"),
        ("Thresholds", snapshot.policy_digest),
    ]
