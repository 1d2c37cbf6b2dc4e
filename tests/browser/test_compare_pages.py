"""The page of comparisons in a real browser: read, asked with the keyboard, and looked at on two widths."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Accessible, LookedAt, Visitor
from tests.factories.site import Site
from tests.factories.two_years import freeze_two_years

pytestmark = pytest.mark.needs("chromium")

VIEWS = {
    "compare": "/compare",
    "compare-country": "/compare?from=2023&to=2024&measure=wte",
    "compare-sector": "/compare?from=2023&to=2024&measure=wte&by=sector",
    "compare-cell": "/compare?from=2023&to=2024&measure=wte&by=sector,role_group&cell=voluntary%7Cnursing",
    "compare-rate": "/compare?from=2023&to=2024&measure=vacancy_rate&by=role_group",
    "compare-people": "/compare?from=2023&to=2024&measure=paid_headcount&by=age&by=region",
    "compare-wrong": "/compare?from=2023&to=2024&by=age&by=gender",
}


@pytest.fixture(scope="module")
def site(site: Site) -> Site:
    """With the censuses of 2023 and 2024 frozen."""
    freeze_two_years(site.platform)
    return site


@pytest.mark.parametrize("name", VIEWS)
def test_pages_are_accessible_and_fit_both_widths(
    visitor: Visitor, accessible: Accessible, looked_at: LookedAt, name: str
) -> None:
    page = visitor("anna", VIEWS[name])
    accessible(page)
    looked_at(page, name)


def test_a_comparison_is_asked_by_keyboard_and_its_file_fetched(visitor: Visitor) -> None:
    page = visitor("anna", "/compare", javascript=False)
    page.get_by_label("Broken down by").select_option("sector")
    page.get_by_role("button", name="Compare").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="By sector").wait_for()
    assert "from 2023 to 2024" in str(page.get_by_role("img").locator("title").text_content())
    page.get_by_role("link", name="NHS").first.click()
    page.get_by_role("heading", name="Whole-time equivalents, NHS").wait_for()
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename == "comparison-2023.1-2024.1-wte.csv"
