"""Jobs that failed: seen by those who run the census, tried again at their word, and none forgotten by the queue."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog

from census_api.domain.collecting.submission import Job
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, NotFound
from census_api.domain.kit.paging import Page, key_of, page_size
from census_api.services.kit.platform import Platform
from census_api.store.kit import audit, queue

log = structlog.get_logger(__name__)

MOST_JOBS = 200


def list_failed(platform: Platform, actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[Job]:
    """A page of the jobs that failed, the latest first. Raises Forbidden, InvalidRequest."""
    authorise(actor, "jobs.manage")
    after, size = key_of(cursor, dt.datetime, uuid.UUID), page_size(limit, MOST_JOBS)
    with platform.database.snapshot(actor) as session:
        return queue.failed_page(session, after, size)


def try_again(platform: Platform, actor: Actor, job_id: uuid.UUID) -> Job:
    """Has a failed job's file checked again, with as many tries as a new one.

    Raises Forbidden, NotFound, or Conflict when the job has not failed or its file was deleted for good.
    """
    authorise(actor, "jobs.manage")
    now = platform.clock()
    with platform.database.transaction(actor) as session:
        job = queue.find_job(session, job_id)
        if job is None:
            raise NotFound("There is no such job here.")
        if not queue.retry_job(session, job_id, now):
            raise Conflict(
                f"This job is {job.state}. Only one that failed, and whose file is kept, can be tried again."
            )
        audit.record(
            session,
            actor,
            "job.retried",
            organisation=job.organisation,
            collection=job.collection,
            subject=f"submission {job.submission} of {job.organisation} for {job.collection}",
            detail={"job": str(job_id), "number": job.submission},
            at=now,
        )
        found = queue.find_job(session, job_id)
    return found or job


def put_back_lost(platform: Platform) -> int:
    """Puts jobs that the queue has given up or lost back on it, so that each comes to an end. Says how many."""
    with platform.database.transaction(SYSTEM) as session:
        number = queue.put_back_lost(session)
    if number:
        log.warning("jobs_put_back", jobs=number)
    return number
