"""Every command in README.md and docs/ is run, and every link leads somewhere.

A page's ```console blocks run in order in one empty folder, in which `./census` is the command line of this checkout.
Lines below a command are what a reader is told to expect: they are in its output, in that order; `...` is left out.
Servers are started, asked, and ended. `./census test` is what runs this test, so it is only looked up. Commands of the
census run as a reader runs them on the first page, and in this process on the others.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from census_api.cli.run import run_command
from tests.api.conftest import logs_as_they_were
from tests.patience import PATIENCE

__all__ = ["logs_as_they_were"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("schemas/*.md"), *ROOT.glob("deploy/*.md")])
ADDRESS = "http://127.0.0.1:8000"
SERVERS = {"serve", "worker"}
OF_THEIR_OWN = {"README.md"}
"""Pages whose commands are processes of their own, on a database of their own."""
READY = re.compile("census is at|Stop with Ctrl")


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def list_expected(page: Path) -> list[list[str]]:
    """The lines that the page shows below each command, in the order of `commands`."""
    expected: list[list[str]] = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                expected.append([])
            elif line.strip(" .") and expected:
                expected[-1].append(line)
    return expected


EXIT_CODES = {
    "./census check returns/DEMO-ERRORS.xlsx --annotated checked.xlsx": 1,
    "./census check returns/DEMO-CLEAN.json --format json": 0,
    "./census check returns/DEMO-LARGE.xlsx --last-year returns-2023/DEMO-LARGE.xlsx": 1,
}
"""Which end the pages tell of. Any other command ends with 0."""


def in_folder(tmp_path: Path) -> dict[str, str]:
    """The environment of a reader's shell, with a `./census` in its folder."""
    script = tmp_path / "census"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m census_api "$@"\n')
    script.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CENSUS_")}
    return environment | {"CENSUS_DATA_DIR": str(tmp_path / "state")}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a small demonstration, started as the README says."""
    folder = tmp_path_factory.mktemp("demo")
    environment = in_folder(folder)
    log = folder / "log"
    with log.open("w") as out:
        words = ["./census", "demo", "--data-dir", "data", "--organisations", "100", "--port", "0"]
        server = subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        yield waited_for(server, log)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=PATIENCE)


def waited_for(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", log.read_text())
        if found:
            return found[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"no address after {PATIENCE} s: {log.read_text()}")


def with_commands() -> list[Any]:
    """Pages with commands; those that call curl need it."""
    pages = [page for page in PAGES if commands(page)]
    return [
        pytest.param(page, id=page.name, marks=[pytest.mark.needs("curl")] if "curl" in page.read_text("utf-8") else [])
        for page in pages
    ]


@pytest.mark.parametrize("page", with_commands())
def test_commands_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    environment = in_folder(tmp_path)
    if page.name not in OF_THEIR_OWN:
        environment |= {
            "DATABASE_URL": request.getfixturevalue("fresh_database_url"),
            "CENSUS_SECRET_KEY": "0123456789abcdef" * 2,
        }
    if any(ADDRESS in command for command in commands(page)):
        made = subprocess.run(
            ["./census", "demo-data", "2025", "-o", "returns", "--organisations", "1"], cwd=tmp_path, env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
    for command, expected in zip(commands(page), list_expected(page), strict=True):
        words = shlex.split(command)
        if words[:2] == ["./census", "test"]:
            assert os.access(ROOT / "census", os.X_OK)
        elif words[:2] == ["./census", "demo"]:
            with urllib.request.urlopen(request.getfixturevalue("demonstration"), timeout=PATIENCE) as answer:
                assert answer.status == 200
        elif words[0] == "export":
            name = words[1].partition("=")[0]
            found = succeeds(f'{command} && printf %s "${name}"', tmp_path, environment)
            environment[name] = request.getfixturevalue("fresh_database_url") if name == "DATABASE_URL" else found
        elif words[0] == "./census" and words[1] in SERVERS:
            starts_and_ends(command, tmp_path, environment)
        elif words[0] == "./census" and words[1] == "build" and "--check" not in words:
            succeeds(f"{command} -o {tmp_path}", tmp_path, environment)
        elif ADDRESS in command:
            address = request.getfixturevalue("demonstration")
            answer = succeeds(
                command.replace(ADDRESS, address).replace("curl -s", "curl -sS --fail-with-body"), tmp_path, environment
            )
            assert "problem+json" not in answer
        else:
            printed = (succeeds if page.name in OF_THEIR_OWN else succeeds_here)(command, tmp_path, environment)
            shows(printed, expected)


def succeeds(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Runs it to the end that the page tells of, and gives what it printed."""
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    told = f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == EXIT_CODES.get(command, 0), told
    return done.stdout + done.stderr


def succeeds_here(command: str, folder: Path, environment: dict[str, str]) -> str:
    """The same without a process of its own, where the command is one of the census and nothing around it."""
    if not command.startswith("./census ") or set(command) & set("|<>$;&`"):
        return succeeds(command, folder, environment)
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(output):
        patch.chdir(folder)
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        code = run_command(shlex.split(command)[1:])
    assert code == EXIT_CODES.get(command, 0), f"{command}\n{output.getvalue()[-4000:]}"
    return output.getvalue()


def shows(output: str, expected: list[str]) -> None:
    lines = iter(output.splitlines())
    for line in expected:
        assert line in lines, f"{line!r} is not there, or not in that place, in\n{output[-4000:]}"


def test_the_readme_tells_what_to_expect_of_its_example() -> None:
    readme = ROOT / "README.md"
    expected = dict(zip(commands(readme), list_expected(readme), strict=True))
    checks = [command for command in expected if command.startswith("./census check")]
    assert {EXIT_CODES[command] for command in checks} == {0, 1}
    assert all(expected[command] for command in checks)


def starts_and_ends(command: str, folder: Path, environment: dict[str, str]) -> None:
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            shlex.split(command), cwd=folder, env={**environment, "CENSUS_PORT": "0"}, stdout=out, stderr=out
        )
    deadline = time.monotonic() + PATIENCE
    while not READY.search(log.read_text()) and time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        time.sleep(0.2)
    time.sleep(1)
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=PATIENCE) == 0, log.read_text()


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("docs/adr/*.md"))], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
