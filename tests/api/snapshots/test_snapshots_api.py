"""Freezing through the API: asked for, done by a worker, and asked for again."""

from __future__ import annotations

import uuid

import httpx
import pytest

from census_api.domain.kit.access import PlatformRole
from census_api.services.kit.platform import Platform
from census_api.store.kit.queue import run_worker_until_empty
from census_api.worker import open_tasks
from tests.factories.frozen import HERE, accepted, corrected, framed, tree_for
from tests.factories.people import add_person, add_token

YEAR = 2024
ASK = f"/api/v1/collections/{YEAR}/snapshots"


@pytest.fixture(autouse=True)
def returns(platform: Platform, address: str) -> None:
    framed(platform, YEAR, ("ALPHA", HERE, "adult_community"))
    accepted(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR))


def test_a_snapshot_is_asked_for_built_by_a_worker_and_found(client: httpx.Client, platform: Platform) -> None:
    asked = client.post(ASK)
    assert asked.status_code == 202
    assert asked.headers["retry-after"] == "2"
    body = asked.json()
    assert (body["state"], body["name"], body["content_hash"]) == ("building", "2024.1", None)
    # asked for twice, it is one
    assert client.post(ASK).json()["id"] == body["id"]
    assert client.get(asked.headers["location"]).json()["state"] == "building"
    assert client.get("/api/v1/snapshots/2024").status_code == 404
    run_worker_until_empty(open_tasks(platform))
    frozen = client.get(asked.headers["location"]).json()
    assert (frozen["state"], frozen["share"], frozen["returns"], frozen["facts"]) == ("frozen", 1, 1, 7)
    assert len(frozen["content_hash"]) == 64
    again = client.post(ASK)
    assert again.status_code == 200
    assert again.json() == frozen == client.get("/api/v1/snapshots/2024").json()
    assert again.headers["location"] == asked.headers["location"]


def test_a_correction_lists_its_changes_to_the_team_and_counts_them_for_others(
    client: httpx.Client, platform: Platform, address: str
) -> None:
    for _ in range(2):
        assert client.post(ASK).status_code == 202
        run_worker_until_empty(open_tasks(platform))
        corrected(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR, {"vacant_wte": "2"}))
    second = client.get("/api/v1/snapshots/2024.2").json()
    assert second["changed"] == {"added": 0, "removed": 0, "changed": 1}
    assert [(change["kind"], change["organisation"]) for change in second["changes"]] == [("changed", "ALPHA")]
    assert second["previous"] == client.get("/api/v1/snapshots/2024.1").json()["id"]
    listed = client.get("/api/v1/snapshots", params={"year": "2024"}).json()
    assert [entry["name"] for entry in listed["items"]] == ["2024.2", "2024.1"]
    assert client.get("/api/v1/snapshots", params={"year": "2023"}).json()["total"] == 0
    page = client.get("/api/v1/snapshots", params={"limit": "1"}).json()
    assert client.get("/api/v1/snapshots", params={"limit": "1", "cursor": page["next"]}).json()["next"] is None
    readers: tuple[PlatformRole, ...] = ("analyst", "pipeline")
    for role in readers:
        token = add_token(platform, add_person(platform, role, role))
        seen = httpx.get(f"{address}/api/v1/snapshots/2024.2", headers={"Authorization": f"Bearer {token}"}).json()
        assert seen == {**second, "changes": None}


def test_another_policy_is_another_revision_and_kept_under_its_digest(client: httpx.Client, platform: Platform) -> None:
    client.post(ASK)
    run_worker_until_empty(open_tasks(platform))
    asked = client.post(ASK, json={"policy": {"level": {"min_matched": 7}}})
    assert asked.status_code == 202
    assert client.post(ASK).status_code == 409
    policies = client.get("/api/v1/policies").json()["items"]
    assert [entry["thresholds"]["level"]["min_matched"] for entry in policies] == [5, 7]
    assert policies[1]["digest"] == asked.json()["policy_digest"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"policy": {"levels": {}}}, "level"),
        ({"policy": {"level": {"min_matched": "five"}}}, "must be a number"),
        ({"policy": {"level": 5}}, "must hold named thresholds"),
        ({"policy": []}, "policy"),
        ({"thresholds": {}}, "policy"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(client: httpx.Client, body: object, said: str) -> None:
    answer = client.post(ASK, json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.get("/api/v1/snapshots").json()["total"] == 0


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    for wanted in ("2023", "2024.1", str(uuid.uuid4()), "newest", "2024.99999999999", "%00", "٢٠٢٤"):
        answer = client.get(f"/api/v1/snapshots/{wanted}")
        assert answer.status_code == 404, wanted
    assert client.post("/api/v1/collections/2023/snapshots").status_code == 409
    assert client.post("/api/v1/collections/2019/snapshots").status_code == 404
    assert client.get("/api/v1/snapshots", params={"year": "all"}).status_code == 422
