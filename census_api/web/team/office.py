"""Looking after the platform: files that could not be checked, and the audit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import may
from census_api.domain.audit import AuditEvent, AuditFilter
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.history import sentence_of
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.errors import Conflict
from census_api.services.audit.reading import list_events
from census_api.services.upkeep.failed_jobs import list_failed, try_again
from census_api.web.kit.visit import CursorQuery, ThePosted, TheVisit, Visit

router = APIRouter(include_in_schema=False)

JobId = Annotated[uuid.UUID, Path()]
_LONGEST_DETAIL = 300
# the text of a form that is not filled in is empty, which is no filter
Words = Annotated[str, Query(max_length=200)]


@router.get("/team/jobs", dependencies=[may("jobs.manage")])
def failed_jobs(
    visit: TheVisit, cursor: CursorQuery = None, said: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """The files that could not be checked, the latest first, each with why."""
    return _jobs(visit, cursor, said="The file will be checked again." if said == "again" else "")


@router.post("/team/jobs/{job}/again", dependencies=[may("jobs.manage")])
def retry_job(visit: TheVisit, job: JobId, _: ThePosted) -> Response:
    """Has a file checked again."""
    try:
        try_again(visit.platform, visit.actor, job)
    except Conflict as problem:
        return _jobs(visit, None, 409, errors={"jobs": problem.message})
    return visit.go("/team/jobs?said=again")


@router.get("/team/audit", dependencies=[may("audit.read")])
def show_audit(
    visit: TheVisit,
    collection: Annotated[str, Query(max_length=4)] = "",
    organisation: Words = "",
    action: Words = "",
    actor: Words = "",
    cursor: CursorQuery = None,
) -> Response:
    """Who did what, and when, the newest first."""
    typed = {"collection": collection, "organisation": organisation, "action": action, "actor": actor}
    year = int(collection) if collection.isascii() and collection.isdigit() else None
    wanted = AuditFilter(year, organisation.strip() or None, action.strip() or None, actor.strip() or None)
    found = list_events(visit.platform, visit.actor, wanted, cursor=cursor, limit=50)
    given = {name: value for name, value in typed.items() if value}
    return visit.page(
        "team_audit.html",
        events=[(event, in_words(event.at), _sentence(event), _detail(event.detail)) for event in found.items],
        total=found.total,
        typed=typed,
        following=found.next,
        base=f"/team/audit?{urlencode(given)}{'&' if given else ''}",
    )


def _jobs(visit: Visit, cursor: str | None, status: int = 200, *, said: str = "", **values: Any) -> Response:
    found = list_failed(visit.platform, visit.actor, cursor=cursor)
    return visit.page(
        "team_jobs.html",
        status,
        jobs=[(job, in_words(job.finished_at or job.created_at)) for job in found.items],
        total=found.total,
        following=found.next,
        reviews=is_allowed(visit.actor, "return.accept"),
        said=said,
        **values,
    )


def _sentence(event: AuditEvent) -> str:
    return sentence_of(event.action, event.actor, event.detail) or f"{event.actor}: {event.action}"


def _detail(detail: Mapping[str, Any]) -> str:
    text = "; ".join(f"{name} {value}" for name, value in detail.items() if value not in (None, "", [], {}))
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"
