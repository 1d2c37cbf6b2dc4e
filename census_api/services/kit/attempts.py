"""How often somebody may try: counted in the database, so that it holds for all processes together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import structlog

from census_api.domain.kit.errors import TooManyAttempts
from census_api.domain.people import hash_of
from census_api.services.kit.platform import Platform
from census_api.store.people import credentials

log = structlog.get_logger(__name__)

Trial = Literal["sign_in", "second_factor", "reset", "link", "sign_on", "check"]


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries for one account and for one address within `minutes`."""

    account: int
    address: int
    minutes: int


LIMITS: dict[Trial, Limit] = {
    "sign_in": Limit(account=10, address=15, minutes=15),
    "second_factor": Limit(account=5, address=15, minutes=15),
    "reset": Limit(account=3, address=10, minutes=60),
    "link": Limit(account=20, address=30, minutes=15),
    "sign_on": Limit(account=30, address=60, minutes=15),
    # a whole hospital may share one address
    "check": Limit(account=120, address=60, minutes=15),
}
_KEPT = dt.timedelta(hours=2)


def count_attempt(platform: Platform, trial: Trial, *, account: str | None, address: str | None) -> None:
    """Counts one try, whatever comes of it. Raises TooManyAttempts once there were too many.

    `account` is what was tried to get into, known or not; None for either counts nothing there.
    """
    now = platform.clock()
    began = _window(trial, now)
    limit = LIMITS[trial]
    tried = [(_bucket(trial, "account", account), limit.account), (_bucket(trial, "address", address), limit.address)]
    with platform.database.transaction() as session:
        credentials.forget_attempts(session, now - _KEPT)
        over = [credentials.count_attempt(session, bucket, began) > most for bucket, most in sorted(tried) if bucket]
    if any(over):
        log.warning("too_many_attempts", trial=trial, client=address)
        seconds = int((began + dt.timedelta(minutes=limit.minutes) - now).total_seconds()) + 1
        minutes = -(-seconds // 60)
        words = "a minute" if minutes == 1 else f"{minutes} minutes"
        raise TooManyAttempts(f"That was tried too often. Please wait {words} and try again.", seconds)


def forgive_attempts(platform: Platform, trial: Trial, *, account: str | None, address: str | None) -> None:
    """It went well: the account's tries are forgotten, and this one is not held against the address."""
    began = _window(trial, platform.clock())
    with platform.database.transaction() as session:
        for bucket, number in sorted(
            [(_bucket(trial, "account", account), 0), (_bucket(trial, "address", address), 1)]
        ):
            if bucket:
                credentials.forgive_attempts(session, bucket, began, number or None)


def _window(trial: Trial, now: dt.datetime) -> dt.datetime:
    length = LIMITS[trial].minutes * 60
    return dt.datetime.fromtimestamp(now.timestamp() // length * length, dt.UTC)


def _bucket(trial: Trial, kind: str, who: str | None) -> str:
    """Who it was need not be read from the table."""
    return hash_of(f"{trial}\n{kind}\n{who}") if who else ""
