"""The embedded Postgres on real servers: what it offers, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from census_api.domain.kit.errors import ConfigError
from census_api.embedded_postgres import launcher
from census_api.embedded_postgres.binaries import Binaries
from census_api.embedded_postgres.cluster import last_complaint, make_socket_dir
from census_api.embedded_postgres.launcher import RunningPostgres, start_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPostgres]:
    with start_server(tmp_path_factory.mktemp("shared") / "data", durable=False) as running:
        yield running


def test_a_first_start_gives_an_empty_utf8_database_for_the_census_user(server: RunningPostgres) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        row = connection.execute("SELECT current_user, current_database(), lower('ÉÄ'), 'z' < 'é'").fetchone()
    assert row == ("census", "census", "éä", True)
    assert not server.attached


def test_data_survives_a_restart_in_a_folder_with_spaces(tmp_path: Path) -> None:
    data_dir = tmp_path / "my census, “data”"
    with start_server(data_dir) as first, psycopg.connect(first.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    with start_server(data_dir) as second, psycopg.connect(second.conninfo()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        assert not second.attached


def test_a_path_longer_than_a_socket_address_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / ("long folder name " * 8) / ("deeper " * 12).strip()
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir.parent))
    with start_server(data_dir, durable=False) as server, psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_url_is_what_sqlalchemy_connects_with(server: RunningPostgres) -> None:
    name = "odd name/é&?"
    server.create_database(name)
    engine = sqlalchemy.create_engine(server.url(name))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == name
    engine.dispose()
    assert server.url().startswith("postgresql+psycopg://census@/census?host=/")


def test_a_database_can_be_copied_from_a_template_and_is_made_once(server: RunningPostgres) -> None:
    server.create_database("pattern")
    with psycopg.connect(server.conninfo("pattern")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 3) AS n")
    server.create_database("copied", template="pattern")
    with psycopg.connect(server.conninfo("copied")) as connection:
        connection.execute("DELETE FROM kept WHERE n = 1")
    server.create_database("copied", template="pattern")
    with psycopg.connect(server.conninfo("copied")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (2,)


def test_a_durable_server_syncs_and_a_test_server_does_not(server: RunningPostgres, tmp_path: Path) -> None:
    def modes(running: RunningPostgres) -> list[str]:
        with psycopg.connect(running.conninfo()) as connection:
            found = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            ]
        return [row[0] for row in found if row is not None]

    assert modes(server) == ["off", "off", "off"]
    with start_server(tmp_path / "data") as durable:
        assert modes(durable) == ["on", "on", "on"]


def test_the_socket_and_the_data_are_private_and_parents_keep_their_permissions(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shared = home / "project"
    shared.mkdir(mode=0o750)
    before = {folder: folder.stat() for folder in (shared, *shared.parents)}
    with start_server(shared / "data", durable=False) as server:
        socket_dir = Path(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"])  # type: ignore[arg-type]  # the host is always text
        assert socket_dir.stat().st_mode & 0o777 == 0o700
        assert socket_dir.stat().st_uid == os.geteuid()
        assert (shared / "data").stat().st_mode & 0o777 == 0o700
        assert (shared / "data" / "cluster").stat().st_mode & 0o777 == 0o700
    assert not socket_dir.exists()
    after = {folder: folder.stat() for folder in before}
    assert {f: (s.st_mode, s.st_uid, s.st_gid) for f, s in after.items()} == {
        f: (s.st_mode, s.st_uid, s.st_gid) for f, s in before.items()
    }


def test_a_socket_folder_that_somebody_else_prepared_is_not_used(tmp_path: Path) -> None:
    ours = make_socket_dir(tmp_path)
    ours.chmod(0o777)
    try:
        other = make_socket_dir(tmp_path)
        assert other != ours
        assert other.stat().st_mode & 0o777 == 0o700
        other.rmdir()
    finally:
        ours.rmdir()


def test_the_log_never_holds_a_row(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", durable=False) as server, psycopg.connect(server.conninfo()) as connection:
        connection.execute("CREATE TABLE person (email text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('marker@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('marker@example.org')")
    log = (tmp_path / "data" / "cluster" / "server.log").read_text()
    assert "duplicate key" in log
    assert "marker" not in log


def test_variables_of_the_environment_do_not_reach_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "6000", "PGDATA": "/nowhere", "PGHOST": "example.org", "PGOPTIONS": ""}.items():
        monkeypatch.setenv(name, value)
    with start_server(tmp_path / "data", durable=False) as server, psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("SHOW port").fetchone() == ("5432",)


def test_a_durable_start_does_not_share_a_server_that_may_lose_data(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", durable=False), pytest.raises(ConfigError, match="for tests only"):
        start_server(tmp_path / "data")


def test_an_interrupted_first_start_is_begun_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "data" / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with start_server(tmp_path / "data", durable=False):
        assert not unfinished.exists()


def test_data_of_another_version_is_refused_with_both_versions_named(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ConfigError, match=r"made by Postgres 12, but Postgres \d+ is installed"):
        start_server(tmp_path)


def test_a_damaged_cluster_says_what_postgres_said(tmp_path: Path) -> None:
    start_server(tmp_path / "data", durable=False).stop()
    shutil.rmtree(tmp_path / "data" / "cluster" / "global")
    with pytest.raises(ConfigError, match=r"did not start. Postgres says: .*\. Put that right"):
        start_server(tmp_path / "data", durable=False)


def test_a_data_folder_that_cannot_be_made_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be used \(a file is in the way\)\. Choose a folder"):
        start_server(tmp_path / "file" / "data")


def test_the_last_complaint_is_a_sentence_without_time_stamp() -> None:
    log = "2026-01-01 LOG:  starting\n2026-01-01 UTC [1] FATAL:  no room\n2026-01-01 LOG:  shut down\n"
    assert last_complaint(log) == "no room."
    assert last_complaint("") == "nothing at all."


def test_a_postgres_of_the_system_works_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if int(folder.parent.name) >= 14]
    if not folders:
        pytest.skip("no Postgres from the system's packages on this machine")
    system = Binaries(folders[0], int(folders[0].parent.name))
    monkeypatch.setattr(launcher, "find_binaries", lambda: system)
    with start_server(tmp_path / "data", durable=False) as server:
        server.create_database("copied", template="census")


def test_the_system_user_is_let_in_as_the_census_user_alone(server: RunningPostgres) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute("CREATE ROLE somebody LOGIN SUPERUSER")
    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(server.conninfo(), user="somebody")
