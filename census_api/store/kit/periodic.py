"""Work that a worker does by the clock, whoever asked for it or not."""

from __future__ import annotations

from collections.abc import Callable

from procrastinate import App

EVERY_TEN_SECONDS = "* * * * * */10"  # the seconds stand last
EVERY_TEN_MINUTES = "*/10 * * * *"


def add_periodic(app: App, cron: str, name: str, do: Callable[[], object]) -> None:
    """Makes the workers of `app` call `do` at the times that `cron` says: one worker each time, one at a time.

    A call that raises is over; the next one comes by the clock.
    """

    @app.periodic(cron=cron)
    @app.task(name=name, queueing_lock=name, lock=name)
    def run(timestamp: int) -> None:
        do()
