"""A return's way through the API: sent in, reported on, read back, given back."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import httpx
import openpyxl
import pytest

from census_api.demo.loading import open_now
from census_api.domain.kit.access import SYSTEM
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.workbook import fill_template
from census_api.services.kit.platform import Platform
from census_api.store.kit.queue import run_worker_until_empty
from census_api.worker import open_tasks
from tests.api.files import CHECK, SUBMISSIONS, XLSX, as_json, content, form, workbook
from tests.factories.whole_returns import whole_return
from tests.patience import PATIENCE

PLACE_ONLY = ("cell", "pointer")


def without_places(report: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [{key: value for key, value in row.items() if key not in PLACE_ONLY} for row in report["findings"]]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def send_json(client: httpx.Client, data: bytes, **headers: str) -> httpx.Response:
    return client.post(SUBMISSIONS, content=data, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize("year", [2022, 2023, 2024, 2025])
def test_a_workbook_goes_in_and_comes_back_annotated_in_every_year(
    client: httpx.Client, platform: Platform, year: int
) -> None:
    open_now(platform, SYSTEM, year)
    submissions = SUBMISSIONS.replace("2024", str(year))
    answer = client.post(submissions, files=form(workbook(year), "Our return £.xlsx"))
    report = answer.json()
    assert (answer.status_code, report["collection"], report["organisation"], report["submission"]) == (
        201,
        year,
        "ALPHA",
        1,
    )
    assert answer.headers["location"] == f"{submissions}/1"
    assert client.get(answer.headers["location"]).json() == report
    assert report["content_sha256"] == content(year).sha256()

    original = client.get(f"{submissions}/1/original")
    assert (original.content, original.headers["content-type"]) == (workbook(year), XLSX)
    assert original.headers["content-disposition"] == (
        "attachment; filename=\"Our return _.xlsx\"; filename*=UTF-8''Our%20return%20%C2%A3.xlsx"
    )
    annotated = client.get(f"{submissions}/1/annotated.xlsx")
    assert annotated.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(annotated.content))
    first = next(finding for finding in report["findings"] if finding["cell"] and finding["sheet"] == "Staff")
    assert first["rule"] in book["Staff"][first["cell"]].comment.text


def test_json_and_workbook_of_one_return_have_the_same_hash_and_findings(client: httpx.Client) -> None:
    by_file = client.post(SUBMISSIONS, files=form(workbook())).json()
    by_json = send_json(client, as_json()).json()
    assert by_json["submission"] == 2
    assert by_json["content_sha256"] == by_file["content_sha256"]
    assert by_json["counts"] == by_file["counts"]
    assert by_json["findings_total"] > 100
    assert without_places(by_json) == without_places(by_file)


def test_the_data_sent_in_again_are_the_same_return(client: httpx.Client) -> None:
    first = client.post(SUBMISSIONS, files=form(workbook())).json()
    data = client.get(f"{SUBMISSIONS}/1/data.json")
    assert data.headers["content-disposition"] == 'attachment; filename="census-2024-ALPHA-1.json"'
    assert data.json() == content().as_json()
    again = send_json(client, data.content).json()
    assert again["content_sha256"] == first["content_sha256"]


def test_a_check_stores_nothing(client: httpx.Client, platform: Platform) -> None:
    report = client.post(CHECK, files=form(workbook())).json()
    assert report["submission"] is None
    assert report["findings_total"] == report["findings_shown"] > 0
    assert client.get(SUBMISSIONS).json() == {"items": [], "next": None, "total": 0}
    assert client.get(SUBMISSIONS.removesuffix("/submissions")).json()["state"] == "not_started"


def test_a_check_for_an_organisation_applies_what_is_known_of_it(client: httpx.Client) -> None:
    alone = client.post(CHECK, files=form(workbook())).json()
    known = client.post(CHECK, files=form(workbook()), params={"organisation": "BETA"}).json()
    assert "REG-001" in alone["rules_not_applicable"]
    assert "REG-001" not in known["rules_not_applicable"]
    assert any(finding["rule"].startswith("REG") for finding in known["findings"])


def test_a_check_shows_as_many_findings_as_asked_and_counts_all(client: httpx.Client) -> None:
    report = client.post(CHECK, files=form(workbook()), params={"limit": 3}).json()
    assert (report["findings_shown"], len(report["findings"])) == (3, 3)
    assert report["findings_total"] == sum(report["counts"].values()) > 3


def test_findings_come_in_pages_that_hold_each_of_them_once(client: httpx.Client) -> None:
    report = client.post(SUBMISSIONS, files=form(workbook())).json()
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"{SUBMISSIONS}/1/findings", params={"limit": 50, **cursor}).json()
        assert page["total"] == report["findings_total"]
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == report["findings"]


def test_findings_are_filtered_with_an_exact_total(client: httpx.Client) -> None:
    report = client.post(SUBMISSIONS, files=form(workbook())).json()
    rule = report["findings"][0]["rule"]
    for name, value in (("severity", "query"), ("rule", rule), ("sheet", "staff"), ("sheet", "Staff")):
        page = client.get(f"{SUBMISSIONS}/1/findings", params={name: value, "limit": 1000}).json()
        wanted = [row for row in report["findings"] if str(row[name]).lower() == value.lower()]
        assert page["items"] == wanted
        assert page["total"] == len(wanted) > 0


def test_submissions_are_listed_newest_first_in_pages(client: httpx.Client) -> None:
    for number in range(3):
        tree = content().as_json() | {"organisation": content().organisation | {"comments": f"Version {number}"}}
        assert send_json(client, json.dumps(tree).encode()).status_code == 201
    first = client.get(SUBMISSIONS, params={"limit": 2}).json()
    second = client.get(SUBMISSIONS, params={"limit": 2, "cursor": first["next"]}).json()
    assert [row["number"] for row in first["items"] + second["items"]] == [3, 2, 1]
    assert (first["total"], second["total"], second["next"]) == (3, 3, None)
    assert client.get(SUBMISSIONS.removesuffix("/submissions")).json()["latest"] == 3


def test_the_same_key_and_file_give_the_same_answer(client: httpx.Client) -> None:
    first = send_json(client, as_json(), **{"Idempotency-Key": "one"})
    again = send_json(client, as_json(), **{"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = send_json(client, as_json() + b" ", **{"Idempotency-Key": "one"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert client.get(SUBMISSIONS).json()["total"] == 1


def test_the_same_key_at_the_same_time_makes_one_submission(client: httpx.Client) -> None:
    answers: list[httpx.Response] = []
    calls = [
        threading.Thread(target=lambda: answers.append(send_json(client, as_json(), **{"Idempotency-Key": "race"})))
        for _ in range(6)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(PATIENCE)
    assert [answer.status_code for answer in answers] == [201] * 6
    assert {answer.json()["submission"] for answer in answers} == {1}
    assert client.get(SUBMISSIONS).json()["total"] == 1


def test_a_long_file_is_answered_with_a_job_and_checked_by_the_worker(client: httpx.Client, platform: Platform) -> None:
    large = whole_return(load_spec(2024), authorities=40, roles=40)
    data = fill_template(load_spec(2024), large)
    assert platform.settings.long_file_bytes < len(data) < platform.settings.max_upload_bytes
    answer = client.post(SUBMISSIONS, files=form(data), headers={"Idempotency-Key": "long"})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    job = answer.headers["location"]
    assert job == f"/api/v1/jobs/{answer.json()['id']}"
    assert client.get(job).headers["retry-after"] == "2"
    early = client.get(f"{SUBMISSIONS}/1")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")

    run_worker_until_empty(open_tasks(platform))
    done = client.get(job).json()
    assert (done["state"], done["share"], done["result"]) == ("done", 1, f"{SUBMISSIONS}/1")
    report = client.get(done["result"]).json()
    assert report["rows_read"]["Staff"] == len(large.table("staff"))
    # sent again after that, the answer is the report itself
    assert client.post(SUBMISSIONS, files=form(data), headers={"Idempotency-Key": "long"}).json() == report


def test_a_report_of_very_many_findings_is_cut_and_says_so(client: httpx.Client) -> None:
    rows = [{"local_authority_code": "E06000001", "service_type": "adult_community", "role_code": "X"}] * 1500
    tree = content().as_json() | {"staff": rows}
    answer = send_json(client, json.dumps(tree).encode())
    report = answer.json()
    assert report["findings_shown"] == len(report["findings"]) == 1000
    assert report["findings_total"] == sum(report["counts"].values()) > 1500
    assert len(answer.content) < 1_000_000


def test_an_organisation_is_in_the_register(client: httpx.Client) -> None:
    assert client.get("/api/v1/organisations/ALPHA").json() == {
        "code": "ALPHA", "name": "Alpha Recovery", "sector": "voluntary", "status": "open",
        "parent": None, "merged_into": None, "identifiers": {},
        "sectors": [{"sector": "voluntary", "since": None, "until": None}],
    }  # fmt: skip
