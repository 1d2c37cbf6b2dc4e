"""The worker: takes the long checks off the queue, in a process of its own or beside the web server."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import structlog

from census_api.services.collecting.background_checks import queue_app
from census_api.services.kit.platform import Platform
from census_api.store.kit.queue import run_worker

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 2.0


def work(platform: Platform) -> None:
    """Works until the process is told to stop (SIGTERM, SIGINT): the jobs in hand are finished or handed back."""
    log.info("worker_started")
    asyncio.run(_work_until_told(platform))
    log.info("worker_stopped")


async def work_beside(platform: Platform) -> None:
    """Works on the event loop of the web server until cancelled. A database that is away is waited for."""
    while True:
        # the queue's own loop ends without a word when its database goes away
        try:
            await run_worker(queue_app(platform), concurrency=platform.settings.sandbox_workers)
        except Exception as problem:  # noqa: BLE001 - the queue comes back when its database does
            log.warning("worker_interrupted", kind=type(problem).__name__)
        else:
            log.warning("worker_interrupted", kind="ended")
        await asyncio.sleep(_PAUSE_SECONDS)


async def _work_until_told(platform: Platform) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    worker = asyncio.create_task(work_beside(platform))
    await told.wait()
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
