"""The files of one embedded Postgres: made once, kept private, found again by any process.

`data_dir/cluster` is Postgres' own data folder. While a server runs, every one of its processes holds a lock on that
folder, so "is it running?" has one answer that survives kill -9, a reused process number and a copied container.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from census_api.domain.kit.errors import ConfigError
from census_api.embedded_postgres.binaries import Binaries

DATABASE_USER = "census"
PORT = 5432  # names the socket file only: nothing listens on TCP
LINUX = sys.platform == "linux"

_LONGEST_SOCKET_PATH = 103  # bytes; 107 on Linux, 103 on macOS
_LAST_SERVER_USERS = ("nobody", "postgres")


@dataclass(frozen=True)
class ServerAccount:
    """The uid and gid that Postgres runs as when we are root, which it refuses to run as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Postmaster:
    """What a running server says of itself in its postmaster.pid."""

    socket_dir: Path
    ready: bool


def prepare_cluster(data_dir: Path) -> Path:
    """The absolute data folder, made with mode 0700 if missing. Folders that exist keep their permissions."""
    folder = data_dir.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as problem:
        raise _cannot_use(folder, problem) from problem
    return folder


def _cannot_use(folder: Path, problem: OSError) -> ConfigError:
    in_the_way = isinstance(problem, (FileExistsError, NotADirectoryError))
    why = "a file is in the way" if in_the_way else problem.strerror
    return ConfigError(
        f"The data folder {folder} cannot be used ({why}). Choose a folder that you may write to, "
        "or start as the user it belongs to."
    )


@contextmanager
def one_at_a_time(folder: Path, *, seconds: float) -> Iterator[None]:
    """Holds the folder's lock, so that of several first starts one makes the database and the others wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + seconds
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Another process has been starting the database in {folder} for more than {seconds:.0f} seconds. "
                    "Wait for it or end it, then start again."
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def server_lock(cluster: Path) -> int | None:
    """A descriptor that holds the lock of the server's life, to be handed to it; None while a server holds it."""
    descriptor = os.open(cluster, os.O_RDONLY)
    if _locked(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ensure_cluster(folder: Path, binaries: Binaries, *, durable: bool) -> Path:
    """The cluster's folder, made by initdb on first use. Raises ConfigError when made by another Postgres version."""
    cluster = folder / "cluster"
    try:
        if not cluster.exists():
            _initdb(folder, cluster, binaries, durable=durable)
        made_by = (cluster / "PG_VERSION").read_text().strip()
    except OSError as problem:
        raise _cannot_use(folder, problem) from problem
    if made_by != str(binaries.major):
        raise ConfigError(
            f"The data in {folder} was made by Postgres {made_by}, but Postgres {binaries.major} is installed. "
            f"Install Postgres {made_by}, or dump the data with it and load it into a new data folder."
        )
    return cluster


def _initdb(folder: Path, cluster: Path, binaries: Binaries, *, durable: bool) -> None:
    # made under another name, so that an interrupted attempt never looks like a database
    unfinished = folder / "cluster.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    account = account_for(unfinished)
    if account is not None:
        os.chown(unfinished, account.uid, account.gid)
    arguments = ["-D", str(unfinished), "-U", DATABASE_USER, "-E", "UTF8", "-A", "peer", "--no-instructions"]
    arguments += _locale(binaries.major) + ([] if durable else ["--no-sync"])
    command = wrap_command(
        [binaries.initdb, *arguments], account, mode="exec" if LINUX else None, on_end=signal.SIGKILL
    )
    made = subprocess.run(command, capture_output=True, text=True, env=make_environment(), cwd="/", check=False)
    if made.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise ConfigError(
            f"The database could not be made in {folder}. Postgres says: {last_complaint(made.stderr)} "
            "Put that right, or choose another data folder, and start again."
        )
    unfinished.rename(cluster)


def _locale(major: int) -> list[str]:
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"] if LINUX else ["--locale=C"]


def account_for(cluster: Path) -> ServerAccount | None:
    """None for an ordinary user. Root runs the server as the owner of the data, or as nobody if root owns it."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat()
    if owner.st_uid != 0:
        return ServerAccount(owner.st_uid, owner.st_gid)
    for name in _LAST_SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerAccount(entry.pw_uid, entry.pw_gid)
    raise ConfigError("Postgres does not run as root, and there is no user nobody. Start as an ordinary user.")


def wrap_command(
    command: list[str], account: ServerAccount | None, *, mode: str | None, on_end: signal.Signals
) -> list[str]:
    """The command behind exec.py, whose two modes are described there. Mode None: the bare command."""
    if mode is None:
        return command
    who = "-" if account is None else f"{account.uid}:{account.gid}"
    script = str(Path(__file__).with_name("exec.py"))
    return [sys.executable, "-I", "-S", script, mode, str(os.getpid()), str(int(on_end)), who, *command]


def make_environment() -> dict[str, str]:
    """Ours without the PG variables, which would change what the programs do."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def write_access_rules(cluster: Path) -> None:
    """Lets this operating system user, and root, in as the database user `census`; nobody else, and no password."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as problem:
        raise ConfigError(
            f"The user number {os.geteuid()} has no name on this machine, so the database cannot tell who connects. "
            "Start as a user listed in /etc/passwd, or use a Postgres of your own."
        ) from problem
    users = dict.fromkeys((name, "root"))
    _replace(cluster / "pg_hba.conf", "local all all peer map=census\n")
    _replace(cluster / "pg_ident.conf", "".join(f'census "{user}" {DATABASE_USER}\n' for user in users))


def _replace(file: Path, text: str) -> None:
    # replaced, not rewritten: the folder is ours, but root may have made the file in an earlier start
    fresh = file.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    fresh.write_text(text)
    fresh.chmod(0o600)
    fresh.replace(file)


def make_socket_dir(cluster: Path) -> Path:
    """A folder for us alone with a short path, the same for the same cluster unless somebody else took the name.

    It stays ours when root hands the server to another account, so that nobody else of that account can pose as it.
    """
    name = f"census-{os.geteuid()}-{hashlib.sha256(os.fsencode(cluster.resolve())).hexdigest()[:12]}"
    room = _LONGEST_SOCKET_PATH - len(f"/{name}/.s.PGSQL.{PORT}")
    bases = [base for base in (tempfile.gettempdir(), "/tmp") if len(os.fsencode(base)) <= room and "," not in base]
    folder = Path(bases[0], name)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            return Path(tempfile.mkdtemp(prefix="census-", dir=bases[0]))
    return folder


def read_postmaster(cluster: Path) -> Postmaster | None:
    """None when no server has said where it listens."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    if len(lines) < 5 or not lines[4]:
        return None
    return Postmaster(Path(lines[4]), ready=len(lines) > 7 and lines[7].strip() == "ready")


def list_settings(socket_dir: Path, *, durable: bool) -> list[str]:
    """Arguments of `postgres`. They rule over the files in the cluster, which are left as initdb made them."""
    chosen = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{socket_dir}"',
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        # the log must never hold a row: no statements, no "Key (email)=(...) already exists"
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    if not durable:
        chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]


def last_complaint(log: str) -> str:
    """The last line in which Postgres says why, as a sentence, without its time stamp."""
    lines = [line for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    said = (errors or lines or ["nothing at all"])[-1]
    for mark in ("FATAL:", "PANIC:", "error:"):
        said = said.rpartition(mark)[2].strip()
    return said if said.endswith(".") else f"{said}."
