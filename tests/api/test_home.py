"""The landing page: what is here, and nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx

from census_api.app import create_app
from census_api.services.kit.platform import Platform
from census_api.services.people import demo_accounts
from census_api.settings import Settings
from tests.api.serving import served
from tests.factories.people import Browser


def test_the_page_names_the_collections_and_every_link_on_it_works(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Demonstration" not in page.text
    assert '<span class="tag open">Open</span>' in page.text
    assert "3 July 2024 to 15 September 2024" in page.text
    links = set(re.findall(r'(?:href|src)="([^"#]+)"', page.text))
    assert len(links) > 8
    for link in links:
        assert link.startswith("/"), "nothing may be loaded from elsewhere"
        assert client.get(link, follow_redirects=True).status_code == 200, link


def test_style_sheets_may_be_kept_for_ever_because_their_address_holds_their_hash(client: httpx.Client) -> None:
    found = re.search(r'href="(/static/census\.[0-9a-f]{12}\.css)"', client.get("/").text)
    assert found
    answer = client.get(found[1])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


def test_a_demonstration_says_that_it_is_one_and_shows_its_returns_to_who_has_signed_in(platform: Platform) -> None:
    demonstration = replace(platform, settings=Settings(mode="demo"))
    demo_accounts.ensure_accounts(demonstration)
    browser = Browser(demonstration)
    page = browser.get("/").text
    assert "Every organisation and every figure here is invented." in page
    assert "Sign in with an account of the" in page
    assert "/returns/" not in page
    browser.get("/sign-in")
    browser.post("/sign-in", email="team@demo.example", password=demo_accounts.PASSWORD)
    assert "/returns/DEMO-ERRORS/submissions/1/annotated.xlsx" in browser.get("/").text


def test_the_page_works_before_anything_is_set_up(platform: Platform) -> None:
    from sqlalchemy import text

    with platform.database.transaction() as session:
        session.execute(text("DELETE FROM frame_line"))
        session.execute(text("DELETE FROM collection"))
    with served(create_app(platform)) as address:
        assert "No collection has been set up yet." in httpx.get(address).text
