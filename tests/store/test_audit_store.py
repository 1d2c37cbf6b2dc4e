"""The audit is only ever added to."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from census_api.domain.access import Actor
from census_api.store import audit, tables
from tests.factories.actors import NOW


def test_an_event_keeps_who_what_when_and_from_where(db: Session) -> None:
    actor = Actor("ann", "127.0.0.1")
    audit.record(db, actor, "thing.done", "thing 1", at=NOW, collection=2024, detail={"size": 3}, after_hash="ff")
    event = db.scalars(select(tables.AuditEvent)).one()
    assert (event.actor, event.address, event.action, event.subject) == ("ann", "127.0.0.1", "thing.done", "thing 1")
    assert (event.at, event.collection_year, event.detail, event.after_hash) == (NOW, 2024, {"size": 3}, "ff")


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"]
)
def test_an_event_never_changes(db: Session, statement: str) -> None:
    audit.record(db, Actor("ann"), "thing.done", "thing 1", at=NOW)
    with pytest.raises(IntegrityError, match="never changes"):
        db.execute(text(statement))
