"""The pages for everybody in their states: no violation of axe, nothing cut, and checking a file without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import NARROW, Accessible, LookedAt, Visitor
from tests.factories.site import HOSTILE_NAME, Site, tree_for

pytestmark = pytest.mark.needs("chromium")

PAGES = {
    "about": "/about",
    "rules": "/rules/2024?sheet=staff&severity=query",
    "rules-none": "/rules/2024?sheet=organisation&severity=note",
    "dictionary": "/dictionary/2024",
    "check": "/check",
    "methods": "/methods",
    "privacy": "/privacy",
    "accessibility": "/accessibility",
    "help": "/help",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor(None, PAGES[name])
    expect(page.locator("h1")).to_have_count(1)
    accessible(page)
    looked_at(page, f"public-{name}")


def test_all_rules_at_once(visitor: Visitor, accessible: Accessible) -> None:
    page = visitor(None, "/rules/2024#STF-012")
    expect(page.locator("#STF-012")).to_be_in_viewport()
    accessible(page)


def test_checking_a_file_without_javascript(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    page = visitor(None, "/", javascript=False, viewport=NARROW)
    page.get_by_role("link", name="Check a file", exact=True).first.click()
    choose(page, return_of(site, paid_wte="12,5"))
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("h1")).to_have_text("Result of the check")
    expect(page.get_by_role("status")).to_contain_text("Nothing was stored.")
    expect(page.get_by_role("cell", name="12,5").first).to_be_visible()
    choose(page, return_of(site, paid_wte="12,5"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Give me the workbook").click()
    download.value.save_as(tmp_path / "checked.xlsx")
    assert "Findings" in load_workbook(tmp_path / "checked.xlsx").sheetnames


@pytest.mark.parametrize("name", ["clean", "errors", "hostile", "many", "refused"])
def test_the_result_of_a_check(
    name: str, visitor: Visitor, looked_at: LookedAt, accessible: Accessible, site: Site
) -> None:
    page = visitor(None, "/check")
    choose(page, FILES[name](site))
    page.get_by_role("button", name="Check the file").click()
    page.wait_for_load_state()
    assert page.title().startswith("Error: ") == (name == "refused")
    accessible(page)
    looked_at(page, f"public-checked-{name}")


def return_of(site: Site, **staff: Any) -> FilePayload:
    tree = tree_for(site.platform, "ALPHA", **staff)
    return {"name": "return.json", "mimeType": "application/json", "buffer": json.dumps(tree).encode()}


def many(site: Site) -> FilePayload:
    tree = tree_for(site.platform, "ALPHA")
    row = tree["staff"][0]
    tree["staff"] += [row | {"role_code": f"ROLE{number}", "paid_wte": "12,5", "leavers": -1} for number in range(1800)]
    return {"name": "many.json", "mimeType": "application/json", "buffer": json.dumps(tree).encode()}


FILES: Mapping[str, Callable[[Site], FilePayload]] = {
    "clean": return_of,
    "errors": lambda site: return_of(site, paid_wte="12,5", leavers="three"),
    "hostile": lambda site: return_of(site, paid_wte=HOSTILE_NAME),
    "many": many,
    "refused": lambda _: {"name": HOSTILE_NAME.replace("/", ""), "mimeType": "x/y", "buffer": b"%PDF-1.4"},
}


def choose(page: Page, file: FilePayload) -> None:
    page.get_by_label("Which census is the file for?").select_option("2024")
    page.get_by_label("File", exact=True).set_input_files(file)
