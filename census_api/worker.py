"""The worker: takes the long checks off the queue, in a process of its own or beside the web server."""

from __future__ import annotations

import asyncio

import structlog

from census_api.services.jobs import queue_app
from census_api.services.platform import Platform
from census_api.store.jobs import run_worker

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 5.0


def work(platform: Platform) -> None:
    """Works until the process is told to stop (SIGTERM, SIGINT): the jobs in hand are finished or handed back."""
    log.info("worker_started")
    asyncio.run(run_worker(queue_app(platform), concurrency=platform.settings.sandbox_workers))
    log.info("worker_stopped")


async def work_beside(platform: Platform) -> None:
    """Works on the event loop of the web server until cancelled. A database that is away is waited for."""
    while True:
        try:
            await run_worker(
                queue_app(platform), concurrency=platform.settings.sandbox_workers, install_signal_handlers=False
            )
        except Exception as problem:  # noqa: BLE001 - the queue comes back when its database does
            log.warning("worker_interrupted", kind=type(problem).__name__)
        await asyncio.sleep(_PAUSE_SECONDS)
