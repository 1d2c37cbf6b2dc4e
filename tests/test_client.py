"""The Python client, against the real application and against one that is busy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from census_api.client import ApiError, Client
from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from census_api.statistics.margins.totals import MarginsRefused
from tests.api.conftest import address, bearer, client, settings, token
from tests.factories.counted import freeze, many
from tests.factories.people import add_person, add_token
from tests.factories.uploads import make_upload

__all__ = ["address", "bearer", "client", "settings", "token"]

Answer = Callable[[httpx.Request], httpx.Response]


def stub(answers: list[httpx.Response | Exception], waits: list[float], seen: list[httpx.Request]) -> Client:
    """A client of a platform that answers so, in turn."""

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client(
        "http://census.test", "a token", sleep=waits.append, transport=httpx.MockTransport(respond), attempts=4
    )


@pytest.fixture
def pipeline(address: str, platform: Platform) -> Client:
    freeze(platform, *many())
    return Client(address, add_token(platform, add_person(platform, "piper", "pipeline")), sleep=lambda _: None)


def test_margins_by_snapshot_and_by_id(pipeline: Client) -> None:
    with pipeline as census:
        found = census.margins("2024")
        assert census.margin(found["id"]) == found
        assert census.margins("2024", estimator="adjusted")["estimator"] == "adjusted"
        assert json.loads(census.margins_as(found["id"], "samplics")).keys() == set(found["dimensions"])


def test_what_never_changes_is_asked_for_once(pipeline: Client) -> None:
    found = pipeline.margins("2024")
    first = pipeline.margin(found["id"])
    pipeline._http.close()
    assert pipeline.margin(found["id"]) == first


def test_a_refusal_keeps_its_code_and_reference(pipeline: Client) -> None:
    with pytest.raises(ApiError) as caught:
        pipeline.margin("0" * 64)
    assert (caught.value.status, caught.value.code) == (404, "not_found")
    assert caught.value.reference


def test_a_pipeline_reads_margins_and_nothing_else(pipeline: Client, tmp_path: Path) -> None:
    file = tmp_path / "return.json"
    file.write_text("{}")
    with pytest.raises(ApiError) as caught:
        pipeline.submit(2024, "ALPHA", file)
    assert caught.value.status in (403, 404)


def test_a_return_is_sent_in(address: str, token: str, tmp_path: Path) -> None:
    upload = make_upload()
    file = tmp_path / (upload.file_name or "return.json")
    file.write_bytes(upload.data)
    with Client(address, token) as census:
        first = census.submit(2024, "ALPHA", file, idempotency_key="one")
        again = census.submit(2024, "ALPHA", file, idempotency_key="one")
    assert first["submission"] == again["submission"] == 1


def test_it_waits_as_long_as_it_is_told() -> None:
    waits: list[float] = []
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    away = httpx.Response(503, headers={"Retry-After": "100000"})
    census = stub([busy, away, httpx.Response(200, json={"rows": []})], waits, [])
    assert census.aggregates("2024", by=["sector"], measure=["wte"]) == {"rows": []}
    assert waits == [7.0, 60.0]


def test_it_waits_longer_each_time_when_nobody_answers() -> None:
    waits: list[float] = []
    gone = httpx.ConnectError("gone")
    census = stub([gone, gone, gone, httpx.Response(200, json={"cells": []})], waits, [])
    assert census.comparison("2023", "2024", by=["sector"], measure=["wte"]) == {"cells": []}
    assert [round(wait / 0.5 / 2**place) for place, wait in enumerate(waits)] == [1, 1, 1]


def test_it_gives_up_after_its_attempts() -> None:
    census = stub([httpx.Response(503, json={"code": "unavailable"}) for _ in range(4)], [], [])
    with pytest.raises(ApiError) as caught:
        census.aggregates("2024")
    assert caught.value.code == "unavailable"
    with pytest.raises(httpx.ConnectError):
        stub([httpx.ConnectError("gone") for _ in range(4)], [], []).aggregates("2024")


def test_one_key_for_every_attempt_of_a_submission(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    file = tmp_path / "return.json"
    file.write_text("{}")
    census = stub([httpx.ReadError("cut"), httpx.Response(201, json={"submission": 1})], [], seen)
    assert census.submit(2024, "ALPHA", file) == {"submission": 1}
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1


def test_an_answer_that_has_not_changed_is_not_sent_again() -> None:
    seen: list[httpx.Request] = []
    answers: list[httpx.Response | Exception] = [
        httpx.Response(200, json={"rows": [1]}, headers={"ETag": '"a"'}),
        httpx.Response(304),
    ]
    census = stub(answers, [], seen)
    assert census.aggregates("2024") == census.aggregates("2024") == {"rows": [1]}
    assert seen[1].headers["If-None-Match"] == '"a"'


def test_margins_that_were_altered_on_the_way_are_refused(platform: Platform) -> None:
    from census_api.services.margins.making import get_margins

    freeze(platform, *many())
    tree = dict(get_margins(platform, SYSTEM, "2024").tree)
    tree["total"] = "1"
    with pytest.raises(MarginsRefused, match="another hash"):
        stub([httpx.Response(200, json=tree)], [], []).margins("2024")
