"""The advisory locks of the platform: one registry of their numbers, so that no two parts ever mean the same lock."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session


class AdvisoryLock(IntEnum):
    """What a lock is for, and its number: any number that nothing else in the database uses.

    Numbers stay what they are: during an upgrade the old version and the new one must exclude each other.
    """

    MIGRATING = 7_235_201_107
    """Applying migrations: one starter at a time."""
    CHECKING_ALONE = 7_235_201_108
    """A check that may have been the death of its worker: one such check at a time."""
    BUILDING_SNAPSHOT = 0
    """One snapshot is built by one attempt at a time; locked by the hash of its id (see `wait_for_lock_on`)."""
    KEEPING_MARGINS = 718_290_000
    """Margins of one collection are stored one after the other; the year is added to the number."""


def wait_for_lock(session: Session, lock: AdvisoryLock, *, offset: int = 0) -> None:
    """Waits until no other transaction holds the lock, and holds it until this transaction ends.

    `offset` tells the members of one kind apart, such as the year of a collection.
    """
    session.execute(select(func.pg_advisory_xact_lock(int(lock) + offset)))


def wait_for_lock_on(session: Session, lock: AdvisoryLock, name: str) -> None:
    """The same for one of many things that are known by a name: the number is the name's hash, seeded by the lock."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, int(lock)))))


def wait_for_connection_lock(connection: Connection, lock: AdvisoryLock) -> None:
    """Waits for the lock and holds it until the connection closes, whatever its transactions do."""
    connection.execute(select(func.pg_advisory_lock(int(lock))))
    connection.commit()
