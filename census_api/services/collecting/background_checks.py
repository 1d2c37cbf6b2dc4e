"""The check of a long file by a worker: resumed after any death, never stored twice, always ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from census_api.domain.collecting.submission import Job
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound, Refused
from census_api.services.collecting.judging import context_for, judge_in_sandbox, log_fault
from census_api.services.collecting.submit import facts_of, record_refusal, seal_submission
from census_api.services.kit.platform import Platform
from census_api.store.collecting import submissions
from census_api.store.kit import audit, queue
from census_api.store.kit.session import Session
from census_api.store.register import queries as register

if TYPE_CHECKING:
    from census_api.intake.judging.judge import Context, Judged

log = structlog.get_logger(__name__)

WORKER = Actor("the worker", kind="system")
_GAVE_UP = (
    "The file could not be checked because of a fault of the platform, not of the file. It is kept, and the census team "
    "can have it checked again. Please tell them, or send it again."
)


def get_job(platform: Platform, actor: Actor, job_id: uuid.UUID) -> Job:
    """How far the job is. Raises NotFound."""
    with platform.database.snapshot(actor) as session:
        job = queue.find_job(session, job_id)
    if job is None:
        raise NotFound("There is no such job here.")
    authorise(actor, "return.read", job.organisation)
    return job


def check_received(platform: Platform, job_id: uuid.UUID) -> None:
    """Judges and stores the submission of a job. Nothing happens when that is done already.

    Raises whatever went wrong when it is worth another try; after the last try the job is ended as failed.
    """
    with _alone_when_suspect(platform, job_id):
        attempt = _begin(platform, job_id)
        if attempt is not None:
            _check(platform, attempt)


@contextmanager
def _alone_when_suspect(platform: Platform, job_id: uuid.UUID) -> Iterator[None]:
    """A job that was begun before and not ended may have been the death of its worker, with all that it had in hand.

    Of such jobs only one is worked on at a time: a file that kills takes another with it once, and never again.
    """
    with platform.database.transaction(WORKER) as session:
        suspect = queue.was_begun(session, job_id)
    if not suspect:
        yield
        return
    with platform.database.transaction(WORKER) as session:
        queue.wait_to_be_alone(session)
        yield


def _check(platform: Platform, attempt: _CheckAttempt) -> None:
    try:
        if platform.gives_up(attempt.tries):
            raise _GaveUpError
        _progress(platform, attempt, "reading and checking the file", 0.1)
        judged = judge_in_sandbox(platform, attempt.data, attempt.collection, attempt.context)
        _progress(platform, attempt, "storing the rows and findings", 0.7)
        _store(platform, attempt, judged)
    except (Refused, InvalidRequest, NotFound) as problem:
        reason = problem.code
        if isinstance(problem, Refused):
            reason = problem.reason
            log_fault(problem)
        _end_refused(platform, attempt, reason, problem)
    except _GaveUpError as problem:
        _end_failed(platform, attempt, problem)


@dataclass(frozen=True, slots=True)
class _CheckAttempt:
    """One try at one job, with all that it needs."""

    job_id: uuid.UUID
    number: int
    tries: int
    collection: int
    submission_id: uuid.UUID
    organisation_id: uuid.UUID
    data: bytes
    context: Context


class _GaveUpError(CensusError):
    code = "job_failed"

    def __init__(self) -> None:
        super().__init__(_GAVE_UP)


def _begin(platform: Platform, job_id: uuid.UUID) -> _CheckAttempt | None:
    with platform.database.transaction(WORKER) as session:
        job = queue.begin_attempt(session, job_id)
        if job is None:
            return None
        row = submissions.find_row(session, job.collection_year, job.submission_id, lock=True)
        row.status = "checking"
        found = register.organisation_by_id(session, row.organisation_id)
        return _CheckAttempt(
            job_id=job_id,
            number=job.attempt,
            tries=job.attempt - job.attempts_before,
            collection=row.collection_year,
            submission_id=row.id,
            organisation_id=row.organisation_id,
            data=submissions.read_original(session, row).data,
            context=context_for(session, row.collection_year, row.organisation_id, found),
        )


def _progress(platform: Platform, attempt: _CheckAttempt, stage: str, share: float) -> None:
    with platform.database.transaction(WORKER) as session:
        queue.tell_progress(session, attempt.job_id, attempt.number, stage, share)


def _store(platform: Platform, attempt: _CheckAttempt, judged: Judged) -> None:
    with platform.database.transaction(WORKER) as session:
        if not _finish(session, platform, attempt, "done"):
            return
        row = submissions.find_row(session, attempt.collection, attempt.submission_id, lock=True)
        code = register.organisation_by_id(session, attempt.organisation_id).code
        sealed = seal_submission(session, row, code, judged)
        audit.record(
            session,
            WORKER,
            "submission.checked",
            subject=f"submission {row.number} of {code} for {attempt.collection}",
            at=platform.clock(),
            organisation=code,
            collection=attempt.collection,
            detail=facts_of(row, sealed.carried),
            after=row.content_sha256,
        )


def _end_failed(platform: Platform, attempt: _CheckAttempt, problem: CensusError) -> None:
    """The submission stays open, with its number and its bytes: the census team can have it checked again."""
    with platform.database.transaction(WORKER) as session:
        if not _finish(session, platform, attempt, "failed", reason=problem.code, message=problem.message):
            return
        row = submissions.find_row(session, attempt.collection, attempt.submission_id, lock=True)
        row.status = "failed"
        code = register.organisation_by_id(session, attempt.organisation_id).code
        audit.record(
            session,
            WORKER,
            "submission.failed",
            subject=f"submission {row.number} of {code} for {attempt.collection}",
            at=platform.clock(),
            organisation=code,
            collection=attempt.collection,
            detail=facts_of(row) | {"attempts": attempt.tries},
        )
    log.error("job_failed", job=str(attempt.job_id), collection=attempt.collection, attempts=attempt.tries)


def _end_refused(platform: Platform, attempt: _CheckAttempt, reason: str, problem: CensusError) -> None:
    with platform.database.transaction(WORKER) as session:
        if not _finish(session, platform, attempt, "refused", reason=reason, message=problem.message):
            return
        row = submissions.find_row(session, attempt.collection, attempt.submission_id, lock=True)
        submissions.seal_refused(session, row, reason, problem.message)
        record_refusal(
            session,
            platform,
            WORKER,
            attempt.collection,
            register.organisation_by_id(session, attempt.organisation_id).code,
            row.original_sha256,
            row.size,
            reason,
        )
    log.warning(
        "submission_refused", reason=reason, size=row.size, sha256=row.original_sha256, collection=attempt.collection
    )


def _finish(
    session: Session, platform: Platform, attempt: _CheckAttempt, state: str, *,
    reason: str | None = None, message: str | None = None,
) -> bool:  # fmt: skip
    """False when a later attempt has taken over, whose result will count instead of ours."""
    ours = queue.finish_attempt(
        session, attempt.job_id, attempt.number, state, platform.clock(), reason=reason, message=message
    )
    if not ours:
        log.warning("job_result_given_up", job=str(attempt.job_id), attempt=attempt.number)
    return ours
