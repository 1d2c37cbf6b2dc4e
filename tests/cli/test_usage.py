"""The command as a person meets it: help at once, one sentence when something is wrong, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from census_api.cli import check
from census_api.cli.run import run_command
from tests.patience import PATIENCE

COMMANDS = {
    "demo",
    "serve",
    "worker",
    "db",
    "build",
    "template",
    "check",
    "demo-data",
    "snapshot",
    "compare",
    "vectors",
    "user",
    "token",
    "audit",
    "margins",
    "weight",
}


def census(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "census_api", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **environment},
        check=False,
    )


HEAVY = {
    "alembic",
    "duckdb",
    "fastapi",
    "openpyxl",
    "pandas",
    "pandera",
    "polars",
    "procrastinate",
    "scipy",
    "sqlalchemy",
}


def test_help_loads_nothing_that_only_commands_need() -> None:
    loaded = census("--help", PYTHONPROFILEIMPORTTIME="1").stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines() if "|" in line}
    assert "census_api" in names
    assert names & HEAVY == set()


def test_help_lists_the_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--help"]) == 0
    listed = re.findall(r"^  ([a-z-]+) {2,}[A-Z]", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert set(listed) == COMMANDS


def test_without_a_word_the_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([command, "--help"]) == 0
    assert "Usage: census" in capsys.readouterr().out


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert re.fullmatch(r"census \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["snapshot"],
        ["check"],
        ["check", "a.xlsx", "--colour"],
        ["check", "a.xlsx", "--year", "soon"],
        ["check", "a.xlsx", "--format", "xml"],
        ["check", "missing.xlsx"],
        ["check", "."],
        ["check", "missing.xlsx", "--year", "1999"],
        ["template"],
        ["template", "1999"],
        ["db"],
        ["db", "downgrade"],
        ["demo-data", "2025"],
        ["build", "1999"],
        ["build", "2025", "--check"],
        ["demo", "--organisations", "many"],
    ],
)
def test_wrong_usage_is_one_sentence_and_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"census: .+\.\n", captured.err), captured.err
    assert "Traceback" not in captured.err


def test_a_fault_of_ours_has_a_reference_and_its_details_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError("MARKER")

    monkeypatch.setattr(check, "run_check", broken)
    assert run_command(["check", "a.xlsx"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"\(reference [0-9a-f]{8}\)", said)
    assert "--debug" in said
    assert "MARKER" not in said
    assert run_command(["check", "a.xlsx", "--debug"]) == 2
    assert "ZeroDivisionError: MARKER" in capsys.readouterr().err


def test_an_interruption_is_said_in_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run_check", interrupted)
    assert run_command(["check", "a.xlsx"]) == 130
    assert capsys.readouterr().err == "census: interrupted.\n"


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    command = f"{sys.executable} -P -m census_api --help | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.stdout, ended.stderr) == ("", "")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DATABASE_URL": "mysql://here"}, "DATABASE_URL"),
        ({"CENSUS_HOST": "0.0.0.0"}, "CENSUS_HOST"),
        ({"CENSUS_PORT": "http"}, "CENSUS_PORT"),
        ({"CENSUS_PROT": "1"}, "CENSUS_PORT"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "database"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_setting_that_cannot_be_used_stops_the_start_in_one_line(
    command: str, environment: dict[str, str], named: str
) -> None:
    ended = census(command, **environment)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("census: ")
    assert named in ended.stderr


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "gone.xlsx"
    missing.symlink_to(tmp_path / "loop")
    assert run_command(["check", str(missing)]) == 2
    assert "gone.xlsx" in capsys.readouterr().err
