"""The life of the embedded Postgres: shared, killed, forked, and started again; never left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from census_api.embedded_postgres import launcher
from census_api.embedded_postgres.cluster import server_lock
from census_api.embedded_postgres.launcher import RunningPostgres, start_server
from tests.patience import PATIENCE

PROJECT = Path(__file__).parents[2]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# the server is started from a thread that ends at once, as a web server's pool would do it
SERVE = """
import sys, threading
from pathlib import Path
import psycopg
from census_api.embedded_postgres import launcher
launcher.LINUX = launcher.LINUX and sys.argv[2] == "exec"
found = []
starter = threading.Thread(target=lambda: found.append(launcher.start_server(Path(sys.argv[1]))))
starter.start()
starter.join()
with psycopg.connect(found[0].conninfo()) as connection:
    connection.execute("SELECT pg_advisory_xact_lock(1)")
    connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    connection.execute("INSERT INTO kept VALUES (1)")
print("attached" if found[0].attached else "started", flush=True)
sys.stdin.readline()
found[0].stop()
"""


def serve(data_dir: Path, *, mode: str = "exec") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data_dir), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate("done\n", timeout=PATIENCE)
    return process.returncode


def rows_kept(server: RunningPostgres) -> int:
    with psycopg.connect(server.conninfo()) as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert found is not None
    return int(found[0])


def server_processes(data_dir: Path) -> list[int]:
    """The processes that work in the cluster, as the kernel sees them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve(strict=True) == data_dir / "cluster":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until_ended(data_dir: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lock = server_lock(data_dir / "cluster")
        if lock is not None:
            os.close(lock)
            return
        time.sleep(0.02)
    raise AssertionError("the server outlived the process that started it")


@on_linux
def test_nothing_listens_on_tcp(tmp_path: Path) -> None:
    listening = set()
    with start_server(tmp_path / "data", durable=False):
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]] if Path(table).exists() else []
            listening |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}
        ours = server_processes(tmp_path / "data")
        held = {str(file.readlink()) for pid in ours for file in Path(f"/proc/{pid}/fd").iterdir()}
    assert ours
    assert any(name.startswith("socket:") for name in held)
    assert not held & listening


def test_a_second_process_shares_the_server_and_leaves_it_running(tmp_path: Path) -> None:
    with start_server(tmp_path / "data") as server:
        second = serve(tmp_path / "data")
        assert said(second) == "attached"
        assert finish(second) == 0
        assert rows_kept(server) == 1


def test_a_second_start_in_the_same_process_is_attached_too(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", durable=False) as first:
        second = start_server(tmp_path / "data", durable=False)
        assert second.attached
        assert second.url() == first.url()
        second.stop()
        with psycopg.connect(first.conninfo()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_of_several_first_starts_one_makes_the_database_and_the_others_join(tmp_path: Path) -> None:
    processes = [serve(tmp_path / "data") for _ in range(3)]
    assert sorted(said(process) for process in processes) == ["attached", "attached", "started"]
    assert [finish(process) for process in processes] == [0, 0, 0]
    with start_server(tmp_path / "data") as server:
        assert rows_kept(server) == 3


@on_linux
@pytest.mark.parametrize("mode", ["exec", "watch"])
def test_kill_of_the_parent_leaves_no_server_and_the_data_intact(tmp_path: Path, mode: str) -> None:
    parent = serve(tmp_path / "data", mode=mode)
    assert said(parent) == "started"
    assert server_processes(tmp_path / "data")
    parent.kill()
    parent.communicate()
    wait_until_ended(tmp_path / "data")
    assert server_processes(tmp_path / "data") == []
    with start_server(tmp_path / "data") as server:
        assert not server.attached
        assert rows_kept(server) == 1


@on_linux
def test_kill_of_the_server_itself_is_recovered_from_at_the_next_start(tmp_path: Path) -> None:
    parent = serve(tmp_path / "data")
    assert said(parent) == "started"
    postmaster = int((tmp_path / "data" / "cluster" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_until_ended(tmp_path / "data")
    with start_server(tmp_path / "data") as server:
        assert not server.attached
        assert rows_kept(server) == 1
    assert finish(parent) == 0


def test_a_left_over_process_number_that_is_somebody_elses_now_is_no_obstacle(tmp_path: Path) -> None:
    start_server(tmp_path / "data", durable=False).stop()
    alive = subprocess.Popen(["sleep", "60"], user=(tmp_path / "data" / "cluster").owner())
    left = f"{alive.pid}\n{tmp_path}/data/cluster\n1\n5432\n/nowhere\n\n  1 2\nready   \n"
    (tmp_path / "data" / "cluster" / "postmaster.pid").write_text(left)
    try:
        with start_server(tmp_path / "data", durable=False) as server:
            assert not server.attached
    finally:
        alive.kill()
        alive.wait()


def test_the_watching_mode_of_other_systems_starts_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "LINUX", False)
    with start_server(tmp_path / "data", durable=False) as server, psycopg.connect(server.conninfo()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    wait_until_ended(tmp_path / "data")


def test_a_forked_child_does_not_end_its_parents_server(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", durable=False) as server:
        child = multiprocessing.get_context("fork").Process(target=server.stop)
        child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stop_twice_is_stop_once(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", durable=False)
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.conninfo())


def test_the_keeper_thread_ends_with_the_server(tmp_path: Path) -> None:
    start_server(tmp_path / "data", durable=False).stop()
    names = [thread.name for thread in threading.enumerate() if thread.name == "postgres-keeper"]
    assert len(names) <= 1  # the module's shared server
