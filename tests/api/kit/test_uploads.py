"""Bodies that are no upload: refused within limits, with a reason, and nothing of them stored or left behind."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from census_api.api.kit import upload_room, uploads
from census_api.app import create_app
from census_api.services.kit.platform import Platform
from tests.api.files import CHECK, SUBMISSIONS, as_json, form, multipart, workbook
from tests.api.serving import raw, served
from tests.patience import PATIENCE

MARKER = b"SECRET-CELL-TEXT"
FORM = {"Content-Type": "multipart/form-data; boundary=edge"}
JSON = {"Content-Type": "application/json"}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["reference"] == answer.headers["x-request-id"]
    assert problem["detail"].endswith((".", ")."))
    assert MARKER not in answer.content


BODIES: list[tuple[str, dict[str, str], bytes, int, str]] = [
    ("two files", FORM, multipart(b"a")[:-10] + b"\r\n" + multipart(b"b"), 400, "malformed_upload"),
    ("another part", FORM, multipart(b"a", name="report"), 400, "malformed_upload"),
    ("no part", FORM, b"--edge--\r\n", 400, "malformed_upload"),
    ("no end", FORM, multipart(b"PK" + MARKER)[:-12], 400, "malformed_upload"),
    ("another boundary", FORM, multipart(b"a", boundary="other"), 400, "malformed_upload"),
    ("not a form", FORM, MARKER, 400, "malformed_upload"),
    ("nothing", FORM, b"", 400, "malformed_upload"),
    ("no boundary", {"Content-Type": "multipart/form-data"}, multipart(b"a"), 400, "malformed_upload"),
    ("endless headers", FORM, b"--edge\r\n" + b"X-A: " + b"y" * 9000 + b"\r\n\r\n", 400, "malformed_upload"),
    ("many headers", FORM, b"--edge\r\n" + b"X-A: y\r\n" * 50 + b"\r\n", 400, "malformed_upload"),
    ("empty file", FORM, multipart(b""), 422, "empty_file"),
    ("not a workbook", FORM, multipart(MARKER), 422, "not_a_workbook"),
    ("broken JSON", JSON, b'{"a": "' + MARKER, 422, "json_broken"),
    ("not an object", JSON, b'["' + MARKER + b'"]', 422, "json_shape"),
    ("NaN", JSON, b'{"staff": [{"paid_wte": NaN}]}', 422, "json_not_a_number"),
    ("a key twice", JSON, b'{"staff": [], "staff": []}', 422, "json_duplicate_key"),
    ("very deep", JSON, b'{"a":' + b"[" * 100_000, 422, "json_depth"),
    ("not UTF-8", JSON, b'{"a": "\xff' + MARKER + b'"}', 422, "json_encoding"),
    ("empty JSON", JSON, b"", 422, "empty_file"),
    ("plain text", {"Content-Type": "text/plain"}, MARKER, 415, "unsupported_media_type"),
    ("a web form", {"Content-Type": "application/x-www-form-urlencoded"}, b"file=a", 415, "unsupported_media_type"),
    ("no type", {}, MARKER, 415, "unsupported_media_type"),
    ("compressed", {**JSON, "Content-Encoding": "gzip"}, b"\x1f\x8b", 415, "unsupported_media_type"),
]


def test_every_body_that_is_no_return_is_refused_and_not_repeated(client: httpx.Client) -> None:
    for what, headers, body, status, code in BODIES:
        for path in (CHECK, SUBMISSIONS):
            try:
                refused(client.post(path, content=body, headers=headers), status, code)
            except AssertionError as problem:
                raise AssertionError(what) from problem
    assert client.get(SUBMISSIONS).json()["total"] == 0


def test_half_a_surrogate_is_a_finding_or_a_refusal_and_never_a_fault(client: httpx.Client) -> None:
    for text in (rb"\ud800", rb"\u0000", rb"\udfff\ud800"):
        body = b'{"organisation": {"organisation_code": "ALPHA", "name": "' + text + b'"}}'
        for path in (CHECK, SUBMISSIONS):
            answer = client.post(path, content=body, headers=JSON)
            assert answer.status_code in (200, 201, 422), answer.text


def chunks(size: int) -> Iterator[bytes]:
    yield multipart(b"")[:-12]
    for _ in range(size // 10_000):
        yield b"x" * 10_000


def head_of(path: str, bearer: dict[str, str], length: int, kind: str = "application/json") -> bytes:
    """The head of a request whose body is longer than what is sent of it."""
    lines = {"Host": "127.0.0.1", "Content-Type": kind, "Content-Length": str(length), **bearer}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode()


def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    client: httpx.Client, address: str, bearer: dict[str, str]
) -> None:
    refused(client.post(CHECK, files=form(b"x" * 400_000)), 413, "too_large")
    refused(client.post(CHECK, content=b"1" * 400_000, headers=JSON), 413, "too_large")
    refused(client.post(CHECK, content=chunks(20_000_000), headers=FORM), 413, "too_large")
    # declared too large: answered without waiting for the body, and the connection is not used again
    answer = raw(address, head_of(CHECK, bearer, 99999999999))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


def test_a_file_of_the_largest_size_is_taken_and_one_byte_more_is_not(client: httpx.Client, platform: Platform) -> None:
    largest = platform.settings.max_upload_bytes
    padded = as_json() + b" " * (largest - len(as_json()))
    assert client.post(CHECK, content=padded, headers=JSON).status_code == 200
    refused(client.post(CHECK, content=padded + b" ", headers=JSON), 413, "too_large")
    assert client.post(CHECK, files=form(padded, "return.json")).status_code == 200
    refused(client.post(CHECK, files=form(padded + b" ", "return.json")), 413, "too_large")


def test_an_upload_that_is_cut_stores_nothing_and_leaves_no_file(
    client: httpx.Client, address: str, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body = multipart(workbook())
    head = head_of(SUBMISSIONS, bearer, len(body), FORM["Content-Type"])
    for share in range(1, 100, 7):
        raw(address, head + body[: len(body) * share // 100], hang_up=True)
    deadline = time.monotonic() + PATIENCE
    while "census_uploads_in_flight 0" not in client.get("/metrics").text and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.get(SUBMISSIONS).json()["total"] == 0
    assert list(tmp_path.iterdir()) == []
    assert client.post(SUBMISSIONS, files=form(workbook())).status_code == 201


def test_an_upload_that_stops_arriving_is_given_up(
    address: str, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.2)
    answer = raw(address, head_of(CHECK, bearer, 10) + b"[")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"upload_too_slow" in answer


def test_more_uploads_than_fit_are_turned_away_and_everything_else_goes_on(
    platform: Platform, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("census_api.app.PLACES", 2)
    with served(create_app(platform)) as address, httpx.Client(base_url=address, headers=bearer) as client:
        host, port = address.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(2)]
        for connection in slow:
            connection.sendall(head_of(CHECK, bearer, 10) + b"[")
        wait_for(lambda: "census_uploads_in_flight 2" in client.get("/metrics").text)
        answer = client.post(CHECK, content=as_json(), headers=JSON)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/livez").status_code == 200
        assert client.get("/api/v1/collections").status_code == 200
        for connection in slow:
            connection.close()
        wait_for(lambda: client.post(CHECK, content=as_json(), headers=JSON).status_code == 200)
        assert "census_uploads_turned_away_total" in client.get("/metrics").text


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_memory_for_uploads_is_bounded_in_bytes() -> None:
    from census_api.api.kit.metrics import Metrics
    from census_api.domain.kit.errors import Unavailable

    room = upload_room.UploadRoom(3, 3, 100, Metrics())
    with room.place() as first, room.place() as second:
        first.take(60)
        second.take(40)
        with pytest.raises(Unavailable):
            second.take(1)
    with room.place() as again:
        again.take(100)


def test_names_of_files_are_shown_and_nothing_else(client: httpx.Client) -> None:
    names = ["../../etc/passwd", "C:\\temp\\return.xlsx", "a\x00b.xlsx", "x" * 400, '"; drop', "=cmd.xlsx"]
    for number, name in enumerate(names, start=1):
        body = multipart(as_json()).replace(
            b'filename="r.xlsx"', b'filename="' + name.replace('"', '\\"').encode() + b'"'
        )
        assert client.post(SUBMISSIONS, content=body, headers=FORM).status_code == 201
        shown = client.get(f"{SUBMISSIONS}/{number}/original").headers["content-disposition"]
        assert shown.startswith('attachment; filename="')
        assert "/" not in shown
        assert "\\" not in shown
        assert len(shown) < 800


def test_more_files_than_can_be_checked_at_once_wait_for_their_turn(
    platform: Platform, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_at_a_time = replace(platform, settings=platform.settings.model_copy(update={"pool_size": 3}))
    with (
        served(create_app(one_at_a_time)) as address,
        httpx.Client(base_url=address, timeout=PATIENCE, headers=bearer) as client,
    ):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.post(CHECK, content=as_json(), headers=JSON), range(16)))
        assert [answer.status_code for answer in answers] == [200] * 16
        monkeypatch.setattr(upload_room, "QUEUE_SECONDS", 0.0)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.post(CHECK, content=as_json(), headers=JSON), range(16)))
        assert {answer.status_code for answer in answers} == {200, 503}
