"""The fixtures that every other test of the store stands on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.patience import PATIENCE

CONFTEST = Path(__file__).parents[2] / "conftest.py"
PROJECT = CONFTEST.parents[1]

COUNT = text("SELECT count(*) FROM pg_tables WHERE tablename = 'left_behind'")


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_a_test_commits_in_its_session_is_gone_in_the_next(db: Session, time: str) -> None:
    assert db.scalar(COUNT) == 0, time
    db.execute(text("CREATE TABLE left_behind (n int)"))
    db.commit()
    assert db.scalar(COUNT) == 1


def test_a_session_goes_on_after_an_error_that_the_code_rolled_back(db: Session) -> None:
    db.execute(text("CREATE TABLE left_behind (n int)"))
    db.commit()
    with pytest.raises(DBAPIError):
        db.execute(text("SELECT 1 / 0"))
    db.rollback()
    assert db.scalar(COUNT) == 1


def test_the_workers_database_is_migrated(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_fresh_database_is_migrated_and_never_used_before(fresh_database_url: str, time: str) -> None:
    engine = create_engine(fresh_database_url)
    with engine.begin() as connection:
        assert connection.scalar(COUNT) == 0, time
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
        connection.execute(text("CREATE TABLE left_behind (n int)"))
    # left connected on purpose: the database is dropped all the same


def run_tests(folder: Path, code: str, *arguments: str, **variables: str) -> str:
    """What pytest says of tests in a folder of their own with our conftest."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(code)
    base = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != "CI"}
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "--rootdir", str(folder), "-c", os.devnull, *arguments, str(folder)],
        env=base | {"PYTHONPATH": str(PROJECT)} | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return answer.stdout


NEEDS = """
import pytest
@pytest.mark.needs("libreoffice")
def test_with_it(): pass
"""


def test_a_missing_tool_skips_with_a_sentence_and_fails_in_ci(tmp_path: Path) -> None:
    assert "libreoffice is not installed on this machine" in run_tests(tmp_path, NEEDS, PATH="/nonexistent")
    in_ci = run_tests(tmp_path, NEEDS, PATH="/nonexistent", CI="true")
    assert "1 error" in in_ci
    assert "nothing may be skipped when CI=true" in in_ci


def test_a_tool_that_is_there_is_used(tmp_path: Path) -> None:
    (tmp_path / "soffice").write_text("#!/bin/sh\n")
    (tmp_path / "soffice").chmod(0o755)
    assert "1 passed" in run_tests(tmp_path, NEEDS, PATH=str(tmp_path), CI="true")


SHARED = """
import pathlib, pytest, time
HERE = pathlib.Path(__file__).parent
@pytest.mark.parametrize("n", range(4))
def test_it(n, database_url, postgres_server, worker_id):
    (HERE / f"{worker_id}.txt").write_text(f"{database_url} {postgres_server.attached}")
    time.sleep(0.3)
"""


def test_two_workers_share_one_server_with_a_database_each_and_leave_nothing(tmp_path: Path) -> None:
    assert "4 passed" in run_tests(tmp_path, SHARED, "-n", "2", PYTEST_DEBUG_TEMPROOT=str(tmp_path))
    answers = [(tmp_path / f"gw{n}.txt").read_text().split() for n in (0, 1)]
    assert sorted(attached for _, attached in answers) == ["False", "True"]
    urls = [url for url, _ in answers]
    assert urls[0] != urls[1]
    assert urls[0].partition("?")[2] == urls[1].partition("?")[2]
    socket_dir = urls[0].partition("?host=")[2].partition("&")[0]
    assert not Path(socket_dir).exists()


def test_a_run_that_needs_no_database_starts_none(tmp_path: Path) -> None:
    code = "import sys\ndef test_it(): assert 'census_api.embedded_postgres.launcher' not in sys.modules\n"
    assert "1 passed" in run_tests(tmp_path, code)
