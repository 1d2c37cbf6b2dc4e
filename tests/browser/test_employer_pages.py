"""Every page of the employer in its states: no violation of axe, nothing cut or overlapping, and hostile text as text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from census_api.domain.kit.access import SYSTEM
from census_api.services.collecting.receipts import standing_receipt
from tests.browser.conftest import Accessible, LookedAt, Visitor
from tests.factories.site import HOSTILE_NAME, YEAR, Site

pytestmark = pytest.mark.needs("chromium")

RETURN = "/collections/2024/returns"
PAGES = {
    "home-employer": ("sig-alpha", "/"),
    "returns-one": ("sig-alpha", "/returns"),
    "returns-several": ("sig-group", "/returns"),
    "returns-none": ("newcomer", "/returns"),
    "returns-other-year": ("sig-group", "/returns?year=2023"),
    "return-not-started": ("sig-alpha", f"{RETURN}/ALPHA"),
    "return-errors": ("sig-bravo", f"{RETURN}/BRAVO"),
    "return-queries": ("ed-charlie", f"{RETURN}/CHARLIE"),
    "return-signed": ("sig-delta", f"{RETURN}/DELTA"),
    "return-question": ("sig-echo", f"{RETURN}/ECHO"),
    "return-accepted": ("sig-foxtrot", f"{RETURN}/FOXTROT"),
    "return-declined": ("sig-hotel", f"{RETURN}/HOTEL"),
    "return-long-name": ("sig-long", f"{RETURN}/LONG"),
    "return-hostile": ("sig-hostile", f"{RETURN}/HOSTILE"),
    "return-closed": ("sig-alpha", "/collections/2023/returns/ALPHA"),
    "return-upcoming": ("sig-alpha", "/collections/2025/returns/ALPHA"),
    "findings": ("sig-bravo", f"{RETURN}/BRAVO/submissions/2"),
    "findings-filtered": ("sig-bravo", f"{RETURN}/BRAVO/submissions/2?severity=query"),
    "findings-old": ("sig-bravo", f"{RETURN}/BRAVO/submissions/1"),
    "findings-clean": ("sig-echo", f"{RETURN}/ECHO/submissions/1"),
    "findings-many": ("sig-golf", f"{RETURN}/GOLF/submissions/1"),
    "findings-hostile": ("sig-hostile", f"{RETURN}/HOSTILE/submissions/1"),
    "findings-long-name": ("sig-long", f"{RETURN}/LONG/submissions/1"),
    "changes-before": ("sig-bravo", f"{RETURN}/BRAVO/submissions/2/changes"),
    "changes-last-year": ("sig-bravo", f"{RETURN}/BRAVO/submissions/2/changes?against=last_year"),
    "changes-none": ("sig-charlie", f"{RETURN}/CHARLIE/submissions/1/changes"),
    "sign-off-gates": ("sig-bravo", f"{RETURN}/BRAVO/submissions/2/sign-off"),
    "history": ("sig-foxtrot", f"{RETURN}/FOXTROT/history"),
    "history-empty": ("sig-alpha", f"{RETURN}/ALPHA/history"),
    "members": ("sig-alpha", "/organisations/ALPHA/members"),
    "members-editor": ("ed-alpha", "/organisations/ALPHA/members"),
    "members-hostile": ("sig-hostile", "/organisations/HOSTILE/members"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    who, path = PAGES[name]
    page = visitor(who, path)
    expect(page.locator("h1")).to_have_count(1)
    accessible(page)
    looked_at(page, name)


def test_one_finding_and_its_errors(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("sig-charlie", f"{RETURN}/CHARLIE/submissions/1")
    page.locator(".findings th a").first.click()
    accessible(page)
    looked_at(page, "finding")
    page.get_by_label("Explain it in a sentence").fill("Too short")
    page.get_by_label("Why is it right?").select_option("checked")
    page.get_by_role("button", name="Save the explanation").click()
    assert page.title().startswith("Error: ")
    expect(page.get_by_role("alert")).to_be_focused()
    accessible(page)
    looked_at(page, "finding-error")
    page.get_by_label("Right value for").fill("twelve")
    page.get_by_role("button", name="Save as a new submission").click()
    expect(page.get_by_role("alert")).to_contain_text("Type a number, for example 12.5")


def test_boxes_open_in_the_list_are_accessible(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("sig-bravo", f"{RETURN}/BRAVO/submissions/2")
    for summary in page.locator("summary").all():
        summary.click()
    accessible(page)
    looked_at(page, "findings-open")


def test_the_declaration_and_the_receipt(
    visitor: Visitor, looked_at: LookedAt, accessible: Accessible, site: Site
) -> None:
    page = visitor("sig-delta", f"{RETURN}/DELTA/submissions/1/sign-off")
    accessible(page)
    looked_at(page, "sign-off-signed-already")
    reference = standing_receipt(site.platform, SYSTEM, YEAR, "DELTA").sign_off.reference
    page.goto(f"/receipts/{reference}?said=signed")
    accessible(page)
    looked_at(page, "receipt")


def test_one_member(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    for who, whom in (("sig-alpha", "ed-alpha"), ("sig-alpha", "sig-alpha")):
        page = visitor(who, "/organisations/ALPHA/members")
        page.locator("#content").get_by_role("link", name=whom).click()
        page.wait_for_url("**/members/*-*")
        accessible(page)
        looked_at(page, f"member-{whom}")


def test_an_upload_that_is_refused(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("sig-alpha", f"{RETURN}/ALPHA")
    page.get_by_label("Your workbook").set_input_files(
        {"name": HOSTILE_NAME.replace("/", "") + ".pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    expect(page.locator("form [role=status]")).to_contain_text("Chosen: <script>")
    page.get_by_role("button", name="Send the file").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.title().startswith("Error: ")
    accessible(page)
    looked_at(page, "return-refused")


def test_a_file_dropped_on_the_form_is_chosen(visitor: Visitor) -> None:
    page = visitor("sig-alpha", f"{RETURN}/ALPHA")
    data = page.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['{}'], 'dropped.json')); return all; }"
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": data})
    expect(page.locator("form [role=status]")).to_contain_text("Chosen: dropped.json")
    assert page.evaluate("() => document.querySelector('input[type=file]').files[0].name") == "dropped.json"


def test_the_page_of_many_findings_is_small_and_leads_on(visitor: Visitor) -> None:
    page = visitor("sig-golf", f"{RETURN}/GOLF/submissions/1")
    assert len(page.content().encode()) < 1_000_000
    expect(page.locator("main")).to_contain_text("50 of 5,4")
    page.get_by_role("link", name="Next findings").click()
    expect(page.locator(".findings tbody tr")).to_have_count(50)
    page.get_by_label("Kind").select_option("query")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**severity=query**")
    assert page.locator(".findings tbody tr").count() < 5
