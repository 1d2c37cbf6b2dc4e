"""Durable work of every kind keeps the same rules: tries are counted, only the latest writes, nothing lost stays lost."""

from __future__ import annotations

import ast
import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from census_api.questionnaire.load import load_spec
from census_api.statistics.policy import DEFAULT_POLICY
from census_api.store.kit import queue
from census_api.store.kit.durable import DurableWork
from census_api.store.kit.tables import JobRow
from census_api.store.kit.tables_snapshots import SnapshotRow
from census_api.store.mail import queries as outbox
from census_api.store.mail.tables import MailRow
from census_api.store.snapshots import queries as snapshots
from census_api.store.snapshots.queries import Beginning
from tests.factories.actors import NOW
from tests.factories.rows import add_collection, add_organisation, add_submission

SERVICES = Path(__file__).parents[3] / "census_api" / "services"


@dataclass(frozen=True)
class Kind:
    """One kind of durable work, a row of it that waits, and what its end is."""

    work: DurableWork[Any]
    add: Callable[[Session], list[ColumnElement[bool]]]
    end: dict[str, Any]
    on_the_way: dict[str, Any]
    """What whoever takes the row writes on it at once."""


def add_check(session: Session) -> list[ColumnElement[bool]]:
    add_collection(session)
    job = queue.add_job(session, add_submission(session, add_organisation(session), status="received"), NOW)
    return [JobRow.id == job]


def add_building(session: Session) -> list[ColumnElement[bool]]:
    add_collection(session)
    spec = load_spec(2024)
    beginning = Beginning(
        2024, spec.digest, DEFAULT_POLICY.digest, DEFAULT_POLICY.version, DEFAULT_POLICY.as_dict(), "ann", NOW
    )
    made = snapshots.start_snapshot(session, beginning, None, None)
    snapshots.queue_building(session, 2024, made.id)
    return [SnapshotRow.collection_year == 2024, SnapshotRow.id == made.id]


def add_mail(session: Session) -> list[ColumnElement[bool]]:
    draft = outbox.MailDraft("invite", "ann@example.org", None, None, "once", {}, {}, NOW)
    assert outbox.add_mail(session, draft)
    return [MailRow.once_key == "once"]


KINDS = {
    "a check": Kind(queue.CHECKS, add_check, {"state": "done", "finished_at": NOW}, {"state": "running"}),
    "a snapshot": Kind(snapshots.BUILDING, add_building, {"state": "failed", "message": "No."}, {}),
    "a mail": Kind(outbox.UNSENT, add_mail, {"state": "failed", "problem": "No."}, {"state": "sending"}),
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_every_try_is_counted_and_only_the_latest_may_write(db: Session, kind: Kind) -> None:
    one = kind.add(db)
    assert kind.work.take(db, one) is not None
    assert db.scalar(select(kind.work.tries).where(*one)) == 1
    assert kind.work.take(db, one) is not None
    assert not kind.work.write(db, one, 1, **kind.end)
    assert db.scalar(select(func.count()).select_from(kind.work.row).where(*one, kind.work.unfinished)) == 1
    assert kind.work.write(db, one, 2, **(kind.on_the_way or {"stage": "sealing"}))
    assert kind.work.write(db, one, 2, **kind.end)


def test_what_is_at_its_end_stays_there(db: Session, kind: Kind) -> None:
    one = kind.add(db)
    kind.work.take(db, one)
    assert kind.work.write(db, one, 1, **kind.end)
    assert kind.work.take(db, one) is None
    assert not kind.work.write(db, one, 1, **kind.end)


def test_only_what_is_wanted_is_taken(db: Session, kind: Kind) -> None:
    one = kind.add(db)
    assert kind.work.take(db, [*one, kind.work.tries > 0]) is None
    assert db.scalar(select(kind.work.tries).where(*one)) == 0


@pytest.mark.parametrize("status", ["todo", "doing", "failed", None])
@pytest.mark.parametrize("name", ["a check", "a snapshot"])
def test_what_the_queue_has_lost_goes_back_on_it_once(db: Session, name: str, status: str | None) -> None:
    KINDS[name].add(db)
    if status is None:
        db.execute(text("DELETE FROM procrastinate_jobs"))
    else:
        db.execute(
            text("UPDATE procrastinate_jobs SET status = CAST(:status AS procrastinate_job_status)"), {"status": status}
        )
    lost = 0 if status in ("todo", "doing") else 1
    assert put_back(db, name) == lost
    assert put_back(db, name) == 0


def put_back(session: Session, name: str) -> int:
    if name == "a check":
        return queue.put_back_lost(session)
    assert snapshots.put_back_lost(session, NOW) == [], "whoever builds it gave a sign just now"
    return len(snapshots.put_back_lost(session, NOW + dt.timedelta(seconds=1)))


def test_a_job_about_another_row_does_not_count(db: Session) -> None:
    add_check(db)
    db.execute(
        text("UPDATE procrastinate_jobs SET args = jsonb_build_object('job_id', CAST(:id AS text))"),
        {"id": str(uuid.uuid4())},
    )
    assert queue.put_back_lost(db) == 1


def test_no_service_knows_the_queue() -> None:
    """The worker says what is done when; services say what it is."""
    knowing = [
        file.name
        for file in SERVICES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and "procrastinate" in ast.unparse(node)
    ]
    assert knowing == []
