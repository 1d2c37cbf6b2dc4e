"""Jobs: how far the check of a long file is, which have failed, and trying them again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from census_api.api.kit.answers import json_answer
from census_api.api.kit.common_payloads import JobPayload, PagePayload
from census_api.api.kit.dependencies import Caller, KeyCursor, ThePlatform, limit_up_to, may, signed_in
from census_api.api.kit.problems import RETRY_SECONDS, document_problems
from census_api.services.collecting.background_checks import get_job as find
from census_api.services.upkeep import failed_jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])

if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(failed_jobs.MOST_JOBS)


@router.get(
    "/failed",
    dependencies=[may("jobs.manage")],
    response_model=PagePayload[JobPayload],
    responses=document_problems(401, 403),
)
def list_failed(platform: ThePlatform, caller: Caller, cursor: KeyCursor = None, limit: _Limit = 50) -> Response:
    """The jobs that failed by the platform's own fault, the latest first."""
    page = failed_jobs.list_failed(platform, caller, cursor=cursor, limit=limit)
    items = [JobPayload.of(job) for job in page.items]
    return json_answer(PagePayload[JobPayload](items=items, next=page.next, total=page.total))


@router.get("/{job}", dependencies=[signed_in()], response_model=JobPayload, responses=document_problems())
def get_job(platform: ThePlatform, caller: Caller, job: uuid.UUID) -> Response:
    """A job. While it waits or runs, Retry-After says when to ask again."""
    found = find(platform, caller, job)
    headers = None if found.finished_at else {"Retry-After": str(min(2, RETRY_SECONDS))}
    return json_answer(JobPayload.of(found), headers=headers)


@router.post(
    "/{job}/retry",
    status_code=202,
    dependencies=[may("jobs.manage")],
    response_model=JobPayload,
    responses=document_problems(401, 403, 409),
)
def try_again(platform: ThePlatform, caller: Caller, job: uuid.UUID) -> Response:
    """Has the file of a failed job checked again."""
    return json_answer(JobPayload.of(failed_jobs.try_again(platform, caller, job)), 202)
