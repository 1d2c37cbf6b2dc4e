"""Killing one process in the middle of a burst, starting it again, and what is left of the acknowledgements."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.burst import Burst, Compared, Sent, Written, compare, make_sent, wait_until_checked, written
from tests.faults.site import PAUSE, POISON, Site, wait_until_gone, wait_until_stopped


@dataclass
class Outcome:
    """One round: what was done after how many acknowledgements, and what came of it. Seconds are of the wall clock."""

    name: str
    after: int
    compared: Compared
    recovered: float
    exit_code: int | None = None
    note: str = ""


@dataclass
class Paused:
    """What a worker that was late left: the rows of its job before and after, and whether it says that it gave up."""

    outcome: Outcome
    before: Written
    after: Written
    given_up: bool


class Rounds:
    """Rounds on one site. The ledger grows: each round is compared with all that was ever acknowledged."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.ledger: list[Sent] = []
        self._chance = random.Random(seed)
        self._done = 0

    def run(self, name: str, number: int, fault: Callable[[], int | None]) -> Outcome:
        """A burst of so many uploads, with the fault at a random place in its first half."""
        burst = self._burst(number)
        after = self._chance.randint(1, max(1, number // 2))
        burst.begin()
        burst.wait_for(after)
        began, before = time.monotonic(), burst.acknowledged
        exit_code = fault()
        burst.wait_for(min(number, before + 1))
        recovered = time.monotonic() - began
        burst.finish()
        wait_until_checked(self.site)
        note = ", ".join(f"{status}: {count}" for status, count in sorted(burst.statuses.items()))
        return Outcome(name, after, compare(self.site, self.ledger), recovered, exit_code, note)

    def web_killed(self, number: int) -> Outcome:
        return self.run("web, SIGKILL", number, self._kill_web)

    def web_told(self, number: int) -> Outcome:
        return self.run("web, SIGTERM", number, self._tell_web)

    def postgres_killed(self, number: int) -> Outcome:
        return self.run("Postgres, SIGKILL", number, self._kill_postgres)

    def worker_told(self, number: int) -> Outcome:
        return self.run("worker, SIGTERM", number, self._tell_worker)

    def worker_killed(self, number: int) -> Outcome:
        """In the middle of its jobs: the time is until the last of them has ended."""
        burst = self._burst(number)
        after = self._chance.randint(1, max(1, number // 2))
        burst.begin()
        burst.wait_for(after)
        self.site.kill_worker()
        began = time.monotonic()
        self.site.start_worker()
        burst.finish()
        wait_until_checked(self.site)
        return Outcome("worker, SIGKILL", after, compare(self.site, self.ledger), time.monotonic() - began)

    def poisoned(self, good: int) -> Outcome:
        """One file that kills every worker that takes it, among good ones: the time is until it has failed.

        Two workers share the work, so that there is one while the other is started again.
        """
        burst = self._burst(good, poison=True)
        self.site.start_second_worker()
        stop = threading.Event()
        keeper = threading.Thread(target=self._keep_a_worker, args=(stop,))
        keeper.start()
        began = time.monotonic()
        try:
            burst.begin()
            burst.finish()
            wait_until_checked(self.site)
        finally:
            took = time.monotonic() - began
            stop.set()
            keeper.join()
        return Outcome("a poison file", 0, compare(self.site, self.ledger), took, note=f"{self._deaths} workers died")

    def worker_paused(self) -> Paused:
        """A worker stands still with a result in its hand, past its lease; another one finishes; then it goes on."""
        self._done += 1
        sent = make_sent(self.site, 1, round_name=f"round {self._done}", word=f"{PAUSE} {self._done}")
        self.ledger.append(sent)
        burst = Burst(self.site, [sent])
        burst.begin()
        burst.finish()
        wait_until_stopped(self.site.worker)
        began = time.monotonic()
        self.site.start_second_worker()
        wait_until_checked(self.site)
        recovered = time.monotonic() - began
        before = written(self.site, sent)
        assert self.site.worker is not None
        self.site.worker.send_signal(signal.SIGCONT)
        given_up = self.site.wait_for_log("worker", "job_result_given_up", before.job)
        outcome = Outcome("worker, SIGSTOP", 1, compare(self.site, self.ledger), recovered)
        return Paused(outcome, before, written(self.site, sent), given_up)

    def _burst(self, number: int, *, poison: bool = False) -> Burst:
        self._done += 1
        uploads = [make_sent(self.site, index, round_name=f"round {self._done}") for index in range(number)]
        if poison:
            uploads.insert(0, make_sent(self.site, 1, round_name=f"poison {self._done}", word=POISON))
        self.ledger += uploads
        return Burst(self.site, uploads)

    def _kill_web(self) -> None:
        self.site.kill_web()
        self.site.start_web()
        self.site.wait_for_web()

    def _tell_web(self) -> int:
        code = self.site.terminate(self.site.web)
        self.site.start_web()
        self.site.wait_for_web()
        return code

    def _tell_worker(self) -> int:
        code = self.site.terminate(self.site.worker)
        self.site.start_worker()
        return code

    def _kill_postgres(self) -> None:
        server = self.site.server
        self.site.kill_postgres()
        wait_until_gone(server)
        self.site.start_postgres()

    _deaths = 0

    def _keep_a_worker(self, stop: threading.Event) -> None:
        """What a supervisor does."""
        while not stop.wait(0.1):
            if self.site.worker is not None and self.site.worker.poll() is not None:
                self._deaths += 1
                self.site.start_worker()
            if self.site.second is not None and self.site.second.poll() is not None:
                self._deaths += 1
                self.site.start_second_worker()
