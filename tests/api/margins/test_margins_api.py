"""Margins over HTTP: found by snapshot, kept for ever by id, in the shape that is asked for."""

from __future__ import annotations

import csv
import io
import json

import httpx
import pytest

from census_api.services.kit.platform import Platform
from tests.factories.counted import freeze, many
from tests.factories.people import add_person, add_token

BY_NAME = "/api/v1/snapshots/2024/margins"


@pytest.fixture
def pipeline(platform: Platform, client: httpx.Client) -> httpx.Client:
    """A survey's program, and a snapshot to weight to."""
    freeze(platform, *many())
    token = add_token(platform, add_person(platform, "piper", "pipeline"))
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_one_call_gives_margins_and_where_they_stay(pipeline: httpx.Client) -> None:
    answer = pipeline.get(BY_NAME)

    tree = answer.json()
    assert answer.status_code == 200
    assert answer.headers["margins-id"] == tree["id"]
    assert answer.headers["cache-control"] == "private, no-cache"
    kept = pipeline.get(answer.headers["content-location"])
    assert kept.json() == tree
    assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_a_tag_saves_the_second_answer(pipeline: httpx.Client) -> None:
    first = pipeline.get(BY_NAME)
    identity = first.json()["id"]
    for path in (BY_NAME, f"/api/v1/margins/{identity}"):
        again = pipeline.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    other = pipeline.get(BY_NAME, params={"format": "csv"}, headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_every_way_to_ask_for_csv_gives_the_same_table(pipeline: httpx.Client) -> None:
    identity = pipeline.get(BY_NAME).json()["id"]
    answers = [
        pipeline.get(BY_NAME, params={"format": "csv"}),
        pipeline.get(BY_NAME, headers={"Accept": "text/csv"}),
        pipeline.get(f"{BY_NAME}.csv"),
        pipeline.get(f"/api/v1/margins/{identity}.csv"),
        pipeline.get(f"/api/v1/margins/{identity}", params={"format": "csv"}),
    ]
    assert {answer.headers["content-type"] for answer in answers} == {"text/csv; charset=utf-8"}
    assert len({answer.text for answer in answers}) == 1
    rows = list(csv.DictReader(io.StringIO(answers[0].text)))
    assert {row["margins_id"] for row in rows} == {identity}


@pytest.mark.parametrize("shape", ["balance", "weightipy", "samplics", "ipfn"])
def test_a_tool_is_given_what_it_takes(pipeline: httpx.Client, shape: str) -> None:
    identity = pipeline.get(BY_NAME).json()["id"]
    answer = pipeline.get(f"/api/v1/margins/{identity}.{shape}")
    assert answer.headers["content-type"] == "application/json"
    assert f"{identity[:12]}-{shape}.json" in answer.headers["content-disposition"]
    assert len(json.loads(answer.text)) in (3, 4)


def test_estimator_and_grouping_are_part_of_what_is_asked(pipeline: httpx.Client) -> None:
    found = pipeline.get(BY_NAME, params={"estimator": "adjusted", "grouping": "plan"}).json()
    assert (found["estimator"], found["grouping"]) == ("adjusted", "plan")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/snapshots/2023/margins", 404, "not_found"),
        ("/api/v1/snapshots/nonsense/margins", 404, "not_found"),
        (f"/api/v1/margins/{'0' * 64}", 404, "not_found"),
        ("/api/v1/margins/short", 404, "not_found"),
        (f"/api/v1/margins/{'0' * 64}.docx", 404, "not_found"),
        (f"{BY_NAME}?format=spss", 422, "invalid_request"),
        (f"{BY_NAME}?estimator=guessed", 422, "invalid_request"),
        (f"{BY_NAME}?colour=red", 422, "invalid_request"),
        (f"{BY_NAME}.docx", 422, "invalid_request"),
    ],
)
def test_what_cannot_be_had_is_a_problem_with_a_code(pipeline: httpx.Client, path: str, status: int, code: str) -> None:
    answer = pipeline.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_pipeline_token_opens_nothing_else(pipeline: httpx.Client) -> None:
    for path in ("/api/v1/audit", "/api/v1/organisations/ALPHA", "/api/v1/accounts"):
        assert pipeline.get(path).status_code in (403, 404)
    assert httpx.get(f"{pipeline.base_url}{BY_NAME}").status_code == 401
