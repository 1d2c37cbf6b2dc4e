"""Audit, deletion, raw export, failed jobs and two tenants on one pool, over HTTP."""

from __future__ import annotations

import io
import random
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from census_api.api.kit.auth import FORM_TOKEN_HEADER, form_token
from census_api.app import create_app
from census_api.domain.kit.errors import Unavailable
from census_api.services.collecting import background_checks as service
from census_api.services.collecting.background_checks import check_received
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.people import sessions
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from census_api.store.people import queries as people
from tests.factories.actors import EDITOR, OTHER_EDITOR
from tests.factories.calling import make_client
from tests.factories.people import add_person, add_token, program
from tests.factories.uploads import make_upload

API = "/api/v1"
RETURN = f"{API}/collections/2024/returns/ALPHA"


@pytest.fixture
def team(platform: Platform) -> Iterator[httpx.Client]:
    with program(platform, add_token(platform, add_person(platform, "tess", "census_team"))) as client:
        yield client


@pytest.fixture
def editor(platform: Platform) -> Iterator[httpx.Client]:
    with program(platform, add_token(platform, add_person(platform, "eddie", at={"ALPHA": ["editor"]}))) as client:
        yield client


def test_the_team_reads_the_audit_and_finds_its_own_reads_in_it(platform: Platform, team: Any, editor: Any) -> None:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    assert editor.get(f"{RETURN}/submissions/1").status_code == 200
    assert team.get(f"{RETURN}/submissions/1/original").status_code == 200
    answer = team.get(f"{API}/audit", params={"collection": 2024, "organisation": "ALPHA", "limit": 2})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    newest, before = answer.json()["items"]
    assert (newest["action"], newest["actor"], newest["actor_kind"]) == ("return.read", "tess", "token")
    assert newest["subject"] == "the file of submission 1 of ALPHA for 2024"
    assert newest["address"]
    assert before["action"] == "submission.checked"
    assert answer.json()["total"] >= 2
    assert team.get(f"{API}/audit", params={"action": "return.*"}).json()["total"] == 1
    assert team.get(f"{API}/audit", params={"limit": 501}).status_code == 422
    assert team.get(f"{API}/audit", params={"collection": 1}).status_code == 422
    assert editor.get(f"{API}/audit").status_code == 403


def test_a_person_of_the_team_deletes_for_good_and_no_program_does(platform: Platform, team: Any) -> None:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    refused = team.post(f"{RETURN}/submissions/1/erase", json={"reason": "it names a person"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert team.get(f"{RETURN}/submissions/1").status_code == 200
    person = add_person(platform, "tom", "census_team")
    shown = replace(platform, settings=platform.settings.model_copy(update={"mode": "demo"}))
    with platform.database.transaction() as session:
        row = people.find_account(session, person)
        assert row is not None
        secret = sessions.begin_session(session, shown, row, None, "a test").secret
    with make_client(create_app(shown)) as client:
        client.cookies.update({"census-session": secret})
        headers = {FORM_TOKEN_HEADER: form_token(secret)}
        gone = client.post(f"{RETURN}/submissions/1/erase", json={"reason": "it names a person"}, headers=headers)
        assert (gone.status_code, gone.json()) == (200, {"erased": 1})
        assert client.get(f"{RETURN}/submissions/1/original").status_code == 404
        left = client.post(f"{RETURN}/erase", json={"reason": "all of it"}, headers=headers)
        assert left.status_code == 404
        assert client.post(f"{RETURN}/erase", json={"reason": ""}, headers=headers).status_code == 422


def test_everything_is_taken_out_as_one_file(platform: Platform, team: Any, editor: Any) -> None:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    answer = team.get(f"{API}/collections/2024/export.zip")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="census-2024-everything.zip"'
    assert answer.headers["cache-control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.read("files/ALPHA/1.json") == make_upload().data
    assert editor.get(f"{API}/collections/2024/export.zip").status_code == 403
    assert team.get(f"{API}/collections/2999/export.zip").status_code == 404


def test_failed_jobs_are_listed_and_tried_again(
    platform: Platform, team: Any, editor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = replace(platform, settings=Settings(long_file_bytes=10, job_attempts=1))
    job = submit_return(slow, EDITOR, 2024, "ALPHA", make_upload()).job
    assert job is not None

    def away(*_: object, **__: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(service, "judge_in_sandbox", away)
        with pytest.raises(Unavailable):
            check_received(slow, job)
        check_received(slow, job)
    (listed,) = team.get(f"{API}/jobs/failed").json()["items"]
    assert (listed["id"], listed["state"], listed["organisation"]) == (str(job), "failed", "ALPHA")
    assert editor.get(f"{API}/jobs/failed").status_code == 403
    assert editor.post(f"{API}/jobs/{job}/retry").status_code == 403
    again = team.post(f"{API}/jobs/{job}/retry")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert team.post(f"{API}/jobs/{job}/retry").status_code == 409
    check_received(slow, job)
    assert editor.get(f"{API}/jobs/{job}").json()["state"] == "done"


def test_metrics_tell_how_the_whole_platform_stands(platform: Platform) -> None:
    slow = replace(platform, settings=Settings(long_file_bytes=10))
    submit_return(slow, EDITOR, 2024, "ALPHA", make_upload())
    with make_client(create_app(platform), caller=("127.0.0.1", 50000)) as here:
        shown = here.get("/metrics").text
    assert "census_jobs_unfinished 1\n" in shown
    assert "# TYPE census_jobs_failed gauge\ncensus_jobs_failed 0\n" in shown


def test_a_thousand_interleaved_requests_of_two_tenants_on_a_pool_of_two_never_cross(platform: Platform) -> None:
    for actor, code, size in ((EDITOR, "ALPHA", 10), (OTHER_EDITOR, "BETA", 77)):
        submit_return(platform, actor, 2024, code, make_upload(code, headcount=size))
    secrets = {
        code: add_token(platform, add_person(platform, code.lower(), at={code: ["editor"]}))
        for code in ("ALPHA", "BETA")
    }
    small = replace(platform, database=connect_database(platform.database.url(), pool_size=2, pool_seconds=30))
    wrong: list[object] = []
    answered: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(125):
            own, other = chance.sample(("ALPHA", "BETA"), 2)
            path = chance.choice(("", "/submissions", "/submissions/1", "/submissions/1/data.json", "/history"))
            headers = {"Authorization": f"Bearer {secrets[own]}"}
            asked = own if chance.random() < 0.7 else other
            answer = client.get(f"{API}/collections/2024/returns/{asked}{path}", headers=headers)
            answered.append(asked)
            if answer.status_code != (200 if asked == own else 404) or (asked == own and other in answer.text):
                wrong.append((own, asked, path, answer.status_code))

    with program(small) as client:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with small.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM submission")) == 2
    small.database.close()
    assert wrong == []
    assert len(answered) == 1000
