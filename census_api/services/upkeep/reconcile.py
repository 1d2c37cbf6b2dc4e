"""Comparing what was acknowledged with what is stored, by the clock, and raising an alarm when they differ."""

from __future__ import annotations

import datetime as dt

import structlog

from census_api.domain.kit.access import SYSTEM
from census_api.domain.upkeep import Discrepancy, Reconciled
from census_api.services.kit.platform import Platform
from census_api.store.kit import audit
from census_api.store.mail import queries as outbox
from census_api.store.upkeep import reconciling

log = structlog.get_logger(__name__)

OVERDUE_AFTER = dt.timedelta(minutes=10)
RECENT = dt.timedelta(days=1)
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST_NAMED = 20


def reconcile_record(platform: Platform, *, since: dt.datetime = _BEGINNING) -> Reconciled:
    """Compares what was acknowledged since then, keeps the result, and raises an alarm when something is wrong.

    An alarm is a line in the log, an event in the audit, and the metrics of every web process.
    """
    now = platform.clock()
    with platform.database.snapshot(SYSTEM) as session:
        acknowledged, discrepancies = 0, list[Discrepancy]()
        for found in reconciling.find_discrepancies(session, since):
            acknowledged += 1
            if found is not None:
                discrepancies.append(found)
        overdue = reconciling.count_overdue(session, now - OVERDUE_AFTER)
    result = Reconciled(now, acknowledged, tuple(discrepancies), overdue)
    with platform.database.transaction(SYSTEM) as session:
        reconciling.keep_result(session, result)
        if result.is_alarm:
            audit.record(
                session,
                SYSTEM,
                "reconciliation.alarm",
                subject="acknowledged submissions",
                detail=_facts(result),
                at=now,
            )
    if result.is_alarm:
        log.error("reconciliation_alarm", **_facts(result))
    return result


def read_figures(platform: Platform) -> dict[str, float]:
    """The latest comparison, the queue and the outbox as metrics, by name. Raises Unavailable."""
    with platform.database.snapshot(SYSTEM) as session:
        return reconciling.read_figures(session) | outbox.read_figures(session)


def _facts(result: Reconciled) -> dict[str, object]:
    return {
        "acknowledged": result.acknowledged,
        "missing": result.number_of("missing"),
        "damaged": result.number_of("damaged"),
        "overdue": result.overdue,
        "first": [f"{found.submission_id}: {found.what}" for found in result.discrepancies[:_MOST_NAMED]],
    }
