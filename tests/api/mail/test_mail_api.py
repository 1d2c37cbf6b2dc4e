"""Mail over HTTP and as pages: for the census team, and nobody else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from census_api.domain.collecting.collection import window_of
from census_api.services.collecting.collections import set_window
from census_api.services.kit.platform import Platform
from census_api.services.mail.delivery import send_due
from tests.factories.actors import ANN
from tests.factories.mail import mails, write
from tests.factories.people import Browser, add_person, add_token, program

API = "/api/v1"


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """A collection of 2024 that is open, an editor of ALPHA, and one of the team."""
    set_window(platform, ANN, 2024, window_of(dt.date(2024, 6, 1), dt.date(2024, 7, 20), dt.date(2024, 8, 1)))
    add_person(platform, "eddie", at={"ALPHA": ["editor"]})
    add_person(platform, "tess", "census_team")
    with platform.database.transaction() as session:
        # the invitations of these two are not what the tests are about
        session.execute(text("DELETE FROM mail"))
    return platform


@pytest.fixture
def team(platform: Platform) -> Any:
    account = add_person(platform, "tom", "census_team")
    with program(platform, add_token(platform, account)) as client:
        yield client


def test_the_outbox_is_listed_with_its_states(platform: Platform, team: Any) -> None:
    write(platform)
    write(platform, "accepted")
    answer = team.get(f"{API}/outbox", params={"kind": "query"})
    assert answer.status_code == 200
    (item,) = answer.json()["items"]
    assert (item["kind"], item["state"], item["to"], item["organisation"], item["collection"]) == (
        "query", "waiting", "ann@example.org", "ALPHA", 2024,
    )  # fmt: skip
    assert not {"links", "facts"} & set(item)
    assert answer.json()["states"]["waiting"] >= 2
    assert answer.headers["cache-control"] == "no-store"
    assert team.get(f"{API}/outbox", params={"state": "lost"}).status_code == 422
    assert team.get(f"{API}/outbox", params={"limit": "100000"}).status_code == 422
    assert team.get(f"{API}/outbox", params={"sort": "kind"}).status_code == 422


def test_a_mail_is_read_and_sent_again(platform: Platform, team: Any) -> None:
    write(platform, "accepted")
    mail = mails(platform)[-1]
    address = f"{API}/outbox/{mail.id}"
    answer = team.get(address).json()
    assert answer["subject"] == "Your return to the workforce census 2024 is accepted"
    assert "\n/collections/2024/returns/ALPHA\n" in answer["body"]
    assert team.post(f"{address}/send-again").status_code == 409
    send_due(platform)
    assert team.post(f"{address}/send-again").json()["state"] == "waiting"
    assert team.get(f"{API}/outbox/00000000-0000-0000-0000-000000000007").status_code == 404


def test_a_secret_link_is_not_in_any_answer(platform: Platform, team: Any) -> None:
    write(platform, "password_reset", collection=None, organisation=None, link="/new-password/top-secret")
    mail = mails(platform)[-1]
    for path in ("/outbox", f"/outbox/{mail.id}"):
        assert "top-secret" not in team.get(API + path).text


def test_the_plan_is_read_and_replaced_by_who_has_seen_it(platform: Platform, team: Any) -> None:
    address = f"{API}/collections/2024/reminder-plan"
    first = team.get(address)
    assert first.json() == {"collection": 2024, "opening": True, "days_left": [28, 14, 7, 2, 0, -1]}
    tag = {"If-Match": first.headers["etag"]}
    changed = team.put(address, json={"days_left": [3, 9]}, headers=tag)
    assert (changed.status_code, changed.json()["days_left"]) == (200, [9, 3])
    stale = team.put(address, json={"days_left": [1]}, headers=tag)
    assert stale.status_code == 412
    assert "Somebody else" in stale.json()["detail"]
    assert team.get(address).json()["days_left"] == [9, 3]
    for wrong in ({"days_left": [1.5]}, {"days_left": ["1"]}, {"days_left": [900]}, {}, {"days_left": [], "x": 1}):
        assert team.put(address, json=wrong).status_code == 422
    assert team.get(f"{API}/collections/1999/reminder-plan").status_code in (404, 422)


def test_employers_are_reminded_by_state_and_days_left(platform: Platform, team: Any) -> None:
    address = f"{API}/collections/2024/reminders"
    seen = team.post(address, json={"preview": True})
    assert seen.json() == {"written": ["ALPHA"], "before": [], "nobody": ["BETA"], "people": 1}
    assert team.post(address, json={"days_left_at_most": 3}).json()["written"] == []
    assert team.post(address, json={"states": ["queried"]}).json()["written"] == []
    assert team.post(address, json={"states": ["not_started"]}).json()["written"] == ["ALPHA"]
    assert team.post(address).json()["before"] == ["ALPHA"]
    assert team.post(address, json={"states": ["accepted"]}).status_code == 422
    assert team.post(address, json={"states": ["lost"]}).status_code == 422
    mail = mails(platform)[-1]
    assert (mail.kind, mail.to, mail.facts["days_left"]) == ("reminder", "eddie@example.org", "5")


def test_nobody_else_sees_mail_or_causes_it(platform: Platform) -> None:
    browser = Browser(platform)
    browser.sign_in("eddie")
    for path in (f"{API}/outbox", f"{API}/collections/2024/reminder-plan", "/outbox"):
        assert browser.get(path).status_code == 403
    assert program(platform).get(f"{API}/outbox").status_code == 401
    assert mails(platform) == []


def test_the_team_reads_the_outbox_as_pages(platform: Platform) -> None:
    write(platform, "query", facts={"name": "<script>alert(1)</script>"})
    browser = Browser(platform)
    browser.sign_in("tess")
    listed = browser.get("/outbox")
    assert listed.status_code == 200
    assert "ann@example.org" in listed.text
    assert "ALPHA 2024" in listed.text
    mail = mails(platform)[-1]
    shown = browser.get(f"/outbox/{mail.id}")
    assert "A question about your return to the workforce census 2024" in shown.text
    assert "<script" not in shown.text
    assert "Send it" not in shown.text
    send_due(platform)
    assert "Not sent from here" in browser.get("/outbox?state=held").text
    browser.get(f"/outbox/{mail.id}")
    answer = browser.post(f"/outbox/{mail.id}/send-again")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/outbox/{mail.id}")
    assert mails(platform)[-1].state == "waiting"


def test_the_demonstration_shows_what_it_would_have_sent(platform: Platform) -> None:
    demo = replace(platform, settings=platform.settings.model_copy(update={"mode": "demo"}))
    write(platform, "invite", collection=None, link="/accept/a-secret")
    send_due(demo)
    browser = Browser(demo)
    browser.sign_in("tess")
    shown = browser.get(f"/outbox/{mails(platform)[-1].id}").text
    assert 'href="/accept/a-secret"' in shown
    assert "Send it" not in shown
