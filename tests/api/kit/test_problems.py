"""Everything that goes wrong is a problem with a stable code, a sentence and a reference, and repeats nothing."""

from __future__ import annotations

import io
import json
import logging
import uuid
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.api.kit.auth import FormTokenMissing
from census_api.api.kit.guard import Guard
from census_api.api.kit.metrics import Metrics
from census_api.api.kit.problems import CrossSite, MalformedUpload, TooSlow, WrongHost, WrongMediaType
from census_api.app import create_app
from census_api.logging import configure_logging
from census_api.services.kit.platform import Platform
from tests.api.files import CHECK, SUBMISSIONS, as_json
from tests.api.serving import raw, served

API = "/api/v1"
COLLECTION = f"{API}/collections/2024"
FIELDS = {"type", "title", "status", "detail", "code", "reference"}

CASES: list[tuple[str, str, int, str]] = [
    ("GET", "/nowhere", 404, "no_such_page"),
    ("GET", f"{API}/nowhere", 404, "no_such_page"),
    ("GET", f"{API}/collections/", 404, "no_such_page"),
    ("DELETE", "/livez", 405, "method_not_allowed"),
    ("PUT", SUBMISSIONS, 405, "method_not_allowed"),
    ("GET", f"{API}/collections/2031", 404, "not_found"),
    ("GET", f"{API}/collections/20a4", 422, "invalid_request"),
    ("GET", f"{API}/collections/2_24", 422, "invalid_request"),
    ("GET", f"{API}/collections/%D9%A2%D9%A0%D9%A2%D9%A4", 422, "invalid_request"),
    ("GET", f"{API}/collections/1066", 422, "invalid_request"),
    ("GET", f"{COLLECTION}?sort=id;select+pg_sleep(9)", 422, "invalid_request"),
    ("GET", f"{COLLECTION}/template.xlsx?organisation=NOBODY", 404, "not_found"),
    ("GET", f"{COLLECTION}/template.xlsx?organisation=%00", 422, "invalid_request"),
    ("GET", f"{COLLECTION}/returns/NOBODY", 404, "not_found"),
    ("GET", f"{COLLECTION}/returns/%00", 422, "invalid_request"),
    ("GET", f"{COLLECTION}/returns/{'x' * 41}", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/1", 404, "not_found"),
    ("GET", f"{SUBMISSIONS}/0", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/99999999999999999999", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/1.5", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}?limit=1000000000", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}?limit=0", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}?limit=1_0", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}?cursor=secret-cursor", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/1/findings?severity=bad", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/1/findings?rule=X-1", 422, "invalid_request"),
    ("GET", f"{SUBMISSIONS}/1/findings?sheet=name+desc+nulls", 422, "invalid_request"),
    ("GET", f"{API}/organisations/NOBODY", 404, "not_found"),
    ("GET", f"{API}/jobs/{uuid.UUID(int=7)}", 404, "not_found"),
    ("GET", f"{API}/jobs/7", 422, "invalid_request"),
    ("GET", "/static/census.css", 404, "not_found"),
    ("TRACE", "/", 405, "method_not_allowed"),
]


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    problem = answer.json()
    assert set(problem) == FIELDS
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["reference"] == answer.headers["x-request-id"]
    assert problem["detail"][-1] in ".)"
    assert len(answer.content) < 1000


def test_every_wrong_request_is_a_problem(client: httpx.Client) -> None:
    for method, path, status, code in CASES:
        try:
            is_problem(client.request(method, path), status, code)
        except AssertionError as problem:
            raise AssertionError(f"{method} {path}") from problem


def test_a_wrong_parameter_is_named_with_what_is_allowed_and_not_repeated(client: httpx.Client) -> None:
    answer = client.get(f"{SUBMISSIONS}/1/findings", params={"severity": "<b>marker</b>", "limit": "marker"})
    assert answer.json()["detail"] == (
        "The query parameter severity is not usable: it should be 'error', 'query' or 'note'. "
        "The query parameter limit is not usable: it must be a whole number of at most 5 digits."
    )


def test_a_wrong_method_is_told_the_right_one(client: httpx.Client) -> None:
    assert client.put(CHECK).headers["allow"] == "POST"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]:80"]
)
def test_a_request_for_another_name_is_refused(client: httpx.Client, host: str) -> None:
    is_problem(client.get("/api/v1/collections", headers={"Host": host}), 421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8000", "127.0.0.2:80"])
def test_the_names_of_this_machine_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/collections", headers={"Host": host}).status_code == 200


def test_other_names_can_be_allowed(platform: Platform) -> None:
    with served(create_app(platform, hosts=["census.test"])) as address:
        assert httpx.get(f"{address}/livez", headers={"Host": "census.test"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_page_of_another_site_cannot_send_anything(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post(SUBMISSIONS, content=as_json(), headers={"Content-Type": "application/json", **headers})
    is_problem(answer, 403, "cross_site")
    assert client.get(SUBMISSIONS).json()["total"] == 0


def test_our_own_pages_can(client: httpx.Client, address: str) -> None:
    own = {"Content-Type": "application/json", "Origin": address, "Sec-Fetch-Site": "same-origin"}
    assert client.post(CHECK, content=as_json(), headers=own).status_code == 200


def test_a_fault_of_ours_is_a_problem_without_its_text(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    configure_logging("info", "json", log)

    def broken(*_: object) -> None:
        raise RuntimeError("MARKER of a cell")

    monkeypatch.setattr("census_api.services.collecting.collections.list_collections", broken)
    with served(create_app(platform)) as address:
        answer = httpx.get(f"{address}/api/v1/collections")
        is_problem(answer, 500, "internal_error")
        assert httpx.get(f"{address}/livez").status_code == 200
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    fault = next(line for line in lines if line["event"] == "unexpected_error")
    assert (fault["kind"], fault["reference"]) == ("RuntimeError", answer.json()["reference"])
    assert "MARKER" not in log.getvalue()


def test_the_log_has_one_line_a_request_without_paths_or_parameters(platform: Platform) -> None:
    log = io.StringIO()
    configure_logging("info", "json", log)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with served(create_app(platform)) as address:
        answer = httpx.get(f"{address}/api/v1/organisations/ALPHA-MARKER", params={"who": "MARKER\r\nforged"})
        httpx.get(f"{address}/MARKER")
    lines = [json.loads(line) for line in log.getvalue().splitlines() if '"request"' in line]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/organisations/{organisation}", 422),
        ("none", 404),
    ]
    assert lines[0]["reference"] == answer.headers["x-request-id"]
    assert "MARKER" not in log.getvalue()


def test_who_has_not_signed_in_is_told_so_and_the_body_is_not_read(address: str) -> None:
    with httpx.Client(base_url=address) as nobody:
        for path in (f"{API}/openapi.json", f"{API}/collections", f"{COLLECTION}/rules"):
            assert nobody.get(path).status_code == 200
        for path in (SUBMISSIONS, f"{SUBMISSIONS}/1", f"{API}/organisations/NOBODY", f"{COLLECTION}/returns/NOBODY"):
            is_problem(nobody.get(path), 401, "sign_in_required")
        wrong = {"Authorization": "Bearer census_marker"}
        is_problem(nobody.get(f"{API}/collections", headers=wrong), 401, "sign_in_required")
    head = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    for path in (CHECK, SUBMISSIONS):
        # of the body only the first sign is sent: who waits for the others never answers
        assert raw(address, f"POST {path} HTTP/1.1\r\n{head}{{".encode()).startswith(b"HTTP/1.1 401")


def test_every_code_of_the_api_alone_is_on_its_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    for kind in (WrongMediaType, MalformedUpload, TooSlow, WrongHost, CrossSite, FormTokenMissing):
        assert f"`{kind.code}`" in page


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", "/livez", f"{API}/collections", "/nowhere", f"{COLLECTION}/template.xlsx"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        # without one, a form of ours would look as if another site had sent it
        assert headers["referrer-policy"] == ("same-origin" if path == "/" else "no-referrer")
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"]
        assert "server" not in headers or "uvicorn" in headers["server"]


def test_bytes_that_are_not_http_do_no_harm(address: str) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ):
        raw(address, request, hang_up=True)
    assert httpx.get(f"{address}/livez").status_code == 200


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=60)
@given(st.sampled_from(["cursor", "limit", "severity", "rule", "sheet", "x"]), TEXT, TEXT)
def test_no_parameter_is_a_fault(client: httpx.Client, name: str, value: str, code: str) -> None:
    for path in (f"{SUBMISSIONS}/1/findings", SUBMISSIONS, f"{COLLECTION}/template.xlsx"):
        assert client.get(path, params={name: value}).status_code in (200, 404, 422)
    quoted = "".join(f"%{byte:02x}" for byte in code.encode())
    assert client.get(f"{API}/organisations/{quoted}").status_code in (200, 404, 422)


def test_an_idempotency_key_is_printable_and_short(client: httpx.Client) -> None:
    for key in ("", "x" * 201, "é"):
        headers = [(b"Idempotency-Key", key.encode("latin-1")), (b"Content-Type", b"application/json")]
        is_problem(client.post(SUBMISSIONS, content=as_json(), headers=headers), 422, "invalid_request")


def test_the_guard_lets_other_protocols_through() -> None:
    import asyncio

    seen: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(str(scope))

    asyncio.run(Guard(app, Metrics())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]  # an event that needs no channels
    assert seen == ["{'type': 'lifespan'}"]
