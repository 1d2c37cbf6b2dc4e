"""A child may die, hang or balloon: its own job is refused, and nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from census_api.domain.kit.errors import Refused, SpecError, Unavailable
from census_api.intake.reading.reader import read_workbook
from census_api.intake.sandbox import ChildError, Sandbox
from tests.factories.packages import cell, row, xlsx
from tests.intake.corpus import FAR_CORNER, GOOD_ROWS
from tests.patience import PATIENCE

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Patient: no test here but the one of a slow job may fail because the machine is busy."""
    with Sandbox(workers=2, seconds=120, memory_mb=900) as made:
        made.warm()
        yield made


def short(limit: int = 2) -> Sandbox:
    """A child that may compute for `limit` seconds a job, and has loaded this module, which takes longer, beforehand."""
    return Sandbox(workers=1, seconds=limit, memory_mb=900, preload=(__name__,))


def pid() -> int:
    return os.getpid()


def add(left: int, right: int) -> int:
    return left + right


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def compute(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def compute_without_end() -> None:
    while True:
        pass


def hang_at_first(path: str) -> int:
    if not Path(path).exists():
        Path(path).touch()
        time.sleep(3600)
    return os.getpid()


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def balloon() -> int:
    return len(bytearray(4 * 1024**3))


def refuse_spec() -> None:
    raise SpecError("census.toml", "opens", "is not a date")


def fail_with(secret: str) -> None:
    raise ValueError(secret)


def environment() -> str:
    return Path("/proc/self/environ").read_text() + repr(dict(os.environ))


def limits() -> tuple[str, int]:
    return Path("/proc/self/limits").read_text(), len(list(Path("/proc/self/fd").iterdir()))


def height(data: bytes) -> int:
    return read_workbook(data).sheets[0].frame.height


def reason_of(sandbox: Sandbox, function: object, *args: object) -> str:
    with pytest.raises(Refused) as refused:
        sandbox.run(function, *args)  # type: ignore[arg-type]  # wrong on purpose
    return refused.value.reason


def is_alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def wait_until_gone(process: int, seconds: float = PATIENCE) -> bool:
    end = time.monotonic() + seconds
    while is_alive(process) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(process)


def test_results_come_back_and_children_are_kept(sandbox: Sandbox) -> None:
    assert sandbox.run(add, 2, 3) == 5
    assert sandbox.run(height, xlsx(GOOD_ROWS)) == 2
    assert sandbox.run(pid) == sandbox.run(pid) != os.getpid()


def test_errors_of_the_platform_come_back_as_themselves(sandbox: Sandbox) -> None:
    assert reason_of(sandbox, height, FAR_CORNER) == "cell_area"
    assert reason_of(sandbox, height, b"%PDF") == "not_a_workbook"


def test_an_error_that_cannot_be_built_again_keeps_its_message(sandbox: Sandbox) -> None:
    with pytest.raises(Exception, match="opens: is not a date"):
        sandbox.run(refuse_spec)


def test_a_failure_is_a_refusal_that_quotes_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(Refused) as refused:
        sandbox.run(fail_with, "Jane Smith")
    assert refused.value.reason == "crashed"
    assert isinstance(refused.value.__cause__, ChildError)
    assert "fail_with" in str(refused.value.__cause__)
    assert "ValueError" in str(refused.value.__cause__)
    assert "Jane" not in repr((refused.value, refused.value.__cause__))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_child_that_dies_is_replaced(sandbox: Sandbox, number: int) -> None:
    assert reason_of(sandbox, die, number) == "crashed"
    assert sandbox.run(add, 1, 1) == 2


def test_a_job_that_computes_too_long_is_ended_with_its_child() -> None:
    with short() as sandbox:
        before = sandbox.run(pid)
        assert reason_of(sandbox, compute_without_end) == "too_slow"
        assert wait_until_gone(before)
        assert sandbox.run(pid) != before


def test_the_time_of_earlier_jobs_does_not_count() -> None:
    with short() as sandbox:
        children = {sandbox.run(compute, 1) for _ in range(4)}
    assert len(children) == 1


def test_a_job_that_waits_is_not_too_slow() -> None:
    with short(1) as sandbox:
        assert sandbox.run(nap, 2.5) == sandbox.run(pid)


def test_a_child_that_hangs_is_ended_and_its_job_given_to_another() -> None:
    with tempfile.TemporaryDirectory() as folder, Sandbox(workers=1, hung_seconds=2, memory_mb=900) as sandbox:
        first = sandbox.run(pid)
        second = sandbox.run(hang_at_first, f"{folder}/seen")
        assert second != first
        assert wait_until_gone(first)


def test_a_job_over_which_two_children_hang_is_our_fault_and_not_the_files() -> None:
    with Sandbox(workers=1, hung_seconds=0.5, memory_mb=900) as sandbox:
        sandbox.warm()
        with pytest.raises(Unavailable):
            sandbox.run(nap, 3600)
        sandbox._hung_seconds = 600
        assert sandbox.run(add, 1, 1) == 2


def test_a_job_that_needs_too_much_memory_is_refused(sandbox: Sandbox) -> None:
    assert reason_of(sandbox, balloon) == "too_complex"
    assert sandbox.run(add, 1, 1) == 2


def test_a_child_that_ran_out_of_memory_is_not_kept() -> None:
    with Sandbox(workers=1, seconds=120, memory_mb=900) as sandbox:
        before = sandbox.run(pid)
        assert sandbox.run(pid) == before
        assert reason_of(sandbox, balloon) == "too_complex"
        after = sandbox.run(pid)
        assert after != before
        assert wait_until_gone(before)


def test_fifty_thousand_rows_fit(sandbox: Sandbox) -> None:
    rows = "".join(
        row(n, "".join(cell(f"{letter}{n}", n + 0.25) for letter in "ABCDEFGHIJKL")) for n in range(1, 50_001)
    )
    assert sandbox.run(height, xlsx(rows)) == 50_000


def test_other_jobs_survive_a_neighbour_that_dies(sandbox: Sandbox) -> None:
    def one(number: int) -> object:
        if number % 5 == 0:
            return reason_of(sandbox, die, signal.SIGKILL)
        return sandbox.run(add, number, 1)

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(one, range(30)))
    assert found == ["crashed" if number % 5 == 0 else number + 1 for number in range(30)]


def test_a_child_killed_while_idle_costs_no_job(sandbox: Sandbox) -> None:
    for _ in range(3):
        os.kill(sandbox.run(pid), signal.SIGKILL)
        time.sleep(0.05)
        assert sandbox.run(add, 1, 2) == 3


@linux
def test_children_have_no_secrets_and_few_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:hunter2@db/census")
    monkeypatch.setenv("CENSUS_SECRET", "hunter3")
    with Path(os.devnull).open() as inherited, Sandbox(workers=1, memory_mb=900) as sandbox:
        os.set_inheritable(inherited.fileno(), True)
        seen = sandbox.run(environment)
        text, files = sandbox.run(limits)
    assert "hunter" not in seen
    assert "POLARS_MAX_THREADS" in seen
    rows = {line[:26].strip(): line[26:].split()[0] for line in text.splitlines()}
    assert rows["Max core file size"] == "0"
    assert int(rows["Max file size"]) <= 256_000_000, "workbooks are written through temporary files"
    assert rows["Max address space"] == str(900 * 1024 * 1024)
    assert rows["Max open files"] == "64"
    assert rows["Max cpu time"].isdecimal()
    assert files <= 8, "standard streams, the socket and what the interpreter holds"


@linux
def test_children_end_when_the_sandbox_closes() -> None:
    with Sandbox(workers=2) as sandbox:
        sandbox.warm()
        children = {sandbox.run(pid)}
    assert all(wait_until_gone(child) for child in children)
    with pytest.raises(Unavailable):
        sandbox.run(pid)


PARENT = """
import sys, threading, time
from census_api.intake.sandbox import Sandbox
from tests.intake.test_sandbox import pid, nap
sandbox = Sandbox(workers=2)
found = []
starter = threading.Thread(target=lambda: found.append(sandbox.run(pid)))
starter.start(); starter.join()
time.sleep(0.3)
assert sandbox.run(pid) == found[0], "the child outlives the thread that asked first"
threading.Thread(target=sandbox.run, args=(nap, 19), daemon=True).start()
time.sleep(0.5)
print(found[0], sandbox.run(pid), flush=True)
time.sleep(60)
"""


@linux
def test_children_die_with_the_parent_even_at_work() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(is_alive(child) for child in children)
        parent.kill()
        parent.wait()
        assert all(wait_until_gone(child) for child in children)


def test_callers_wait_their_turn(sandbox: Sandbox) -> None:
    threads = [threading.Thread(target=sandbox.run, args=(nap, 0.05)) for _ in range(10)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start >= 0.25
