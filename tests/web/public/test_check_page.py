"""Check a file: everybody may, nothing is stored, and nobody can wear it out."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from openpyxl import load_workbook

from census_api.services.kit import attempts
from census_api.services.kit.platform import Platform
from tests.factories.life import tree_of
from tests.factories.people import Browser

HOSTILE = "<script>alert(1)</script>"


def check(browser: Browser, data: bytes, path: str = "/check", name: str = "return.json", **fields: str) -> Any:
    browser.get("/check")
    typed = {"form_token": browser.form_token, "year": "2024", **fields}
    return browser.client.post(path, data=typed, files={"file": (name, data, "application/json")})


def as_bytes(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def stored(platform: Platform) -> list[int]:
    from sqlalchemy import text

    tables = ("submission", "submission_original", "finding", "return", "audit_event", "job")
    with platform.database.transaction() as session:
        return [session.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() for table in tables]


def test_a_clean_file_has_nothing_to_correct(nobody: Browser, platform: Platform) -> None:
    answer = check(nobody, as_bytes(tree_of(platform)))
    assert answer.status_code == 200
    assert "nothing to correct" in answer.text
    assert 'role="status"' in answer.text


def test_findings_come_by_rule_with_their_place_value_and_what_to_do(nobody: Browser, platform: Platform) -> None:
    answer = check(nobody, as_bytes(tree_of(platform, paid_wte="12,5")))
    assert answer.status_code == 200
    assert "12,5" in answer.text
    assert "Staff, row 1 of the list" in answer.text
    assert "1 error, 0 queries, 0 notes." in answer.text
    assert 'href="/rules/2024#' in answer.text


def test_nothing_is_stored(nobody: Browser, platform: Platform) -> None:
    before = stored(platform)
    check(nobody, as_bytes(tree_of(platform, paid_wte="12,5")))
    check(nobody, b"no return at all")
    assert stored(platform) == before


def test_the_findings_come_back_in_a_workbook(nobody: Browser, platform: Platform) -> None:
    answer = check(nobody, as_bytes(tree_of(platform, paid_wte="12,5")), "/check/workbook")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="checked-2024.xlsx"'
    assert "Findings" in load_workbook(io.BytesIO(answer.content)).sheetnames


def test_what_is_no_return_is_refused_beside_the_form(nobody: Browser) -> None:
    for path in ("/check", "/check/workbook"):
        answer = check(nobody, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, path, "old.xls")
        assert answer.status_code == 422
        assert "<title>Error: Check a file" in answer.text
        assert 'href="#file"' in answer.text


def test_no_file_and_no_year_are_said(nobody: Browser, platform: Platform) -> None:
    assert "Choose the file" in check(nobody, b"", name="").text
    assert "Choose the census" in check(nobody, as_bytes(tree_of(platform)), year="MMXXIV").text
    assert check(nobody, as_bytes(tree_of(platform)), year="2001").status_code == 422


def test_hostile_text_is_text(nobody: Browser, platform: Platform) -> None:
    answer = check(nobody, as_bytes(tree_of(platform, paid_wte=HOSTILE)), name=f"{HOSTILE}.json")
    assert HOSTILE not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_five_thousand_findings_are_counted_and_the_page_stays_small(nobody: Browser, platform: Platform) -> None:
    tree = tree_of(platform)
    tree["staff"] += [tree["staff"][0] | {"role_code": f"X{number}", "paid_wte": "1,5"} for number in range(1800)]
    answer = check(nobody, as_bytes(tree))
    assert answer.status_code == 200
    assert len(answer.content) < 1_000_000
    assert "1,800 places" in answer.text
    assert "more. The workbook with the findings in it has them all." in answer.text


def test_a_large_file_is_not_checked_here(platform: Platform) -> None:
    browser = Browser(platform, long_file_bytes=10_000)
    answer = check(browser, b" " * 12_000)
    assert answer.status_code == 413
    assert "10,000 that are checked on this page" in answer.text
    assert check(browser, b" " * 200_000).status_code == 413


def test_an_address_that_checks_without_end_has_to_wait(
    nobody: Browser, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(attempts.LIMITS, "check", attempts.Limit(account=2, address=2, minutes=15))
    statuses = [check(nobody, b"{}").status_code for _ in range(3)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:2]
    assert int(check(nobody, b"{}").headers["retry-after"]) > 0


def test_a_form_of_another_site_checks_nothing(nobody: Browser, platform: Platform) -> None:
    assert check(nobody, as_bytes(tree_of(platform)), form_token="0" * 64).status_code == 403
    plain = nobody.client.post("/check", data={"form_token": nobody.form_token, "year": "2024"})
    assert plain.status_code == 415
