"""The employer's pages: findings, explained and corrected where they stand; hostile text."""

from __future__ import annotations

import json
import re

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting import sign_off, submissions
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from tests.factories.actors import EDITOR, TEAM
from tests.factories.employer_pages import BAD, RETURN, alpha, bring, finding_keys, sig, upload, words
from tests.factories.life import (
    YEAR,
    asking_upload,
    clean_upload,
    send,
    tree_of,
    upload_of,
)
from tests.factories.people import Browser, add_person

__all__ = ["alpha", "sig"]


def test_findings_are_grouped_filtered_and_paged(sig: Browser, alpha: Platform) -> None:
    tree = tree_of(alpha, paid_wte="9.5")
    row = tree["staff"][0]
    tree["staff"] += [row | {"role_code": f"ROLE{index}", "paid_wte": "12,5", "leavers": -1} for index in range(1750)]
    send(alpha, upload_of(tree))
    page = sig.get(f"{RETURN}/submissions/1")
    report = submissions.get_report(alpha, EDITOR, YEAR, "ALPHA", 1)
    assert len(report.findings) > 5000
    assert len(page.content) < 200_000
    assert f"{len(report.findings):,}" in page.text
    assert len(finding_keys(page.text)) == 50
    seen, address = set(finding_keys(page.text)), page
    following = re.search(r'rel="next" href="([^"]+)"', address.text)
    assert following
    second = sig.get(following[1].replace("&amp;", "&"))
    assert not seen & set(finding_keys(second.text))
    some = sig.get(f"{RETURN}/submissions/1", params={"severity": "query", "sheet": "Staff"}).text
    assert set(re.findall(r'<th scope="row"><span class="tag (\w+)">', some.split('id="findings"')[1])) == {"warn"}
    assert "of 5," in words(page.text)
    for wrong in ("?severity=bad", "?sheet=None", "?rule=X", "?cursor=x"):
        assert sig.get(f"{RETURN}/submissions/1{wrong}").status_code == 422


def test_the_findings_table_has_a_caption_and_scopes(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "errors")
    table = sig.get(f"{RETURN}/submissions/1").text.split('<table class="stacked findings">')[1].split("</table>")[0]
    assert "<caption>Staff</caption>" in table
    assert table.count('<th scope="col">') == 4
    assert table.count('<th scope="row">') == 1


def test_a_query_is_explained_on_its_page_and_then_the_next(sig: Browser, alpha: Platform) -> None:
    tree = tree_of(alpha, paid_wte="9.5")
    tree["staff"][1]["paid_wte"] = "3.3"
    send(alpha, upload_of(tree))
    first, second = finding_keys(sig.get(f"{RETURN}/submissions/1").text)
    at = f"{RETURN}/submissions/1/findings/{first}"
    page = sig.get(at).text
    assert "Usually no more WTE than people" in page
    wrong = sig.post(f"{at}/explanation", reason="", text="short")
    assert wrong.status_code == 422
    assert 'href="#reason">Choose a reason in the list.' in wrong.text
    assert ">short</textarea>" in wrong.text
    wrong = sig.post(f"{at}/explanation", reason="checked", text="short")
    assert 'href="#text"' in wrong.text
    assert '<option value="checked" selected>' in wrong.text
    done = sig.post(f"{at}/explanation", reason="checked", text=f"Overtime. {BAD}")
    assert done.headers["location"] == f"{RETURN}/submissions/1/findings/{second}?said=explained"
    assert "1 query still needs an explanation" in sig.get(done.headers["location"]).text
    done = sig.post(f"{RETURN}/submissions/1/findings/{second}/explanation", reason="estimate", text="We guessed this.")
    assert done.headers["location"] == f"{RETURN}/submissions/1?said=explained"
    page = sig.get(f"{RETURN}/submissions/1").text
    assert "Sign off your return" in page
    assert "Overtime. &lt;script&gt;" in page
    assert BAD not in page


def test_a_query_explained_in_the_list_comes_back_to_its_place(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "queries")
    page = sig.get(f"{RETURN}/submissions/1?severity=query").text
    key = finding_keys(page)[0]
    back = re.search(r'name="back" value="([^"]+)"', page)
    assert back
    done = sig.post(
        f"{RETURN}/submissions/1/findings/{key}/explanation", reason="checked", text="That is right.", back=back[1]
    )
    assert done.headers["location"] == f"{RETURN}/submissions/1?severity=query&said=explained#f-{key}"
    elsewhere = sig.post(
        f"{RETURN}/submissions/1/findings/{key}/explanation", reason="checked", text="That is right.",
        back="https://evil.example/",
    )  # fmt: skip
    assert elsewhere.headers["location"].startswith(RETURN)


def test_explanations_that_were_carried_over_are_shown_as_such(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "ready")
    send(alpha, asking_upload(alpha, vacant_wte="2"))
    page = words(sig.get(f"{RETURN}/submissions/2").text)
    assert "1 explanation was carried over" in page
    assert "carried over from submission 1, because the value is the same" in page
    assert "There is a newer submission" in sig.get(f"{RETURN}/submissions/1").text
    assert "<details>" not in sig.get(f"{RETURN}/submissions/1").text


def test_a_value_is_corrected_where_its_finding_is(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "errors")
    key = finding_keys(sig.get(f"{RETURN}/submissions/1").text)[0]
    at = f"{RETURN}/submissions/1/findings/{key}"
    assert "Right value for “Paid WTE”" in sig.get(at).text
    wrong = sig.post(f"{at}/correction", value=BAD)
    assert wrong.status_code == 422
    assert 'href="#value"' in wrong.text
    assert BAD not in wrong.text
    done = sig.post(f"{at}/correction", value="8.4")
    assert done.headers["location"] == f"{RETURN}/submissions/2?said=corrected"
    page = words(sig.get(done.headers["location"]).text)
    assert "saved as a new submission, number 2" in page
    assert "Nothing was found that has to be corrected" in page
    changes = words(sig.get(f"{RETURN}/submissions/2/changes").text)
    assert "1 cell changed" in changes
    assert "12,5" in changes
    assert sig.post(f"{at}/correction", value="8.4").status_code == 409


def test_a_code_is_chosen_from_its_list(sig: Browser, alpha: Platform) -> None:
    send(alpha, clean_upload(alpha, role_code="DAWW"))
    page = sig.get(f"{RETURN}/submissions/1").text
    assert "Choose the right answer" in page
    key = next(key for key in finding_keys(page) if "DAWW" in page.split(f"f-{key}")[1].split("</tr>")[0])
    assert "NURSE_B6 - Registered nurse" in sig.get(f"{RETURN}/submissions/1/findings/{key}").text


def test_hostile_text_is_text_on_every_page_and_nothing_may_run(sig: Browser, alpha: Platform) -> None:
    load_organisations(alpha, SYSTEM, [Organisation("ALPHA", BAD, "voluntary")])
    tree = tree_of(alpha, paid_wte=BAD)
    tree["organisation"]["comments"] = BAD
    tree["staff"][1]["role_code"] = BAD[:40]
    send(alpha, upload_of(tree))
    sig.get(RETURN)
    upload(sig, f"{RETURN}/submissions", json.dumps(tree).encode(), BAD)
    key = finding_keys(sig.get(f"{RETURN}/submissions/2").text)[0]
    for path in (
        "/", "/returns", RETURN, f"{RETURN}/submissions/2", f"{RETURN}/submissions/2/findings/{key}",
        f"{RETURN}/submissions/2/changes?against=before", f"{RETURN}/submissions/2/sign-off", f"{RETURN}/history",
        "/organisations/ALPHA/members",
    ):  # fmt: skip
        page = sig.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert not re.search(r"<script(?! src=\"/static/)|<style| style=| on[a-z]+=\"", page.text), path


def test_reading_by_the_team_is_allowed_and_signing_is_not(alpha: Platform) -> None:
    bring(alpha, "ready")
    add_person(alpha, "tess", "census_team")
    browser = Browser(alpha)
    browser.sign_in("tess")
    assert browser.get(f"{RETURN}/submissions/1").status_code == 200
    assert browser.post(f"{RETURN}/submissions/1/sign-off", role="Team").status_code == 403
    assert sign_off.get_readiness(alpha, TEAM, YEAR, "ALPHA", 1).gates == ()
