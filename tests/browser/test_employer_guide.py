"""The pictures of docs/for-employers.md, made on the way that it describes, and small enough to be kept.

CENSUS_SCREENSHOTS=docs/images .venv/bin/python -m pytest tests/browser/test_employer_guide.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.access import SYSTEM
from census_api.questionnaire.templates.workbook import build_template
from census_api.services.collecting.submit import submit_return
from tests.browser.conftest import Pictured, Visitor
from tests.factories.filling_in import fill_in
from tests.factories.site import YEAR, Site, tree_for

pytestmark = pytest.mark.needs("chromium")

GUIDE = Path(__file__).parents[2] / "docs" / "for-employers.md"
LAPTOP: ViewportSize = {"width": 1000, "height": 700}
LARGEST = 150_000


def test_the_pictures_of_the_guide(visitor: Visitor, site: Site, pictured: Pictured) -> None:
    name = site.add_employer("GUIDE", "Guide Recovery Services")
    made: list[Path] = []

    def picture(page: Page, step: str, at: str | None = None) -> None:
        if at is not None:
            page.locator(at).first.evaluate("element => element.scrollIntoView()")
        made.append(pictured(page, f"employer-{step}"))

    page = visitor(name, "/returns", viewport=LAPTOP)
    picture(page, "start")
    page.get_by_role("link", name="Send your file").click()
    picture(page, "send", "#send")
    tree = tree_for(site.platform, "GUIDE", paid_wte="8,4")
    tree["staff"][1]["paid_wte"] = "3.3"
    send_workbook(site, tree)
    page.goto(f"/collections/{YEAR}/returns/GUIDE/submissions/1")
    picture(page, "submission")
    picture(page, "findings", "#findings")
    tree["staff"][0]["paid_wte"] = "8.4"
    send_workbook(site, tree)
    page.goto(f"/collections/{YEAR}/returns/GUIDE/submissions/2")
    page.get_by_role("link", name="Explain them one after another").click()
    picture(page, "explain", "h2")
    page.get_by_label("Why is it right?").select_option("staffing_change")
    page.get_by_label("Explain it in a sentence").fill("One nurse works nights on top of a full-time post.")
    page.get_by_role("button", name="Save the explanation").click()
    page.get_by_role("link", name="Sign off submission 2").click()
    picture(page, "sign-off")
    page.get_by_label("Your role at the organisation").fill("HR officer")
    page.get_by_role("button", name="I declare this").click()
    page.wait_for_url("**/receipts/*")
    picture(page, "receipt")

    assert [picture.name for picture in made if picture.stat().st_size > LARGEST] == []
    shown = re.findall(r"\(images/(employer-[a-z-]+\.png)\)", GUIDE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(picture.name for picture in made)
    assert all((GUIDE.parent / "images" / name).stat().st_size <= LARGEST for name in shown)


def send_workbook(site: Site, tree: dict[str, Any]) -> None:
    spec = site.platform.spec(YEAR)
    upload = Upload(fill_in(build_template(spec), spec, tree), "census-2024.xlsx", None)
    submit_return(site.platform, SYSTEM, YEAR, "GUIDE", upload)
