"""The pictures of docs/for-analysts.md, of the demonstration's years, small enough to be kept.

CENSUS_SCREENSHOTS=docs/images .venv/bin/python -m pytest tests/browser/test_analyst_guide.py
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import Pictured, Visitor
from tests.factories.compared import freeze_demonstration
from tests.factories.site import Site

pytestmark = pytest.mark.needs("chromium")

DOCS = Path(__file__).parents[2] / "docs"
LAPTOP: ViewportSize = {"width": 1000, "height": 700}
TALL: ViewportSize = {"width": 1000, "height": 1150}
LARGEST = 150_000


def test_the_pictures_of_the_guide(visitor: Visitor, site: Site, pictured: Pictured) -> None:
    freeze_demonstration(site.platform, (2022, 2023))
    made: list[Path] = []
    page = visitor("anna", "/explore/2023?by=sector&measure=wte", viewport=LAPTOP)
    page.get_by_role("img").first.evaluate("element => element.scrollIntoView()")
    made.append(pictured(page, "analyst-explore"))
    page = visitor("anna", "/compare?from=2022&to=2023&measure=wte", viewport=TALL)
    assert page.get_by_text("The two years must not be compared here.").is_visible()
    made.append(pictured(page, "analyst-blocked"))

    assert [picture.name for picture in made if picture.stat().st_size > LARGEST] == []
    shown = re.findall(r"\(images/([a-z-]+\.png)\)", (DOCS / "for-analysts.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(picture.name for picture in made)
    assert all((DOCS / "images" / name).stat().st_size <= LARGEST for name in shown)
