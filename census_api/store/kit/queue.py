"""Background work: jobs that people can ask after, and the queue that carries them to a worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import procrastinate
from procrastinate import App, PsycopgConnector, RetryStrategy
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Select, func, make_url, select
from sqlalchemy.orm import Session

from census_api.domain.collecting.submission import JOB_STATES, Job
from census_api.domain.kit.paging import Page
from census_api.store.kit import tables
from census_api.store.kit.durable import DurableWork, queue_job
from census_api.store.kit.keyset import Key, page_rows
from census_api.store.kit.locks import AdvisoryLock, wait_for_lock
from census_api.store.kit.periodic import EVERY_TEN_SECONDS
from census_api.store.kit.roles import APP_ROLE

CHECK_TASK = "check_submission"
CHECKS = DurableWork(tables.JobRow, tables.JobRow.attempt, tables.JobRow.finished_at.is_(None))
"""Checks of long files."""
_HEARTBEAT_SECONDS = 3.0
_STALLED_SECONDS = 10.0


def add_job(session: Session, submission: tables.SubmissionRecord, at: dt.datetime) -> uuid.UUID:
    """Makes the job that checks a submission and puts it on the queue, both in the session's transaction.

    Jobs of one return run one after the other, in the order in which they were added.
    """
    job = tables.JobRow(
        collection_year=submission.collection_year,
        submission_id=submission.id,
        state="waiting",
        stage="waiting for its turn",
        share=0,
        attempt=0,
        created_at=at,
    )
    session.add(job)
    session.flush()
    _queue(session, job.id, submission.return_id)
    return job.id


def find_job(session: Session, job_id: uuid.UUID) -> Job | None:
    row = session.execute(_found().where(tables.JobRow.id == job_id)).first()
    return None if row is None else _job(*row)


def failed_page(session: Session, after: Key | None, limit: int) -> Page[Job]:
    """Jobs that failed, the latest first, behind the one that ended at the time and has the id `after`."""
    query = _found().where(tables.JobRow.state == "failed")
    total = session.scalar(select(func.count()).select_from(tables.JobRow).where(tables.JobRow.state == "failed")) or 0
    order = (tables.JobRow.finished_at, tables.JobRow.id)
    rows, following = page_rows(session, query, order, after, limit, descending=True)
    return Page(tuple(_job(*row) for row in rows), following, total)


def retry_job(session: Session, job_id: uuid.UUID, at: dt.datetime) -> bool:
    """Puts a failed job back on the queue, with all its tries before it. False when it is not a failed one."""
    job = session.get(tables.JobRow, job_id, with_for_update=True)
    if job is None or job.state != "failed":
        return False
    submission = session.get_one(tables.SubmissionRecord, (job.collection_year, job.submission_id))
    if submission.status != "failed":
        return False
    submission.status = "received"
    job.state, job.stage, job.share = "waiting", "waiting for its turn", 0
    job.reason = job.message = job.finished_at = None
    job.attempts_before, job.retried_at = job.attempt, at
    _queue(session, job.id, submission.return_id)
    return True


def put_back_lost(session: Session) -> int:
    """Puts unfinished jobs that the queue does not know any more back on it; says how many there were."""
    lost = CHECKS.list_lost(session, CHECK_TASK, "job_id", tables.JobRow.id)
    for job in lost:
        submission = session.get_one(tables.SubmissionRecord, (job.collection_year, job.submission_id))
        _queue(session, job.id, submission.return_id)
    return len(lost)


def _queue(session: Session, job_id: uuid.UUID, return_id: uuid.UUID) -> None:
    queue_job(session, CHECK_TASK, f"return {return_id}", job_id=str(job_id))


def _found() -> Select[tables.JobRow, int | None, str]:
    return (
        select(tables.JobRow, tables.SubmissionRecord.number, tables.OrganisationRow.code)
        .join(
            tables.SubmissionRecord,
            (tables.SubmissionRecord.collection_year == tables.JobRow.collection_year)
            & (tables.SubmissionRecord.id == tables.JobRow.submission_id),
        )
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.SubmissionRecord.organisation_id)
    )


def _job(job: tables.JobRow, number: int | None, organisation: str) -> Job:
    return Job(
        id=job.id,
        state=next(state for state in JOB_STATES if state == job.state),
        stage=job.stage,
        share=job.share,
        collection=job.collection_year,
        organisation=organisation,
        submission=number,
        reason=job.reason,
        message=job.message,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )


def of_submission(session: Session, submission: tables.SubmissionRecord) -> uuid.UUID | None:
    """The job that checks the submission, None when it was checked at once."""
    return session.scalar(
        select(tables.JobRow.id).where(
            tables.JobRow.collection_year == submission.collection_year, tables.JobRow.submission_id == submission.id
        )
    )


def was_begun(session: Session, job_id: uuid.UUID) -> bool:
    """Whether the job was taken before, since it was made or asked to be tried again, and has not ended."""
    job = session.get(tables.JobRow, job_id)
    return job is not None and job.finished_at is None and job.attempt > job.attempts_before


def wait_to_be_alone(session: Session) -> None:
    """Waits until no other transaction has asked for the same, and keeps others waiting until this one ends."""
    wait_for_lock(session, AdvisoryLock.CHECKING_ALONE)


def begin_attempt(session: Session, job_id: uuid.UUID) -> tables.JobRow | None:
    """Takes the job for a new attempt: an earlier one that is still running can no longer finish it.

    None when there is nothing left to do.
    """
    job = CHECKS.take(session, [tables.JobRow.id == job_id])
    if job is not None:
        job.state = "running"
    return job


def tell_progress(session: Session, job_id: uuid.UUID, attempt: int, stage: str, share: float) -> None:
    """Says how far this attempt is. Nothing happens when another attempt has taken over."""
    CHECKS.write(session, [tables.JobRow.id == job_id], attempt, stage=stage, share=share)


def finish_attempt(
    session: Session,
    job_id: uuid.UUID,
    attempt: int,
    state: str,
    at: dt.datetime,
    *,
    reason: str | None = None,
    message: str | None = None,
) -> bool:
    """Ends the job. False when another attempt has taken over: the caller's result must then be given up."""
    return CHECKS.write(
        session, [tables.JobRow.id == job_id], attempt,
        state=state, stage="finished", share=1, finished_at=at, reason=reason, message=message,
    )  # fmt: skip


def open_queue(url: str) -> App:
    """The queue's side of a worker, without tasks yet; it takes back what dead workers held. See `add_task`.

    `url` is a SQLAlchemy URL.
    """
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    # the queue works under the platform's role too, from its first statement to its last
    options = f"{conninfo_to_dict(conninfo).get('options', '')} -c role={APP_ROLE}"
    app = App(connector=PsycopgConnector(conninfo=make_conninfo(conninfo, options=options), min_size=1, max_size=4))

    # the queue itself never notices that a worker died
    @app.periodic(cron=EVERY_TEN_SECONDS)
    @app.task(name="retry_stalled", queueing_lock="retry_stalled", pass_context=True)
    async def retry_stalled(context: procrastinate.JobContext, timestamp: int) -> None:
        await retry_stalled_jobs(app, _STALLED_SECONDS)

    return app


def add_task(app: App, name: str, do: Callable[..., None]) -> None:
    """Makes the workers of `app` call `do` with the arguments of each job of this name on the queue.

    A call that raises is tried again, later each time, ten times at the most.
    """

    @app.task(name=name, retry=RetryStrategy(max_attempts=10, wait=1, exponential_wait=2))
    def run(**arguments: Any) -> None:
        do(**arguments)


async def retry_stalled_jobs(app: App, seconds: float) -> int:
    """Puts the jobs of workers that were silent for `seconds` back on the queue; says how many there were."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds))
    for job in stalled:
        await app.job_manager.retry_job(job)
    return len(stalled)


async def run_worker(app: App, *, concurrency: int = 2, wait: bool = True) -> None:
    """Works on the queue until cancelled, or with `wait` False until the queue is empty.

    Ends, with an error or without, when its database goes away. Cancelled, it finishes what it has in hand.
    """
    async with app.open_async():
        await app.run_worker_async(
            concurrency=concurrency,
            wait=wait,
            install_signal_handlers=False,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=_STALLED_SECONDS,
            shutdown_graceful_timeout=30,
            fetch_job_polling_interval=1,
            delete_jobs="successful",
        )


def run_worker_until_empty(app: App) -> None:
    """Works off what is on the queue now, then returns."""
    # one at a time: a second job of the same return could not start yet, and would be left
    asyncio.run(run_worker(app, concurrency=1, wait=False))
