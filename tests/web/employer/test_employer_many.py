"""Somebody who works for many organisations: their returns, some on a page."""

from __future__ import annotations

import re

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import Organisation
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.web.employer.returns import ON_A_PAGE
from tests.factories.people import Browser, add_person

CHILDREN = [f"CHILD-{number:02}" for number in range(3)]
CODES = [f"ORG-{number:02}" for number in range(ON_A_PAGE + 1)]


def listed(text: str) -> list[str]:
    return re.findall(r'/collections/2025/returns/((?:ORG|CHILD)-\d\d)"', text)


def test_every_return_is_on_one_page_whatever_is_added_meanwhile(platform: Platform) -> None:
    # a member of a parent is one of its children too
    load_organisations(platform, SYSTEM, [Organisation(code, code, "voluntary") for code in CODES])
    load_organisations(platform, SYSTEM, [Organisation(code, code, "voluntary", parent=CODES[0]) for code in CHILDREN])
    add_person(platform, "pat", at={code: ["editor"] for code in CODES})
    browser = Browser(platform)
    browser.sign_in("pat")
    first = browser.get("/returns?year=2025").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    load_organisations(platform, SYSTEM, [Organisation("CHILD-00A", "New", "voluntary", parent=CODES[0])])
    second = browser.get(following[1].replace("&amp;", "&")).text
    assert [*dict.fromkeys(listed(first)), *dict.fromkeys(listed(second))] == [*CHILDREN, *CODES]
    assert len(dict.fromkeys(listed(first))) == ON_A_PAGE
