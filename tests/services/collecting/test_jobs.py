"""Long files: stored at once, checked by a worker, ended whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.collecting.submission import Job, Upload
from census_api.domain.kit.errors import Conflict, NotFound, Refused, Unavailable
from census_api.services.collecting import background_checks as service
from census_api.services.collecting.background_checks import check_received, get_job
from census_api.services.collecting.judging import judge_in_sandbox
from census_api.services.collecting.submissions import get_original, get_report, get_submission, list_submissions
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit import queue as store
from census_api.worker import open_tasks
from tests.factories.actors import ANN, EVE
from tests.factories.uploads import make_tree, make_upload


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """One for which every file is a long one."""
    return replace(platform, settings=Settings(long_file_bytes=10, job_attempts=2))


def send(platform: Platform, upload: Upload | None = None) -> uuid.UUID:
    answer = submit_return(platform, ANN, 2024, "ALPHA", upload or make_upload())
    assert answer.job is not None
    assert answer.report is None
    return answer.job


def events(platform: Platform) -> list[str]:
    with platform.database.transaction() as session:
        return list(session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'sub%' ORDER BY id")))


def finding_count(platform: Platform) -> int:
    with platform.database.transaction() as session:
        return session.scalar(text("SELECT count(*) FROM finding")) or 0


def job_of(platform: Platform, job_id: uuid.UUID) -> Job:
    return get_job(platform, ANN, job_id)


def test_a_long_file_is_kept_at_once_and_checked_by_a_worker(platform: Platform) -> None:
    upload = make_upload(rows=3)
    job_id = send(platform, upload)
    job = job_of(platform, job_id)
    assert (job.state, job.organisation, job.submission) == ("waiting", "ALPHA", 1)
    assert get_submission(platform, ANN, 2024, "ALPHA", 1).status == "received"
    assert get_original(platform, ANN, 2024, "ALPHA", 1).data == upload.data
    with pytest.raises(Conflict, match=str(job_id)):
        get_report(platform, ANN, 2024, "ALPHA", 1)

    store.run_worker_until_empty(open_tasks(platform))

    job = job_of(platform, job_id)
    assert (job.state, job.share, job.message) == ("done", 1, None)
    assert get_report(platform, ANN, 2024, "ALPHA", 1).rows_read["Staff"] == 3
    assert events(platform) == ["submission.received", "submission.checked"]


def test_the_report_of_a_worker_is_that_of_a_check_at_once(platform: Platform) -> None:
    check_received(platform, send(platform))
    at_once = replace(platform, settings=Settings())
    submit_return(at_once, ANN, 2024, "BETA", make_upload("BETA"))
    submit_return(at_once, ANN, 2024, "ALPHA", make_upload())
    first, second = (get_report(platform, ANN, 2024, "ALPHA", number) for number in (1, 2))
    assert replace(first, submission=2) == second


def test_a_job_done_twice_stores_nothing_twice(platform: Platform) -> None:
    job_id = send(platform)
    check_received(platform, job_id)
    before = finding_count(platform)
    check_received(platform, job_id)
    check_received(platform, uuid.uuid4())
    assert finding_count(platform) == before > 0
    assert events(platform).count("submission.checked") == 1


def test_what_the_worker_cannot_read_is_refused_with_its_reason(platform: Platform) -> None:
    job_id = send(platform, Upload(b'{"census_year": 2024, "census_year": 2024}'))
    later = send(platform)
    check_received(platform, job_id)
    check_received(platform, later)
    job = job_of(platform, job_id)
    assert (job.state, job.submission) == ("refused", None)
    assert job.reason
    assert job.message
    assert [entry.number for entry in list_submissions(platform, ANN, 2024, "ALPHA").items] == [2]
    assert "submission.refused" in events(platform)


def test_what_can_be_seen_to_be_no_return_is_refused_before_there_is_a_job(platform: Platform) -> None:
    with pytest.raises(Refused):
        submit_return(platform, ANN, 2024, "ALPHA", Upload(b"%PDF-1.7 and much more"))
    with platform.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


@pytest.mark.parametrize("step", ["_progress", "judge_in_sandbox", "_store", "seal_submission"])
def test_a_fault_on_the_way_is_tried_again_and_then_like_a_clean_run(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    job_id = send(platform)
    with monkeypatch.context() as patch:
        patch.setattr(service, step, _failing(RuntimeError("the power went out")))
        with pytest.raises(RuntimeError):
            check_received(platform, job_id)
    assert finding_count(platform) == 0
    assert job_of(platform, job_id).state == "running"
    check_received(platform, job_id)
    assert job_of(platform, job_id).state == "done"
    assert len(get_report(platform, ANN, 2024, "ALPHA", 1).findings) == finding_count(platform)


def test_after_the_last_try_the_job_fails_and_says_who_is_at_fault(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = send(platform)
    monkeypatch.setattr(service, "judge_in_sandbox", _failing(Unavailable("away")))
    for _ in range(2):
        with pytest.raises(Unavailable):
            check_received(platform, job_id)
    check_received(platform, job_id)
    job = job_of(platform, job_id)
    assert (job.state, job.reason) == ("failed", "job_failed")
    assert "fault of the platform" in (job.message or "")
    with platform.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM submission_original")) == 1


def test_a_late_result_is_given_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = send(platform)
    real = judge_in_sandbox

    def overtaken(*args: object, **named: object) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(service, "judge_in_sandbox", real)
            check_received(platform, job_id)
        return real(*args, **named)  # type: ignore[arg-type]  # passes on whatever it is given

    with monkeypatch.context() as patch:
        patch.setattr(service, "judge_in_sandbox", overtaken)
        check_received(platform, job_id)
    assert job_of(platform, job_id).state == "done"
    assert events(platform).count("submission.checked") == 1
    assert len(get_report(platform, ANN, 2024, "ALPHA", 1).findings) == finding_count(platform)


def test_a_worker_that_died_has_its_job_taken_back(platform: Platform) -> None:
    job_id = send(platform)
    with platform.database.transaction() as session:
        # what a worker leaves behind when it is killed in the middle of a job
        session.execute(
            text(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') "
                "RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)"
            )
        )
    app = open_tasks(platform)

    async def take_back() -> int:
        async with app.open_async():
            return await store.retry_stalled_jobs(app, 10)

    assert asyncio.run(take_back()) == 1
    store.run_worker_until_empty(open_tasks(platform))
    assert job_of(platform, job_id).state == "done"


def test_one_bad_file_does_not_hold_up_the_others(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = send(platform, Upload(json.dumps({"census_year": 2024, "staff": 7}).encode()))
    good = [submit_return(platform, ANN, 2024, "BETA", make_upload("BETA", headcount=index)).job for index in range(5)]
    store.run_worker_until_empty(open_tasks(platform))
    assert job_of(platform, bad).state in ("refused", "done")
    assert [job_of(platform, job_id).state for job_id in good if job_id] == ["done"] * 5


def test_a_key_sent_again_gives_the_same_job_and_later_its_report(platform: Platform) -> None:
    upload = make_upload(key="k")
    first = submit_return(platform, ANN, 2024, "ALPHA", upload)
    again = submit_return(platform, ANN, 2024, "ALPHA", upload)
    assert again == replace(first, replayed=True)
    assert first.job is not None
    check_received(platform, first.job)
    done = submit_return(platform, ANN, 2024, "ALPHA", upload)
    assert (done.job, done.submission.status) == (first.job, "checked")
    assert done.report == get_report(platform, ANN, 2024, "ALPHA", 1)


def test_a_job_of_nobody_is_not_found(platform: Platform) -> None:
    with pytest.raises(NotFound):
        get_job(platform, ANN, uuid.uuid4())
    with pytest.raises(NotFound):
        get_job(platform, EVE, send(platform))


def test_context_of_a_job_is_that_of_the_database(platform: Platform) -> None:
    at_once = replace(platform, settings=Settings())
    submit_return(at_once, ANN, 2023, "ALPHA", Upload(json.dumps(make_tree(year=2023, headcount=900)).encode()))
    check_received(platform, send(platform))
    statuses = get_report(platform, ANN, 2024, "ALPHA", 1).rules_by_status
    of_last_year = [rule.code for rule in platform.spec(2024).rules if rule.on.startswith("last_year")]
    assert {statuses[code] for code in of_last_year} == {"ran"}


def _failing(problem: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise problem

    return fail


def test_a_worker_that_waits_takes_what_comes_and_ends_when_told(platform: Platform) -> None:
    async def work() -> None:
        began = asyncio.get_running_loop().time()
        worker = asyncio.create_task(store.run_worker(open_tasks(platform)))
        await asyncio.sleep(0.3)
        sent = [await asyncio.to_thread(send, platform, make_upload(headcount=index)) for index in range(3)]
        while {job_of(platform, job_id).state for job_id in sent} != {"done"}:
            assert asyncio.get_running_loop().time() - began < 20
            await asyncio.sleep(0.05)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert worker.done()

    asyncio.run(work())
