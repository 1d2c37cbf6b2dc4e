"""The API's door: tokens, sessions that ask through a page of ours, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from census_api.api.kit.auth import FORM_TOKEN_HEADER, form_token
from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts
from tests.factories.people import Browser, add_person, add_token, program
from tests.factories.uploads import make_upload

RETURNS = "/api/v1/collections/2024/returns"


@pytest.fixture
def ann(platform: Platform) -> uuid.UUID:
    return add_person(platform, "ann", at={"ALPHA": ["editor"]})


def test_a_token_does_what_its_person_may_and_never_becomes_a_session(platform: Platform, ann: uuid.UUID) -> None:
    client = program(platform, add_token(platform, ann))
    sent = client.post(
        f"{RETURNS}/ALPHA/submissions", content=make_upload().data, headers={"content-type": "application/json"}
    )
    assert sent.status_code == 201
    answers = [sent, client.get("/api/v1/me"), client.get(f"{RETURNS}/ALPHA"), client.get("/"), client.get("/account")]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 401]
    assert not [cookie for answer in answers[:3] for cookie in answer.headers.get_list("set-cookie")]
    assert not any("session" in cookie for answer in answers for cookie in answer.headers.get_list("set-cookie"))


def test_a_token_of_narrow_scope_is_told_which_it_needs(platform: Platform, ann: uuid.UUID) -> None:
    client = program(platform, add_token(platform, ann, ["return.read"]))
    assert client.get(f"{RETURNS}/ALPHA").status_code == 200
    refused = client.post(f"{RETURNS}/ALPHA/submissions", content=b"{}", headers={"content-type": "application/json"})
    assert refused.status_code == 403
    assert "needs the scope return.submit" in refused.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "bearer census_" + "x" * 43, "Bearer " + "x" * 5000, "Token x"],
)
def test_what_is_no_token_is_refused_even_beside_a_session(platform: Platform, ann: uuid.UUID, header: str) -> None:
    browser = Browser(platform)
    browser.sign_in("ann")
    assert browser.client.get("/api/v1/me").status_code == 200
    answer = browser.client.get("/api/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="census"')
    assert header[7:] == "" or header[7:] not in answer.text or len(header) < 10


def test_disabling_shuts_both_ways_at_once(platform: Platform, ann: uuid.UUID) -> None:
    browser, client = Browser(platform), program(platform, add_token(platform, ann))
    browser.sign_in("ann")
    assert browser.client.get("/api/v1/me").status_code == client.get("/api/v1/me").status_code == 200
    accounts.disable_account(platform, SYSTEM, ann)
    assert browser.client.get("/api/v1/me").status_code == client.get("/api/v1/me").status_code == 401


def test_leaving_an_organisation_counts_with_the_next_request(platform: Platform, ann: uuid.UUID) -> None:
    browser = Browser(platform)
    browser.sign_in("ann")
    assert browser.client.get(f"{RETURNS}/ALPHA").status_code == 200
    accounts.remove_member(platform, SYSTEM, "ALPHA", ann)
    assert browser.client.get(f"{RETURNS}/ALPHA").status_code == 404


def test_a_session_changes_things_only_for_a_page_of_ours(platform: Platform, ann: uuid.UUID) -> None:
    browser = Browser(platform)
    browser.sign_in("ann")
    good = form_token(browser.client.cookies["__Host-census-session"])
    files = {"file": ("return.json", make_upload().data, "application/json")}
    for headers in ({}, {FORM_TOKEN_HEADER: ""}, {FORM_TOKEN_HEADER: "0" * 64}):
        refused = browser.client.post(f"{RETURNS}/ALPHA/submissions", headers=headers, files=files)
        assert (refused.status_code, refused.json()["code"]) == (403, "form_token_missing")
    assert browser.client.get(f"{RETURNS}/ALPHA").json()["state"] == "not_started"
    sent = browser.client.post(f"{RETURNS}/ALPHA/submissions", headers={FORM_TOKEN_HEADER: good}, files=files)
    assert sent.status_code == 201


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_json_routes_take_no_forms(platform: Platform, kind: str) -> None:
    client = program(platform, None)
    browser = Browser(platform)
    add_person(platform, "adam", "administrator")
    browser.sign_in("adam")
    token = form_token(browser.client.cookies["__Host-census-session"])
    headers = {FORM_TOKEN_HEADER: token, "content-type": kind}
    assert browser.client.post("/api/v1/accounts", content=b"name=x", headers=headers).status_code == 415
    assert client.post("/api/v1/accounts", content=b"name=x", headers={"content-type": kind}).status_code == 401


@pytest.fixture
def adam(platform: Platform) -> Person:
    return Person(platform, add_person(platform, "adam", "administrator"), "adam")


class Person:
    """Somebody who works with the API through a page of ours."""

    def __init__(self, platform: Platform, account: uuid.UUID, name: str) -> None:
        self.id = account
        self._browser = Browser(platform)
        self._browser.sign_in(name)
        self._headers = {FORM_TOKEN_HEADER: form_token(self._browser.client.cookies["__Host-census-session"])}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._browser.client.request(method, f"/api/v1{path}", json=body, headers=self._headers)


def test_accounts_are_looked_after(platform: Platform, adam: Person) -> None:
    made = adam("POST", "/accounts", {"email": "Ben@Example.org", "name": "Ben", "roles": ["analyst"]})
    assert (made.status_code, made.json()["roles"], made.json()["email"]) == (201, ["analyst"], "ben@example.org")
    ben = made.json()["id"]
    assert adam("POST", "/accounts", {"email": "ben@example.org", "name": "Ben"}).status_code == 409
    assert adam("PUT", f"/accounts/{ben}/roles/census_team").status_code == 204
    assert adam("DELETE", f"/accounts/{ben}/roles/analyst").status_code == 204
    assert adam("PUT", f"/organisations/ALPHA/members/{ben}/roles/signatory").status_code == 204
    for change in ("invite", "disable", "enable", "reset-second-factor"):
        assert adam("POST", f"/accounts/{ben}/{change}").status_code == 204
    found = next(entry for entry in adam("GET", "/accounts").json()["items"] if entry["id"] == ben)
    assert (found["roles"], found["organisations"], found["disabled_at"]) == (
        ["census_team"],
        {"ALPHA": ["signatory"]},
        None,
    )
    assert adam("DELETE", f"/accounts/{adam.id}/roles/administrator").status_code == 409
    assert adam("PUT", f"/accounts/{adam.id}/roles/census_team").status_code == 403
    assert adam("POST", f"/accounts/{uuid.uuid4()}/disable").status_code == 404
    machine = adam("POST", "/accounts", {"kind": "machine", "name": "Survey", "roles": ["pipeline"]})
    assert (machine.status_code, machine.json()["email"]) == (201, None)


def test_members_are_looked_after_by_their_signatory(platform: Platform) -> None:
    sid = Person(platform, add_person(platform, "sid", at={"ALPHA": ["signatory"]}), "sid")
    made = sid("POST", "/organisations/ALPHA/members", {"email": "eve@example.org", "name": "Eve"})
    assert (made.status_code, made.json()["organisations"]) == (201, {"ALPHA": ["editor"]})
    eve = made.json()["id"]
    assert sid("PUT", f"/organisations/ALPHA/members/{eve}/roles/signatory").status_code == 403
    assert sid("PUT", f"/organisations/ALPHA/members/{sid.id}/roles/editor").status_code == 403
    refused = sid("POST", "/organisations/ALPHA/members", {"email": "x@example.org", "name": "X", "role": "signatory"})
    assert refused.status_code == 403
    assert [entry["name"] for entry in sid("GET", "/organisations/ALPHA/members").json()["items"]] == ["Eve", "sid"]
    assert sid("POST", f"/organisations/ALPHA/members/{sid.id}/hand-over", {"successor": "nobody"}).status_code == 422
    assert sid("POST", f"/organisations/ALPHA/members/{sid.id}/hand-over", {"successor": eve}).status_code == 204
    assert sid("GET", "/organisations/ALPHA/members").status_code == 404
    held = accounts.get_account(platform, SYSTEM, uuid.UUID(eve)).memberships
    assert held == {"ALPHA": {"editor", "signatory"}}


def test_people_make_their_own_tokens(platform: Platform, ann: uuid.UUID) -> None:
    person = Person(platform, ann, "ann")
    made = person("POST", "/tokens", {"name": "upload", "scopes": ["return.submit"], "days": 7})
    assert made.status_code == 201
    secret = made.json()["token"]
    listed = person("GET", "/tokens")
    assert listed.json()["items"][0]["name"] == "upload"
    assert secret not in listed.text
    client = program(platform, secret)
    assert client.get("/api/v1/me").json()["scopes"] == ["return.submit"]
    assert client.post("/api/v1/tokens", json={"name": "x", "scopes": ["return.read"]}).status_code == 403
    assert person("DELETE", f"/tokens/{made.json()['id']}").status_code == 204
    assert client.get("/api/v1/me").status_code == 401
    assert person("DELETE", f"/tokens/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"name": "x", "name": "y"}', b'{"name": 1}', b'{"name": "x", "roles": ["root"]}',
     b'{"name": "x", "is_admin": true}', b'{"name": NaN}', b"[" * 20_000, b'{"name": "' + b"x" * 70_000 + b'"}', b"\xff"],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_bodies_that_will_not_do_are_refused_and_not_quoted(platform: Platform, body: bytes) -> None:
    add_person(platform, "adam", "administrator")
    browser = Browser(platform)
    browser.sign_in("adam")
    headers = {FORM_TOKEN_HEADER: form_token(browser.client.cookies["__Host-census-session"]),
               "content-type": "application/json"}  # fmt: skip
    answer = browser.client.post("/api/v1/accounts", content=body, headers=headers)
    assert answer.status_code in (413, 422)
    assert len(answer.content) < 1000
    assert len(accounts.list_accounts(platform, SYSTEM)) == 1


def test_the_description_says_which_routes_need_a_token(platform: Platform) -> None:
    description = program(platform).get("/api/v1/openapi.json").json()
    assert description["security"] == [{"token": []}]
    public = {
        path
        for path, methods in description["paths"].items()
        for method in methods.values()
        if isinstance(method, dict) and method.get("security") == []
    }
    collections = "/api/v1/collections"
    assert public >= {collections, f"{collections}/{{year}}/rules", f"{collections}/{{year}}/schema.json", "/livez"}
    assert not any("returns" in path or "accounts" in path or path.endswith("/check") for path in public)


def test_the_log_names_the_account_by_number_and_nothing_more(
    platform: Platform, ann: uuid.UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    token = add_token(platform, ann)
    assert program(platform, token).get(f"{RETURNS}/BETA").status_code == 404
    said = capsys.readouterr().out
    assert f"account={ann}" in said
    assert token not in said
    assert "ann@" not in said
