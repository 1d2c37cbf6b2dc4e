"""The employer's pages: what to do next, and sending a file."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting.background_checks import check_received
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.store.collecting.returns import submission_by_others
from tests.factories.employer_pages import RETURN, alpha, bring, sig, upload, words
from tests.factories.life import (
    clean_upload,
    send,
    tree_of,
    upload_of,
    wrong_upload,
)
from tests.factories.people import Browser, add_person

__all__ = ["alpha", "sig"]


def test_the_first_page_leads_with_what_to_do_next(sig: Browser, alpha: Platform) -> None:
    for path in ("/", "/returns", RETURN):
        page = sig.get(path)
        assert page.status_code == 200
        assert "Fill in your workbook and send it" in page.text
        assert "15 September 2024" in page.text
        assert "/api/v1/collections/2024/template.xlsx?organisation=ALPHA" in page.text
    assert Browser(alpha).get("/").text.count('class="next"') == 0


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("not_started", "Fill in your workbook and send it"),
        ("errors", "Correct 1 error"),
        ("queries", "Explain 1 query"),
        ("ready", "Sign off your return"),
        ("signed", "Nothing to do for now"),
        ("queried", "Answer the census team"),
        ("accepted", "Nothing more to do"),
        ("reopened", "Sign off your return"),
        ("declined", "has noted that you do not answer this census"),
    ],
)
def test_each_state_says_what_to_do(sig: Browser, alpha: Platform, steps: str, says: str) -> None:
    bring(alpha, steps)
    assert says in words(sig.get("/").text)
    assert says in words(sig.get(RETURN).text)


def test_an_editor_is_told_who_can_sign(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "ready")
    browser = Browser(alpha)
    browser.sign_in("ed")
    assert "A signatory of your organisation can do that: sig." in words(browser.get(RETURN).text)
    page = browser.get(f"{RETURN}/submissions/1/sign-off")
    assert "Only a signatory" in page.text
    assert "I declare this, and sign" not in page.text
    assert browser.post(f"{RETURN}/submissions/1/sign-off", role="Clerk").status_code == 403


def test_a_census_that_is_over_or_not_open_yet(sig: Browser) -> None:
    assert "This census closed on" in sig.get("/returns?year=2023").text
    page = sig.get("/collections/2023/returns/ALPHA").text
    assert "This census is closed" in page
    assert 'type="file"' not in page
    assert "Nothing to do yet" in sig.get("/collections/2025/returns/ALPHA").text
    assert sig.get("/returns?year=2019").status_code == 404
    assert sig.get("/returns?year=x").status_code == 422


def test_who_has_no_organisation_is_told_whom_to_ask(alpha: Platform) -> None:
    add_person(alpha, "new")
    browser = Browser(alpha)
    assert browser.get("/returns").headers["location"] == "/sign-in?next=/returns"
    browser.sign_in("new")
    assert "You have no role at an organisation yet" in browser.get("/returns").text
    assert browser.get(RETURN).status_code == 404


def test_a_file_is_sent_and_its_findings_are_shown(sig: Browser, alpha: Platform) -> None:
    sig.get(RETURN)
    answer = upload(sig, f"{RETURN}/submissions", wrong_upload(alpha).data, "Our return.json")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{RETURN}/submissions/1?said=received")
    page = sig.get(answer.headers["location"]).text
    assert "received as submission 1 and is kept" in words(page)
    assert "1 error, 0 queries and 0 notes" in words(page)
    assert "Our return.json" in page
    assert "12,5" in page


def test_the_button_pressed_twice_is_one_submission_and_a_corrected_file_another(sig: Browser, alpha: Platform) -> None:
    page = sig.get(RETURN).text
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found is not None
    first, second = (upload(sig, f"{RETURN}/submissions", wrong_upload(alpha).data, once=found[1]) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    third = upload(sig, f"{RETURN}/submissions", clean_upload(alpha).data, once=found[1])
    assert "/submissions/2?" in third.headers["location"]
    assert "/submissions/3?" in upload(sig, f"{RETURN}/submissions", clean_upload(alpha).data).headers["location"]


@pytest.mark.parametrize(
    ("data", "says", "status"),
    [
        (b"", "The file is empty", 422),
        (b"%PDF-1.4 not a workbook", "", 422),
        (b"{", "", 422),
    ],
)
def test_what_is_no_return_is_refused_on_the_page_with_the_form(
    sig: Browser, data: bytes, says: str, status: int
) -> None:
    sig.get(RETURN)
    answer = upload(sig, f"{RETURN}/submissions", data)
    assert answer.status_code == status
    assert "<title>Error: " in answer.text
    assert answer.text.index("There is a problem") < answer.text.index("<h1>")
    assert says in answer.text
    assert 'href="#file"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Submission 1" not in sig.get(RETURN).text


def test_no_file_chosen_and_a_form_that_is_not_ours(sig: Browser, alpha: Platform) -> None:
    sig.get(RETURN)
    answer = sig.client.post(
        f"{RETURN}/submissions", data={"form_token": sig.form_token}, files={"file": ("", b"", "application/x")}
    )
    assert "Choose the file that you want to send." in answer.text
    sig.form_token = "0" * 64
    assert upload(sig, f"{RETURN}/submissions", clean_upload(alpha).data).status_code == 403


def test_a_file_for_somebody_elses_return_is_as_if_there_were_none(sig: Browser, alpha: Platform) -> None:
    sig.get(RETURN)
    other, none = (
        upload(sig, f"/collections/2024/returns/{code}/submissions", clean_upload(alpha).data)
        for code in ("BETA", "NOBODY")
    )
    assert other.status_code == none.status_code == 404


def test_somebody_else_sent_a_file_meanwhile_and_both_are_kept(
    sig: Browser, alpha: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alpha, wrong_upload(alpha))
    sig.get(RETURN)

    def late(session: Any, year: int, key: Any, name: str, _seen: int) -> Any:
        return submission_by_others(session, year, key, name, 0)

    monkeypatch.setattr("census_api.store.collecting.returns.submission_by_others", late)
    answer = upload(sig, f"{RETURN}/submissions", clean_upload(alpha).data)
    assert answer.status_code == 409
    assert "Both are kept: theirs is submission 1, yours submission 2." in answer.text


def test_a_long_file_is_waited_for_on_a_page_that_comes_again_by_itself(alpha: Platform) -> None:
    platform = replace(alpha, settings=alpha.settings.model_copy(update={"long_file_bytes": 100}))
    browser = Browser(platform)
    browser.sign_in("sig")
    browser.get(RETURN)
    answer = upload(browser, f"{RETURN}/submissions", wrong_upload(alpha).data)
    waiting = answer.headers["location"]
    job = waiting.rsplit("/", 1)[1]
    assert waiting == f"{RETURN}/checks/{job}"
    page = browser.get(waiting).text
    assert '<meta http-equiv="refresh" content="3">' in page
    assert 'role="status"' in page
    assert "<progress" in page
    assert "is being checked" in browser.get(f"{RETURN}/submissions/1").text
    assert '<meta http-equiv="refresh"' in browser.get(RETURN).text
    assert "Wait a moment" in browser.get("/").text
    check_received(platform, uuid.UUID(job))
    assert browser.get(waiting).headers["location"] == f"{RETURN}/submissions/1?said=received"
    assert browser.get(f"/collections/2023/returns/ALPHA/checks/{job}").status_code == 404


def test_a_long_file_that_turns_out_to_be_no_return_says_why(alpha: Platform) -> None:
    platform = replace(alpha, settings=alpha.settings.model_copy(update={"long_file_bytes": 10}))
    browser = Browser(platform)
    browser.sign_in("sig")
    browser.get(RETURN)
    waiting = upload(browser, f"{RETURN}/submissions", b'{"organisation": [1, 2, 3]}').headers["location"]
    check_received(platform, uuid.UUID(waiting.rsplit("/", 1)[1]))
    page = browser.get(waiting).text
    assert "The file cannot be read as a return" in page
    assert "http-equiv" not in page


@pytest.fixture
def parent(alpha: Platform) -> Browser:
    load_organisations(alpha, SYSTEM, [Organisation("CHILD", "Child of Alpha", "voluntary", parent="ALPHA")])
    browser = Browser(alpha)
    browser.sign_in("sig")
    return browser


def test_a_parent_sends_files_for_all_of_its_organisations_on_one_page(parent: Browser, alpha: Platform) -> None:
    page = parent.get("/returns").text
    assert "Child of Alpha" in page
    assert "The one that is named in the file" in page
    assert "All your returns" not in parent.get("/").text
    named = upload(parent, "/returns/2024", clean_upload(alpha).data, organisation="")
    assert named.headers["location"] == f"{RETURN}/submissions/1?said=received"
    chosen = upload(parent, "/returns/2024", clean_upload(alpha).data, organisation="CHILD")
    assert chosen.headers["location"] == "/collections/2024/returns/CHILD/submissions/1?said=received"
    for code in ("BETA", "NOBODY"):
        refused = upload(parent, "/returns/2024", clean_upload(alpha).data, organisation=code)
        assert "Choose one of your organisations in the list." in refused.text
    tree = tree_of(alpha)
    tree["organisation"]["organisation_code"] = "BETA"
    refused = upload(parent, "/returns/2024", upload_of(tree).data, organisation="")
    assert "for an organisation that is not one of yours" in refused.text
    assert refused.status_code == 422
