"""The census team's pages: what waits, the returns, one return, and the moves."""

from __future__ import annotations

import re
from typing import Any

import pytest

from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.kit.access import SYSTEM
from census_api.services.collecting.return_queries import list_questions, reply_to_query
from census_api.services.collecting.submissions import get_return, list_submissions
from census_api.services.kit.platform import Platform
from tests.factories.actors import EDITOR, TEAM
from tests.factories.life import BRING_TO, WHY, YEAR, asking_upload, clean_upload, explain_all, send, sign
from tests.factories.people import Browser, add_person

RETURN = f"/team/{YEAR}/returns/ALPHA"


def state(platform: Platform) -> str:
    return get_return(platform, TEAM, YEAR, "ALPHA").state


def version_on(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found.group(1)


def move(team: Browser, name: str, **fields: str) -> Any:
    page = team.get(f"{RETURN}/{name}")
    assert page.status_code == 200
    return team.post(f"{RETURN}/{name}", version=version_on(page.text), **fields)


def test_the_first_page_says_what_waits(team: Browser, platform: Platform) -> None:
    assert "Nothing waits for you." in team.get("/team").text
    BRING_TO["signed_off"](platform)
    page = team.get("/team")
    assert "2024: 1 return to review and accept" in page.text
    assert f'href="/team/{YEAR}/returns?state=signed_off"' in page.text


def test_an_administrator_sees_what_is_theirs_and_no_returns(platform: Platform) -> None:
    BRING_TO["signed_off"](platform)
    add_person(platform, "adam", "administrator")
    browser = Browser(platform)
    browser.sign_in("adam")
    page = browser.get("/team").text
    assert 'href="/team/people"' in page
    assert "/returns?state" not in page
    assert browser.get(f"/team/{YEAR}/returns").status_code == 403


def test_nobody_else_has_team_pages(platform: Platform, nobody: Browser) -> None:
    assert nobody.get("/team").headers["location"] == "/sign-in?next=/team"
    add_person(platform, "sid", at={"ALPHA": ["editor", "signatory"]})
    nobody.sign_in("sid")
    for path in ("/team", f"/team/{YEAR}/returns", RETURN, f"{RETURN}/accept", "/team/reconciliation"):
        assert nobody.get(path).status_code == 403, path
    assert nobody.get(f"/team/{YEAR}/returns/BETA").status_code == 404


@pytest.mark.parametrize("where", RETURN_STATES)
def test_a_return_in_any_state_has_its_page_and_only_moves_that_can_be_made(
    team: Browser, platform: Platform, where: ReturnState
) -> None:
    BRING_TO[where](platform)
    page = team.get(RETURN)
    assert page.status_code == 200
    offered = set(re.findall(rf'href="{RETURN}/([a-z]+)"', page.text))
    expected: dict[str, set[str]] = {
        "not_started": {"decline", "upload"},
        "in_progress": {"decline", "withdraw", "upload"},
        "signed_off": {"accept", "ask", "withdraw", "upload"},
        "queried": {"ask", "withdraw", "upload"},
        "accepted": {"reopen"},
        "reopened": {"decline", "withdraw", "upload"},
        "declined": {"reopen"},
        "withdrawn": {"reopen"},
    }
    assert offered == expected[where] | {"extend"}
    listed = team.get(f"/team/{YEAR}/returns?state={where}")
    assert f'href="{RETURN}"' in listed.text


def test_review_ask_answer_accept(team: Browser, platform: Platform) -> None:
    send(platform, asking_upload(platform))
    key = explain_all(platform)[0]
    sign(platform)
    page = team.get(RETURN).text
    assert "Two people do overtime" in page
    assert f"{RETURN}/ask?finding={key}" in page
    form = team.get(f"{RETURN}/ask?finding={key}").text
    answer = team.post(
        f"{RETURN}/ask", version=version_on(form), about=f"finding:{key}", text="Which posts do they hold?"
    )
    assert answer.headers["location"] == f"{RETURN}?said=ask"
    assert "The question is asked." in team.get(answer.headers["location"]).text
    assert list_questions(platform, TEAM, YEAR, "ALPHA")[0].subject.finding_key == key
    assert state(platform) == "queried"
    asked = list_questions(platform, TEAM, YEAR, "ALPHA")[0]
    reply_to_query(platform, EDITOR, YEAR, "ALPHA", asked.id, "Two of them do overtime.")
    assert "Two of them do overtime." in team.get(RETURN).text
    sign(platform)
    assert move(team, "accept").headers["location"] == f"{RETURN}?said=accept"
    assert state(platform) == "accepted"


def test_a_question_can_be_about_a_line(team: Browser, platform: Platform) -> None:
    send(platform)
    sign(platform)
    form = team.get(f"{RETURN}/ask").text
    line = re.search(r'value="(line:[^"]+)"', form)
    assert line
    assert team.post(f"{RETURN}/ask", about=line.group(1), text="Is this service still open?").status_code == 303
    assert list_questions(platform, TEAM, YEAR, "ALPHA")[0].subject.about == "line"


@pytest.mark.parametrize(("before", "name", "after"), [
    ("accepted", "reopen", "reopened"), ("not_started", "decline", "declined"), ("signed_off", "withdraw", "withdrawn"),
])  # fmt: skip
def test_moves_with_a_reason(
    team: Browser, platform: Platform, before: ReturnState, name: str, after: ReturnState
) -> None:
    BRING_TO[before](platform)
    short = move(team, name, reason="no")
    assert short.status_code == 422
    assert "<title>Error: " in short.text
    assert ">no</textarea>" in short.text
    assert state(platform) == before
    move(team, name, reason=WHY)
    assert state(platform) == after


def test_who_looked_at_an_older_state_changes_nothing(team: Browser, platform: Platform) -> None:
    BRING_TO["signed_off"](platform)
    version = version_on(team.get(f"{RETURN}/accept").text)
    send(platform, clean_upload(platform))
    answer = team.post(f"{RETURN}/accept", version=version)
    assert answer.status_code in (409, 412)
    assert "has changed since you read it" in answer.text
    assert state(platform) == "signed_off"


def test_longer_time(team: Browser, platform: Platform) -> None:
    assert move(team, "extend", until="soon", reason=WHY).status_code == 422
    assert move(team, "extend", until="2031-01-01", reason=WHY).status_code == 422
    assert move(team, "extend", until="2024-10-31", reason=WHY).status_code == 303
    assert "31 October 2024" in team.get(RETURN).text


def test_a_file_on_their_behalf(team: Browser, platform: Platform) -> None:
    once = re.search(r'name="once" value="([^"]+)"', team.get(f"{RETURN}/upload").text)
    assert once
    fields = {"form_token": team.form_token, "once": once.group(1)}
    files = {"file": ("return.json", clean_upload(platform).data, "application/json")}
    for _ in range(2):
        answer = team.client.post(f"{RETURN}/upload", data=fields, files=files)
        assert answer.headers["location"] == f"{RETURN}?said=upload&submission=1"
    sent = list_submissions(platform, TEAM, YEAR, "ALPHA").items
    assert [(entry.number, entry.on_behalf, entry.received_by) for entry in sent] == [(1, True, "tess")]
    wrong = team.client.post(f"{RETURN}/upload", data=fields, files={"file": ("x.xlsx", b"PK nothing", "x")})
    assert wrong.status_code == 422
    assert 'href="#file"' in wrong.text


def test_many_are_accepted_at_once_with_what_became_of_each(team: Browser, platform: Platform) -> None:
    BRING_TO["signed_off"](platform)
    team.get(f"/team/{YEAR}/returns?state=signed_off")
    answer = team.post(f"/team/{YEAR}/returns/accept", **{"choose-ALPHA": "yes", "choose-BETA": "yes"})
    assert answer.status_code == 200
    assert "1 accepted, 1 not accepted." in answer.text
    assert "This return has not been started" in answer.text
    assert state(platform) == "accepted"


def test_nothing_chosen_is_said(team: Browser, platform: Platform) -> None:
    BRING_TO["signed_off"](platform)
    team.get(f"/team/{YEAR}/returns")
    for what in ("accept", "remind"):
        answer = team.post(f"/team/{YEAR}/returns/{what}")
        assert answer.status_code == 422
        assert "Choose at least one organisation" in answer.text


def test_reminders_are_shown_before_they_are_sent(team: Browser, platform: Platform) -> None:
    from census_api.services.mail.outbox import count_mails

    add_person(platform, "eddie", at={"ALPHA": ["editor"]})
    team.get(f"/team/{YEAR}/returns")
    before = sum(count_mails(platform, SYSTEM).values())
    page = team.post(f"/team/{YEAR}/returns/remind", everybody="yes")
    assert "Send these reminders?" in page.text
    assert "Nobody to write to" in page.text
    assert sum(count_mails(platform, SYSTEM).values()) == before
    done = team.post(f"/team/{YEAR}/returns/remind", everybody="yes", confirmed="yes")
    assert "1 mail to people of 1 organisation." in done.text
    assert sum(count_mails(platform, SYSTEM).values()) == before + 1
    again = team.post(f"/team/{YEAR}/returns/remind", confirmed="yes", **{"choose-ALPHA": "yes"})
    assert "Reminded already" in again.text


def test_returns_are_searched_for(team: Browser) -> None:
    page = team.get(f"/team/{YEAR}/returns?search=alpha").text
    assert 'href="/team/2024/returns/ALPHA"' in page
    assert 'href="/team/2024/returns/BETA"' not in page
    assert "There are no such returns." in team.get(f"/team/{YEAR}/returns?search=%3Cscript%3E").text


def test_hostile_names_are_text(team: Browser, platform: Platform) -> None:
    from dataclasses import replace

    from census_api.services.register.organisations import get_organisation, load_organisations

    evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    load_organisations(platform, SYSTEM, [replace(get_organisation(platform, SYSTEM, "ALPHA"), name=evil)])
    for path in (RETURN, f"/team/{YEAR}/returns", f"{RETURN}/decline"):
        text = team.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


def test_reconciliation_says_when_and_what(team: Browser, platform: Platform) -> None:
    from census_api.services.upkeep.reconcile import reconcile_record

    assert "Nothing has been compared yet" in team.get("/team/reconciliation").text
    reconcile_record(platform)
    assert "All that was acknowledged is stored" in team.get("/team/reconciliation").text
