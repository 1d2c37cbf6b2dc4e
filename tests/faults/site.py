"""A whole platform in real processes, to be killed: Postgres, a web server and a worker, on this machine only."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx
import psycopg

from census_api.domain.collecting.collection import Window
from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import Organisation
from census_api.embedded_postgres.launcher import RunningPostgres, start_server
from census_api.questionnaire.resources import find_folder
from census_api.services.collecting.collections import ensure_collections, set_window
from census_api.services.kit.platform import open_platform, utc_now
from census_api.services.people import accounts, tokens
from census_api.services.people.accounts import Roles
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.kit.migrate import upgrade_schema
from tests.patience import PATIENCE

YEAR = 2024
LONG_FILE_BYTES = 1_500
_SECRET = "0123456789abcdef" * 4

# what a worker does when its file holds this word: what no check of ours would survive
POISON = "POISON"
# and this one, where it is the first worker: it stops between the check and the storing, until it is told to go on
PAUSE = "PAUSE"
_LAUNCHER = """
import os, signal, sys
from census_api.services.collecting import background_checks as service
from census_api.store.kit import queue
if sys.argv.pop(1) == "hurried":
    queue._HEARTBEAT_SECONDS, queue._STALLED_SECONDS, queue.EVERY_TEN_SECONDS = 0.4, 2.0, "* * * * * *"
pausing = sys.argv.pop(1) == "pausing"
judge = service.judge_in_sandbox
def deadly(platform, data, *others, **named):
    if b"POISON" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    judged = judge(platform, data, *others, **named)
    if pausing and b"PAUSE" in data:
        os.kill(os.getpid(), signal.SIGSTOP)
    return judged
service.judge_in_sandbox = deadly
from census_api.cli import main
main()
"""


class Site:
    """The processes and the means to kill and start each of them. `hurried` workers notice a death in seconds."""

    def __init__(self, root: Path, organisations: int, *, hurried: bool) -> None:
        self.root = root
        self.codes = [f"ORG-{index:03}" for index in range(organisations)]
        self._pace = "hurried" if hurried else "usual"
        self.server: RunningPostgres = start_server(root / "postgres")
        upgrade_schema(self.server.url())
        self.platform = open_platform(Settings(keep_drafts_days=None), self.server.url())
        self._prepare()
        self.token = self._token()
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.second: subprocess.Popen[bytes] | None = None

    def start_web(self) -> None:
        self.web = self._process("serve", "--port", str(self.port))

    def start_worker(self) -> None:
        self.worker = self._process("worker", pausing=True)

    def start_second_worker(self) -> None:
        """Beside the first one, if there is none yet."""
        if self.second is None or self.second.poll() is not None:
            self.second = self._process("worker")

    def wait_for_web(self) -> float:
        """Seconds until it is ready to take returns."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError("the web process did not become ready")

    def kill_web(self) -> None:
        _kill(self.web)

    def kill_worker(self) -> None:
        _kill(self.worker)

    def kill_postgres(self) -> None:
        """The postmaster, with SIGKILL: its children end when they notice."""
        os.kill(self._postmaster(), signal.SIGKILL)

    def start_postgres(self) -> None:
        self.server = start_server(self.root / "postgres")

    def terminate(self, process: subprocess.Popen[bytes] | None, seconds: float = PATIENCE) -> int:
        """SIGTERM, and the exit code."""
        assert process is not None
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def close(self) -> None:
        for process in (self.web, self.worker, self.second):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(PATIENCE)
        self.platform.close()
        self.server.stop()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_for_log(self, process: str, *words: str, seconds: float = PATIENCE) -> bool:
        """Whether a line with all the words comes into the log of a kind of process."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            lines = (self.root / f"{process}.log").read_text("utf-8", "replace").splitlines()
            if any(all(word in line for word in words) for line in lines):
                return True
            time.sleep(0.1)
        return False

    def logs(self) -> str:
        return "\n".join(file.read_text("utf-8", "replace")[-3000:] for file in sorted(self.root.glob("*.log")))

    def _process(self, *arguments: str, pausing: bool = False) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CENSUS_")}
        environment = kept | {
            "DATABASE_URL": self.server.url().replace("postgresql+psycopg://", "postgresql://"),
            "CENSUS_SECRET_KEY": _SECRET,
            "CENSUS_LONG_FILE_BYTES": str(LONG_FILE_BYTES),
            "CENSUS_DATA_DIR": str(self.root / "data"),
            "CENSUS_LOG_FORMAT": "json",
            # a web process starts sooner with one child; a worker needs two jobs in hand to lose both
            "CENSUS_SANDBOX_WORKERS": "1" if arguments[0] == "serve" else "2",
        }
        with (self.root / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _LAUNCHER, self._pace, "pausing" if pausing else "going on", *arguments],
                env=environment,
                cwd=find_folder("tests").parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _postmaster(self) -> int:
        file = next((self.root / "postgres").glob("**/postmaster.pid"))
        return int(file.read_text().splitlines()[0])

    def _prepare(self) -> None:
        ensure_collections(self.platform, SYSTEM)
        now, month = utc_now(), dt.timedelta(days=30)
        set_window(self.platform, SYSTEM, YEAR, Window(now - month, now + month, now + 2 * month))
        load_organisations(self.platform, SYSTEM, [Organisation(code, f"{code} Recovery") for code in self.codes])

    def _token(self) -> str:
        """Of one person who is a member everywhere, so that the burst is about storing and not about signing in."""
        held = {code: frozenset({"editor"}) for code in self.codes}
        person = accounts.add_person(self.platform, SYSTEM, "burst@example.org", "Burst", Roles(frozenset(), held))  # type: ignore[arg-type]  # the roles come as plain text
        return tokens.create_token(self.platform, SYSTEM, person.id, "burst", ["return.submit", "return.read"], 1)[1]


def wait_until_stopped(process: subprocess.Popen[bytes] | None, seconds: float = PATIENCE) -> None:
    """Until the process has stopped, and not ended."""
    assert process is not None
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)
        if found:
            assert os.WIFSTOPPED(status), status
            return
        time.sleep(0.05)
    raise TimeoutError("the process did not stop")


def wait_until_gone(server: RunningPostgres, seconds: float = PATIENCE) -> None:
    """Until no connection can be made any more."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            psycopg.connect(server.conninfo(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.05)


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process is not None
    process.kill()
    process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def named(codes: Sequence[str], number: int) -> str:
    return codes[number % len(codes)]
