"""Transactions: all or nothing, and plain words when the database cannot answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError, ProgrammingError

from census_api.domain.kit.access import ANONYMOUS, Actor
from census_api.domain.kit.errors import Unavailable
from census_api.store.kit.session import Database, connect_database
from tests.factories.actors import make_actor
from tests.factories.rows import add_collection
from tests.patience import PATIENCE


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    database = connect_database(fresh_database_url, pool_size=2, pool_seconds=0.2, statement_seconds=0.5)
    yield database
    database.close()


def count(database: Database) -> object:
    with database.transaction() as session:
        return session.scalar(text("SELECT count(*) FROM collection"))


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(LookupError), database.transaction() as session:  # noqa: PT012 - the fault is in the block
        add_collection(session)
        raise LookupError
    assert count(database) == 0
    with database.transaction() as session:
        add_collection(session)
    assert count(database) == 1


def test_an_exhausted_pool_says_so_fast_and_recovers(database: Database) -> None:
    ready, release = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))
            ready.wait(PATIENCE)
            release.wait(PATIENCE)

    holders = [threading.Thread(target=hold) for _ in range(2)]
    for holder in holders:
        holder.start()
    ready.wait(PATIENCE)
    # the holders would let go after a minute: who is refused has not waited for that
    with pytest.raises(Unavailable, match="very busy"):
        count(database)
    assert all(holder.is_alive() for holder in holders)
    release.set()
    for holder in holders:
        holder.join()
    assert count(database) == 0


def test_a_statement_without_end_is_ended(database: Database) -> None:
    with pytest.raises(Unavailable, match="very busy"), database.transaction() as session:
        session.execute(text("SELECT pg_sleep(20)"))


def test_a_database_that_is_away_says_so() -> None:
    away = connect_database("postgresql+psycopg://census@/census?host=/nonexistent")
    with pytest.raises(Unavailable, match="cannot be reached"):
        away.ping()


def test_connections_that_were_cut_are_replaced(database: Database) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"), database.transaction() as session:
        # ours may not end connections, not even its own
        session.execute(text("DO $$ BEGIN RESET ROLE; PERFORM pg_terminate_backend(pg_backend_pid()); END $$"))
    assert count(database) == 0


def test_a_fault_of_ours_is_not_called_an_absence(database: Database) -> None:
    with pytest.raises(ProgrammingError), database.transaction() as session:
        session.execute(text("SELECT nothing_of_that_name"))


def test_errors_do_not_repeat_what_was_typed_into_a_return(database: Database) -> None:
    with pytest.raises(ProgrammingError) as raised, database.transaction() as session:
        session.execute(text("SELECT nothing_of_that_name, :value"), {"value": "Jane Roe"})
    assert "Jane Roe" not in str(raised.value)


def test_role_and_tenants_are_set_for_one_transaction_only(fresh_database_url: str) -> None:
    database = connect_database(fresh_database_url, pool_size=1)
    read = text("SELECT current_user, current_setting('census.tenants', true)")
    for number in range(20):
        with database.transaction(Actor("ann", memberships={f"O-{number}": frozenset()})) as session:
            assert session.execute(read).one() == ("census_app", f"O-{number}")
        with database.snapshot(make_actor("ann", A=["editor"], B=["editor"])) as session:
            assert session.execute(read).one() == ("census_app", "A\x1fB")
        with database.transaction(ANONYMOUS) as session:
            assert session.execute(read).one() == ("census_app", "")
        with database.transaction() as session:
            assert session.execute(read).one() == ("census_app", "*")
        with pytest.raises(LookupError), database.transaction(make_actor("ann", A=["editor"])) as session:
            raise LookupError
        with database._engine.connect() as connection:
            assert connection.execute(read).one() == ("census", "")
    database.close()


def test_a_snapshot_sees_one_moment_and_changes_nothing(database: Database) -> None:
    with database.snapshot() as session:
        assert session.scalar(text("SELECT count(*) FROM collection")) == 0
        with database.transaction() as writer:
            add_collection(writer)
        assert session.scalar(text("SELECT count(*) FROM collection")) == 0
    assert count(database) == 1
    with pytest.raises(InternalError, match="read-only"), database.snapshot() as session:
        add_collection(session, 2025)
    with database.transaction() as session:
        add_collection(session, 2026)
    assert count(database) == 2
