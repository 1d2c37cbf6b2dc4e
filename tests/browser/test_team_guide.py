"""The pictures of docs/for-the-census-team.md and docs/for-the-public.md, small enough to be kept.

CENSUS_SCREENSHOTS=docs/images .venv/bin/python -m pytest tests/browser/test_team_guide.py
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize

from census_api.domain.kit.access import SYSTEM
from census_api.services.collecting.life import accept_return
from census_api.services.collecting.sign_off import sign_off
from census_api.services.snapshots.revisions import freeze_collection
from tests.browser.conftest import Pictured, Visitor
from tests.factories.actors import NOW
from tests.factories.site import YEAR, Site, send, tree_for

pytestmark = pytest.mark.needs("chromium")

DOCS = Path(__file__).parents[2] / "docs"
LAPTOP: ViewportSize = {"width": 1000, "height": 700}
LARGEST = 150_000
ROLE = "Director of Workforce"


def take(site: Site, code: str, year: int, days_ago: int = 0) -> None:
    """The clean return of an organisation, sent and signed some days ago."""
    earlier = replace(site.platform, clock=lambda: NOW - dt.timedelta(days=days_ago))
    send(earlier, code, tree_for(earlier, code, year=year))
    sign_off(earlier, SYSTEM, year, code, 1, role=ROLE)


def test_the_pictures_of_the_guides(visitor: Visitor, site: Site, pictured: Pictured) -> None:
    for code in ("CHARLIE", "FOXTROT"):
        take(site, code, YEAR - 1)
        accept_return(site.platform, SYSTEM, YEAR - 1, code)
    for days, code in ((11, "GROUP"), (8, "GROUP-WEST"), (4, "ALPHA")):
        take(site, code, YEAR, days)
    freeze_collection(site.platform, SYSTEM, YEAR)
    made: list[Path] = []
    page = visitor("tess", "/team", viewport=LAPTOP)
    made.append(pictured(page, "team-home"))
    page.goto(f"/team/{YEAR}")
    page.locator("#days").evaluate("element => element.scrollIntoView()")
    made.append(pictured(page, "team-response"))
    page.goto(f"/team/{YEAR}/returns/DELTA")
    made.append(pictured(page, "team-review"))
    page.goto(f"/team/{YEAR}/snapshots")
    made.append(pictured(page, "team-snapshots"))
    page = visitor(None, "/check", viewport=LAPTOP)
    made.append(pictured(page, "public-check"))
    tree = tree_for(site.platform, "ALPHA", paid_wte="12,5", leavers="three")
    page.get_by_label("Which census is the file for?").select_option(str(YEAR))
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "return.json", "mimeType": "application/json", "buffer": json.dumps(tree).encode()}
    )
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("heading", name="Result of the check").wait_for()
    made.append(pictured(page, "public-checked"))

    assert [picture.name for picture in made if picture.stat().st_size > LARGEST] == []
    guides = "".join(
        (DOCS / name).read_text(encoding="utf-8") for name in ("for-the-census-team.md", "for-the-public.md")
    )
    shown = re.findall(r"\(images/([a-z-]+\.png)\)", guides)
    assert sorted(shown) == sorted(picture.name for picture in made)
    assert all((DOCS / "images" / name).stat().st_size <= LARGEST for name in shown)
