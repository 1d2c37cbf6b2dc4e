"""Reading back: what there is, what there is not, and what may be asked for."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

from census_api.domain.collecting.findings import Finding
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import InvalidRequest, NotFound, Unavailable
from census_api.services.collecting.check import check_bytes
from census_api.services.collecting.submissions import (
    annotate_in_sandbox,
    annotated_workbook,
    get_content,
    get_original,
    get_report,
    get_return,
    get_submission,
    list_findings,
    list_submissions,
)
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform, is_ready
from census_api.store.kit import migrate
from tests.factories.actors import ANN, EVE
from tests.factories.uploads import make_upload


@pytest.fixture
def sent(platform: Platform) -> Platform:
    submit_return(platform, ANN, 2024, "ALPHA", make_upload(rows=4))
    return platform


def test_a_return_nobody_started_is_not_started(platform: Platform) -> None:
    found = get_return(platform, ANN, 2024, "ALPHA")
    assert (found.id, found.state, found.latest) == (None, "not_started", None)
    assert list_submissions(platform, ANN, 2024, "ALPHA").total == 0


def test_findings_by_page_are_those_of_the_report(sent: Platform) -> None:
    findings = get_report(sent, ANN, 2024, "ALPHA", 1).findings
    paged: list[Finding] = []
    cursor = None
    while True:
        page = list_findings(sent, ANN, 2024, "ALPHA", 1, cursor=cursor, limit=3)
        assert page.total == len(findings)
        paged += page.items
        cursor = page.next
        if cursor is None:
            break
    assert paged == findings
    assert len(findings) > 3


def test_filters_pick_exactly_what_they_say(sent: Platform) -> None:
    findings = get_report(sent, ANN, 2024, "ALPHA", 1).findings
    one = next(found for found in findings if found.sheet == "Staff")
    by_rule = list_findings(sent, ANN, 2024, "ALPHA", 1, rule=one.rule, limit=1000)
    assert list(by_rule.items) == [found for found in findings if found.rule == one.rule]
    by_sheet = list_findings(sent, ANN, 2024, "ALPHA", 1, sheet="staff", severity="error", limit=1000)
    assert list(by_sheet.items) == [found for found in findings if (found.sheet, found.severity) == ("Staff", "error")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity": "fatal"},
        {"severity": "error' OR 1=1"},
        {"rule": "NOPE-999"},
        {"sheet": "Sheet1; select pg_sleep(9)"},
        {"limit": 0},
        {"limit": 10**9},
        {"cursor": "2"},
        {"cursor": "x" * 5000},
        {"cursor": "after--1"},
        {"cursor": "é"},
    ],
)
def test_what_may_not_be_asked_for_is_refused(sent: Platform, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        list_findings(sent, ANN, 2024, "ALPHA", 1, **wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "read", [get_submission, get_report, get_original, get_content, list_findings, annotated_workbook]
)
@pytest.mark.parametrize(
    ("year", "organisation", "number"),
    [
        (2024, "ALPHA", 2),
        (2024, "ALPHA", 0),
        (2024, "ALPHA", 2**40),
        (2024, "BETA", 1),
        (2024, "NO", 1),
        (2023, "ALPHA", 1),
    ],
)
def test_what_is_not_there_is_not_found(
    sent: Platform, read: object, year: int, organisation: str, number: int
) -> None:
    with pytest.raises(NotFound):
        read(sent, ANN, year, organisation, number)  # type: ignore[operator]  # the readers are pytest's parameters


def test_who_may_know_nothing_finds_nothing(sent: Platform) -> None:
    for read in (get_submission, get_report, get_original, get_content, list_findings, annotated_workbook):
        with pytest.raises(NotFound):
            read(sent, EVE, 2024, "ALPHA", 1)


def test_content_can_be_sent_again_as_it_is(sent: Platform) -> None:
    content = get_content(sent, ANN, 2024, "ALPHA", 1)
    assert list(content.rows[1].cells)[:3] == ["local_authority_code", "service_type", "role_code"]
    again = submit_return(sent, ANN, 2024, "ALPHA", Upload(json.dumps(content.as_json()).encode()))
    assert again.submission.content_sha256 == content.sha256()


def test_the_annotated_workbook_holds_the_findings(sent: Platform) -> None:
    book = openpyxl.load_workbook(io.BytesIO(annotated_workbook(sent, ANN, 2024, "ALPHA", 1)))
    assert "Findings" in book.sheetnames


def test_a_check_stores_nothing_and_says_what_a_submission_would(sent: Platform) -> None:
    upload = make_upload(rows=4)
    judged = check_bytes(sent, ANN, 2024, upload.data, organisation="ALPHA")
    report = get_report(sent, ANN, 2024, "ALPHA", 1)
    assert judged.report.submission is None
    assert judged.report.findings == report.findings
    assert judged.report.content_sha256 == report.content_sha256
    assert list_submissions(sent, ANN, 2024, "ALPHA").total == 1
    offline = check_bytes(sent, ANN, 2024, upload.data).report.rules_by_status
    of_register = [rule.code for rule in sent.spec(2024).rules if rule.on == "register"]
    assert {offline[code] for code in of_register} == {"not_applicable"}
    assert {judged.report.rules_by_status[code] for code in of_register} == {"ran"}


def test_a_check_for_nobody_is_not_found(platform: Platform) -> None:
    with pytest.raises(NotFound):
        check_bytes(platform, ANN, 2024, b"{}", organisation="NOBODY")
    with pytest.raises(NotFound):
        check_bytes(platform, ANN, 1999, b"{}")


def test_a_platform_is_ready_at_the_schema_of_its_version(platform: Platform) -> None:
    assert is_ready(platform)
    migrate.downgrade_schema(platform.database.url(), "-1")
    assert not is_ready(platform)


def test_a_workbook_that_cannot_be_annotated_is_not_blamed_on_the_file(sent: Platform) -> None:
    report = get_report(sent, ANN, 2024, "ALPHA", 1)
    with pytest.raises(Unavailable, match="list of findings"):
        annotate_in_sandbox(sent, b"never a workbook", "xlsx", report)
