"""What waits for those who run the census: one look at everything that may have gone wrong or be due."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.services.kit.platform import Platform
from census_api.store.mail import queries as outbox
from census_api.store.upkeep import reconciling


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How the platform looks after what it was sent. `compared_at` is None before the first comparison.

    Mails `held` or `failed` need somebody. `unfinished` jobs wait or run, the oldest for `oldest` seconds.
    """

    failed_jobs: int
    unfinished: int
    oldest: float
    mails_failed: int
    mails_held: int
    compared_at: dt.datetime | None
    missing: int
    damaged: int
    overdue: int

    @property
    def is_alarm(self) -> bool:
        """True when the latest comparison found something that was acknowledged and is not stored so."""
        return self.missing + self.damaged + self.overdue > 0


def read_upkeep(platform: Platform, actor: Actor) -> Upkeep:
    """Jobs, mail and the latest comparison of what was acknowledged with what is stored. Raises Forbidden."""
    authorise(actor, "jobs.manage")
    with platform.database.snapshot(SYSTEM) as session:
        figures = reconciling.read_figures(session)
        mails = outbox.count_states(session)
    ran = figures.get("census_reconciled_timestamp_seconds")
    return Upkeep(
        failed_jobs=int(figures["census_jobs_failed"]),
        unfinished=int(figures["census_jobs_unfinished"]),
        oldest=figures["census_jobs_oldest_seconds"],
        mails_failed=mails["failed"],
        mails_held=mails["held"],
        compared_at=None if ran is None else dt.datetime.fromtimestamp(ran, dt.UTC),
        missing=int(figures.get("census_submissions_missing", 0)),
        damaged=int(figures.get("census_submissions_damaged", 0)),
        overdue=int(figures.get("census_submissions_overdue", 0)),
    )
