"""Health: alive without a database, ready only with everything, counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from census_api.app import create_app
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.migrate import downgrade_schema
from census_api.store.kit.session import connect_database
from tests.api.files import CHECK, SUBMISSIONS, form, workbook
from tests.api.serving import served
from tests.factories.calling import make_client


def test_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_alive_but_not_ready_without_a_database(platform: Platform, bearer: dict[str, str], tmp_path: Path) -> None:
    away = connect_database(f"postgresql+psycopg://nobody@/none?host={tmp_path}&port=5")
    lost = Platform(away, platform.sandbox, platform.settings)
    with served(create_app(lost)) as address, httpx.Client(base_url=address, headers=bearer) as client:
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "unavailable")
        assert int(ready.headers["retry-after"]) > 0
        for answer in (
            client.get("/api/v1/collections"),
            client.post(SUBMISSIONS, files=form(workbook())),
            # judged without a database, but who asks stands in it
            client.post(CHECK, files=form(workbook())),
            client.get("/"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_not_ready_on_another_version_of_the_schema(client: httpx.Client, platform: Platform) -> None:
    downgrade_schema(platform.database.url(), "-1")
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "census db upgrade" in ready.json()["detail"]


def test_not_ready_without_room_on_the_disk(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("census_api.api.health._LEAST_FREE", 10**18)
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "nearly full" in ready.json()["detail"]


def test_a_database_elsewhere_has_its_own_disk(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("census_api.api.health._LEAST_FREE", 10**18)
    elsewhere = Settings(database_url=SecretStr("postgresql://elsewhere/census"))
    served_there = Platform(platform.database, platform.sandbox, elsewhere)
    with served(create_app(served_there)) as address:
        assert httpx.get(f"{address}/readyz").status_code == 200


def test_what_was_done_is_counted(client: httpx.Client) -> None:
    for _ in range(2):
        client.post(SUBMISSIONS, files=form(workbook()))
    client.get("/nowhere")
    client.request("PROPFIND", "/nowhere")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    route = "/collections/{year}/returns/{organisation}/submissions"
    assert f'census_http_requests_total{{method="POST",route="{route}",status="201"}} 2' in lines
    assert 'census_http_requests_total{method="other",route="none",status="404"} 1' in lines
    assert 'census_submissions_total{answer="errors"} 2' in lines
    assert "census_uploads_in_flight 0" in lines
    assert f'census_http_request_seconds_bucket{{route="{route}",le="+Inf"}} 2' in lines
    assert f'census_http_request_seconds_count{{route="{route}"}} 2' in lines
    assert "census_http_requests_in_flight 1" in lines


@pytest.mark.parametrize("given", [{"caller": ("192.0.2.7", 50000)}, {"headers": {"X-Forwarded-For": "192.0.2.7"}}])
def test_the_metrics_are_for_this_machine_alone(platform: Platform, given: dict[str, Any]) -> None:
    with make_client(create_app(platform), **{"caller": ("127.0.0.1", 50000), **given}) as elsewhere:
        answer = elsewhere.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "census_" not in answer.json()["detail"]


def test_the_metrics_are_for_who_has_their_token(platform: Platform) -> None:
    secret = "0123456789abcdef" * 2
    settings = platform.settings.model_copy(update={"metrics_token": SecretStr(secret)})
    app = create_app(replace(platform, settings=settings))
    for address, sent, status in (
        ("192.0.2.7", f"Bearer {secret}", 200),
        ("192.0.2.7", f"Bearer {secret[1:]}", 401),
        ("192.0.2.7", "", 401),
        ("127.0.0.1", "", 401),
    ):
        with make_client(app, caller=(address, 50000), headers={"Authorization": sent}) as client:
            assert client.get("/metrics").status_code == status
