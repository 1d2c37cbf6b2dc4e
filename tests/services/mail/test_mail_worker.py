"""The worker's part: mail goes out by the clock, without anybody asking."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import replace

import pytest

from census_api.domain.collecting.collection import window_of
from census_api.services.collecting.collections import set_window
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit import queue as store
from census_api.worker import open_tasks
from tests.factories.actors import ANN, NOW
from tests.factories.mail import add_person, mails, write
from tests.factories.mail_servers import smtp_server


@pytest.mark.slow
def test_a_running_worker_sends_what_is_written_while_it_runs(platform: Platform) -> None:
    with smtp_server() as server:
        settings = Settings(
            mail_sender="smtp", mail_from="census@nhs.example", smtp_host="127.0.0.1", smtp_port=server.port,
            smtp_security="none", public_url="https://census.example",
        )  # fmt: skip
        platform = replace(platform, settings=settings)

        async def work() -> None:
            worker = asyncio.create_task(store.run_worker(open_tasks(platform)))
            write(platform, at=NOW)
            began = time.monotonic()
            while not server.letters and time.monotonic() - began < 30:
                await asyncio.sleep(0.1)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

        asyncio.run(work())
        assert len(server.letters) == 1
    assert [mail.state for mail in mails(platform)] == ["sent"]


def test_the_calendar_and_the_sender_are_work_of_the_queue(platform: Platform) -> None:
    set_window(platform, ANN, 2024, window_of(dt.date(2024, 7, 10), dt.date(2024, 9, 1), dt.date(2024, 9, 1)))
    add_person(platform, "ann@example.org", "ALPHA")
    app = open_tasks(platform)

    async def ask() -> None:
        async with app.open_async():
            await app.tasks["write_reminders"].defer_async(timestamp=0)

    asyncio.run(ask())
    store.run_worker_until_empty(open_tasks(platform))
    assert [mail.kind for mail in mails(platform)] == ["opening"]
