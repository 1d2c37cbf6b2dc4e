"""Conditional requests: a tag in any form that RFC 9110 allows, on every route that gives one."""

from __future__ import annotations

import httpx
import pytest
from fastapi import Request, Response

from census_api.api.kit.conditional import answer_once, has_already, read_tags, seen_version
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.register.organisations import FrameLine
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame
from census_api.services.snapshots.revisions import freeze_collection
from tests.factories.actors import ANN, TEAM
from tests.factories.frozen import HERE, accepted, tree_for

FORMS = ("{}", "W/{}", '"other", {}', 'W/"a,b" ,W/{},"z"', "*")
ROUTES = {
    "/collections": "no-cache",
    "/collections/2024": "no-cache",
    "/collections/2024/rules": "no-cache",
    "/collections/2024/schema.json": "no-cache",
    "/collections/2024/template.xlsx": "no-cache",
    "/collections/2024/returns/ALPHA": "no-store",
    "/collections/2024/reminder-plan": "no-store",
    "/frame/2024": "no-store",
    "/snapshots/2024/aggregates?by=sector&measure=wte": "private, no-cache",
    "/snapshots/2024/estimates?measure=wte": "private, no-cache",
    "/snapshots/2024/margins": "private, no-cache",
}
"""Every route that answers an entity tag, and what its answer says of caching."""


def request_with(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"7"', {"7"}),
        ('W/"7"', {"7"}),
        ('"7","8" , W/"9"', {"7", "8", "9"}),
        ('"with,comma"', {"with,comma"}),
        ('""', {""}),
    ],
)
def test_tags_are_read_in_every_form(header: str | None, tags: set[str] | None) -> None:
    assert read_tags(header) == tags


@pytest.mark.parametrize("header", ["7", '"7', '7"', "", " ", ",", '"7",', '"7" "8"', 'w/"7"', '"7", *', '"1",' * 2000])
def test_what_is_no_list_of_tags_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="entity tags"):
        read_tags(header)
    assert not has_already(request_with(if_none_match=header), '"7"')


def test_of_several_versions_the_newest_counts() -> None:
    assert seen_version('"7", W/"12", "9"') == 12
    assert seen_version("*") is None
    for wrong in ('"seven"', '"7", "x"', '"1234567890"', '"-1"'):
        with pytest.raises(InvalidRequest, match="ETag of the return"):
            seen_version(wrong)


def test_a_304_keeps_the_headers_that_caches_need_and_no_others() -> None:
    headers = {"ETag": '"a"', "Vary": "Accept", "Cache-Control": "private", "Content-Disposition": "attachment"}
    answer = Response(b"{}", 200, headers)
    short = answer_once(request_with(if_none_match='W/"a"'), answer)
    assert (short.status_code, short.body) == (304, b"")
    assert {name: short.headers.get(name) for name in headers} == headers | {"Content-Disposition": None}
    assert answer_once(request_with(if_none_match='"b"'), answer) is answer
    assert answer_once(request_with(), answer) is answer
    made = Response(b"{}", 201, headers)
    assert answer_once(request_with(if_none_match="*"), made) is made


@pytest.fixture
def frozen(platform: Platform, address: str) -> None:
    load_frame(platform, ANN, 2024, [FrameLine(2024, "ALPHA", HERE, "adult_community")])
    accepted(platform, "ALPHA", 2024, tree_for(platform, "ALPHA", 2024))
    freeze_collection(platform, TEAM, 2024)


@pytest.mark.usefixtures("frozen")
def test_every_route_that_gives_a_tag_takes_it_back_in_any_form(client: httpx.Client) -> None:
    for route, caching in ROUTES.items():
        whole = client.get(f"/api/v1{route}")
        assert (whole.status_code, whole.headers["cache-control"]) == (200, caching), route
        for form in FORMS:
            short = client.get(f"/api/v1{route}", headers={"If-None-Match": form.format(whole.headers["etag"])})
            assert (short.status_code, short.content) == (304, b""), (route, form)
            for name in ("etag", "cache-control", "vary"):
                assert short.headers.get(name) == whole.headers.get(name), (route, form, name)
        assert client.get(f"/api/v1{route}", headers={"If-None-Match": '"other"'}).status_code == 200, route


@pytest.mark.usefixtures("frozen")
def test_margins_and_tables_say_that_they_differ_by_what_is_accepted(client: httpx.Client) -> None:
    for route in ("/snapshots/2024/margins", "/snapshots/2024/aggregates?measure=wte"):
        whole = client.get(f"/api/v1{route}")
        assert "accept" in whole.headers["vary"].lower(), route
        short = client.get(f"/api/v1{route}", headers={"If-None-Match": whole.headers["etag"]})
        assert short.headers["vary"] == whole.headers["vary"], route
