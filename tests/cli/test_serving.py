"""`census serve`, `census worker` and `census demo` as real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from census_api.cli.run import run_command
from census_api.cli.serving import open_listener
from census_api.demo.loading import open_now
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import ConfigError
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting.background_checks import get_job
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import open_platform
from census_api.services.people import demo_accounts
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from tests.api.files import as_json, form, workbook
from tests.factories.people import add_person, add_token
from tests.patience import PATIENCE

SECRET_KEY = "0123456789abcdef0123456789abcdef"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(*arguments: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "census_api", *arguments],
            stdout=out,
            stderr=out,
            env={**os.environ, **environment},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(log: Path, words: str, process: subprocess.Popen[bytes], seconds: float = PATIENCE) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = log.read_text("utf-8")
        if words in text:
            return text
        assert process.poll() is None, text
        time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8"))


def ended(process: subprocess.Popen[bytes], number: int) -> int:
    process.send_signal(number)
    return process.wait(PATIENCE)


@pytest.fixture
def database(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("CENSUS_SECRET_KEY", SECRET_KEY)
    assert run_command(["db", "upgrade"]) == 0
    with open_platform(Settings(), fresh_database_url) as platform:
        load_organisations(platform, SYSTEM, [Organisation("ALPHA", "Alpha Recovery", "voluntary")])
        open_now(platform, SYSTEM, 2025)
    return fresh_database_url


@pytest.fixture
def bearer(database: str) -> dict[str, str]:
    """The header that says that somebody of the census team calls."""
    with open_platform(Settings(), database) as platform:
        return {"Authorization": f"Bearer {add_token(platform, add_person(platform, 'tess', 'census_team'))}"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_takes_returns_and_ends_with_0_when_told_to(
    bearer: dict[str, str], tmp_path: Path, number: int
) -> None:
    port = free_port()
    log = tmp_path / "log"
    with started("serve", "--port", str(port), log=log, CENSUS_LOG_FORMAT="json") as process:
        wait_for(log, f"http://127.0.0.1:{port}", process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, headers=bearer) as client:
            assert client.get("/readyz").status_code == 200
            address = "/api/v1/collections/2025/returns/ALPHA/submissions"
            answer = client.post(address, files=form(workbook(2025)))
            assert answer.status_code == 201
            assert client.get(f"{address}/1/original").content == workbook(2025)
        assert ended(process, number) == 0
    assert '"event": "request"' in log.read_text("utf-8")


def test_a_request_in_hand_is_finished_before_the_end(bearer: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    body = as_json(2025)
    head = (
        "POST /api/v1/collections/2025/returns/ALPHA/submissions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {bearer['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with started("serve", "--port", str(port), log=log) as process:
        wait_for(log, f"http://127.0.0.1:{port}", process)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(head + body[:1000])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(body[1000:])
            assert connection.recv(12) == b"HTTP/1.1 201"
        assert process.wait(PATIENCE) == 0


def test_a_database_that_is_behind_is_not_served(fresh_database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from census_api.store.kit.migrate import downgrade_schema

    downgrade_schema(fresh_database_url, "-1")
    log = subprocess.run(
        [sys.executable, "-P", "-m", "census_api", "serve", "--port", "0"],
        env={**os.environ, "DATABASE_URL": fresh_database_url, "CENSUS_SECRET_KEY": SECRET_KEY},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert log.returncode == 2
    assert (
        log.stderr
        == "census: The database is not at the version that this platform needs. Run census db upgrade first.\n"
    )


def test_a_worker_checks_what_waits_and_ends_with_0(database: str, tmp_path: Path) -> None:
    with open_platform(Settings(long_file_bytes=0), database) as platform:
        answer = submit_return(platform, SYSTEM, 2025, "ALPHA", Upload(as_json(2025), "return.json"))
        assert answer.job is not None
        log = tmp_path / "log"
        with started("worker", log=log) as process:
            wait_for(log, "Waiting for long files", process)
            deadline = time.monotonic() + PATIENCE
            while get_job(platform, SYSTEM, answer.job).state != "done":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert ended(process, signal.SIGTERM) == 0


def test_a_port_that_is_taken_is_said_or_the_next_one_used() -> None:
    with open_listener("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="--port"):
            open_listener("127.0.0.1", port)
        with open_listener("127.0.0.1", port, or_next=20) as other:
            assert port < other.getsockname()[1] <= port + 20


@pytest.mark.slow
def test_a_demonstration_starts_once_and_again(tmp_path: Path) -> None:
    data, log = tmp_path / "demo", tmp_path / "log"
    arguments = ("demo", "--data-dir", str(data), "--port", str(free_port()), "--organisations", "100")
    with started(*arguments, log=log, DATABASE_URL="postgresql://nobody@127.0.0.1:1/production") as process:
        text = wait_for(log, "Stop with Ctrl+C", process)
        found = re.search(r"Look at +(http://\S+)", text)
        assert found
        address = found[1]
        assert "invented" in text
        printed = re.search(r'curl -H "Authorization: Bearer (\S+)" (\S+)', text)
        assert printed
        own = httpx.get(printed[2], headers={"Authorization": f"Bearer {printed[1]}"}, timeout=PATIENCE)
        assert own.json()["organisation"] == "DEMO-ERRORS"
        assert httpx.get(printed[2], timeout=PATIENCE).status_code == 401
        again = subprocess.run(
            [sys.executable, "-P", "-m", "census_api", *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (again.returncode, again.stderr) == (0, f"This demonstration is running already: look at {address}.\n")
        team = next(account for account in demo_accounts.DEMO_ACCOUNTS if "census_team" in account.roles)
        with httpx.Client(
            base_url=address, timeout=PATIENCE, headers={"Authorization": f"Bearer {team.token}"}
        ) as client:
            assert "Every organisation and every figure here is invented." in client.get("/").text
            phases = [item["phase"] for item in client.get("/api/v1/collections").json()["items"]]
            assert phases == ["closed", "closed", "closed", "open"]
            for code, outcome in (("ERRORS", "errors"), ("QUERIES", "queries"), ("CLEAN", "clean"), ("NIL", "clean")):
                report = client.get(f"/api/v1/collections/2025/returns/DEMO-{code}/submissions/1").json()
                assert report["outcome"] == outcome
            for year, state in ((2022, "accepted"), (2023, "accepted"), (2024, "accepted"), (2025, "in_progress")):
                assert client.get(f"/api/v1/collections/{year}/returns/DEMO-LARGE").json()["state"] == state
        assert ended(process, signal.SIGTERM) == 0
    with started(*arguments, log=log) as process:
        text = wait_for(log, "Stop with Ctrl+C", process)
        assert "invented:" not in text
        assert ended(process, signal.SIGINT) == 0
    other = subprocess.run(
        [sys.executable, "-P", "-m", "census_api", *arguments[:-1], "101"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert other.returncode == 2
    assert "another number of organisations" in other.stderr
