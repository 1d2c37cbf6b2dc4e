"""The worker: takes the long checks off the queue, in a process of its own or beside the web server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from census_api.services.collecting.background_checks import check_received
from census_api.services.kit.platform import Platform
from census_api.services.mail.delivery import forget_old, note_returned, send_due
from census_api.services.progress.reminders import run_schedule
from census_api.services.snapshots import freezing
from census_api.services.upkeep.failed_jobs import put_back_lost
from census_api.services.upkeep.reconcile import RECENT, reconcile_record
from census_api.services.upkeep.schedule import keep_whole
from census_api.store.kit.periodic import EVERY_TEN_MINUTES, EVERY_TEN_SECONDS, add_periodic
from census_api.store.kit.queue import CHECK_TASK, add_task, open_queue, run_worker
from census_api.store.snapshots.queries import FREEZE_TASK

if TYPE_CHECKING:
    from procrastinate import App

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 2.0
_FORGET_MAIL_AT = "40 2 * * *"
_KEEP_WHOLE_AT = "17 3 * * *"


@dataclass(frozen=True, slots=True)
class ClockTask:
    """Work by the clock: `cron` says when, in UTC, with seconds last where it has them."""

    name: str
    cron: str
    do: Callable[[Platform], object]


CLOCK_TASKS = (
    ClockTask("put_back_lost", EVERY_TEN_SECONDS, put_back_lost),
    ClockTask("put_back_lost_snapshots", EVERY_TEN_SECONDS, freezing.put_back_lost),
    ClockTask("send_mail", EVERY_TEN_SECONDS, send_due),
    ClockTask("write_reminders", EVERY_TEN_MINUTES, run_schedule),
    ClockTask("look_for_returned_mail", EVERY_TEN_MINUTES, note_returned),
    ClockTask(
        "reconcile", EVERY_TEN_MINUTES, lambda platform: reconcile_record(platform, since=platform.clock() - RECENT)
    ),
    ClockTask("forget_old_mail", _FORGET_MAIL_AT, forget_old),
    ClockTask("every_night", _KEEP_WHOLE_AT, keep_whole),
)
"""All that a worker does by the clock, in every room."""


def open_tasks(platform: Platform) -> App:
    """The queue of this platform with every task that a worker can do: one for each job, and those of the clock."""
    app = open_queue(platform.database.url())
    add_task(app, CHECK_TASK, lambda job_id: check_received(platform, uuid.UUID(job_id)))
    add_task(
        app,
        FREEZE_TASK,
        lambda year, snapshot_id: freezing.build_queued(platform, year, uuid.UUID(snapshot_id)),
    )
    for task in CLOCK_TASKS:
        add_periodic(app, task.cron, task.name, partial(task.do, platform))
    return app


def work_until_told(platform: Platform) -> None:
    """Works until the process is told to stop (SIGTERM, SIGINT): the jobs in hand are finished or handed back."""
    log.info("worker_started")
    asyncio.run(_work_until_told(platform))
    log.info("worker_stopped")


async def work_beside(platform: Platform) -> None:
    """Works on the event loop of the web server until cancelled. A database that is away is waited for."""
    while True:
        # the queue's own loop ends without a word when its database goes away
        try:
            await run_worker(open_tasks(platform), concurrency=platform.settings.sandbox_workers)
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
