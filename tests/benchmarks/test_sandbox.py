"""What a call into the sandbox costs the process that makes it, against handing the same bytes to a socket."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable

import pytest

from census_api.intake.sandbox import Sandbox

_CALLS = 200
_RATIO = 12.0
"""Measured: 5.3 on a busy machine."""


def cpu_of(call: Callable[[], object]) -> float:
    """CPU seconds of this thread for the calls, the least of five rounds."""
    rounds = []
    for _ in range(5):
        start = time.thread_time()
        for _ in range(_CALLS):
            call()
        rounds.append(time.thread_time() - start)
    return min(rounds)


def test_a_call_costs_the_caller_little_more_than_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    data = bytes(50_000)
    near, far = socket.socketpair()

    def bare() -> None:
        near.sendall(pickle.dumps((len, (data,)), pickle.HIGHEST_PROTOCOL))
        received = 0
        while received < len(data):
            received += len(far.recv(1 << 20))

    with near, far, Sandbox(workers=1, seconds=120, memory_mb=900) as sandbox:
        sandbox.run(len, data)
        called, handed = cpu_of(lambda: sandbox.run(len, data)), cpu_of(bare)
    with capsys.disabled():
        print(f"sandbox call {1e6 * called / _CALLS:.0f} us of CPU, bare bytes {1e6 * handed / _CALLS:.0f} us")
    assert called / handed < _RATIO
