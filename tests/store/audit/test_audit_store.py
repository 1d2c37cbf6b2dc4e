"""The audit is only ever added to, and every event is chained when its transaction commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from census_api.domain.audit import AuditFilter, link_hash
from census_api.domain.kit.access import Actor
from census_api.store.audit import queries as audit_reading
from census_api.store.kit import audit, tables
from census_api.store.kit.session import Database, connect_database
from tests.factories.actors import EDITOR, NOW, OTHER_EDITOR, TEAM
from tests.factories.rows import add_organisation


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    database = connect_database(fresh_database_url, pool_size=8)
    with database.transaction() as session:
        for code in ("ALPHA", "BETA"):
            add_organisation(session, code)
    yield database
    database.close()


def test_an_event_keeps_who_what_when_and_from_where(db: Session) -> None:
    audit.record(db, EDITOR, "thing.done", subject="thing 1", at=NOW, collection=2024, detail={"size": 3}, after="ff")
    event = db.scalars(select(tables.AuditEventRow)).one()
    assert (event.actor, event.address, event.action, event.subject) == ("eddie", "127.0.0.1", "thing.done", "thing 1")
    assert (event.actor_id, event.actor_kind) == (EDITOR.user_id, "person")
    assert (event.at, event.collection_year, event.detail, event.after_hash) == (NOW, 2024, {"size": 3}, "ff")


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event CASCADE"]
)
def test_an_event_never_changes(db: Session, statement: str) -> None:
    audit.record(db, Actor("ann"), "thing.done", subject="thing 1", at=NOW)
    db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with pytest.raises(IntegrityError, match="never changes"):
        db.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE audit_link SET hash = 'x'",
        "DELETE FROM audit_link",
        "INSERT INTO audit_link VALUES (2024, 7, 1, 'x')",
        "UPDATE audit_chain SET position = 0",
        "INSERT INTO audit_chain VALUES (2030, 7, 'x')",
        "SELECT census_add_link(audit_event) FROM audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER chained",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_the_role_of_the_platform_may_not_even_try(database: Database, statement: str) -> None:
    with database.transaction() as session:
        audit.record(session, TEAM, "thing.done", subject="thing 1")
    with pytest.raises(ProgrammingError, match=r"denied|must be owner"), database.transaction() as session:
        session.execute(text(statement))


def test_events_are_linked_one_to_the_next_by_collection(database: Database) -> None:
    for number in range(3):
        with database.transaction(EDITOR) as session:
            for year in (2024, None):
                audit.record(session, EDITOR, "thing.done", subject=f"thing {number}", collection=year)
    with database.snapshot() as session:
        links = list(audit_reading.iterate_links(session))
        ends = audit_reading.list_ends(session)
    places = [(chain, position) for chain in (0, 2024) for position in (1, 2, 3)]
    assert [(link.collection, link.position) for link in links] == places
    for before, link in pairwise(links):
        earlier = before.hash if before.collection == link.collection else ""
        assert link.facts is not None
        assert link.hash == link_hash(link.position, earlier, link.facts)
    assert [(end.position, end.hash) for end in ends] == [(3, links[2].hash), (3, links[5].hash)]


@pytest.mark.parametrize(
    "actor", ["plain", 'quo"te', "back\\slash", "tab\tline\nbell\x07", "unit\x1f del\x7f", "é–😀\u2028"]
)
def test_the_hash_is_the_same_computed_here_and_there(database: Database, actor: str) -> None:
    detail = {"long key": [1, 2.5, None, True, {"b": "ü", "a": actor}], "k": "</script>"}
    with database.transaction() as session:
        audit.record(session, Actor(actor), "thing.done", subject=actor * 3, detail=detail, before=actor, at=NOW)
    with database.snapshot() as session:
        (link,) = audit_reading.iterate_links(session)
    assert link.facts is not None
    assert link.hash == link_hash(1, "", link.facts)


def test_a_transaction_that_fails_leaves_no_event_and_no_gap(database: Database) -> None:
    for number in range(4):
        try:
            with database.transaction() as session:
                audit.record(session, TEAM, "thing.done", subject=f"thing {number}", collection=2024)
                if number % 2:
                    raise LookupError
        except LookupError:
            continue
    with database.snapshot() as session:
        assert [link.position for link in audit_reading.iterate_links(session)] == [1, 2]


def test_many_at_once_make_one_chain(database: Database) -> None:
    def work(name: str) -> None:
        for number in range(25):
            with database.transaction() as session:
                audit.record(session, Actor(name), "thing.done", subject=f"thing {number}", collection=2024)

    workers = [threading.Thread(target=work, args=(f"worker {index}",)) for index in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with database.snapshot() as session:
        links = list(audit_reading.iterate_links(session))
    assert [link.position for link in links] == list(range(1, 151))
    earlier = ""
    for link in links:
        assert link.facts is not None
        assert link.hash == link_hash(link.position, earlier, link.facts)
        earlier = link.hash


def test_who_adds_an_event_reads_those_of_the_own_organisation_only(database: Database) -> None:
    with database.transaction(EDITOR) as session:
        audit.record(session, EDITOR, "thing.done", subject="thing of ALPHA", organisation="ALPHA", collection=2024)
        audit.record(session, EDITOR, "door.tried", subject="door")
    with database.transaction(OTHER_EDITOR) as session:
        audit.record(session, OTHER_EDITOR, "thing.done", subject="thing of BETA", organisation="BETA", collection=2024)
        # an organisation that cannot be seen cannot be named either
        audit.record(session, OTHER_EDITOR, "thing.done", subject="thing of nobody", organisation="ALPHA")

    def seen(actor: Actor) -> list[str]:
        with database.snapshot(actor) as session:
            return [event.subject for event in audit_reading.page_events(session, AuditFilter(), None, 10).items]

    assert seen(EDITOR) == ["thing of ALPHA"]
    assert seen(OTHER_EDITOR) == ["thing of BETA"]
    assert seen(TEAM) == ["thing of nobody", "thing of BETA", "door", "thing of ALPHA"]


def test_events_come_in_pages_and_through_filters(database: Database) -> None:
    with database.transaction() as session:
        for number in range(5):
            action = "thing.done" if number % 2 else "things.done"
            audit.record(session, TEAM, action, subject=str(number), organisation="ALPHA", collection=2020 + number)
    with database.snapshot(TEAM) as session:
        first = audit_reading.page_events(session, AuditFilter(), None, 2)
        assert ([event.subject for event in first.items], first.total, first.next is None) == (["4", "3"], 5, False)
        rest = audit_reading.page_events(session, AuditFilter(), first.items[-1].id, 5)
        assert ([event.subject for event in rest.items], rest.next) == (["2", "1", "0"], None)

        def subjects(wanted: AuditFilter) -> list[str]:
            return [event.subject for event in audit_reading.page_events(session, wanted, None, 9).items]

        assert subjects(AuditFilter(collection=2021)) == ["1"]
        assert subjects(AuditFilter(action="thing.*")) == ["3", "1"]
        assert subjects(AuditFilter(action="things.done")) == ["4", "2", "0"]
        assert subjects(AuditFilter(organisation="BETA")) == []
        assert subjects(AuditFilter(actor="tess", organisation="ALPHA", collection=2024)) == ["4"]
