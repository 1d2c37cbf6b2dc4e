"""The audit: one event for every change, in the transaction that makes the change.

The database chains the events of each collection by hashes when the transaction commits (see `audit_chain`); the
platform's role can add events and read them, and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from census_api.domain.kit.access import Actor
from census_api.store.kit import tables

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    organisation: str | None = None,
    collection: int | None = None,
    subject: str,
    detail: Mapping[str, Any] = _NOTHING,
    before: str | None = None,
    after: str | None = None,
    at: dt.datetime | None = None,
) -> None:
    """Adds one event. `action` is noun.verb, `subject` what it happened to in a few words, `organisation` a code.

    `detail` holds facts (numbers, codes, hashes), never content and never a secret; `before` and `after` are hashes of
    what was changed. `at` is now by the database's clock unless the caller's is given.
    """
    session.flush()
    key = None
    if organisation is not None:
        key = select(tables.OrganisationRow.id).where(tables.OrganisationRow.code == organisation).scalar_subquery()
    event = insert(tables.AuditEventRow).values(
        at=func.clock_timestamp() if at is None else at,
        actor=actor.name,
        actor_id=actor.user_id,
        actor_kind=actor.kind,
        action=action,
        subject=subject,
        organisation_id=key,
        collection_year=collection,
        detail=dict(detail),
        before_hash=before,
        after_hash=after,
        address=actor.address,
    )
    # without asking for the new key: who adds an event need not be able to read it
    session.execute(event.inline())
