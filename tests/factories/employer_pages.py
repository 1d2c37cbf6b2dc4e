"""The employer's pages as a browser without JavaScript goes through them: who looks, and how to read what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import FrameLine
from census_api.services.collecting import life
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame
from tests.factories.actors import TEAM
from tests.factories.life import (
    WHY,
    YEAR,
    asking_upload,
    explain_all,
    question,
    send,
    sign,
    wrong_upload,
)
from tests.factories.people import Browser, add_person
from tests.factories.returns import LINES

RETURN = "/collections/2024/returns/ALPHA"
BAD = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>=cmd|'/c calc'!A1"


@pytest.fixture
def alpha(platform: Platform) -> Platform:
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, "ALPHA", *line) for line in LINES])
    add_person(platform, "sig", at={"ALPHA": ["editor", "signatory"]})
    add_person(platform, "ed", at={"ALPHA": ["editor"]})
    return platform


@pytest.fixture
def sig(alpha: Platform) -> Iterator[Browser]:
    browser = Browser(alpha)
    with browser.client:
        assert browser.sign_in("sig").status_code == 303
        yield browser


def upload(browser: Browser, path: str, data: bytes, name: str = "return.json", **fields: str) -> Any:
    """The form of a page with a file in it, as a browser sends it: fields first."""
    return browser.client.post(
        path, data={"form_token": browser.form_token, **fields}, files={"file": (name, data, "application/json")}
    )


def finding_keys(page: str) -> list[str]:
    return re.findall(r'<tr id="f-([0-9a-f]{16})">', page)


def words(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def bring(platform: Platform, to: str) -> None:
    if to == "errors":
        send(platform, wrong_upload(platform))
    elif to == "queries":
        send(platform, asking_upload(platform))
    elif to == "declined":
        life.decline_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    elif to != "not_started":
        send(platform, asking_upload(platform))
        explain_all(platform)
        if to != "ready":
            sign(platform)
        if to == "queried":
            question(platform)
        if to in ("accepted", "reopened"):
            life.accept_return(platform, TEAM, YEAR, "ALPHA")
        if to == "reopened":
            life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
