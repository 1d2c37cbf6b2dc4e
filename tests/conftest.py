"""What all tests share: a real Postgres for those that ask for one, and the tools that a machine may lack.

Fixtures, cheapest first: `db` (a session, everything undone afterwards), `engine` and `database_url` (this worker's
database), `fresh_database_url` (a database of the test's own, for code that commits or reconnects). `bare` is a platform
on such a database and `platform` one with its collections and two organisations, both with the test's `settings`.
`@pytest.mark.needs("libreoffice")` skips where the tool is missing, and fails there when CI=true.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
import pytest
from hypothesis import HealthCheck

from tests.patience import PATIENCE

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from census_api.embedded_postgres.launcher import RunningPostgres
    from census_api.intake.sandbox import Sandbox
    from census_api.services.kit.platform import Platform
    from census_api.settings import Settings

SHARED_RUN = "TESTS_SHARE_A_SERVER"
"""The variable that names the folder of a run whose server and templates the tests of a recipe use too."""
SHARED_MEMORY = Path("/dev/shm")  # a file system in memory
ROOM_NEEDED = 1 << 30  # bytes
HOUR = 3600.0

TOOLS = {
    "libreoffice": ("libreoffice", "soffice"),
    "curl": ("curl",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
}


class MakeTemplate(Protocol):
    """See the fixture of its name."""

    def __call__(self, name: str, fill: Callable[[str], Any], of: str | None = None) -> Any: ...


# no deadline, and no health check that measures the machine: a busy one must not fail a test
hypothesis.settings.register_profile(
    "census",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("census")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(tool): skipped where the tool is not installed; fails there when CI=true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that wait longest, for whole programs and new environments, begin first: at the end nobody is beside."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/contracts/"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        tool = marker.args[0]
        if any(shutil.which(program) for program in TOOLS[tool]):
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{tool} is not installed, and nothing may be skipped when CI=true", pytrace=False)
        pytest.skip(f"{tool} is not installed on this machine")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Iterator[RunningPostgres]:
    """One server for the whole run: the first worker that needs it starts it, and ends it after the others are done."""
    from census_api.embedded_postgres.launcher import start_server

    folder = run_folder(tmp_path_factory, testrun_uid)
    with _locked(folder, fcntl.LOCK_SH) as users:
        server = start_server(folder / "data", durable=False)
        yield server
        if server.attached:
            return
        fcntl.flock(users, fcntl.LOCK_EX)
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_folder(postgres_server: RunningPostgres, tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """Where the server of the run is: for runs of tests inside a test."""
    return run_folder(tmp_path_factory, testrun_uid)


@pytest.fixture(scope="session")
def make_template(
    postgres_server: RunningPostgres, tmp_path_factory: pytest.TempPathFactory, testrun_uid: str
) -> MakeTemplate:
    """Makes a database once a run, for all workers: never changed afterwards, and copied by `create_database`.

    `make_template(name, fill, of=other)` copies `other`, or begins empty, and calls `fill(url)`; what `fill` gives is
    kept as JSON and given to everybody who asks for that name.
    """
    folder = run_folder(tmp_path_factory, testrun_uid)

    def make(name: str, fill: Callable[[str], Any], of: str | None = None) -> Any:
        mine = folder / name
        mine.mkdir(exist_ok=True)
        with _locked(mine, fcntl.LOCK_EX):
            done = mine / "done"
            if not done.exists():
                postgres_server.create_database(name, template=of)
                said = fill(postgres_server.url(name))
                _close_to_others(postgres_server, name)
                done.write_text(json.dumps(said))
            return json.loads(done.read_text())

    return make


@pytest.fixture(scope="session")
def migrated_template(make_template: MakeTemplate) -> str:
    """The name of a database with every migration applied."""
    from census_api.store.kit.migrate import upgrade_schema

    name = f"census_template_{_digest_of('migrations')}"
    make_template(name, upgrade_schema)
    return name


@pytest.fixture(scope="session")
def database_url(postgres_server: RunningPostgres, migrated_template: str, worker_id: str) -> str:
    """This worker's database. What a test commits here stays: prefer `db`, or take `fresh_database_url`."""
    name = f"census_{worker_id}_{uuid.uuid4().hex}"
    postgres_server.create_database(name, template=migrated_template)
    return postgres_server.url(name)


@pytest.fixture
def fresh_database_url(postgres_server: RunningPostgres, migrated_template: str) -> Iterator[str]:
    """A migrated, empty database for one test, which may commit and open connections as it likes."""
    with copied_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def register_template(make_template: MakeTemplate, migrated_template: str) -> str:
    """The name of a database with its collections and two organisations, ALPHA and BETA."""
    name = f"census_register_{_digest_of('migrations', 'schemas')}"
    make_template(name, _fill_register, of=migrated_template)
    return name


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Where files are read, one for all tests of a worker."""
    from census_api.intake.sandbox import Sandbox

    # patient: a machine that is busy with other tests must not look like a file that takes too long
    with Sandbox(workers=2, seconds=120) as sandbox:
        yield sandbox


@pytest.fixture
def settings() -> Settings:
    """Those that the platform of a test begins with."""
    from census_api.settings import Settings

    return Settings()


@pytest.fixture
def bare(fresh_database_url: str, sandbox: Sandbox, settings: Settings) -> Iterator[Platform]:
    """A platform on an empty database, at a fixed moment."""
    with platform_on(fresh_database_url, sandbox, settings) as platform:
        yield platform


@pytest.fixture
def platform(
    postgres_server: RunningPostgres, register_template: str, sandbox: Sandbox, settings: Settings
) -> Iterator[Platform]:
    """A platform with its collections and two organisations, ALPHA and BETA, at a fixed moment."""
    with (
        copied_database(postgres_server, register_template) as url,
        platform_on(url, sandbox, settings) as platform,
    ):
        yield platform


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    from sqlalchemy import create_engine

    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """A session whose commits and rollbacks are savepoints of a transaction that is undone after the test."""
    from sqlalchemy.orm import Session

    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@contextmanager
def copied_database(server: RunningPostgres, template: str) -> Iterator[str]:
    """The URL of a copy of `template`, which is gone after the block."""
    name = f"census_fresh_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.url(name)
    _drop(server, name)


@contextmanager
def platform_on(url: str, sandbox: Sandbox | None = None, settings: Settings | None = None) -> Iterator[Platform]:
    """A platform on a database, at the moment of all tests, patient with a machine that is busy."""
    from census_api.intake.sandbox import Sandbox
    from census_api.services.kit.platform import Platform
    from census_api.settings import Settings
    from census_api.store.kit.session import connect_database
    from tests.factories.actors import NOW

    database = connect_database(url, pool_seconds=PATIENCE, statement_seconds=PATIENCE)
    # a sandbox starts its children with its first file
    yield Platform(database, sandbox or Sandbox(), settings or Settings(), clock=lambda: NOW)
    database.close()


def _fill_register(url: str) -> None:
    from census_api.domain.register.organisations import Organisation
    from census_api.services.collecting.collections import ensure_collections
    from census_api.services.register.organisations import load_organisations
    from tests.factories.actors import ANN

    with platform_on(url) as platform:
        ensure_collections(platform, ANN)
        both = [Organisation("ALPHA", "Alpha Recovery", "voluntary"), Organisation("BETA", "Beta Health", "nhs")]
        load_organisations(platform, ANN, both)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def _digest_of(*folders: str) -> str:
    """Tells projects apart whose databases differ: one run may see a copy of the project with another migration."""
    from census_api.questionnaire.resources import find_folder

    said = hashlib.sha256()
    for folder in map(find_folder, folders):
        for file in sorted(file for file in folder.rglob("*") if file.suffix in (".py", ".toml")):
            said.update(f"{file.relative_to(folder)} {file.stat().st_size} ".encode() + file.read_bytes())
    return said.hexdigest()[:16]


def run_folder(tmp_path_factory: pytest.TempPathFactory, run: str) -> Path:
    """The folder that the workers of one run share: in memory where there is room, else beside their other files."""
    if shared := os.environ.get(SHARED_RUN):
        return Path(shared)
    if not SHARED_MEMORY.is_dir() or shutil.disk_usage(SHARED_MEMORY).free < ROOM_NEEDED:
        base = tmp_path_factory.getbasetemp()
        folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "postgres"
    else:
        folder = SHARED_MEMORY / f"census-tests-{run}"
    if not folder.exists():
        _remove_left_overs(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _remove_left_overs(parent: Path) -> None:
    """Frees the memory of runs that were killed: an hour old and locked by nobody."""
    for folder in parent.glob("census-tests-*"):
        try:
            if time.time() - folder.stat().st_mtime < HOUR:
                continue
            with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(folder)
        except OSError:
            continue  # in use, or another user's


def _close_to_others(server: RunningPostgres, name: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        # a copy is only made of a database that nobody is connected to
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def _drop(server: RunningPostgres, name: str) -> None:
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: RunningPostgres, command: str) -> None:
    # one connection for all tests of a process: each new one costs the server as much as a small test
    _connect_administrator(server.conninfo("postgres")).execute(command.encode())


@functools.cache
def _connect_administrator(conninfo: str) -> psycopg.Connection:
    import psycopg

    return psycopg.connect(conninfo, autocommit=True)
