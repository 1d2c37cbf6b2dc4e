"""The census team's way with one return, from what waits to a frozen snapshot: with JavaScript off, and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from census_api.domain.kit.access import SYSTEM, Actor, MemberRole
from census_api.domain.people import Account
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.return_queries import list_questions, reply_to_query
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submissions import get_return
from census_api.services.people import accounts
from census_api.services.snapshots.freezing import build_queued
from census_api.services.snapshots.revisions import list_snapshots
from tests.browser.conftest import Visitor
from tests.factories.actors import TEAM
from tests.factories.site import BECAUSE, YEAR, Site, send, tree_for

pytestmark = pytest.mark.needs("chromium")

ROLE = "Director of Workforce"


@pytest.fixture
def signed(site: Site) -> str:
    """An organisation of the test's own whose return is explained and signed off."""
    code = f"MIKE{len(accounts.list_accounts(site.platform, SYSTEM))}"
    site.add_employer(code, f"Mike Recovery {code}")
    send(site.platform, code, tree_for(site.platform, code, paid_wte="9.5"))
    for finding in list_explanations(site.platform, SYSTEM, YEAR, code, 1).missing:
        explain_finding(site.platform, SYSTEM, YEAR, code, 1, finding.key, reason="checked", text=BECAUSE)
    sign_off(site.platform, SYSTEM, YEAR, code, 1, role=ROLE)
    return code


def test_review_query_accept_freeze_without_javascript(visitor: Visitor, site: Site, signed: str) -> None:
    page = visitor("tess", "/", javascript=False)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Team").click()
    page.locator(".next").get_by_role("link", name="to review and accept").first.click()
    page.locator("#content").get_by_role("link", name=f"Mike Recovery {signed}").click()
    expect(page.locator("#content")).to_contain_text(BECAUSE)

    page.get_by_role("link", name="Ask about it").first.click()
    page.get_by_label("Your question").fill("Which two people do overtime, by role?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("status")).to_contain_text("The question is asked.")
    expect(page.locator("#content")).to_contain_text("No reply yet")

    _employer_answers(site, signed)
    page.reload()
    expect(page.locator("#content")).to_contain_text("Two drug and alcohol workers.")
    page.get_by_role("link", name="Accept", exact=True).click()
    page.get_by_role("button", name="Accept it").click()
    expect(page.get_by_role("status")).to_contain_text("The return is accepted.")

    page.goto(f"/team/{YEAR}")
    page.locator(".filters").get_by_role("link", name="Snapshots").click()
    page.get_by_role("button", name="Freeze it").click()
    expect(page.get_by_role("status")).to_contain_text("A worker makes the snapshot now.")
    snapshot = list_snapshots(site.platform, TEAM, YEAR).items[0]
    build_queued(site.platform, YEAR, snapshot.id)
    page.goto(f"/team/{YEAR}/snapshots")
    expect(page.get_by_role("heading", name=f"Revision {snapshot.name}")).to_contain_text("Frozen")
    assert get_return(site.platform, TEAM, YEAR, signed).frozen_in == snapshot.id


def test_many_are_accepted_by_keyboard_alone(visitor: Visitor, site: Site, signed: str) -> None:
    page = visitor("tess", f"/team/{YEAR}/returns?state=signed_off&search={signed}")
    _tab_to(page, f"choose-{signed}")
    page.keyboard.press("Space")
    _tab_to(page, "Accept the chosen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 accepted, 0 not accepted.")
    assert get_return(site.platform, TEAM, YEAR, signed).state == "accepted"


def _employer_answers(site: Site, code: str) -> None:
    account: Account = accounts.get_account(site.platform, SYSTEM, f"sig-{code.lower()}@example.org")
    held: dict[str, frozenset[MemberRole]] = {code: frozenset({"editor", "signatory"})}
    employer = Actor(account.name, user_id=account.id, memberships=held)
    question = list_questions(site.platform, employer, YEAR, code)[-1]
    reply_to_query(site.platform, employer, YEAR, code, question.id, "Two drug and alcohol workers.")
    sign_off(site.platform, employer, YEAR, code, 1, role=ROLE)


def _tab_to(page: Page, wanted: str) -> None:
    """Presses Tab until what has the focus is named so, by its name in the form or by its words."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("[document.activeElement.name || '', document.activeElement.textContent.trim()]")
        if wanted in focused:
            return
    raise AssertionError(f"{wanted} cannot be reached with the Tab key")
