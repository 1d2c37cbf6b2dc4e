"""Register, frame, lineage and progress over HTTP: who may, what a bad list answers, and that files go out and in."""

from __future__ import annotations

import httpx
import pytest

from census_api.services.kit.platform import Platform
from tests.factories.people import add_person, add_token

API = "/api/v1"
HEADINGS = "organisation_code,local_authority_code,service_type"


def sent(client: httpx.Client, method: str, path: str, data: bytes, **more: object) -> httpx.Response:
    return client.request(method, f"{API}{path}", files={"file": ("list.csv", data, "text/csv")}, **more)  # type: ignore[arg-type]  # passes on whatever it is given


def as_role(client: httpx.Client, platform: Platform, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {add_token(platform, add_person(platform, f'a-{role}', role))}"}  # type: ignore[arg-type]  # the role comes as plain text


def test_the_register_is_listed_searched_and_paged(client: httpx.Client) -> None:
    found = client.get(f"{API}/organisations", params={"limit": 1}).json()
    assert ([one["code"] for one in found["items"]], found["total"]) == (["ALPHA"], 2)
    rest = client.get(f"{API}/organisations", params={"limit": 1, "cursor": found["next"]}).json()
    assert ([one["code"] for one in rest["items"]], rest["next"]) == (["BETA"], None)
    assert client.get(f"{API}/organisations", params={"search": "beta"}).json()["total"] == 1
    for wrong in ({"limit": 10**6}, {"sort": "id;select pg_sleep(9)"}, {"status": "x"}, {"search": ""}):
        assert client.get(f"{API}/organisations", params=wrong).status_code == 422


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_lists_go_out_and_in_and_change_nothing(client: httpx.Client, kind: str) -> None:
    for path, back in (("/organisations", "POST"), ("/frame/2024", "PUT")):
        got = client.get(f"{API}{path}.{kind}")
        assert got.status_code == 200
        assert got.headers["content-disposition"].startswith("attachment; ")
        answer = sent(client, back, path, got.content)
        assert answer.status_code == 200, answer.text
        report = answer.json()
        assert (report["applied"], report["errors"], report["changes"]) == (False, 0, [])
        assert report["unchanged"] == report["rows"] > 0
    assert client.get(f"{API}/frame/2024.exe").status_code == 422


def test_a_frame_with_errors_changes_nothing_and_says_all_of_them(client: httpx.Client) -> None:
    before = client.get(f"{API}/frame/2024")
    data = f"{HEADINGS}\r\nNOBODY,E06000001,golf\r\nALPHA,nowhere,adult_community\r\n".encode()
    answer = sent(client, "PUT", "/frame/2024", data)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    body = answer.json()
    assert (body["code"], body["report"]["errors"]) == ("list_has_errors", 3)
    assert [one["cell"] for one in body["report"]["findings"]] == ["A2", "C2", "B3"]
    assert "3 errors" in body["detail"]
    assert client.get(f"{API}/frame/2024").content == before.content
    assert client.get(f"{API}/frame/2024").headers["etag"] == before.headers["etag"]
    shown = sent(client, "PUT", "/frame/2024", data, params={"preview": "true"})
    assert (shown.status_code, shown.json()["errors"], shown.json()["applied"]) == (200, 3, False)


def test_a_frame_is_put_as_json_and_not_over_somebody_elses(client: httpx.Client) -> None:
    seen = {"If-Match": client.get(f"{API}/frame/2024").headers["etag"]}
    line = {"organisation_code": "BETA", "local_authority_code": "E06000002", "service_type": "inpatient_detox"}
    assert client.put(f"{API}/frame/2024", json={"lines": [line]}, headers=seen).json()["applied"]
    stale = client.put(f"{API}/frame/2024", json={"lines": [line]}, headers=seen)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert client.put(f"{API}/frame/2024", json={"lines": [line]}, headers={"If-Match": "7"}).status_code == 422
    assert client.get(f"{API}/frame/2024").json()["lines"] == [line | {"organisation_name": "Beta Health"}]
    assert client.put(f"{API}/frame/1999", json={"lines": [line]}).status_code in (404, 422)


def test_lists_are_limited_and_looked_at_before_they_are_read(client: httpx.Client) -> None:
    assert sent(client, "POST", "/organisations", b"x" * 400_000).status_code == 413
    refused = sent(client, "POST", "/organisations", b"PK\x03\x04 nothing")
    assert (refused.status_code, refused.json()["code"]) == (422, "damaged")
    assert client.post(f"{API}/organisations", content=b"a,b", headers={"content-type": "text/csv"}).status_code == 415


def test_an_organisation_shows_its_sectors(client: httpx.Client) -> None:
    data = b"organisation_code,name,sector,sector_since\r\nALPHA,Alpha Recovery,nhs,2023-10-01\r\n"
    assert sent(client, "POST", "/organisations", data).json()["applied"]
    assert client.get(f"{API}/organisations/ALPHA").json()["sectors"] == [
        {"sector": "voluntary", "since": None, "until": "2023-10-01"},
        {"sector": "nhs", "since": "2023-10-01", "until": None},
    ]


def edge(**other: object) -> dict[str, object]:
    line = {"local_authority_code": "E06000001", "service_type": "adult_community"}
    return {
        "from_year": 2023, "source": {"organisation": "ALPHA", **line}, "to_year": 2024,
        "target": {"organisation": "BETA", **line}, "kind": "contract_transfer", "effective": "2024-04-01",
        "evidence": "Award notice", **other,
    }  # fmt: skip


def test_lineage_is_added_listed_and_decided(client: httpx.Client, platform: Platform) -> None:
    made = client.post(f"{API}/lineage", json=edge(state="suggested"))
    assert (made.status_code, made.json()["state"]) == (201, "suggested")
    assert client.post(f"{API}/lineage", json=edge(state="suggested")).status_code == 409
    listed = client.get(f"{API}/lineage", params={"from": 2023, "to": 2024, "state": "suggested"}).json()
    assert listed["items"] == [made.json()]
    decision = {"decision": "confirmed", "evidence": "Both said so by telephone"}
    decided = client.post(f"{API}/lineage/{made.json()['id']}/decision", json=decision)
    assert (decided.json()["state"], decided.json()["decided_by"]) == ("confirmed", "tess")
    assert client.post(f"{API}/lineage/{made.json()['id']}/decision", json=decision).status_code == 409
    wrong = client.post(f"{API}/lineage", json=edge(effective="2029-04-01", from_year=2024, to_year=2023))
    assert wrong.status_code == 422
    assert client.post(f"{API}/lineage", json=edge(kind="friends")).status_code == 422
    analyst = as_role(client, platform, "analyst")
    assert client.get(f"{API}/lineage", headers=analyst).json()["total"] == 1
    assert client.post(f"{API}/lineage", json=edge(), headers=analyst).status_code == 403


def test_suggestions_are_asked_for_between_two_years(client: httpx.Client) -> None:
    assert client.post(f"{API}/lineage/suggestions", params={"from": 2023}).status_code == 422
    unframed = client.post(f"{API}/lineage/suggestions", params={"from": 2023, "to": 2024})
    assert (unframed.status_code, "the frame of 2023" in unframed.json()["detail"]) == (409, True)
    line = {"organisation_code": "BETA", "local_authority_code": "E06000001", "service_type": "adult_community"}
    assert client.put(f"{API}/frame/2023", json={"lines": [line]}).json()["applied"]
    (found,) = client.post(f"{API}/lineage/suggestions", params={"from": 2023, "to": 2024}).json()["items"]
    assert (found["state"], found["source"]["organisation"], found["target"]["organisation"]) == (
        "suggested", "BETA", "ALPHA",
    )  # fmt: skip


def test_progress_gives_shares_to_analysts_and_the_chase_list_to_the_team(
    client: httpx.Client, platform: Platform
) -> None:
    team = client.get(f"{API}/collections/2024/progress").json()
    assert (team["overall"]["lines"], team["overall"]["unit_share"], team["framed"]) == (1, 0.0, True)
    assert set(team["by"]) == {"sector", "region", "local_authority", "service_type"}
    assert [one["organisation"] for one in team["chase"]] == ["ALPHA"]
    for role in ("analyst", "administrator"):
        answer = client.get(f"{API}/collections/2024/progress", headers=as_role(client, platform, role))
        assert answer.json() | {"at": ""} == team | {"at": "", "chase": None, "chase_total": None}
        assert "ALPHA" not in answer.text
    assert client.get(f"{API}/collections/2024/plausibility").json()["doubts"] == []
    refused = client.get(f"{API}/collections/2024/plausibility", headers=as_role(client, platform, "pipeline"))
    assert refused.status_code == 403
