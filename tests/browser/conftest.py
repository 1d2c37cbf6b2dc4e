"""A real browser before a real server: pages as people see them.

`site` is shared by the tests of a module (a test that changes a return takes an employer of its own with
`site.add_employer`); `browser` is Chromium for the whole run; `visitor` opens a page as somebody, in a context of its
own. `looked_at` writes a page's screenshots at both widths, `pictured` a picture for docs/, and `accessible` holds a page
against the rules of axe.
Screenshots go to the folder that CENSUS_SCREENSHOTS names, or a temporary one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, expect, sync_playwright

from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.intake.sandbox import Sandbox
from tests.conftest import TOOLS, MakeTemplate, copied_database
from tests.factories.people import PASSWORD
from tests.factories.site import Site, populate_site, serve_site
from tests.patience import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)

SITE = "census_site"

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 320, "height": 640}
# the platform refuses to start with a setting that it does not know
_SCREENSHOTS = os.environ.pop("CENSUS_SCREENSHOTS", None)

_SESSIONS: dict[tuple[str, str], StorageState] = {}

Visitor = Callable[..., Page]
LookedAt = Callable[[Page, str], None]
Pictured = Callable[[Page, str], Path]
Accessible = Callable[[Page], None]


@pytest.fixture(scope="session")
def people_of_site(make_template: MakeTemplate, migrated_template: str, sandbox: Sandbox) -> dict[str, str]:
    """The accounts of the site, which is made as a database once a run."""
    people: dict[str, str] = make_template(SITE, lambda url: populate_site(url, sandbox), of=migrated_template)
    return people


@pytest.fixture(scope="module")
def site(postgres_server: RunningPostgres, people_of_site: dict[str, str], sandbox: Sandbox) -> Iterator[Site]:
    """A served platform with returns in several states: see tests/factories/site.py."""
    with (
        copied_database(postgres_server, SITE) as url,
        serve_site(url, sandbox, people_of_site) as site,
    ):
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    program = next(found for name in TOOLS["chromium"] if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    """Opens a page for somebody: `visitor("sig-alpha", "/returns")`, or for nobody with None.

    `javascript=False` switches it off; `viewport` is WIDE unless told. Errors on the page's console fail the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(name: str | None, path: str = "/", *, javascript: bool = True, viewport: ViewportSize = WIDE) -> Page:
        context = browser.new_context(
            base_url=site.address,
            java_script_enabled=javascript,
            viewport=viewport,
            storage_state=_signed_in(browser, site, name),
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _complain(complaints, message.text))
        # without anybody who listens, a dialog is dismissed
        context.on("dialog", lambda dialog: dialog.dismiss())
        context.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that screenshots go to."""
    folder = Path(_SCREENSHOTS) if _SCREENSHOTS else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def pictured(screenshots: Path) -> Pictured:
    """Writes NAME.png of what the window shows, as a picture for docs/, and says where it is."""

    def write(page: Page, name: str) -> Path:
        path = screenshots / f"{name}.png"
        page.screenshot(path=path)
        return path

    return write


@pytest.fixture
def looked_at(screenshots: Path) -> LookedAt:
    """Writes NAME-1280.png and NAME-320.png of the page as it is; the page must not scroll sideways at either."""

    def write(page: Page, name: str) -> None:
        before = page.viewport_size
        for viewport in (WIDE, NARROW):
            page.set_viewport_size(viewport)
            page.screenshot(path=screenshots / f"{name}-{viewport['width']}.png", full_page=True)
            assert scrolls_sideways(page) == [], f"{name} at {viewport['width']}"
        page.set_viewport_size(before or WIDE)

    return write


@pytest.fixture
def accessible() -> Accessible:
    """Holds a page against all rules of axe: no violation. The page needs JavaScript on."""
    axe = Axe()

    def check(page: Page) -> None:
        results = axe.run(page)
        assert results.violations_count == 0, results.generate_report()

    return check


def _signed_in(browser: Browser, site: Site, name: str | None) -> StorageState | None:
    """The cookies of somebody who has signed in, once for all pages of a site."""
    if name is None:
        return None
    if (site.address, name) not in _SESSIONS:
        with browser.new_context(base_url=site.address) as context:
            page = context.new_page()
            sign_in(page, name)
            _SESSIONS[site.address, name] = context.storage_state()
    return _SESSIONS[site.address, name]


def sign_in(page: Page, name: str) -> None:
    """Through the form, as people do."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form.form button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def scrolls_sideways(page: Page) -> list[str]:
    """What sticks out of the page on the right; empty without JavaScript, where nothing can be asked."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= window.innerWidth ? []
        : [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
          .slice(0, 5).map(e => e.tagName + '.' + e.className + ' ' + (e.textContent || '').trim().slice(0, 60))"""
    )
    return found


def _complain(complaints: list[str], text: str) -> None:
    # a page that is refused on purpose is no fault of the page
    if "Content Security Policy" in text or "Uncaught" in text:
        complaints.append(text)
