"""Collections over the API: dates, templates, schema and rules, with entity tags."""

from __future__ import annotations

import io
import json

import httpx
import openpyxl

from census_api.demo.loading import open_now
from census_api.domain.kit.access import SYSTEM
from census_api.questionnaire.load import load_spec
from census_api.services.kit.platform import Platform
from tests.api.files import SUBMISSIONS, XLSX, form, workbook

API = "/api/v1"


def test_collections_are_listed_with_their_phase(client: httpx.Client, platform: Platform) -> None:
    items = client.get(f"{API}/collections").json()["items"]
    assert [(item["year"], item["phase"]) for item in items] == [
        (2022, "closed"), (2023, "closed"), (2024, "open"), (2025, "upcoming"),
    ]  # fmt: skip
    assert client.get(f"{API}/collections/2024").json() == items[2]
    assert items[2]["spec_digest"] == platform.spec(2024).digest


def test_what_is_the_same_for_everybody_has_an_entity_tag(client: httpx.Client) -> None:
    for path in ("collections", "collections/2024", "collections/2024/template.xlsx", "collections/2024/schema.json",
                 "collections/2024/rules", "openapi.json"):  # fmt: skip
        first = client.get(f"{API}/{path}")
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.get(f"{API}/{path}", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert client.get(f"{API}/{path}", headers={"If-None-Match": '"other"'}).content == first.content


def test_the_blank_template_is_a_download(client: httpx.Client) -> None:
    answer = client.get(f"{API}/collections/2024/template.xlsx")
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == 'attachment; filename="census-2024.xlsx"'
    titles = openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames
    assert set(titles) > {sheet.title for sheet in load_spec(2024).sheets}


def test_a_prefilled_template_holds_the_register_the_frame_and_last_year(
    client: httpx.Client, platform: Platform
) -> None:
    open_now(platform, SYSTEM, 2023)
    sent = client.post(SUBMISSIONS.replace("2024", "2023"), files=form(workbook(2023)))
    assert sent.status_code == 201
    answer = client.get(f"{API}/collections/2024/template.xlsx", params={"organisation": "ALPHA"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="census-2024-ALPHA.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    form_sheet = {row[0].value: row[1].value for row in book["Organisation"].iter_rows() if row[0].value}
    assert "ALPHA" in form_sheet.values()
    assert "Alpha Recovery" in form_sheet.values()
    lines = [row[0] for row in book["Services"].iter_rows(min_row=2, values_only=True) if row[0]]
    assert len(lines) == 1
    assert str(lines[0]).startswith("E06000001")
    blank = openpyxl.load_workbook(io.BytesIO(client.get(f"{API}/collections/2024/template.xlsx").content))
    assert book["Staff"].max_column > blank["Staff"].max_column


def test_the_schema_accepts_its_own_example_in_the_check(client: httpx.Client) -> None:
    answer = client.get(f"{API}/collections/2024/schema.json")
    assert answer.headers["content-type"] == "application/schema+json"
    example = json.dumps(answer.json()["examples"][0])
    report = client.post(f"{API}/collections/2024/check", content=example, headers={"Content-Type": "application/json"})
    assert report.json()["outcome"] == "clean"


def test_a_rule_says_where_it_lives_who_decides_and_what_tests_it(client: httpx.Client) -> None:
    answer = client.get(f"{API}/collections/2025/rules").json()
    rule = next(entry for entry in answer["rules"] if entry["code"] == "STF-012")
    assert rule["source"] == "Design, section 3: required"
    assert (rule["decided_by"], rule["check"]) == ("census team", "required")
    assert rule["declared"] == list(load_spec(2025).find_home("STF-012").declared)
    assert rule["cases"] == ["tests/rules/cases_staff.py"]


def test_the_rules_are_those_of_the_spec(client: httpx.Client) -> None:
    answer = client.get(f"{API}/collections/2023/rules").json()
    spec = load_spec(2023)
    assert answer["spec_digest"] == spec.digest
    assert [rule["code"] for rule in answer["rules"]] == [rule.code for rule in spec.rules]
    assert all(rule["message"] and rule["fix"] and rule["why"] for rule in answer["rules"])
