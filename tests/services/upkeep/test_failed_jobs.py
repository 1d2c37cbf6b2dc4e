"""Jobs that failed are seen, can be tried again, and none is forgotten by the queue."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from census_api.domain.audit import AuditFilter
from census_api.domain.kit.errors import Conflict, Forbidden, NotFound, Unavailable
from census_api.services.audit.reading import list_events
from census_api.services.collecting import background_checks as service
from census_api.services.collecting import submissions as reading
from census_api.services.collecting.background_checks import check_received, get_job
from census_api.services.collecting.judging import judge_in_sandbox
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.upkeep.failed_jobs import list_failed, put_back_lost, try_again
from census_api.services.upkeep.retention import erase_submissions
from census_api.settings import Settings
from census_api.store.kit.queue import run_worker_until_empty
from census_api.worker import open_tasks
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, OTHER_EDITOR, SIGNATORY, TEAM
from tests.factories.uploads import make_upload


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """One for which every file is a long one, and that tries twice."""
    return replace(platform, settings=Settings(long_file_bytes=10, job_attempts=2))


def fail(platform: Platform, monkeypatch: pytest.MonkeyPatch, headcount: int = 10) -> uuid.UUID:
    job = submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=headcount)).job
    assert job is not None
    with monkeypatch.context() as patch:
        patch.setattr(service, "judge_in_sandbox", _away)
        for _ in range(2):
            with pytest.raises(Unavailable):
                check_received(platform, job)
        check_received(platform, job)
    return job


def _away(*_: object, **__: object) -> None:
    raise Unavailable("away")


def test_a_failed_job_is_listed_and_its_submission_waits(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    job = fail(platform, monkeypatch)
    for actor in (TEAM, ADMINISTRATOR):
        (listed,) = list_failed(platform, actor).items
        assert (listed.id, listed.state, listed.submission, listed.organisation) == (job, "failed", 1, "ALPHA")
    assert reading.get_submission(platform, EDITOR, 2024, "ALPHA", 1).status == "failed"
    assert reading.get_original(platform, EDITOR, 2024, "ALPHA", 1).data == make_upload().data
    with pytest.raises(Conflict, match=f"could not be checked. Its job {job}"):
        reading.get_report(platform, EDITOR, 2024, "ALPHA", 1)


def test_tried_again_it_is_checked_like_any_other(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    job = fail(platform, monkeypatch)
    assert try_again(platform, TEAM, job).state == "waiting"
    assert reading.get_submission(platform, EDITOR, 2024, "ALPHA", 1).status == "received"
    run_worker_until_empty(open_tasks(platform))
    assert get_job(platform, EDITOR, job).state == "done"
    assert reading.get_report(platform, EDITOR, 2024, "ALPHA", 1).findings
    assert list_failed(platform, TEAM).total == 0
    page = list_events(platform, TEAM, AuditFilter(organisation="ALPHA"))
    assert [(event.action, event.actor) for event in reversed(page.items) if event.action != "return.read"] == [
        ("submission.received", "eddie"),
        ("submission.failed", "the worker"),
        ("job.retried", "tess"),
        ("submission.checked", "the worker"),
    ]


def test_it_has_all_its_tries_again(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    job = fail(platform, monkeypatch)
    try_again(platform, TEAM, job)
    monkeypatch.setattr(service, "judge_in_sandbox", _away)
    for _ in range(2):
        with pytest.raises(Unavailable):
            check_received(platform, job)
    check_received(platform, job)
    assert get_job(platform, EDITOR, job).state == "failed"


def test_only_a_failed_one_can_be_tried_again_and_only_by_those_who_run_the_census(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = fail(platform, monkeypatch)
    for actor in (EDITOR, SIGNATORY, OTHER_EDITOR, ANALYST):
        with pytest.raises(Forbidden):
            try_again(platform, actor, job)
        with pytest.raises(Forbidden):
            list_failed(platform, actor)
    with pytest.raises(NotFound):
        try_again(platform, TEAM, uuid.uuid4())
    try_again(platform, TEAM, job)
    with pytest.raises(Conflict, match="This job is waiting"):
        try_again(platform, TEAM, job)
    erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named")
    with pytest.raises(Conflict, match="whose file is kept"):
        try_again(platform, TEAM, job)


def test_failed_jobs_come_in_pages(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {fail(platform, monkeypatch, headcount) for headcount in (10, 11, 12)}
    first = list_failed(platform, TEAM, limit=2)
    rest = list_failed(platform, TEAM, limit=2, cursor=first.next)
    assert (len(first.items), len(rest.items), rest.next, first.total) == (2, 1, None, 3)
    assert {job.id for job in (*first.items, *rest.items)} == made


def test_jobs_that_may_be_deadly_run_one_at_a_time(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=number)).job for number in range(1, 5)]
    at_once, most = [0], [0]
    real = judge_in_sandbox

    def watched(*values: Any, **named: Any) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.1)
        try:
            return real(*values, **named)
        finally:
            at_once[0] -= 1

    def check_all() -> int:
        most[0] = 0
        threads = [threading.Thread(target=check_received, args=(platform, job)) for job in sent]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return most[0]

    with platform.database.transaction() as session:
        session.execute(text("UPDATE job SET state = 'running', attempt = 1"))
    monkeypatch.setattr(service, "judge_in_sandbox", watched)
    assert check_all() == 1
    assert {get_job(platform, EDITOR, job).state for job in sent if job} == {"done"}
    sent[:] = [
        submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=number)).job for number in range(5, 9)
    ]
    assert check_all() > 1


@pytest.mark.parametrize("left", ["DELETE FROM procrastinate_jobs", "UPDATE procrastinate_jobs SET status = 'failed'"])
def test_what_the_queue_lost_is_put_back_once(platform: Platform, left: str) -> None:
    jobs = [submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=index)).job for index in (1, 2)]
    assert put_back_lost(platform) == 0
    with platform.database.transaction() as session:
        session.execute(text(left))
    assert put_back_lost(platform) == 2
    assert put_back_lost(platform) == 0
    run_worker_until_empty(open_tasks(platform))
    assert {get_job(platform, EDITOR, job).state for job in jobs if job} == {"done"}
