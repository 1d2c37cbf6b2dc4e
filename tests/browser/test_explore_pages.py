"""The analyst's pages in a real browser: read, asked with the keyboard, and looked at on two widths."""

from __future__ import annotations

import pytest

from census_api.domain.kit.access import SYSTEM
from tests.browser.conftest import Accessible, LookedAt, Visitor
from tests.factories.populations import random_breakdowns, random_lines, random_staff
from tests.factories.site import Site
from tests.factories.snapshots import make_snapshot

pytestmark = pytest.mark.needs("chromium")

VIEWS = {
    "explore": "/explore",
    "explore-sector": "/explore/2024?by=sector&measure=wte",
    "explore-rate": "/explore/2024?by=role_group,region&measure=vacancy_rate&sector=voluntary",
    "explore-roles": "/explore/2024?by=role&measure=headcount",
    "explore-stability": "/explore/2024?by=sector&measure=stability",
    "explore-people": "/explore/2024?by=age&by=sector",
    "explore-total": "/explore/2024?measure=wte,regulated_ratio",
    "explore-wrong": "/explore/2024?by=age&by=gender",
}


@pytest.fixture(scope="module")
def site(site: Site) -> Site:
    """With the censuses of 2023 and 2024 frozen."""
    for year, seed in ((2023, 2), (2024, 1)):
        lines = random_lines(seed, 30)
        with site.platform.database.transaction(SYSTEM) as session:
            make_snapshot(
                session, year, lines=lines, staff=random_staff(seed, lines), breakdowns=random_breakdowns(seed, lines)
            )  # fmt: skip
    return site


@pytest.mark.parametrize("name", VIEWS)
def test_pages_are_accessible_and_fit_both_widths(
    visitor: Visitor, accessible: Accessible, looked_at: LookedAt, name: str
) -> None:
    page = visitor("anna", VIEWS[name])
    accessible(page)
    looked_at(page, name)


def test_a_question_is_asked_by_keyboard_and_its_file_fetched(visitor: Visitor) -> None:
    page = visitor("anna", "/explore", javascript=False)
    page.get_by_role("link", name="2024").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Measure").select_option("paid_headcount")
    page.get_by_label("Broken down by").select_option("service_type")
    page.get_by_label("Broken down by").press("Tab")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Paid headcount").wait_for()
    assert "Paid headcount by service type" in str(page.get_by_role("img").locator("title").text_content())
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename == "census-2024.1-service_type.csv"
