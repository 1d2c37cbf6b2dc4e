"""Jobs: how far the check of a long file is."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Response

from census_api.api.answers import json_answer
from census_api.api.dependencies import Caller, ThePlatform
from census_api.api.payloads import JobPayload
from census_api.api.problems import RETRY_SECONDS, documented
from census_api.services.jobs import get_job as find

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job}", response_model=JobPayload, responses=documented())
def get_job(platform: ThePlatform, caller: Caller, job: uuid.UUID) -> Response:
    """A job. While it waits or runs, Retry-After says when to ask again."""
    found = find(platform, caller, job)
    headers = None if found.finished_at else {"Retry-After": str(min(2, RETRY_SECONDS))}
    return json_answer(JobPayload.of(found), headers=headers)
