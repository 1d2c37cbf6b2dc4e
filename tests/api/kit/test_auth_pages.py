"""The pages of signing in, as a browser without JavaScript goes through them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, demo_accounts
from census_api.services.people.one_time_links import invite_person
from census_api.settings import Settings
from tests.factories.actors import NOW
from tests.factories.people import PASSWORD, Browser, add_person
from tests.factories.sign_on import forging, settings_for

NEW = "three brown suitcases"


@pytest.fixture
def browser(platform: Platform) -> Browser:
    add_person(platform, "ann", at={"ALPHA": ["editor"]})
    return Browser(platform)


def cookies_set(answer: Any) -> dict[str, str]:
    return {cookie.split("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}


def test_signing_in_and_out(browser: Browser) -> None:
    answer = browser.sign_in("ann", next="/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    page = browser.get("/account")
    assert "ann@example.org" in page.text
    assert "<td>editor</td>" in page.text
    out = browser.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in?said=out")
    assert browser.get("/account").headers["location"] == "/sign-in?next=/account"
    assert "You have signed out" in browser.get("/sign-in?said=out").text


def test_the_cookie_is_for_this_host_over_https_and_for_no_script(browser: Browser) -> None:
    browser.get("/sign-in")
    cookie = cookies_set(browser.post("/sign-in", email="ann@example.org", password=PASSWORD))["__Host-census-session"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_the_demonstration_on_this_machine_has_a_plain_cookie(platform: Platform) -> None:
    add_person(platform, "ann")
    browser = Browser(platform, mode="demo")
    cookie = cookies_set(browser.sign_in("ann"))["census-session"]
    assert "secure" not in cookie.lower()
    assert "httponly" in cookie.lower()


def test_a_cookie_that_was_fixed_before_is_replaced(platform: Platform, browser: Browser) -> None:
    browser.client.cookies.set("__Host-census-session", "chosen-by-somebody-else", domain="127.0.0.1")
    assert browser.sign_in("ann").status_code == 303
    assert browser.client.cookies["__Host-census-session"] != "chosen-by-somebody-else"
    fresh = Browser(platform)
    fresh.client.cookies.set("__Host-census-session", "chosen-by-somebody-else", domain="127.0.0.1")
    assert fresh.get("/account").status_code == 303


def test_who_is_disabled_is_out_with_the_next_request(platform: Platform, browser: Browser) -> None:
    browser.sign_in("ann")
    assert browser.get("/account").status_code == 200
    accounts.disable_account(platform, SYSTEM, accounts.get_account(platform, SYSTEM, "ann@example.org").id)
    assert browser.get("/account").status_code == 303
    assert browser.client.get("/api/v1/me").status_code == 401


def test_a_wrong_password_says_so_first_and_keeps_nothing(browser: Browser) -> None:
    answer = browser.sign_in("ann", password="mistyped once more")
    assert answer.status_code == 401
    assert "<title>Error: Sign in" in answer.text
    assert answer.text.index("There is a problem") < answer.text.index("<h1>")
    assert "mistyped" not in answer.text
    assert "census-session" not in str(answer.headers)


def test_twenty_wrong_passwords_are_too_many(browser: Browser) -> None:
    statuses = [browser.sign_in("ann", password="mistyped once more").status_code for _ in range(20)]
    assert statuses == [401] * 10 + [429] * 10
    answer = browser.sign_in("ann")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 901


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-in/code", "/sign-out", "/forgotten", "/account/password", "/account/second-step",
             "/account/second-step/off", "/accept/x", "/new-password/x"],
)  # fmt: skip
def test_no_form_is_taken_that_a_page_of_ours_did_not_make(browser: Browser, path: str) -> None:
    browser.sign_in("ann")
    before = browser.client.cookies["__Host-census-session"]
    for token in ("", "0" * 64, "é"):
        answer = browser.client.post(path, data={"form_token": token, "email": "ann@example.org", "password": PASSWORD})
        assert answer.status_code == 403
        assert "did not come from a page of the census" in answer.text
    assert browser.client.post(path, json={"email": "x"}).status_code == 415
    assert browser.client.post(path, data={"form_token": ["a", "b"]}).status_code == 422
    assert browser.client.cookies["__Host-census-session"] == before
    assert browser.get("/account").status_code == 200


def test_a_page_of_another_site_changes_nothing(browser: Browser) -> None:
    browser.sign_in("ann")
    browser.see_form()
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = browser.client.post("/sign-out", data={"form_token": browser.form_token}, headers=headers)
        assert answer.status_code == 403
    assert browser.get("/account").status_code == 200


def test_another_browsers_form_token_is_worth_nothing(platform: Platform, browser: Browser) -> None:
    other = Browser(platform)
    other.get("/sign-in")
    browser.get("/sign-in")
    browser.form_token = other.form_token
    assert browser.post("/sign-in", email="ann@example.org", password=PASSWORD).status_code == 403


@pytest.mark.parametrize(
    "next_page", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", "javascript:x", "/%0d"]
)
def test_signing_in_leads_nowhere_else(browser: Browser, next_page: str) -> None:
    location = browser.sign_in("ann", next=next_page).headers["location"]
    assert location in ("/", "/%0d")
    assert browser.get("/sign-in", params={"next": next_page}).headers["location"] in ("/", "/%0d")


def test_an_invitation_is_accepted(platform: Platform, browser: Browser) -> None:
    ben = accounts.invite_member(platform, SYSTEM, "ALPHA", "ben@example.org", "Ben <b>", "editor")
    link = invite_person(platform, SYSTEM, ben.id, organisation="ALPHA")
    assert link is not None
    page = browser.get(link.path)
    assert "Welcome, Ben &lt;b&gt;." in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    wrong = browser.post(link.path, new_password=NEW, new_password_again="something else")
    assert (wrong.status_code, "not the same" in wrong.text) == (422, True)
    short = browser.post(link.path, new_password="short", new_password_again="short")
    assert (short.status_code, "too short" in short.text) == (422, True)
    done = browser.post(link.path, new_password=NEW, new_password_again=NEW)
    assert done.headers["location"] == "/sign-in?said=set"
    assert browser.sign_in("ben", NEW).status_code == 303
    again = Browser(platform).get(link.path)
    assert (again.status_code, "used before or has run out" in again.text) == (404, True)


def test_asking_for_a_new_password_says_the_same_to_everybody(platform: Platform, browser: Browser) -> None:
    answers = []
    for email in ("ann@example.org", "nobody@example.org", "not an address"):
        browser.get("/forgotten")
        answer = browser.post("/forgotten", email=email)
        answers.append((answer.status_code, re.sub(r"[0-9a-f]{32,}", "", answer.text)))
    assert answers[0][0] == 200
    assert answers[0] == answers[1] == answers[2]
    with platform.database.transaction() as session:
        assert session.scalars(text("SELECT recipient FROM mail")).all() == ["ann@example.org"]


def test_the_second_step_is_set_up_used_and_switched_off(platform: Platform, browser: Browser) -> None:
    browser.sign_in("ann")
    page = browser.get("/account/second-step")
    key = re.search(r'name="key" value="([A-Z2-7]{32})"', page.text)
    assert key is not None
    totp = pyotp.TOTP(key.group(1))
    wrong = browser.post("/account/second-step", key=key.group(1), code="000000", password=PASSWORD)
    assert (wrong.status_code, key.group(1) in wrong.text) == (422, True)
    done = browser.post("/account/second-step", key=key.group(1), code=totp.at(NOW), password=PASSWORD)
    codes = re.findall(r"<code>([0-9a-f]{10}-[0-9a-f]{10})</code>", done.text)
    assert len(codes) == 10

    fresh = Browser(platform)
    half = fresh.sign_in("ann")
    assert half.headers["location"] == "/sign-in/code"
    assert fresh.get("/account").status_code == 303
    assert fresh.client.get("/api/v1/me").status_code == 401
    fresh.get("/sign-in/code")
    assert fresh.post("/sign-in/code", code="000000").status_code == 401
    before = fresh.client.cookies["__Host-census-session"]
    assert fresh.post("/sign-in/code", code=codes[0]).headers["location"] == "/"
    assert fresh.client.cookies["__Host-census-session"] != before
    assert fresh.get("/account").status_code == 200
    assert fresh.post("/account/second-step/off", off_password="not the password").status_code == 422
    assert fresh.post("/account/second-step/off", off_password=PASSWORD).status_code == 303
    assert Browser(platform).sign_in("ann").headers["location"] == "/"


def test_changing_the_password_ends_every_session(platform: Platform, browser: Browser) -> None:
    other = Browser(platform)
    other.sign_in("ann")
    browser.sign_in("ann")
    browser.see_form()
    fields = {"new_password": NEW, "new_password_again": NEW}
    assert browser.post("/account/password", password="not the password", **fields).status_code == 422
    assert browser.post("/account/password", password=PASSWORD, **fields).headers["location"] == "/sign-in?said=set"
    assert browser.get("/account").status_code == other.get("/account").status_code == 303
    assert browser.sign_in("ann", NEW).status_code == 303


def test_the_way_over_a_provider(platform: Platform, tmp_path: Path) -> None:
    with forging() as forger:
        browser = Browser(platform, **settings_for(forger.issuer, tmp_path))
        assert "Sign in with the test&#39;s provider" in browser.get("/sign-in").text
        out = browser.get("/sign-in/provider?next=/account")
        assert out.status_code == 303
        assert out.headers["location"].startswith(f"{forger.issuer}/authorize?")
        back = forger.authorize(out.headers["location"])
        assert forger.asked["redirect_uri"] == ["https://127.0.0.1/sign-in/callback"]
        stranger = Browser(platform, **settings_for(forger.issuer, tmp_path)).get(back)
        assert (stranger.status_code, "not begun in this browser" in stranger.text) == (401, True)
        assert browser.get(back).headers["location"] == "/account"
        assert "census team" in browser.get("/account").text
        assert browser.get(back).status_code == 401


def test_pages_are_kept_by_no_cache_and_load_nothing_from_elsewhere(browser: Browser) -> None:
    browser.sign_in("ann")
    for path in ("/", "/account", "/account/second-step", "/forgotten"):
        page = browser.get(path)
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "form-action 'self'" in policy
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert not re.search(r'(src|href)="https?:', page.text)


def test_what_goes_wrong_on_a_page_is_a_page_and_on_the_api_a_problem(browser: Browser) -> None:
    missing = browser.get("/nothing-here")
    assert (missing.status_code, "<h1>There is nothing here</h1>" in missing.text) == (404, True)
    assert browser.client.get("/api/v1/nothing").headers["content-type"] == "application/problem+json"
    plain = browser.client.get("/account", headers={"accept": "application/json"})
    assert (plain.status_code, plain.json()["code"]) == (401, "sign_in_required")


def test_accounts_of_the_demonstration_are_shown_in_the_demonstration_only(platform: Platform) -> None:
    demo = replace(platform, settings=Settings(mode="demo"))
    demo_accounts.ensure_accounts(demo)
    demo_accounts.ensure_accounts(demo)
    browser = Browser(demo)
    page = browser.get("/sign-in").text
    for account in demo_accounts.DEMO_ACCOUNTS:
        assert account.name in page
        assert account.token in page
    assert browser.post("/sign-in", email="team@demo.example", password=demo_accounts.PASSWORD).status_code == 303
    token = {"Authorization": f"Bearer {demo_accounts.DEMO_ACCOUNTS[2].token}"}
    assert browser.client.get("/api/v1/me", headers=token).json()["roles"] == ["census_team"]

    real = Browser(platform)
    assert "demo.example" not in real.get("/sign-in").text
    assert real.post("/sign-in", email="team@demo.example", password=demo_accounts.PASSWORD).status_code == 401
    assert real.client.get("/api/v1/me", headers=token).status_code == 401
