"""The register and the frame as pages: searched, looked at before they change, and never half taken in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import FrameLine
from census_api.services.kit.platform import Platform
from census_api.services.register.frame_files import whole_frame
from census_api.services.register.organisations import get_organisation, list_organisation_codes, load_frame
from tests.factories.actors import TEAM
from tests.factories.life import YEAR
from tests.factories.people import Browser
from tests.factories.returns import LINES

FRAME = f"/team/{YEAR}/frame"
HOSTILE = "<script>alert(1)</script>"


def send(team: Browser, page: str, data: bytes, *, name: str = "list.csv", preview: bool = False) -> Any:
    shown = team.get(page.removesuffix("/preview")).text
    version = re.search(r'name="version" value="([0-9a-f]+)"', shown)
    fields = {"form_token": team.form_token} | ({"version": version[1]} if version else {})
    path = f"{page}/preview" if preview else page
    return team.client.post(path, data=fields, files={"file": (name, data, "text/csv")})


def organisations(*rows: tuple[str, str, str]) -> bytes:
    return ("organisation_code,name,sector\n" + "\n".join(",".join(row) for row in rows)).encode()


def lines(*codes: str) -> bytes:
    rows = [f"{code},{area},{service}" for code in codes for area, service in LINES]
    return ("organisation_code,local_authority_code,service_type\n" + "\n".join(rows)).encode()


def test_the_register_is_searched(team: Browser) -> None:
    assert "Beta Health" in team.get("/team/register").text
    page = team.get("/team/register?search=alpha&status=open").text
    assert "Alpha Recovery" in page
    assert "Beta Health" not in page
    assert "No organisation is found by that." in team.get(f"/team/register?search={HOSTILE}&status=x").text


def test_a_list_is_looked_at_before_it_is_taken_in(team: Browser, platform: Platform) -> None:
    data = organisations(("GAMMA", "Gamma Trust", "nhs"), ("BETA", "Beta Health and Care", "nhs"))
    looked = send(team, "/team/register", data, preview=True)
    assert looked.status_code == 200
    assert "Nothing was changed yet." in looked.text
    assert "Gamma Trust" in looked.text
    assert list_organisation_codes(platform, TEAM) == ["ALPHA", "BETA"]
    taken = send(team, "/team/register", data)
    assert "The list is taken in." in taken.text
    assert "1 added, 1 changed, 0 removed" in taken.text
    assert get_organisation(platform, SYSTEM, "BETA").name == "Beta Health and Care"
    assert "nothing to change" in send(team, "/team/register", data).text


def test_a_list_with_errors_changes_nothing_and_says_everything(team: Browser, platform: Platform) -> None:
    data = organisations(("GAMMA", "Gamma Trust", "hospital"), ("DELTA", "", "nhs"), ("EPSILON", HOSTILE, "nhs"))
    answer = send(team, "/team/register", data)
    assert answer.status_code == 422
    assert "<title>Error: Register" in answer.text
    assert answer.text.count('data-label="Kind"') >= 2
    assert HOSTILE not in answer.text
    assert list_organisation_codes(platform, TEAM) == ["ALPHA", "BETA"]


@pytest.mark.parametrize("page", ["/team/register", FRAME])
def test_what_is_no_list_is_refused_beside_the_form(team: Browser, page: str) -> None:
    for data, name in ((b"\x00\x01", "x.bin"), (b"{", "x.json"), (b"", "")):
        answer = send(team, page, data, name=name)
        assert answer.status_code == 422, answer.text
        assert 'href="#file"' in answer.text or 'href="#findings"' in answer.text


def test_a_frame_is_loaded_and_then_replaced(team: Browser, platform: Platform) -> None:
    assert "No line is expected yet." in team.get(FRAME).text
    looked = send(team, FRAME, lines("ALPHA", "BETA"), preview=True)
    assert "Nothing was changed yet." in looked.text
    assert whole_frame(platform, TEAM, YEAR).lines == ()
    assert "The list is taken in." in send(team, FRAME, lines("ALPHA", "BETA")).text
    assert len(whole_frame(platform, TEAM, YEAR).lines) == 2 * len(LINES)
    page = team.get(FRAME).text
    assert f"<dd>{2 * len(LINES)}</dd>" in page
    assert "no longer expected" in send(team, FRAME, lines("ALPHA"), preview=True).text


def test_a_frame_with_errors_changes_nothing(team: Browser, platform: Platform) -> None:
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, "ALPHA", *LINES[0])])
    answer = send(team, FRAME, lines("ALPHA", "NOWHERE"))
    assert answer.status_code == 422
    assert "This organisation is not in the register." in answer.text
    assert len(whole_frame(platform, TEAM, YEAR).lines) == 1


def test_a_frame_that_somebody_else_has_changed_is_not_overwritten(team: Browser, platform: Platform) -> None:
    team.get(FRAME)
    version = re.search(r'name="version" value="([0-9a-f]+)"', team.get(FRAME).text)
    assert version
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, "BETA", *LINES[0])])
    fields = {"form_token": team.form_token, "version": version[1]}
    answer = team.client.post(FRAME, data=fields, files={"file": ("frame.csv", lines("ALPHA"), "text/csv")})
    assert answer.status_code in (409, 412)
    assert "Somebody else has changed this frame meanwhile." in answer.text
    assert [line.organisation for line in whole_frame(platform, TEAM, YEAR).lines] == ["BETA"]


def test_what_was_taken_out_can_be_taken_in_again(team: Browser, platform: Platform) -> None:
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, "ALPHA", *line) for line in LINES])
    for page, out in (("/team/register", "/api/v1/organisations.csv"), (FRAME, f"/api/v1/frame/{YEAR}.xlsx")):
        assert out in team.get(page).text
        data = team.client.get(out).content
        assert "nothing to change" in send(team, page, data, name=out.rsplit("/", 1)[1]).text


def test_thousands_of_errors_are_counted_and_the_page_stays_small(team: Browser) -> None:
    rows = [
        {"organisation_code": f"X{number}", "local_authority_code": "E1", "service_type": "x"} for number in range(3000)
    ]
    answer = send(team, FRAME, json.dumps({"lines": rows}).encode(), name="frame.json")
    assert answer.status_code == 422
    assert "9,000 in all, the first 300 shown" in answer.text
    assert len(answer.content) < 1_000_000
