"""The employer's pages: changes, signing, receipt, history and members."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.domain.kit.access import SYSTEM
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.web.employer.signing import list_totals
from tests.factories.actors import EDITOR
from tests.factories.employer_pages import BAD, RETURN, alpha, bring, sig, words
from tests.factories.life import (
    YEAR,
    nil_upload,
    send,
    tree_of,
    upload_of,
)
from tests.factories.people import Browser
from tests.factories.returns import last_year_tree

__all__ = ["alpha", "sig"]


def test_changes_against_last_year_and_without_one(sig: Browser, alpha: Platform) -> None:
    send(alpha)
    page = words(sig.get(f"{RETURN}/submissions/1/changes").text)
    assert "ALPHA has no return for 2023 to compare with." in page
    submit_return(alpha, SYSTEM, 2023, "ALPHA", upload_of(last_year_tree(tree_of(alpha), YEAR)))
    page = words(sig.get(f"{RETURN}/submissions/1/changes?against=last_year").text)
    assert "Hartlepool, Adult community" in page
    assert "+1" in page


def test_everything_that_stands_in_the_way_of_signing_is_listed(sig: Browser, alpha: Platform) -> None:
    tree = tree_of(alpha, paid_wte="12,5")
    tree["staff"][1]["paid_wte"] = "3.3"
    send(alpha, upload_of(tree))
    page = sig.get(f"{RETURN}/submissions/1/sign-off").text
    assert "2 things stand in the way" in words(page)
    assert f"{RETURN}/submissions/1?severity=error#findings" in page
    assert f"{RETURN}/submissions/1?severity=query#findings" in page
    refused = sig.post(f"{RETURN}/submissions/1/sign-off", role="Director")
    assert refused.status_code == 409
    assert "<title>Error: " in refused.text


@pytest.mark.parametrize("odd", ["sNaN", "Infinity", "1e999999", "12,5"])
def test_a_cell_that_is_no_number_is_no_part_of_a_total(odd: str) -> None:
    cells: list[dict[str, ContentCell]] = [{"paid_wte": "1000.50"}, {"paid_wte": odd}, {"paid_wte": "NK"}, {}]
    content = Content(YEAR, {}, [ContentRow("staff", index, "", row) for index, row in enumerate(cells)])
    assert dict(list_totals(content))["Paid whole-time equivalents (WTE)"] == "1,000.5, and 3 rows without a number"


def test_signing_leads_to_the_receipt(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "ready")
    page = sig.get(f"{RETURN}/submissions/1/sign-off").text
    assert "I declare that this return is complete and correct" in page
    assert "<dt>Paid people</dt><dd>24</dd>" in page
    fields = dict(re.findall(r'name="(content_sha256|version)" value="([^"]*)"', page))
    wrong = sig.post(f"{RETURN}/submissions/1/sign-off", role="", **fields)
    assert 'href="#role"' in wrong.text
    done = sig.post(f"{RETURN}/submissions/1/sign-off", role="Head of HR", **fields)
    assert re.fullmatch(r"/receipts/[0-9A-Z-]{19}\?said=signed", done.headers["location"])
    receipt = words(sig.get(done.headers["location"]).text)
    assert "The return is signed off." in receipt
    assert "sig, Head of HR" in receipt
    assert done.headers["location"].split("?")[0] in sig.get(RETURN).text


def test_a_return_that_changed_since_the_page_was_read_is_not_signed(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "ready")
    fields = dict(
        re.findall(r'name="(content_sha256|version)" value="([^"]*)"', sig.get(f"{RETURN}/submissions/1/sign-off").text)
    )
    explain_again(alpha)
    stale = sig.post(f"{RETURN}/submissions/1/sign-off", role="Head of HR", **fields)
    assert stale.status_code == 412
    assert "has changed since you read it" in stale.text


def explain_again(platform: Platform) -> None:
    key = list_explanations(platform, EDITOR, YEAR, "ALPHA", 1).given[0].finding_key
    explain_finding(platform, EDITOR, YEAR, "ALPHA", 1, key, reason="estimate", text="On second thoughts an estimate.")


def test_a_nil_return_is_called_one_where_it_is_signed(sig: Browser, alpha: Platform) -> None:
    send(alpha, nil_upload())
    assert "This is a nil return" in sig.get(f"{RETURN}/submissions/1/sign-off").text


def test_a_question_is_answered_in_words(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "queried")
    page = sig.get(RETURN).text
    assert "Is the Hartlepool team complete?" in page
    action = re.search(r'action="([^"]+/replies)"', page)
    assert action
    empty = sig.post(action[1], text="")
    assert empty.status_code == 422
    assert 'href="#reply-' in empty.text
    done = sig.post(action[1], text=f"Yes. {BAD}")
    assert done.headers["location"] == f"{RETURN}?said=replied"
    page = sig.get(done.headers["location"]).text
    assert "Your answer was sent to the census team." in page
    assert "Answered" in page
    assert BAD not in page


def test_the_history_is_sentences(sig: Browser, alpha: Platform) -> None:
    assert "Nothing has happened yet" in sig.get(f"{RETURN}/history").text
    bring(alpha, "accepted")
    page = words(sig.get(f"{RETURN}/history").text)
    assert "Tess accepted the return as signed in submission 1." in page
    assert "signed off submission 1" in page


def test_the_workbook_with_the_findings_is_a_download(sig: Browser, alpha: Platform) -> None:
    bring(alpha, "errors")
    page = sig.get(f"{RETURN}/submissions/1").text
    for address in re.findall(r'href="(/api/v1[^"]+)"', page):
        answer = sig.client.get(address)
        assert answer.status_code == 200
        if address.endswith(".xlsx"):
            assert "Findings" in load_workbook(io.BytesIO(answer.content)).sheetnames


def test_a_signatory_adds_an_editor_who_gets_an_invitation(sig: Browser) -> None:
    members = "/organisations/ALPHA/members"
    page = sig.get(members).text
    assert "sig@example.org" in page
    assert "Only the census team can make somebody a signatory" in page
    wrong = sig.post(members, name="New Person", email="not an address", role="editor")
    assert 'href="#email"' in wrong.text
    assert 'value="New Person"' in wrong.text
    assert sig.post(members, name="N", email="n@example.org", role="signatory").status_code == 403
    assert sig.post(members, name="N", email="n@example.org", role="king").status_code == 422
    done = sig.post(members, name=f"New {BAD}", email="new@example.org", role="editor")
    assert done.headers["location"] == f"{members}?said=invited"
    page = sig.get(done.headers["location"]).text
    assert "new@example.org" in page
    assert BAD not in page


def test_members_are_removed_leave_and_hand_over(sig: Browser, alpha: Platform) -> None:
    members = "/organisations/ALPHA/members"
    page = sig.get(members).text
    ids = dict(re.findall(rf'{members}/([0-9a-f-]{{36}})">(\w+)<', page))
    ed, own = ({name: key for key, name in ids.items()}[name] for name in ("ed", "sig"))
    assert "Take away the role of editor" in sig.get(f"{members}/{ed}").text
    assert "Leave the organisation" in sig.get(f"{members}/{own}").text
    assert sig.post(f"{members}/{own}/hand-over", successor="").status_code == 422
    done = sig.post(f"{members}/{own}/hand-over", successor=ed)
    assert done.headers["location"] == "/account"
    assert sig.get(members).status_code == 404
    browser = Browser(alpha)
    browser.sign_in("ed")
    assert "Editor and signatory" in browser.get(f"{members}/{ed}").text
    sent = browser.post(members, name="Third", email="third@example.org", role="editor")
    assert sent.status_code == 303
    ids = dict(re.findall(rf'{members}/([0-9a-f-]{{36}})">(\w+)<', browser.get(members).text))
    third = {name: key for key, name in ids.items()}["Third"]
    changed = browser.post(f"{members}/{third}/roles", role="editor", held="no")
    assert changed.status_code == 303
    assert browser.get(f"{members}/{third}").status_code == 404
    assert browser.post(f"{members}/{ed}/remove").headers["location"] == "/account"
