"""What it costs to freeze a large census, and how much memory: `python -m tests.benchmarks.snapshots --help`.

The memory is that of the process that freezes, which is a fresh one for each year; what Postgres uses is its own
setting's. `--keep FOLDER` leaves the database there, for benchmarks that want a large snapshot.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from census_api.intake.sandbox import Sandbox
from census_api.questionnaire.load import SpecLibrary
from census_api.questionnaire.resources import find_folder
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.benchmarks.large_census import FIRST_YEAR, add_register, add_returns

_FREEZE = """
import json, re, sys, time
from pathlib import Path
from census_api.services.kit.platform import open_platform
from census_api.services.snapshots.revisions import freeze_collection
from census_api.settings import Settings
from tests.factories.actors import ANN

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

with open_platform(Settings(), sys.argv[1], schemas=Path(sys.argv[3])) as platform:
    platform.spec(int(sys.argv[2]))
    before, start = peak(), time.perf_counter()
    made = freeze_collection(platform, ANN, int(sys.argv[2]))
    took, start = time.perf_counter() - start, time.perf_counter()
    again = freeze_collection(platform, ANN, int(sys.argv[2]))
    assert made.created and not again.created
    snapshot = made.snapshot
    print(json.dumps({
        "seconds": took, "again": time.perf_counter() - start, "before": before, "peak": peak(),
        "returns": snapshot.returns, "lines": snapshot.lines, "facts": snapshot.facts, "hash": snapshot.content_hash,
    }))
"""

_YEAR = """
extends = {before}

[collection]
year = {year}
title = "Invented census {year}"
reference_date = {year}-06-30
flow_from = {before}-07-01
flow_to = {year}-06-30
opens = {year}-07-03
closes = {year}-09-15
late_until = {year}-10-13
"""


@dataclass(frozen=True, slots=True)
class Freezing:
    """One freeze: seconds, and those of asking again when nothing has changed; memory in MB before it and at most."""

    seconds: float
    again: float
    before: float
    peak: float
    returns: int
    lines: int
    facts: int
    hash: str


def timed_freeze(url: str, year: int, schemas: Path | None = None) -> Freezing:
    """Freezes the returns of a year in a process of its own. `schemas` is another folder of specs than the project's."""
    command = [sys.executable, "-c", _FREEZE, url, str(year), str(schemas or find_folder("schemas"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Freezing(**json.loads(done.stdout))


def schemas_until(last: int, root: Path) -> Path:
    """A folder of specs up to a year: those of the project, then years that ask what the year before did."""
    shutil.copytree(find_folder("schemas"), root)
    for year in range(SpecLibrary(root).years[-1] + 1, last + 1):
        (root / str(year)).mkdir()
        (root / str(year) / "census.toml").write_text(_YEAR.format(year=year, before=year - 1), encoding="utf-8")
    return root


@contextmanager
def platform_at(url: str, schemas: Path | None = None) -> Iterator[Platform]:
    """A platform for making the data: no statement of it is ended for taking long."""
    with Sandbox(workers=1) as sandbox:
        database = connect_database(url, statement_seconds=0)
        try:
            yield Platform(database, sandbox, Settings(), schemas=schemas)
        finally:
            database.close()


def main() -> None:
    given = _arguments()
    from census_api.embedded_postgres.launcher import start_server
    from census_api.store.kit.migrate import upgrade_schema

    with (
        tempfile.TemporaryDirectory() as temporary,
        start_server(given.keep or Path(temporary) / "data", durable=False) as server,
    ):
        upgrade_schema(server.url())
        schemas = schemas_until(FIRST_YEAR + given.years - 1, Path(temporary) / "schemas")
        with platform_at(server.url(), schemas) as platform:
            add_register(platform, given.organisations)
            for year in range(FIRST_YEAR, FIRST_YEAR + given.years):
                began = time.perf_counter()
                rows = add_returns(platform, year, given.rows)
                _say(f"{year}: {rows:,} rows of returns made in {time.perf_counter() - began:.0f} s")
                found = timed_freeze(server.url(), year, schemas)
                _say(
                    f"{year}: frozen in {found.seconds:.1f} s: {found.returns:,} returns, {found.lines:,} lines, "
                    f"{found.facts:,} staff rows; memory {found.before:.0f} MB before, {found.peak:.0f} MB at most; "
                    f"asked again {found.again:.2f} s"
                )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.snapshots", description=__doc__)
    parser.add_argument("--organisations", type=int, default=10_000, help="that answer each year, a multiple of ten")
    parser.add_argument("--rows", type=int, default=600, help="of each return")
    parser.add_argument("--years", type=int, default=1, choices=range(1, 11), help="from the first, 1 to 10")
    parser.add_argument("--keep", type=Path, help="folder of the database, which is left there")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
