"""Many rounds of every fault against real processes: `python -m tests.faults.long [ROUNDS] [UPLOADS] [SEED]`.

Prints a table and ends with 1 when anything acknowledged was lost, doubled or damaged. Workers run at their usual pace,
so that the time until a job of a dead worker has ended is the one that holds in production.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.scenarios import Outcome, Rounds
from tests.faults.site import Site

_LONGEST_SECONDS = 120
_COLUMNS = (
    "fault", "after", "sent", "acknowledged", "lost", "duplicated", "corrupt", "alarms", "seconds", "exit", "answers",
)  # fmt: skip


def main(rounds: int = 10, uploads: int = 40, seed: int = 1) -> int:
    """The exit code. `uploads` is the size of each burst."""
    root = Path(tempfile.mkdtemp(prefix="census-faults-"))
    outcomes: list[Outcome] = []
    try:
        with Site(root, 12, hurried=False) as site:
            site.start_web()
            site.start_worker()
            site.wait_for_web()
            run = Rounds(site, seed)
            for fault in _faults(run, rounds):
                outcomes.append(fault(uploads))
                print(_line(outcomes[-1]), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    Console(width=150).print(_table(outcomes))
    return 0 if all(_holds(outcome) for outcome in outcomes) else 1


def _faults(run: Rounds, rounds: int) -> list[Callable[[int], Outcome]]:
    each = [run.web_killed, run.worker_killed, run.postgres_killed]
    told = [run.web_told, run.worker_told]
    return [*each * rounds, *told * max(1, rounds // 2), lambda _: run.worker_paused().outcome, run.poisoned]


def _holds(outcome: Outcome) -> bool:
    return outcome.compared.is_whole and outcome.recovered < _LONGEST_SECONDS and outcome.exit_code in (None, 0)


def _line(outcome: Outcome) -> str:
    return ("held   " if _holds(outcome) else "FAILED ") + "  ".join(_cells(outcome))


def _cells(outcome: Outcome) -> list[str]:
    found = outcome.compared
    numbers = (found.lost, found.duplicated, found.corrupt, found.alarms)
    return [
        outcome.name,
        str(outcome.after),
        str(found.sent),
        str(found.acknowledged),
        *(str(len(listed)) for listed in numbers),
        f"{outcome.recovered:.1f}",
        "" if outcome.exit_code is None else str(outcome.exit_code),
        outcome.note,
    ]


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(*_COLUMNS, title="What was acknowledged against what is stored; sent and acknowledged add up")
    for outcome in outcomes:
        table.add_row(*_cells(outcome))
    return table


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
