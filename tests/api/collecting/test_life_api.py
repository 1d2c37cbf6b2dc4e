"""The life of a return over HTTP: from the first file to acceptance, with entity tags, receipts and refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from census_api.app import create_app
from census_api.services.kit.platform import Platform
from tests.factories.calling import make_client
from tests.factories.life import BECAUSE, ROLE, WHY, asking_upload, clean_upload
from tests.factories.people import Browser, add_person, add_token, program

RETURN = "/api/v1/collections/2024/returns/ALPHA"


@pytest.fixture
def editor(platform: Platform) -> httpx.Client:
    return program(platform, add_token(platform, add_person(platform, "eddie", at={"ALPHA": ["editor"]})))


@pytest.fixture
def team(platform: Platform) -> httpx.Client:
    return program(platform, add_token(platform, add_person(platform, "tess", "census_team")))


@pytest.fixture
def other(platform: Platform) -> httpx.Client:
    return program(platform, add_token(platform, add_person(platform, "otto", at={"BETA": ["editor"]})))


@pytest.fixture
def signatory(platform: Platform) -> httpx.Client:
    """A person with a browser: only those sign."""
    add_person(platform, "sigrid", at={"ALPHA": ["editor", "signatory"]})
    browser = Browser(platform)
    assert browser.sign_in("sigrid").status_code == 303
    browser.see_form()
    browser.client.headers["X-CSRF-Token"] = browser.form_token
    return browser.client


def send(client: httpx.Client, data: bytes) -> dict[str, Any]:
    answer = client.post(f"{RETURN}/submissions", content=data, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def tag(client: httpx.Client) -> str:
    answer = client.get(RETURN)
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    return str(answer.headers["ETag"])


def sign(client: httpx.Client, number: int = 1, **more: Any) -> Any:
    return client.post(f"{RETURN}/submissions/{number}/sign-off", json={"role": ROLE, "declared": True}, **more)


def test_from_the_first_file_to_acceptance_and_back(
    platform: Platform, editor: httpx.Client, signatory: httpx.Client, team: httpx.Client
) -> None:
    report = send(editor, asking_upload(platform).data)
    assert report["explanations"] == {"carried": 0, "dropped": []}
    key = report["findings"][0]["key"]

    stand = editor.get(f"{RETURN}/submissions/1/explanations").json()
    assert [finding["key"] for finding in stand["missing"]] == [key]
    assert "transfer" in stand["reasons"]
    ready = editor.get(f"{RETURN}/submissions/1/sign-off").json()
    assert (ready["ready"], [gate["code"] for gate in ready["gates"]], ready["gates"][0]["keys"]) == (
        False,
        ["unexplained"],
        [key],
    )
    refused = sign(signatory)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "1 query has no explanation" in refused.json()["detail"]

    explained = editor.put(
        f"{RETURN}/submissions/1/explanations/{key}",
        json={"reason": "checked", "text": BECAUSE},
        headers={"If-Match": tag(editor)},
    )
    assert (explained.status_code, explained.json()["given_by"]) == (200, "eddie")
    assert explained.headers["ETag"] == tag(editor)

    answer = sign(signatory, headers={"If-Match": explained.headers["ETag"]})
    assert answer.status_code == 201
    receipt = answer.json()
    assert (receipt["name"], receipt["role"], receipt["standing"], receipt["intact"]) == (
        "sigrid",
        ROLE,
        "stands",
        True,
    )
    assert receipt["content_sha256"] == report["content_sha256"]
    assert answer.headers["Location"] == f"/api/v1/receipts/{receipt['reference']}"
    for address in (answer.headers["Location"], f"{RETURN}/receipt"):
        assert editor.get(address).json() == receipt

    asked = team.post(f"{RETURN}/queries", json={"about": "return", "text": "Is the team complete?"})
    assert (asked.status_code, asked.json()["open"]) == (201, True)
    replied = editor.post(f"{RETURN}/queries/{asked.json()['id']}/replies", json={"text": "It is complete."})
    assert (replied.status_code, replied.json()["open"]) == (201, False)
    assert editor.get(f"{RETURN}/queries").json()["items"] == [replied.json()]
    assert sign(signatory).status_code == 201

    accepted = team.post(f"{RETURN}/accept", headers={"If-Match": tag(team)})
    assert (accepted.status_code, accepted.json()["state"], accepted.json()["accepted"]) == (200, "accepted", 1)
    twice = team.post(f"{RETURN}/accept")
    assert twice.status_code == 409
    assert "Tess accepted the return as signed in submission 1" in twice.json()["detail"]
    reopened = team.post(f"{RETURN}/reopen", json={"reason": WHY})
    assert (reopened.status_code, reopened.json()["state"], reopened.json()["note"]) == (200, "reopened", None)

    story = [entry["sentence"] for entry in editor.get(f"{RETURN}/history").json()["items"]]
    assert story[0] == f"Tess reopened the return. Reason: {WHY}"
    assert len(story) == 8


def test_a_stale_tag_is_412_and_changes_nothing(platform: Platform, editor: httpx.Client, team: httpx.Client) -> None:
    send(editor, clean_upload(platform).data)
    seen = tag(team)
    send(editor, clean_upload(platform).data)
    answer = team.post(f"{RETURN}/withdraw", json={"reason": WHY}, headers={"If-Match": seen})
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert "Eddie sent submission 2" in answer.json()["detail"]
    assert editor.get(RETURN).json()["state"] == "in_progress"
    assert team.post(f"{RETURN}/withdraw", json={"reason": WHY}, headers={"If-Match": "*"}).status_code == 200


def test_several_tags_match_when_one_of_them_is_of_the_return_as_it_is(
    platform: Platform, editor: httpx.Client, team: httpx.Client
) -> None:
    send(editor, clean_upload(platform).data)
    older = tag(team)
    send(editor, clean_upload(platform).data)
    stale = team.post(f"{RETURN}/withdraw", json={"reason": WHY}, headers={"If-Match": f'"0", {older}'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    several = f"{older}, W/{tag(team)}"
    assert team.post(f"{RETURN}/withdraw", json={"reason": WHY}, headers={"If-Match": several}).status_code == 200


@pytest.mark.parametrize("header", ["7", '"seven"', 'W/"', '"1" "2"', '"1",'])
def test_a_tag_of_no_return_is_refused(platform: Platform, team: httpx.Client, header: str) -> None:
    answer = team.post(f"{RETURN}/decline", json={"reason": WHY}, headers={"If-Match": header})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_no_program_signs(platform: Platform, editor: httpx.Client) -> None:
    account = add_person(platform, "saul", at={"ALPHA": ["signatory"]})
    send(editor, clean_upload(platform).data)
    answer = sign(program(platform, add_token(platform, account)))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_what_is_others_reads_like_nothing(
    platform: Platform, editor: httpx.Client, signatory: httpx.Client, other: httpx.Client
) -> None:
    send(editor, clean_upload(platform).data)
    reference = sign(signatory).json()["reference"]
    hidden = [f"{RETURN}/receipt", f"{RETURN}/history", f"{RETURN}/queries", f"{RETURN}/submissions/1/diff?against=1"]
    for address in hidden:
        answer, unknown = other.get(address), other.get(address.replace("ALPHA", "NOBODY"))
        assert (answer.status_code, unknown.status_code) == (404, 404)
        assert answer.json()["detail"] == unknown.json()["detail"].replace("NOBODY", "ALPHA")
    answer, unknown = other.get(f"/api/v1/receipts/{reference}"), other.get("/api/v1/receipts/0000-0000-0000-0000")
    assert (answer.status_code, answer.json()["detail"]) == (404, unknown.json()["detail"])


def test_the_receipt_is_a_page_to_print(platform: Platform, editor: httpx.Client, signatory: httpx.Client) -> None:
    tree = clean_upload(platform).data.replace(b"Two teams share one office.", b"<script>alert(1)</script>")
    send(editor, tree)
    receipt = sign(signatory).json()
    page = signatory.get(receipt["page"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for fact in (receipt["reference"], "Alpha Recovery (ALPHA)", f"sigrid, {ROLE}", receipt["content_sha256"]):
        assert fact in page.text
    assert "<script>" not in page.text
    assert "This sign-off stands." in page.text
    assert "30 June" not in page.text
    assert make_client(create_app(platform)).get(receipt["page"]).status_code != 200


def test_the_difference_and_many_acceptances(
    platform: Platform, editor: httpx.Client, signatory: httpx.Client, team: httpx.Client
) -> None:
    send(editor, clean_upload(platform).data)
    send(editor, clean_upload(platform, paid_wte="8.5").data)
    found = editor.get(f"{RETURN}/submissions/2/diff", params={"against": 1}).json()
    assert (found["total"], found["counts"]) == (1, {"added": 0, "removed": 0, "changed": 1})
    assert found["items"][0]["difference"] == "0.1"
    assert editor.get(f"{RETURN}/submissions/2/diff").status_code == 404  # nothing was sent last year
    for against in ("0", "next_year", "1e3"):
        assert editor.get(f"{RETURN}/submissions/2/diff", params={"against": against}).status_code == 422
    assert sign(signatory, 2).status_code == 201
    address = "/api/v1/collections/2024/acceptances"
    done = team.post(address, json={"organisations": ["ALPHA", "BETA"]}).json()["items"]
    assert [(entry["organisation"], entry["problem"] is None) for entry in done] == [("ALPHA", True), ("BETA", False)]
    assert editor.post(address, json={"organisations": ["ALPHA"]}).status_code in (403, 404)


def test_longer_time_is_a_local_day(platform: Platform, team: httpx.Client) -> None:
    body = {"until": "2024-10-27", "reason": "The payroll system moved."}
    answer = team.put(f"{RETURN}/extension", json=body)
    assert (answer.status_code, answer.json()["extended_to"]) == (200, "2024-10-28T00:00:00Z")
    assert team.put(f"{RETURN}/extension", json=body | {"until": "27/10/2024"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The field reason is required"),
        (b"[]", "one object with the fields reason"),
        (b'{"reason": 5}', "The field reason is not usable"),
        (b'{"reason": "x"}', "A reason has 10 to 1,000 characters"),
        (b'{"reason": "first words here", "reason": "second words here"}', "each of its names once"),
        (b'{"reason": "long enough, surely", "state": "accepted"}', "one object with the fields reason"),
        (b'{"reason": NaN}', "not JSON"),
        (b'{"reason": "\\ud800 half a pair of signs"}', ""),
        (b"[" * 20_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_body_that_is_not_one_is_refused_without_being_said_back(team: httpx.Client, body: bytes, words: str) -> None:
    answer = team.post(f"{RETURN}/decline", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert words in answer.json()["detail"]
    assert len(answer.content) < 1000
    assert team.get(RETURN).json()["state"] == "not_started"


def test_other_kinds_and_too_much_are_refused(team: httpx.Client) -> None:
    form = team.post(f"{RETURN}/decline", data={"reason": WHY})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    much = team.post(f"{RETURN}/decline", json={"reason": "x" * 70_000})
    assert (much.status_code, much.json()["code"]) == (413, "too_large")
