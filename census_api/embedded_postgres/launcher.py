"""A real Postgres that starts with us and ends with us: no installation, no password, no open port.

It is reached over a Unix socket in a private folder by the operating system user who started it (`peer`), keeps its
data in one folder, and leaves no process behind, however the starting process ends.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from census_api.domain.kit.errors import ConfigError
from census_api.embedded_postgres.binaries import Binaries, find_binaries
from census_api.embedded_postgres.cluster import (
    DATABASE_USER,
    LINUX,
    PORT,
    account_for,
    ensure_cluster,
    last_complaint,
    list_settings,
    make_environment,
    make_socket_dir,
    one_at_a_time,
    prepare_cluster,
    read_postmaster,
    server_lock,
    wrap_command,
    write_access_rules,
)

_PATIENCE = 90.0  # seconds: a first start on a slow disk, or the recovery of a large one


def start_server(data_dir: Path, *, durable: bool = True) -> RunningPostgres:
    """The Postgres of this data folder, made on first use, with an empty database `census` in it.

    If another process runs it already, that one is shared (`attached`) and ends with the process that started it.
    Not durable means fast and for tests only: what is committed may be lost with the machine's power.
    Raises ConfigError, saying what to do, when it cannot be started or shared.
    """
    binaries = find_binaries()
    folder = prepare_cluster(data_dir)
    with one_at_a_time(folder, seconds=_PATIENCE):
        cluster = ensure_cluster(folder, binaries, durable=durable)
        server = _attach_or_launch(folder, cluster, binaries, durable=durable)
        try:
            server.create_database("census")
        except BaseException:
            server.stop()
            raise
    return server


class RunningPostgres:
    """A running server. As a context manager it stops at the end of the block, unless `attached`."""

    def __init__(self, socket_dir: Path, keeper: _Keeper | None) -> None:
        self._socket_dir = socket_dir
        self._keeper = keeper
        self._process_id = os.getpid()

    @property
    def attached(self) -> bool:
        """True when another process started it: `stop` then leaves it running."""
        return self._keeper is None

    def url(self, database: str = "census") -> str:
        """The SQLAlchemy URL of a database."""
        host = quote(str(self._socket_dir), safe="/")
        return f"postgresql+psycopg://{DATABASE_USER}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def conninfo(self, database: str = "census") -> str:
        """The libpq connection string of a database."""
        return make_conninfo(host=str(self._socket_dir), port=PORT, user=DATABASE_USER, dbname=database)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Makes the database if it is missing, empty or as a copy of `template` (to which nobody may be connected)."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            if template is not None and connection.info.server_version >= 150000:
                command += sql.SQL(" STRATEGY FILE_COPY")
            try:
                connection.execute(command)
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # another process made it in between

    def stop(self) -> None:
        """Ends the server after its running transactions are rolled back; what was committed is on disk."""
        # a forked child inherits this object, but not the right to end its parent's database
        if self._keeper is None or os.getpid() != self._process_id:
            return
        atexit.unregister(self.stop)
        self._keeper.end()
        with suppress(OSError):  # not empty: the next start uses it again
            self._socket_dir.rmdir()

    def __enter__(self) -> RunningPostgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Keeper(threading.Thread):
    """Starts the server and waits for its end. On Linux the server ends with the thread that started it, so that
    thread must live as long as we do, whoever called."""

    def __init__(self, command: list[str], log: Path, lock: int) -> None:
        super().__init__(name="postgres-keeper", daemon=True)
        self._command = command
        self._log = log
        self._lock = lock
        self._launched = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None

    def run(self) -> None:
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL if LINUX else subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=make_environment(),
                    cwd="/",
                    pass_fds=[self._lock],
                    start_new_session=True,  # Ctrl+C is for us; we end the server when our own work is done
                )
        except OSError as problem:
            self._failure = problem
            return
        finally:
            self._launched.set()
        self._process.wait()

    def launch(self) -> None:
        self.start()
        self._launched.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def end(self) -> None:
        """Fast shutdown; a server that does not comply is ended the hard way and recovers at the next start."""
        for request, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            if self._process is None or self._process.poll() is not None:
                return
            self._process.send_signal(request)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue


def _attach_or_launch(folder: Path, cluster: Path, binaries: Binaries, *, durable: bool) -> RunningPostgres:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        lock = server_lock(cluster)
        if lock is not None:
            try:
                return _launch(folder, cluster, binaries, lock, durable=durable)
            finally:
                os.close(lock)
        running = _attach(cluster, durable=durable)
        if running is not None:
            return running
        time.sleep(0.02)
    raise ConfigError(
        f"A database is running in {folder}, but this user cannot connect to it. "
        "Start as the user who started it, or end that process and start again."
    )


def _attach(cluster: Path, *, durable: bool) -> RunningPostgres | None:
    """None while the server is starting or ending."""
    postmaster = read_postmaster(cluster)
    if postmaster is None or not postmaster.ready:
        return None
    server = RunningPostgres(postmaster.socket_dir, None)
    try:
        with psycopg.connect(server.conninfo("postgres")) as connection:
            syncs = connection.execute("SHOW fsync").fetchone() == ("on",)
    except psycopg.OperationalError:
        return None
    if durable and not syncs:
        raise ConfigError(
            f"The database in {cluster.parent} is running in the fast mode that is for tests only. "
            "End the process that started it, then start again."
        )
    return server


def _launch(folder: Path, cluster: Path, binaries: Binaries, lock: int, *, durable: bool) -> RunningPostgres:
    # we hold the server's lock, so a postmaster.pid is left over; its process number may be somebody else's by now
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    write_access_rules(cluster)
    account = account_for(cluster)
    socket_dir = make_socket_dir(cluster)
    log = cluster / "server.log"
    log.unlink(missing_ok=True)
    command = [binaries.postgres, "-D", str(cluster), *list_settings(socket_dir, durable=durable)]
    keeper = _Keeper(wrap_command(command, account, mode="exec" if LINUX else "watch", on_end=signal.SIGINT), log, lock)
    keeper.launch()
    server = RunningPostgres(socket_dir, keeper)
    atexit.register(server.stop)
    try:
        _wait_until_ready(folder, cluster, keeper, log)
    except BaseException:
        server.stop()
        raise
    return server


def _wait_until_ready(folder: Path, cluster: Path, keeper: _Keeper, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        postmaster = read_postmaster(cluster)
        if postmaster is not None and postmaster.ready:
            return
        if keeper.ended:
            break
        time.sleep(0.005)
    raise ConfigError(
        f"The database in {folder} did not start. Postgres says: {last_complaint(log.read_text(errors='replace'))} "
        "Put that right, or choose another data folder, and start again."
    )
