"""`census demo`: the platform with invented data, ready to look at."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from census_api.cli.kit.printing import progress_of, say
from census_api.cli.serving import open_listener, serve_on
from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import ConfigError
from census_api.logging import configure_logging
from census_api.settings import Settings, read_settings

if TYPE_CHECKING:
    from census_api.demo.inventing import Inventor
    from census_api.domain.register.lineage import LineageEdge
    from census_api.services.kit.platform import Platform

_LOADER = Actor("demonstration", kind="system")
_PORTS_TRIED = 20
_MOVERS = 2
"""Returns that are signed and accepted at the same time: while the database works on one, Python does on another."""
_LOADED = "demonstration.json"
_ADDRESS = "address"
_OF_FIVE, _ACCEPTED = 5, 4
"""Of five returns of the open year one is still being filled in, one waits for the team, and three are accepted."""


def run_demo(port: int, data_dir: Path | None, organisations: int) -> int:
    """Loads the demonstration on first use, then serves it until told to stop."""
    settings = _settings(port, data_dir)
    began = time.monotonic()
    from census_api.embedded_postgres.launcher import start_server
    from census_api.store.kit.migrate import upgrade_schema

    with _inventing(settings, organisations) as inventor, start_server(settings.data_dir / "postgres") as server:
        if server.attached:
            say(f"This demonstration is running already{_where(settings.data_dir)}.")
            return 0
        upgrade_schema(server.url())
        _lap("database", began)
        from census_api.services.kit.platform import open_platform

        with open_platform(settings, server.url()) as platform:
            _load_once(platform, organisations, inventor)
            _serve(platform, port, began)
    return 0


def _settings(port: int, data_dir: Path | None) -> Settings:
    """Those of the environment, but never the database that DATABASE_URL names: that one is not for invented data."""
    found = read_settings(mode="demo", port=port, data_dir=data_dir)
    own = data_dir or found.data_dir / "demo"
    settings = found.model_copy(update={"database_url": None, "data_dir": own.expanduser().absolute()})
    quiet = "CENSUS_LOG_LEVEL" not in os.environ
    configure_logging("warning" if quiet else settings.log_level, settings.log_format)
    return settings


@contextmanager
def _inventing(settings: Settings, organisations: int) -> Iterator[Inventor | None]:
    """Begins to invent while the database is made; None where the demonstration has been loaded already."""
    if (settings.data_dir / _LOADED).exists():
        yield None
        return
    from census_api.demo.inventing import start_inventing

    with start_inventing(organisations) as inventor:
        yield inventor


def _load_once(platform: Platform, organisations: int, inventor: Inventor | None) -> None:
    from census_api.demo.loading import open_now
    from census_api.demo.parameters import OPEN_YEAR
    from census_api.services.people import demo_accounts

    marker = platform.settings.data_dir / _LOADED
    wanted = {"organisations": organisations}
    if inventor is not None:
        _load(platform, inventor)
        marker.write_text(json.dumps(wanted))
    elif json.loads(marker.read_text()) != wanted:
        raise ConfigError(
            f"The demonstration in {platform.settings.data_dir} has another number of organisations. "
            "Start it with that number, or choose another folder with --data-dir."
        )
    open_now(platform, _LOADER, OPEN_YEAR)
    demo_accounts.ensure_accounts(platform)


def _load(platform: Platform, inventor: Inventor) -> None:
    from census_api.demo.loading import open_now, prepare_register
    from census_api.demo.parameters import OPEN_YEAR, YEARS
    from census_api.services.register.organisations import load_organisations

    began = time.monotonic()
    # what will serve takes a second to import: now, while the other process invents
    importlib.import_module("census_api.app")
    register = inventor.read_register()
    _lap(f"{len(register.organisations)} organisations invented", began)
    began = time.monotonic()
    prepare_register(platform, _LOADER, register.organisations, register.frames)
    _lap("register and frames", began)
    with _freezing(platform, register.lineage) as freeze_year:
        for year in YEARS:
            began = time.monotonic()
            if year == OPEN_YEAR:
                load_organisations(platform, _LOADER, register.organisations)
                open_now(platform, _LOADER, OPEN_YEAR)
            unsigned = _load_year(platform, inventor, year, register.answered[year])
            left = f", {unsigned} of them left unsigned for their errors" if unsigned else ""
            _lap(f"{register.answered[year]} returns of {year}{left}", began)
            if year != OPEN_YEAR:
                freeze_year(year)
        began = time.monotonic()
    _lap(f"the last of {len(YEARS) - 1} snapshots", began)


def _load_year(platform: Platform, inventor: Inventor, year: int, total: int) -> int:
    """The `total` returns of a year. Those of the open one are at every stage: sent in, signed, accepted.

    Says how many could not be signed.
    """
    from census_api.demo.loading import Course, load_returns, take_if_signable
    from census_api.demo.parameters import OPEN_YEAR
    from census_api.demo.structure import FIXED
    from census_api.services.collecting.collections import get_collection

    course = Course(get_collection(platform, _LOADER, year).window, platform.clock())
    then = replace(platform, clock=course)
    moving: deque[Future[bool]] = deque()
    unsigned = 0
    with progress_of(f"Returns of {year}") as progress, ThreadPoolExecutor(_MOVERS) as movers:
        for done, answer in enumerate(load_returns(then, _LOADER, year, inventor.iterate_uploads()), start=1):
            course.go(done / total)
            past = year != OPEN_YEAR
            if past or (answer.submission.organisation not in FIXED and done % _OF_FIVE != 0):
                accepted = past or done % _OF_FIVE < _ACCEPTED
                now = replace(platform, clock=course.stop())
                moving.append(movers.submit(take_if_signable, now, _LOADER, answer, accepted=accepted))
            # a return that cannot be taken ends the loading soon, not when the year is over
            while len(moving) > 2 * _MOVERS:
                unsigned += not moving.popleft().result()
            progress(done, total)
        unsigned += sum(not moved.result() for moved in moving)
    return unsigned


@contextmanager
def _freezing(platform: Platform, lineage: Sequence[LineageEdge]) -> Iterator[Callable[[int], None]]:
    """Freezes the years that it is given, one after the other, while the next year is loaded; waits for the last.

    The database does that work, on a core that the loading leaves idle. What changes in the returns of a frozen year
    counts in the next revision only.
    """
    from census_api.demo.loading import freeze_past

    years: SimpleQueue[int | None] = SimpleQueue()

    def freeze_all() -> None:
        for _ in freeze_past(platform, _LOADER, iter(years.get, None), lineage):
            pass

    with ThreadPoolExecutor(1, thread_name_prefix="freezing") as thread:
        frozen = thread.submit(freeze_all)
        try:
            yield years.put
        finally:
            years.put(None)
    frozen.result()


def _serve(platform: Platform, port: int, began: float) -> None:
    def said(address: str) -> None:
        (platform.settings.data_dir / _ADDRESS).write_text(address)
        print(_welcome(address, platform.settings.data_dir, time.monotonic() - began), flush=True)

    with open_listener(platform.settings.host, port, or_next=_PORTS_TRIED) as listener, _address_removed(platform):
        taken = listener.getsockname()[1]
        if port and taken != port:
            say(f"Port {port} is taken; using {taken}.")
        serve_on(listener, platform, said=said)


@contextmanager
def _address_removed(platform: Platform) -> Iterator[None]:
    try:
        yield
    finally:
        (platform.settings.data_dir / _ADDRESS).unlink(missing_ok=True)


def _where(data_dir: Path) -> str:
    try:
        return f": look at {(data_dir / _ADDRESS).read_text()}"
    except OSError:
        return " and not ready yet, or its database is in use by another command"


def _lap(what: str, began: float) -> None:
    say(f"  {what}: {time.monotonic() - began:.1f} s")


def _welcome(address: str, data_dir: Path, seconds: float) -> str:
    from census_api.services.people.demo_accounts import DEMO_ACCOUNTS

    token = DEMO_ACCOUNTS[0].token
    returns = f"{address}/api/v1/collections/2025/returns"
    return f"""
The demonstration is ready after {seconds:.0f} s. Every organisation and every figure in it is invented.

  Look at          {address}
  Sign in          {address}/sign-in lists an account of each role
  A report         curl -H "Authorization: Bearer {token}" {returns}/DEMO-ERRORS/submissions/1
  Its workbook     curl -H "Authorization: Bearer {token}" -OJ {returns}/DEMO-ERRORS/submissions/1/annotated.xlsx
  Check a file     census check return.xlsx

Its data are kept in {data_dir}
Stop with Ctrl+C."""
