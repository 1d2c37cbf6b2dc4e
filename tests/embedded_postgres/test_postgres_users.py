"""The embedded Postgres for root, for an ordinary user, and against other users of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from census_api.embedded_postgres import launcher
from census_api.embedded_postgres.binaries import Binaries, find_binaries
from census_api.embedded_postgres.launcher import start_server
from tests.patience import PATIENCE

PROJECT = Path(__file__).parents[2]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="says how root is served; this run is an ordinary user's")


@as_root
def test_as_root_the_server_is_another_user_with_programs_and_data_under_a_closed_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "closed"
    home.mkdir(mode=0o700)
    installed = find_binaries()
    copied = shutil.copytree(installed.folder.parent, home / "package" / installed.folder.parent.name)
    libraries = installed.folder.parents[1].with_name(f"{installed.folder.parents[1].name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    monkeypatch.setattr(launcher, "find_binaries", lambda: Binaries(copied / "bin", installed.major))
    with start_server(home / "data", durable=False):
        pid = int((home / "data" / "cluster" / "postmaster.pid").read_text().split()[0])
        owner = Path(f"/proc/{pid}").stat().st_uid
    assert owner == pwd.getpwnam("nobody").pw_uid
    assert home.stat().st_mode & 0o777 == 0o700


def run_as_nobody(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs code with our packages as another user; skips where the packages lie in a home closed to that user."""
    search = f"{PROJECT}:{Path(psycopg.__file__).parents[1]}"
    probe = f"import psycopg, census_api.embedded_postgres.launcher, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(PermissionError):
            if as_nobody([python, "-c", probe], search).returncode == 0:
                return as_nobody([python, "-c", code, *arguments], search)
    pytest.skip("another user cannot reach these packages on this machine")


def as_nobody(command: list[str], search: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        user="nobody",
        group="nogroup",
        extra_groups=[],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@as_root
def test_an_ordinary_user_starts_stops_and_restarts() -> None:
    code = """
import os, sys
from pathlib import Path
import psycopg
from census_api.embedded_postgres.launcher import start_server
for _ in range(2):
    with start_server(Path(sys.argv[1]) / "data") as server, psycopg.connect(server.conninfo()) as connection:
        print(os.geteuid() > 0, connection.execute("SELECT current_user").fetchone())
"""
    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, "nobody", "nogroup")
        answer = run_as_nobody(code, folder)
    assert answer.stdout == "True ('census',)\n" * 2, answer.stderr


@as_root
def test_another_user_of_the_machine_cannot_connect(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", durable=False) as server:
        socket = Path(str(conninfo_to_dict(server.conninfo())["host"])) / ".s.PGSQL.5432"
        assert socket.is_socket()
        answer = as_nobody(["stat", str(socket)])
    assert answer.returncode != 0
    assert "Permission denied" in answer.stderr


@as_root
def test_root_may_start_the_data_of_an_ordinary_user_who_keeps_it() -> None:
    code = """
import sys
from pathlib import Path
from census_api.embedded_postgres.launcher import start_server
start_server(Path(sys.argv[1]) / "data").stop()
print("fine")
"""
    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, "nobody", "nogroup")
        assert run_as_nobody(code, folder).stdout == "fine\n"
        start_server(Path(folder) / "data").stop()
        assert run_as_nobody(code, folder).stdout == "fine\n"
