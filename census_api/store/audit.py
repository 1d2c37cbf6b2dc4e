"""The audit: one event for every change, in the transaction that makes the change."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from census_api.domain.access import Actor
from census_api.store import tables


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    *,
    at: dt.datetime,
    organisation_id: uuid.UUID | None = None,
    collection: int | None = None,
    detail: Mapping[str, Any] | None = None,
    before_hash: str | None = None,
    after_hash: str | None = None,
) -> None:
    """Adds one event. `action` is noun.verb, `subject` what it happened to; `detail` holds facts, never content."""
    session.add(
        tables.AuditEvent(
            at=at,
            actor=actor.name,
            action=action,
            subject=subject,
            organisation_id=organisation_id,
            collection_year=collection,
            detail=dict(detail or {}),
            before_hash=before_hash,
            after_hash=after_hash,
            address=actor.address,
        )
    )
    session.flush()
