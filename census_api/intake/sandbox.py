"""Children with limits that read uploaded files: one may die, hang or balloon, and only its own file is refused.

A child is a fresh interpreter with an environment of its own, so no secret of the parent is in it, and it talks to
the parent over its own socket, so no other child's job can be lost with it. POSIX only.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import math
import os
import pickle
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from census_api.domain.kit.errors import CensusError, Unavailable
from census_api.intake.preflight.refusals import make_refusal

T = TypeVar("T")

PRELOAD = ("census_api.intake.reading.reader",)
START_SECONDS = 600.0
HUNG_SECONDS = 600.0
"""How long a caller waits for a child on a machine that may be busy: only one that hangs uses it up."""
# a child is replaced after so many jobs, so that a slow leak never reaches the memory limit
JOBS_PER_CHILD = 2_000
_OPEN_FILES = 64
_FILE_BYTES = 256_000_000
"""Workbooks are written through temporary files."""
_PR_SET_PDEATHSIG = 1
_CHILD = "from census_api.intake.sandbox import serve_calls; serve_calls()"
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_BUSY = "The platform cannot read files at the moment. Nothing was lost: please try again in a few minutes."


class ChildError(Exception):
    """Where a child failed, as frames without messages: they may quote the file. For logs only."""


class _DiedError(Exception):
    """The child ended without an answer."""


class _HungError(Exception):
    """The child neither answered nor used up its time: not the file's fault, as far as anybody can tell."""


class _Child:
    """One child process and the socket to it. Used by one thread at a time."""

    def __init__(self, memory_mb: int, seconds: float, preload: tuple[str, ...]) -> None:
        self.link, theirs = Pipe(duplex=True)
        fd = theirs.fileno()
        arguments = [*map(str, (fd, os.getpid(), memory_mb, math.ceil(seconds))), *preload]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, *arguments],
            env=_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(fd,),
        )
        theirs.close()
        self.jobs = 0
        self.is_ready = False

    def wait_ready(self) -> None:
        """Until its modules are loaded: a slow start is not the file's fault."""
        if not self.is_ready:
            self.answer(START_SECONDS)
            self.is_ready = True

    def send(self, job: bytes) -> None:
        """Hand over a job. Raises _DiedError when the child was gone before it could take it."""
        try:
            self.link.send_bytes(job)
        except OSError as error:
            raise _DiedError from error

    def answer(self, seconds: float) -> tuple[str, Any]:
        """Its answer within `seconds` by the clock. Raises _HungError or _DiedError."""
        try:
            if not self.link.poll(seconds):
                raise _HungError
            answer: tuple[str, Any] = pickle.loads(self.link.recv_bytes())  # noqa: S301 - written by our own child
        except (EOFError, ConnectionError) as error:
            raise _DiedError from error
        self.jobs += 1
        return answer

    def used_up_its_time(self) -> bool:
        """Whether a job needed more processor time than it may have, by how the child ended; it has ended already."""
        self.process.kill()
        return self.process.wait() == -signal.SIGXCPU

    def kill(self) -> None:
        """End it at once and leave no zombie."""
        self.link.close()
        self.process.kill()
        self.process.wait()


class Sandbox:
    """A pool of limited children.

    `workers` children at most, each with `memory_mb` of address space; a job may take `seconds` of processor time, so
    that our load never counts against a file. A child that does not answer within `hung_seconds` by the clock is
    ended and its job given to another, once. Safe for use by many threads; a caller beyond `workers` waits its turn.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        memory_mb: int = 1500,
        seconds: float = 20,
        preload: tuple[str, ...] = PRELOAD,
        hung_seconds: float = HUNG_SECONDS,
    ) -> None:
        self._limits = (memory_mb, seconds, preload)
        self._hung_seconds = hung_seconds
        self._workers = workers
        self._closed = False
        self._lock = threading.Lock()
        self._children: set[_Child] = set()
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        # the kernel ends a child when the thread that started it ends, so one lasting thread starts them all
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="sandbox-starter")
        for _ in range(workers):
            self._slots.put(None)

    def run(self, function: Callable[..., T], *args: object) -> T:
        """The result of `function(*args)` run in a child; function, arguments and result must be picklable.

        Errors of the CensusError tree come back as themselves. Raises Refused: crashed (the child died or the
        function failed, with a ChildError as its cause), too_slow (out of processor time), too_complex (out of
        memory); Unavailable when no child can be started, or two of them hung over this job.
        """
        job = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        try:
            verdict, value = self._run_once(job)
        except _HungError:
            try:
                verdict, value = self._run_once(job)
            except _HungError:
                raise Unavailable(_BUSY) from None
        if verdict == "done":
            result: T = value
            return result
        raise _error(verdict, value)

    def _run_once(self, job: bytes) -> tuple[str, Any]:
        child = self._slots.get()
        kept: _Child | None = None
        try:
            child = self._taking(child, job)
            verdict, value = child.answer(self._hung_seconds)
            if verdict != "memory" and child.jobs < JOBS_PER_CHILD:
                kept = child
        except _DiedError:
            slow = child is not None and child.used_up_its_time()
            raise make_refusal("too_slow" if slow else "crashed") from None
        finally:
            if kept is None:
                self._discard(child)
            self._slots.put(kept)
        return verdict, value

    def warm(self) -> None:
        """Start the children now and wait until they are ready, so that the first callers do not."""
        slots = [self._slots.get() for _ in range(self._workers)]
        try:
            for index, slot in enumerate(slots):
                slots[index] = slot or self._start()
            for slot in slots:
                if slot:
                    slot.wait_ready()
        except (_HungError, _DiedError):
            raise Unavailable(_BUSY) from None
        finally:
            for slot in slots:
                self._slots.put(slot)

    def close(self) -> None:
        """End every child; callers still waiting get Refused or Unavailable."""
        with self._lock:
            self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._discard(self._slots.get_nowait())
        # the others are at work: their callers learn of the end through the socket and close it themselves
        for child in list(self._children):
            child.process.kill()
        for _ in range(self._workers):
            self._slots.put(None)
        self._starter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taking(self, child: _Child | None, job: bytes) -> _Child:
        """A child that has taken the job. One that was lost while idle is replaced: the job is innocent of that."""
        for _ in range(2):
            child = child or self._start()
            try:
                child.wait_ready()
                child.send(job)
            except (_HungError, _DiedError):
                self._discard(child)
                child = None
            else:
                return child
        raise Unavailable(_BUSY)

    def _start(self) -> _Child:
        with self._lock:
            if self._closed:
                raise Unavailable(_BUSY)
            try:
                child = self._starter.submit(_Child, *self._limits).result()
            except OSError as error:
                raise Unavailable(_BUSY) from error
            self._children.add(child)
        return child

    def _discard(self, child: _Child | None) -> None:
        if child is not None:
            with self._lock:
                self._children.discard(child)
            child.kill()


def _error(verdict: str, value: object) -> CensusError:
    if verdict == "error" and isinstance(value, CensusError):
        return value
    error = make_refusal("too_complex" if verdict == "memory" else "crashed")
    error.__cause__ = ChildError(value)
    return error


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return {**kept, "PYTHONPATH": path, "POLARS_MAX_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def serve_calls() -> None:
    """The life of a child: limit itself, load what jobs need, answer jobs until the parent is gone."""
    fd, parent, memory_mb, seconds = (int(value) for value in sys.argv[1:5])
    _limit(parent, memory_mb)
    for name in sys.argv[5:]:
        importlib.import_module(name)
    link: Connection[Any, Any] = Connection(fd)
    link.send_bytes(pickle.dumps(("ready", None)))
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = link.recv_bytes()
            _set(resource.RLIMIT_CPU, math.ceil(time.process_time()) + seconds)
            link.send_bytes(_answer(job))


def _limit(parent: int, memory_mb: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, _FILE_BYTES)
    _set(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _set(resource.RLIMIT_AS, memory_mb * 1024 * 1024)


def _set(limit: int, value: int) -> None:
    # some systems refuse single limits; the parent's patience still ends
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


def _answer(job: bytes) -> bytes:
    try:
        function, args = pickle.loads(job)  # noqa: S301 - written by our own parent
        return pickle.dumps(("done", function(*args)), pickle.HIGHEST_PROTOCOL)
    except MemoryError as error:
        return pickle.dumps(("memory", _frames(error)))
    except CensusError as error:
        return pickle.dumps(("error", _portable(error)))
    except BaseException as error:  # noqa: BLE001 - the reading library panics with a BaseException
        return pickle.dumps(("failed", _frames(error)))


def _portable(error: CensusError) -> CensusError:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - written in the same line
    except Exception:  # noqa: BLE001 - whatever its class does to be built again
        return CensusError(error.message)
    return error


def _frames(error: BaseException) -> str:
    """Type and places of an error, without its message."""
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} at " + ", ".join(places)
