"""Every page of the census team in its states: no violation of axe, nothing cut or overlapping, and hostile text as text."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.lineage import LineageEdge, LineKey
from census_api.services.collecting.life import accept_return
from census_api.services.collecting.sign_off import sign_off
from census_api.services.register.lineage import load_edges
from census_api.services.snapshots.revisions import freeze_collection
from tests.browser.conftest import Accessible, LookedAt, Visitor
from tests.factories.actors import NOW
from tests.factories.returns import LINES
from tests.factories.site import LONG_NAME, YEAR, Site, send, tree_for

pytestmark = pytest.mark.needs("chromium")

RETURNS = f"/team/{YEAR}/returns"
PAGES = {
    "home": ("tess", "/team"),
    "home-administrator": ("adam", "/team"),
    "response": ("tess", f"/team/{YEAR}"),
    "response-areas": ("tess", f"/team/{YEAR}?by=local_authority"),
    "response-analyst": ("anna", f"/team/{YEAR}"),
    "response-no-frame": ("tess", "/team/2025"),
    "chase": ("tess", f"/team/{YEAR}/chase"),
    "returns": ("tess", RETURNS),
    "returns-none": ("tess", f"{RETURNS}?state=withdrawn"),
    "review-not-started": ("tess", f"{RETURNS}/ALPHA"),
    "review-errors": ("tess", f"{RETURNS}/BRAVO"),
    "review-signed": ("tess", f"{RETURNS}/DELTA"),
    "review-queried": ("tess", f"{RETURNS}/ECHO"),
    "review-accepted": ("tess", f"{RETURNS}/FOXTROT"),
    "review-many": ("tess", f"{RETURNS}/GOLF"),
    "review-declined": ("tess", f"{RETURNS}/HOTEL"),
    "review-long-name": ("tess", f"{RETURNS}/LONG"),
    "review-hostile": ("tess", f"{RETURNS}/HOSTILE"),
    "accept": ("tess", f"{RETURNS}/DELTA/accept"),
    "ask": ("tess", f"{RETURNS}/DELTA/ask"),
    "reopen": ("tess", f"{RETURNS}/FOXTROT/reopen"),
    "decline": ("tess", f"{RETURNS}/ALPHA/decline"),
    "withdraw-long-name": ("tess", f"{RETURNS}/LONG/withdraw"),
    "extend": ("tess", f"{RETURNS}/ALPHA/extend"),
    "upload": ("tess", f"{RETURNS}/ALPHA/upload"),
    "register": ("tess", "/team/register"),
    "register-none": ("tess", "/team/register?search=nobody+at+all"),
    "frame": ("tess", f"/team/{YEAR}/frame"),
    "frame-none": ("tess", "/team/2025/frame"),
    "lineage": ("tess", "/team/lineage"),
    "lineage-none": ("tess", "/team/lineage?state=refused"),
    "snapshots": ("tess", f"/team/{YEAR}/snapshots"),
    "snapshots-none": ("tess", "/team/2025/snapshots"),
    "jobs-none": ("tess", "/team/jobs"),
    "reconciliation": ("tess", "/team/reconciliation"),
    "audit": ("tess", "/team/audit"),
    "audit-none": ("tess", "/team/audit?actor=nobody"),
    "people": ("adam", "/team/people"),
    "tokens-none": ("adam", "/team/tokens"),
    "outbox": ("tess", "/outbox"),
}


@pytest.fixture(scope="module", autouse=True)
def more(site: Site) -> None:
    """A suggestion to decide, returns that came in on other days, sizes known from last year, and a frozen revision."""
    for code in ("CHARLIE", "FOXTROT"):
        _take(site, code, YEAR - 1)
    for days, code in ((9, "GROUP"), (6, "GROUP-WEST")):
        _sign(site, code, YEAR, days)
    source, target = LineKey("HOSTILE", *LINES[0]), LineKey("LONG", *LINES[0])
    evidence, why = "Not decided: see what suggested it.", "Likeness 0.91: alike names."
    day = dt.date(2024, 1, 1)
    edge = LineageEdge(2023, source, YEAR, target, "contract_transfer", day, evidence, suggested_by=why)
    load_edges(site.platform, SYSTEM, [edge])
    freeze_collection(site.platform, SYSTEM, YEAR)


def _take(site: Site, code: str, year: int) -> None:
    _sign(site, code, year)
    accept_return(site.platform, SYSTEM, year, code)


def _sign(site: Site, code: str, year: int, days_ago: int = 0) -> None:
    """The clean return of an organisation, sent and signed some days ago."""
    then = replace(site.platform, clock=lambda: NOW - dt.timedelta(days=days_ago))
    send(then, code, tree_for(then, code, year=year))
    sign_off(then, SYSTEM, year, code, 1, role="Director of Workforce")


@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    who, path = PAGES[name]
    page = visitor(who, path)
    expect(page.locator("h1")).to_have_count(1)
    accessible(page)
    looked_at(page, f"team-{name}")


def test_a_form_that_was_filled_in_wrongly(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("tess", f"{RETURNS}/ALPHA/decline")
    page.get_by_label("Why?").fill("No.")
    page.get_by_role("button", name="Note it").click()
    assert page.title().startswith("Error: ")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Why?")).to_have_value("No.")
    accessible(page)
    looked_at(page, "team-decline-error")


def test_lists_that_are_taken_in(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    for name, data in {
        "good": f"organisation_code,name,sector\nKILO,{LONG_NAME.replace(',', ' ')},nhs\n",
        "wrong": "organisation_code,name,sector\nKILO,,hospital\nLIMA,<script>alert(1)</script>,nsh\n",
    }.items():
        page = visitor("tess", "/team/register")
        page.get_by_label("File", exact=True).set_input_files(
            {"name": "register.csv", "mimeType": "text/csv", "buffer": data.encode()}
        )
        page.get_by_role("button", name="Say what would change").click()
        expect(page.get_by_role("status")).to_contain_text("rows were read")
        accessible(page)
        looked_at(page, f"team-list-{name}")


def test_reminders_are_shown_first(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("tess", f"/team/{YEAR}/chase")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Remind the chosen").click()
    expect(page.locator("h1")).to_have_text("Send these reminders?")
    accessible(page)
    looked_at(page, "team-reminders")


def test_one_account_and_a_new_token(visitor: Visitor, looked_at: LookedAt, accessible: Accessible) -> None:
    page = visitor("adam", "/team/people?search=tess")
    page.locator("#content").get_by_role("link", name="tess").click()
    page.wait_for_url("**/team/people/*-*")
    accessible(page)
    looked_at(page, "team-person")
    page.goto("/team/tokens")
    page.get_by_label("Whose").select_option(label="anna")
    page.get_by_label("What it is for").fill("A program for tables")
    page.get_by_label("aggregate.read").check()
    page.get_by_role("button", name="Make the token").click()
    page.wait_for_url("**/team/tokens")
    assert page.get_by_role("alert").all_inner_texts() == []
    expect(page.locator("h1")).to_have_text("The token is made")
    accessible(page)
    page.goto("/team/tokens")
    accessible(page)
    looked_at(page, "team-tokens")
