"""Organisations are kept apart by the database itself: no query of the platform could mix them up."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from census_api.domain.kit.access import ANONYMOUS
from census_api.domain.kit.errors import ConfigError, Unavailable
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.store.all_tables import METADATA
from census_api.store.collecting import submissions
from census_api.store.kit import migrate
from census_api.store.kit.session import Database, connect_database
from census_api.store.register import queries as register
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, OTHER_EDITOR, TEAM, make_actor
from tests.factories.judgements import make_content, make_report
from tests.factories.rows import add_collection, add_organisation, add_submission

if TYPE_CHECKING:
    from census_api.embedded_postgres.launcher import RunningPostgres

OF_EVERYBODY = {
    "account", "platform_role", "signed_in", "one_time_link", "recovery_code", "api_token", "attempts", "sign_on_flow",
    "collection", "mail_plan", "audit_chain", "audit_link", "reconciliation",
    # what a frozen census adds up to, and the thresholds: single organisations stand in the tables of facts
    "snapshot", "policy", "margin",
}  # fmt: skip
"""Tables that hold nothing of an organisation: a new table that is neither here nor isolated fails a test."""


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    """Two organisations, each with a line, a return, a checked submission and an event."""
    database = connect_database(fresh_database_url, pool_size=2, pool_seconds=30)
    content = make_content()
    with database.transaction() as session:
        add_collection(session)
        keys = {code: add_organisation(session, code) for code in ("ALPHA", "BETA")}
        lines = [FrameLine(2024, code, "E06000001", "adult_community") for code in keys]
        register.replace_frame(session, 2024, lines)
        for key in keys.values():
            submissions.seal_checked(session, add_submission(session, key), make_report(content), content, "xlsx")
    yield database
    database.close()


def isolated(session: Session) -> set[str]:
    return set(session.scalars(text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")))


def test_every_table_is_isolated_or_named_as_one_that_is_everybodys(database: Database) -> None:
    with database.transaction() as session:
        kept_apart = isolated(session)
        forced = set(session.scalars(text("SELECT relname FROM pg_class WHERE relforcerowsecurity")))
    assert kept_apart | OF_EVERYBODY == set(METADATA.tables)
    assert kept_apart & OF_EVERYBODY == set()
    # the owner's own functions look organisations up in the register
    assert kept_apart - forced == {"organisation"}
    with_organisation = {name for name, table in METADATA.tables.items() if "organisation_id" in table.c}
    with_submission = {name for name, table in METADATA.tables.items() if "submission_id" in table.c}
    assert with_organisation | with_submission <= kept_apart


def test_the_role_can_neither_pass_by_nor_log_in_nor_own(database: Database) -> None:
    with database.transaction() as session:
        rights = session.execute(
            text("SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb FROM pg_roles "
                 "WHERE rolname = current_user")
        ).one()  # fmt: skip
        assert tuple(rights) == (False,) * 5
        owned = text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole AND relnamespace = 2200")
        assert session.scalar(owned) == 0


@pytest.mark.parametrize("table", sorted(set(METADATA.tables) - OF_EVERYBODY))
def test_without_any_filter_there_are_still_no_rows_of_others(database: Database, table: str) -> None:
    count = text(f'SELECT count(*) FROM "{table}"')
    with database.transaction() as session:
        everything = session.scalar(count) or 0
    with database.transaction(ANONYMOUS) as session:
        assert session.scalar(count) == 0
    with database.snapshot(ANALYST) as session:
        assert session.scalar(count) == 0
    for actor in (TEAM, ADMINISTRATOR):
        with database.snapshot(actor) as session:
            assert session.scalar(count) == everything
    with database.transaction(EDITOR) as mine, database.transaction(OTHER_EDITOR) as other:
        assert (mine.scalar(count) or 0) + (other.scalar(count) or 0) == everything
        assert mine.scalar(count) == other.scalar(count)


def test_rows_that_are_seen_are_of_the_own_organisation(database: Database) -> None:
    with database.transaction(EDITOR) as session:
        (code,) = session.scalars(text("SELECT code FROM organisation"))
        assert code == "ALPHA"
        (submission,) = session.execute(text("SELECT id, organisation_id FROM submission")).all()
        own = session.scalar(text("SELECT id FROM organisation"))
        assert submission.organisation_id == own
        assert set(session.scalars(text("SELECT submission_id FROM finding"))) == {submission.id}


def test_a_parents_name_shows_and_its_returns_do_not(database: Database) -> None:
    with database.transaction() as session:
        organisations = [
            Organisation("ALPHA", "Alpha", "voluntary", parent="BETA"),
            Organisation("GAMMA", "Gamma", "voluntary", status="merged", merged_into="BETA"),
        ]
        register.upsert_organisations(session, organisations)
    with database.snapshot(EDITOR) as session:
        found = register.find_organisation(session, "ALPHA")
        assert found is not None
        assert found[1].parent == "BETA"
        assert register.find_organisation(session, "GAMMA") is None
        assert session.scalar(text("SELECT count(*) FROM submission")) == 1
    with database.snapshot(make_actor("gwen", GAMMA=["editor"])) as session:
        found = register.find_organisation(session, "GAMMA")
        assert found is not None
        assert found[1].merged_into == "BETA"
        assert session.scalar(text("SELECT count(*) FROM submission")) == 0


def test_who_sees_one_organisations_lines_still_knows_that_there_is_a_frame(database: Database) -> None:
    stranger = make_actor("gwen", GAMMA=["editor"])
    with database.snapshot(stranger) as session:
        assert register.has_frame(session, 2024)
        assert not register.has_frame(session, 2023)
    with database.transaction() as session:
        register.replace_frame(session, 2024, [])
        assert not register.has_frame(session, 2024)


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE "return" SET version = 99 WHERE id = :return_id',
        "UPDATE submission SET status = 'checking' WHERE id = :submission_id",
        "DELETE FROM frame_line WHERE organisation_id = :organisation_id",
        "UPDATE organisation SET name = 'mine now' WHERE id = :organisation_id",
        "SELECT 1 FROM submission_original WHERE submission_id = :submission_id FOR SHARE",
    ],
)
def test_others_rows_cannot_be_changed_either(database: Database, statement: str) -> None:
    with database.transaction(OTHER_EDITOR) as session:
        theirs = session.execute(text("SELECT id AS submission_id, return_id, organisation_id FROM submission")).one()
    with database.transaction(EDITOR) as session:
        try:
            touched = session.execute(text(statement), theirs._asdict())
        except ProgrammingError as problem:
            assert "permission denied" in str(problem)  # noqa: PT017 - either is right
        else:
            assert touched.first() is None if touched.returns_rows else touched.rowcount == 0  # type: ignore[attr-defined]  # every statement here changes rows and has it


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO "return" (collection_year, id, organisation_id) VALUES (2025, gen_random_uuid(), :organisation_id)',
        "INSERT INTO frame_line VALUES (2024, :organisation_id, 'E06000002', 'lero')",
        "INSERT INTO submission_original VALUES (2024, :submission_id, 'x')",
        "INSERT INTO submission_row VALUES (2024, :submission_id, 99, 'staff', 1, 'k', '{}')",
        "INSERT INTO organisation (id, code, name, status) VALUES (gen_random_uuid(), 'MINE', 'Mine', 'open')",
        "INSERT INTO audit_event (at, actor, action, subject, organisation_id) SELECT now(), '', '', '', :organisation_id",
    ],
)
def test_nothing_can_be_put_under_another_organisation(database: Database, statement: str) -> None:
    with database.transaction() as session:
        add_collection(session, 2025)
    with database.transaction(OTHER_EDITOR) as session:
        theirs = session.execute(text("SELECT id AS submission_id, organisation_id FROM submission")).one()
    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(EDITOR) as session:
        session.execute(text(statement), theirs._asdict())


def test_a_thousand_interleaved_transactions_of_two_tenants_on_a_pool_of_two_never_cross(database: Database) -> None:
    actors = {"ALPHA": EDITOR, "BETA": OTHER_EDITOR}
    seen: list[tuple[str, str]] = []
    problems: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(125):
                code = chance.choice(("ALPHA", "BETA"))
                opened = chance.choice((database.transaction, database.snapshot))(actors[code])
                with contextlib.suppress(LookupError), opened as session:
                    (found,) = session.scalars(text("SELECT code FROM organisation")).all()
                    assert session.scalar(text("SELECT count(*) FROM submission_row")) == 3
                    seen.append((code, found))
                    if chance.random() < 0.1:
                        raise LookupError
        except BaseException as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(seen) == 1000
    assert {asked for asked, _ in seen} == {"ALPHA", "BETA"}
    assert all(asked == found for asked, found in seen)


class TestAnOwnerThatIsNoSuperuser:
    """As in production: one login role that owns the database, and may make roles or not."""

    @pytest.fixture
    def owner(self, postgres_server: RunningPostgres) -> Iterator[str]:
        name = f"owner_{uuid.uuid4().hex[:12]}"
        with create_engine(postgres_server.url("postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"CREATE ROLE {name} NOSUPERUSER NOBYPASSRLS LOGIN CREATEROLE"))
            connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
            names = Path(str(connection.scalar(text("SHOW ident_file"))))
            with names.open("a") as file:
                file.write(f'census "{pwd.getpwuid(os.geteuid()).pw_name}" {name}\n')
            connection.execute(text("SELECT pg_reload_conf()"))
            yield name
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            connection.execute(text(f"DROP ROLE {name}"))

    @staticmethod
    def url(server: RunningPostgres, owner: str) -> str:
        return server.url(owner).replace("//census@", f"//{owner}@")

    def test_it_is_told_what_an_administrator_has_to_run(self, postgres_server: RunningPostgres, owner: str) -> None:
        with pytest.raises(ConfigError, match=f"GRANT census_app TO {owner}"):
            migrate.upgrade_schema(self.url(postgres_server, owner))
        opened = self.opened(postgres_server, owner)
        with opened as database, pytest.raises(Unavailable, match="census db upgrade"), database.snapshot():
            pass

    def test_once_allowed_it_migrates_and_is_kept_apart_itself(
        self, postgres_server: RunningPostgres, owner: str
    ) -> None:
        with create_engine(postgres_server.url("postgres")).begin() as connection:
            connection.execute(text(f"GRANT census_app TO {owner}"))
        url = self.url(postgres_server, owner)
        migrate.upgrade_schema(url)
        with self.opened(postgres_server, owner) as database:
            content = make_content()
            with database.transaction() as session:
                add_collection(session)
                key = add_organisation(session)
            with database.transaction(EDITOR) as session:
                row = add_submission(session, key)
                submissions.seal_checked(session, row, make_report(content), content, "xlsx")
            with database.transaction(OTHER_EDITOR) as session:
                assert session.scalar(text("SELECT count(*) FROM submission_row")) == 0
            with database.transaction() as session:
                session.execute(text("SELECT census_erase(2024::smallint, :id)"), {"id": row.id})
                assert session.scalar(text("SELECT count(*) FROM submission_row")) == 0
        with create_engine(url).connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == owner
            assert connection.scalar(text("SELECT count(*) FROM submission")) == 0
        migrate.downgrade_schema(url, "base")
        migrate.upgrade_schema(url)

    @staticmethod
    def opened(server: RunningPostgres, owner: str) -> Opened:
        return Opened(TestAnOwnerThatIsNoSuperuser.url(server, owner))


class Opened:
    """A database that is closed at the end of the block."""

    def __init__(self, url: str) -> None:
        self.database = connect_database(url)

    def __enter__(self) -> Database:
        return self.database

    def __exit__(self, *_: object) -> None:
        self.database.close()


def test_a_role_that_could_pass_by_is_refused(postgres_server: RunningPostgres, fresh_database_url: str) -> None:
    with create_engine(fresh_database_url).connect() as connection, connection.begin() as transaction:
        # never committed: the role is the whole server's
        connection.execute(text("ALTER ROLE census_app BYPASSRLS"))
        from census_api.store.kit import roles

        assert connection.scalar(roles._FOUND) is True
        transaction.rollback()


def test_only_who_sees_everybody_may_erase(database: Database) -> None:
    with database.transaction(EDITOR) as session:
        own = session.scalar(text("SELECT id FROM submission"))
    for actor in (EDITOR, ANONYMOUS):
        with pytest.raises(DBAPIError, match="may erase"), database.transaction(actor) as session:
            session.execute(text("SELECT census_erase(2024::smallint, :id)"), {"id": own})
