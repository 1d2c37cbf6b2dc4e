"""People, tokens, failed jobs and the audit as pages."""

from __future__ import annotations

import re

import pytest

from census_api.app import create_app
from census_api.domain.kit.access import SYSTEM
from census_api.domain.people import Account
from census_api.services.collecting.background_checks import check_received
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts
from census_api.services.upkeep.failed_jobs import list_failed
from tests.factories.actors import ANN
from tests.factories.calling import make_client
from tests.factories.life import YEAR, clean_upload, send
from tests.factories.people import Browser, add_person
from tests.factories.uploads import make_upload


@pytest.fixture
def office(platform: Platform) -> Browser:
    """An administrator, signed in."""
    add_person(platform, "adam", "administrator")
    browser = Browser(platform)
    browser.sign_in("adam")
    return browser


def account_of(platform: Platform, name: str) -> Account:
    return accounts.get_account(platform, SYSTEM, f"{name}@example.org")


def test_an_account_is_made_invited_and_given_roles(office: Browser, platform: Platform) -> None:
    office.get("/team/people")
    made = office.post("/team/people", kind="person", name="Nia New", email="nia@example.org", role="analyst")
    page = made.headers["location"]
    assert "The account is made." in office.get(page).text
    path = page.partition("?")[0]
    assert office.post(f"{path}/invite").headers["location"] == f"{path}?said=invited"
    office.post(f"{path}/roles", held="yes", role="", organisation="ALPHA", member="signatory")
    assert account_of(platform, "nia").memberships == {"ALPHA": frozenset({"signatory"})}
    office.post(f"{path}/roles", held="no", role="analyst")
    assert account_of(platform, "nia").roles == frozenset()
    assert "signatory at ALPHA" in office.get("/team/people?search=nia").text


def test_what_is_wrong_is_said_and_what_was_typed_stays(office: Browser) -> None:
    office.get("/team/people")
    answer = office.post("/team/people", kind="person", name="Nia New", email="nowhere", role="analyst")
    assert answer.status_code in (400, 422)
    assert 'value="Nia New"' in answer.text
    assert 'href="#email"' in answer.text
    unknown = office.post("/team/people", kind="person", name="N", email="n@example.org", organisation="NOWHERE")
    assert unknown.status_code >= 400
    assert "NOWHERE" in unknown.text


def test_shut_out_and_let_in_again(office: Browser, platform: Platform) -> None:
    account = add_person(platform, "nia", "analyst")
    office.get(f"/team/people/{account}")
    office.post(f"/team/people/{account}/disable")
    assert account_of(platform, "nia").is_disabled
    assert "Shut out" in office.get("/team/people").text
    office.post(f"/team/people/{account}/enable")
    assert not account_of(platform, "nia").is_disabled


def test_the_only_administrator_stays(office: Browser, platform: Platform) -> None:
    own = account_of(platform, "adam").id
    assert "Nobody can give a role to themselves" in office.get(f"/team/people/{own}").text
    answer = office.post(f"/team/people/{own}/disable")
    assert answer.status_code == 409
    assert "only administrator" in answer.text
    assert office.post(f"/team/people/{own}/roles", held="yes", role="analyst").status_code == 403


def test_a_token_is_shown_once_and_revoked(office: Browser, platform: Platform) -> None:
    account = add_person(platform, "prog", "pipeline")
    office.get("/team/tokens")
    fields = {"account": str(account), "name": "nightly", "days": "30"}
    assert office.post("/team/tokens", **fields).status_code in (400, 422)
    made = office.post("/team/tokens", **fields, **{"scope-margins.read": "yes"})
    secret = re.search(r"<code>(census_[^<]+)</code>", made.text)
    assert secret
    caller = make_client(create_app(platform), headers={"Authorization": f"Bearer {secret[1]}"})
    assert caller.get("/api/v1/me").status_code == 200
    page = office.get("/team/tokens").text
    assert secret[1] not in page
    path = re.search(r'action="(/team/tokens/[^"]+/revoke)"', page)
    assert path
    office.post(path[1])
    assert caller.get("/api/v1/me").status_code == 401
    assert office.post("/team/tokens", **fields | {"days": "many"}).status_code in (400, 422)


def test_the_census_team_has_no_say_about_people(team: Browser) -> None:
    for path in ("/team/people", "/team/tokens"):
        assert team.get(path).status_code == 403


def test_a_failed_job_is_tried_again(team: Browser, platform: Platform) -> None:
    from dataclasses import replace

    assert "None. Every file that came in was checked" in team.get("/team/jobs").text
    slow = replace(platform, settings=platform.settings.model_copy(update={"long_file_bytes": 0, "job_attempts": 1}))
    answer = submit_return(slow, ANN, YEAR, "ALPHA", make_upload())
    assert answer.job is not None
    with platform.database.transaction(SYSTEM) as session:
        from sqlalchemy import text

        session.execute(text("UPDATE job SET attempt = 1, state = 'running'"))
    check_received(slow, answer.job)
    assert list_failed(platform, ANN).total == 1
    page = team.get("/team/jobs")
    assert "ALPHA 2024" in page.text
    path = re.search(r'action="(/team/jobs/[^"]+/again)"', page.text)
    assert path
    assert team.post(path[1]).headers["location"] == "/team/jobs?said=again"
    again = team.post(path[1])
    assert again.status_code == 409
    assert "Only one that failed" in again.text


def test_the_audit_is_searched(team: Browser, platform: Platform) -> None:
    send(platform, clean_upload(platform))
    page = team.get(f"/team/audit?collection={YEAR}&organisation=ALPHA")
    assert "Eddie sent submission 1" in page.text
    assert "No event is of that kind." in team.get("/team/audit?actor=%3Cscript%3E").text
    assert "No event is of that kind." in team.get("/team/audit?collection=1x&action=no.such").text
    assert "<script>" not in team.get("/team/audit?action=%3Cscript%3E").text
    follow = re.search(r'rel="next" href="([^"]+)"', team.get("/team/audit").text)
    assert follow is None or team.get(follow[1].replace("&amp;", "&")).status_code == 200
