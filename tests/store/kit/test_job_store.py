"""Jobs: on the queue with their submission or not at all, and finished by the latest attempt only."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from census_api.store.kit import queue
from tests.factories.actors import NOW
from tests.factories.rows import add_collection, add_organisation, add_submission


@pytest.fixture
def job_id(db: Session) -> uuid.UUID:
    add_collection(db)
    return queue.add_job(db, add_submission(db, add_organisation(db), status="received"), NOW)


def queued(session: Session) -> list[str]:
    return [str(row[0]["job_id"]) for row in session.execute(text("SELECT args FROM procrastinate_jobs"))]


def test_the_queue_is_part_of_the_transaction(db: Session) -> None:
    add_collection(db)
    submission = add_submission(db, add_organisation(db), status="received")
    with pytest.raises(LookupError), db.begin_nested():  # noqa: PT012 - the fault is in the block
        queue.add_job(db, submission, NOW)
        raise LookupError
    assert queued(db) == []
    job_id = queue.add_job(db, submission, NOW)
    assert queued(db) == [str(job_id)]


def test_a_new_job_waits_and_can_be_asked_after(db: Session, job_id: uuid.UUID) -> None:
    job = queue.find_job(db, job_id)
    assert job is not None
    assert (job.state, job.share, job.organisation, job.submission, job.finished_at) == ("waiting", 0, "ALPHA", 1, None)
    assert queued(db) == [str(job_id)]
    assert queue.find_job(db, uuid.uuid4()) is None


def test_an_attempt_that_was_overtaken_changes_nothing_any_more(db: Session, job_id: uuid.UUID) -> None:
    first = queue.begin_attempt(db, job_id)
    assert first is not None
    slow = first.attempt
    second = queue.begin_attempt(db, job_id)
    assert second is not None
    queue.tell_progress(db, job_id, slow, "late news", 0.9)
    assert not queue.finish_attempt(db, job_id, slow, "failed", NOW)
    assert queue.finish_attempt(db, job_id, second.attempt, "done", NOW)
    assert not queue.finish_attempt(db, job_id, second.attempt, "failed", NOW)
    job = queue.find_job(db, job_id)
    assert job is not None
    assert (job.state, job.stage, job.share) == ("done", "finished", 1)


def test_progress_is_readable_and_a_finished_job_does_not_begin_again(db: Session, job_id: uuid.UUID) -> None:
    attempt = queue.begin_attempt(db, job_id)
    assert attempt is not None
    queue.tell_progress(db, job_id, attempt.attempt, "reading", 0.25)
    job = queue.find_job(db, job_id)
    assert job is not None
    assert (job.state, job.stage, job.share) == ("running", "reading", 0.25)
    queue.finish_attempt(db, job_id, attempt.attempt, "refused", NOW, reason="macros", message="It holds macros.")
    assert queue.begin_attempt(db, job_id) is None
    job = queue.find_job(db, job_id)
    assert job is not None
    assert (job.state, job.reason, job.message) == ("refused", "macros", "It holds macros.")
