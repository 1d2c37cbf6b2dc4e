"""The whole way of one return by somebody who has never seen the platform: with a mouse, with the keyboard alone, and
without JavaScript. Download the prefilled workbook, send it with mistakes, correct, explain, sign, have a receipt."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, Visitor, sign_in
from tests.factories.filling_in import fill_in
from tests.factories.site import YEAR, Site, tree_for

pytestmark = pytest.mark.needs("chromium")

Press = Callable[[Page, Locator], None]
Type = Callable[[Page, Locator, str], None]
BECAUSE = "One nurse works a night shift on top of a full-time post."


def click(_: Page, target: Locator) -> None:
    target.click()


def fill(_: Page, target: Locator, text: str) -> None:
    target.fill(text)


def tab_to(page: Page, target: Locator) -> None:
    """Goes on with the Tab key until the element has the focus, which must be seen there."""
    for _ in range(150):
        if target.evaluate("element => element === document.activeElement"):
            outline = target.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not lead to {target}")


def press_enter(page: Page, target: Locator) -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


def type_keys(page: Page, target: Locator, text: str) -> None:
    tab_to(page, target)
    page.keyboard.type(text)


def travel(page: Page, site: Site, code: str, tmp_path: Path, press: Press, write: Type) -> None:
    """From the first page to the receipt. `press` and `write` are the hands."""
    spec, tree = site.platform.spec(YEAR), tree_for(site.platform, code)
    with page.expect_download() as downloading:
        press(page, page.get_by_role("link", name="Download your workbook"))
    downloading.value.save_as(tmp_path / "prefilled.xlsx")
    wrong = copy.deepcopy(tree)
    wrong["staff"][0]["paid_wte"] = "8,4"
    wrong["staff"][1]["paid_wte"] = "3.3"
    file = filled(tmp_path, "return.xlsx", spec, wrong)

    press(page, page.get_by_role("link", name="Send your file"))
    page.wait_for_url("**/returns/*")
    choose(page, file, press)
    page.wait_for_url("**/submissions/1?said=received*")
    expect(page.get_by_role("status").first).to_contain_text("received as submission 1")
    expect(page.locator("main")).to_contain_text("1 error, 1 query and 0 notes")
    expect(page.locator(".findings")).to_contain_text("Staff, cell E2")
    expect(page.locator(".findings")).to_contain_text("8,4")

    press(page, page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link").nth(1))
    wrong["staff"][0]["paid_wte"] = "8.4"
    choose(page, filled(tmp_path, "return-corrected.xlsx", spec, wrong), press)
    page.wait_for_url("**/submissions/2?said=received*")
    expect(page.locator(".next")).to_contain_text("Explain 1 query")

    press(page, page.get_by_role("link", name="Explain them one after another"))
    reason = page.get_by_label("Why is it right?")
    if press is click:
        reason.select_option("staffing_change")
    else:
        tab_to(page, reason)
        page.keyboard.type("Recruit")
    write(page, page.get_by_label("Explain it in a sentence"), BECAUSE)
    press(page, page.get_by_role("button", name="Save the explanation"))
    expect(page.get_by_role("status").first).to_contain_text("Your explanation was saved.")
    expect(page.locator(".findings")).to_contain_text(BECAUSE)

    press(page, page.get_by_role("link", name="Sign off submission 2"))
    expect(page.locator("main")).to_contain_text("Nothing stands in the way.")
    write(page, page.get_by_label("Your role at the organisation"), "HR officer")
    press(page, page.get_by_role("button", name="I declare this"))
    page.wait_for_url("**/receipts/*")
    expect(page.get_by_role("status").first).to_contain_text("The return is signed off.")
    expect(page.locator("main")).to_contain_text("HR officer")
    press(page, page.get_by_role("link", name="The return", exact=True))
    expect(page.locator("h1 + p")).to_contain_text("Signed off")


def choose(page: Page, file: Path, press: Press) -> None:
    """Chooses a file and sends it. Which file is chosen in a window of the browser's own."""
    field = page.get_by_label("Your workbook")
    if press is not click:
        tab_to(page, field)
    field.set_input_files(file)
    press(page, page.get_by_role("button", name="Send the file"))


def filled(folder: Path, name: str, spec: Any, tree: dict[str, Any]) -> Path:
    path = folder / name
    path.write_bytes(fill_in((folder / "prefilled.xlsx").read_bytes(), spec, tree))
    return path


def test_with_a_mouse(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    name = site.add_employer("MOUSE")
    travel(visitor(name, "/"), site, "MOUSE", tmp_path, click, fill)


def test_without_javascript_on_a_small_screen(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    name = site.add_employer("PLAIN")
    travel(visitor(name, "/", javascript=False, viewport=NARROW), site, "PLAIN", tmp_path, click, fill)


def test_with_the_keyboard_alone(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    name = site.add_employer("KEYS")
    page = visitor(None, "/sign-in")
    sign_in(page, name)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    travel(page, site, "KEYS", tmp_path, press_enter, type_keys)


def test_a_value_is_corrected_right_there_without_javascript(visitor: Visitor, site: Site) -> None:
    name = site.add_employer("RIGHT")
    from tests.factories.site import send

    send(site.platform, "RIGHT", tree_for(site.platform, "RIGHT", paid_wte="8,4"))
    page = visitor(name, "/", javascript=False)
    page.get_by_role("link", name="See what to correct").click()
    page.get_by_text("Correct it here").click()
    page.get_by_label("Right value for").fill("8.4")
    page.get_by_role("button", name="Save as a new submission").click()
    expect(page.get_by_role("status").first).to_contain_text("saved as a new submission, number 2")
    expect(page.locator(".next")).to_contain_text("Sign off your return")
