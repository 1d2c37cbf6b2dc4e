"""Migrations: from empty to the tables of the code, down and up again, one starter at a time."""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session

from census_api.domain.kit.errors import InvalidRequest
from census_api.questionnaire.resources import find_folder
from census_api.store.all_tables import METADATA
from census_api.store.collecting import submissions
from census_api.store.kit import migrate
from tests.factories.judgements import make_content, make_report
from tests.factories.rows import add_collection, add_organisation, add_submission
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from census_api.embedded_postgres.launcher import RunningPostgres

CONSTRAINTS = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'procrastinate%' "
    "AND conrelid::regclass::text <> 'alembic_version' AND contype <> 't' ORDER BY 1, 2"
)
INDEXES = text(
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'procrastinate%' "
    "AND tablename <> 'alembic_version' ORDER BY 1"
)


@pytest.fixture
def empty_url(postgres_server: RunningPostgres) -> Iterator[str]:
    name = f"census_empty_{uuid.uuid4().hex}"
    postgres_server.create_database(name)
    yield postgres_server.url(name)
    with connected(postgres_server.url("postgres")) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def connected(url: str) -> Connection:
    return create_engine(url).connect()


def tables_of(url: str) -> set[str]:
    with connected(url) as connection:
        return set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))


def test_an_empty_database_is_at_no_revision_and_goes_to_the_head(empty_url: str) -> None:
    assert migrate.current_revision(empty_url) == ""
    migrate.upgrade_schema(empty_url)
    assert migrate.current_revision(empty_url) == migrate.head_revision() != ""
    migrate.upgrade_schema(empty_url)
    assert set(METADATA.tables) < tables_of(empty_url)


def test_the_migrations_make_the_tables_of_the_code(fresh_database_url: str) -> None:
    with connected(fresh_database_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": migrate.is_ours, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []


def test_the_migrations_make_the_constraints_of_the_code(fresh_database_url: str, empty_url: str) -> None:
    with connected(empty_url) as connection:
        METADATA.create_all(connection)
        connection.commit()
        expected = [connection.execute(query).all() for query in (CONSTRAINTS, INDEXES)]
    with connected(fresh_database_url) as connection:
        assert [connection.execute(query).all() for query in (CONSTRAINTS, INDEXES)] == expected
    assert len(expected[0]) > 40


def test_down_to_nothing_leaves_nothing(empty_url: str) -> None:
    migrate.upgrade_schema(empty_url)
    migrate.downgrade_schema(empty_url, "base")
    assert tables_of(empty_url) == {"alembic_version"}
    with connected(empty_url) as connection:
        left = connection.execute(
            text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace UNION ALL "
                 "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype <> 'b' "
                 "AND typname <> 'alembic_version'")
        )  # fmt: skip
        assert left.all() == []
    migrate.upgrade_schema(empty_url)
    assert migrate.current_revision(empty_url) == migrate.head_revision()


def test_one_down_and_up_again_keeps_what_is_stored(fresh_database_url: str) -> None:
    content = make_content()
    with Session(create_engine(fresh_database_url)) as session:
        add_collection(session)
        row = add_submission(session, add_organisation(session))
        submissions.seal_checked(session, row, make_report(content), content, "xlsx")
        session.commit()
    before = everything(fresh_database_url)
    migrate.downgrade_schema(fresh_database_url, "-1")
    assert migrate.current_revision(fresh_database_url) != migrate.head_revision()
    migrate.upgrade_schema(fresh_database_url)
    assert everything(fresh_database_url) == before
    assert len(before["submission_row"]) == 3


def everything(url: str) -> dict[str, list[str]]:
    with connected(url) as connection:
        return {
            name: sorted(map(str, connection.scalars(text(f'SELECT to_jsonb(t) FROM "{name}" AS t'))))
            for name in METADATA.tables
        }


def test_two_starters_at_once_do_it_once(empty_url: str) -> None:
    problems: list[Exception] = []
    barrier = threading.Barrier(3)

    def start() -> None:
        try:
            barrier.wait(PATIENCE)
            migrate.upgrade_schema(empty_url)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    starters = [threading.Thread(target=start) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(PATIENCE)
    assert problems == []
    assert migrate.current_revision(empty_url) == migrate.head_revision()


@pytest.mark.parametrize("file", sorted(find_folder("migrations").glob("versions/*.py")), ids=lambda file: file.stem)
def test_every_migration_gives_up_rather_than_wait_for_a_lock(file: Path) -> None:
    source = file.read_text("utf-8")
    assert source.count("    set_limits()\n") == 2
    assert "SET LOCAL lock_timeout" in source
    assert "SET LOCAL statement_timeout" in source


def test_a_migration_stops_waiting_for_a_table_in_use(empty_url: str) -> None:
    migrate.upgrade_schema(empty_url)
    with connected(empty_url) as reader:
        reader.execute(text("SELECT * FROM mail"))
        with pytest.raises(Exception, match="lock timeout"):
            migrate.downgrade_schema(empty_url, "-1")
    assert migrate.current_revision(empty_url) == migrate.head_revision()


@pytest.fixture
def copied_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files elsewhere: tests that run beside this one must not find a second head."""
    shutil.copytree(find_folder("migrations"), tmp_path / "migrations")
    monkeypatch.setattr(migrate, "find_folder", lambda name: tmp_path / name)
    return tmp_path / "migrations" / "versions"


def test_a_new_migration_starts_from_the_template(fresh_database_url: str, copied_migrations: Path) -> None:
    with connected(fresh_database_url) as connection:
        connection.execute(text("ALTER TABLE collection DROP COLUMN state"))
        connection.commit()
    before = sorted(copied_migrations.glob("*.py"))
    head = migrate.head_revision()
    file = migrate.write_migration(fresh_database_url, "bring the state back")
    source = file.read_text("utf-8")
    compile(source, str(file), "exec")
    assert source.startswith('"""Bring the state back."""\n')
    assert file == copied_migrations / f"{len(before) + 1:04d}_bring_the_state_back.py"
    assert f'revision = "{len(before) + 1:04d}"\ndown_revision = "{head}"\n' in source
    assert "op.add_column('collection'" in source
    assert source.count("    set_limits()\n") == 2
    # the file is the head of the chain now, and the database takes it
    migrate.upgrade_schema(fresh_database_url)
    assert migrate.current_revision(fresh_database_url) == f"{len(before) + 1:04d}"


@pytest.mark.parametrize("what", ["", "...", 'a "quoted" word', "two\nlines", "a back\\slash"])
def test_a_line_that_cannot_name_a_file_is_refused(fresh_database_url: str, copied_migrations: Path, what: str) -> None:
    before = sorted(copied_migrations.glob("*.py"))
    with pytest.raises(InvalidRequest, match="in one line"):
        migrate.write_migration(fresh_database_url, what)
    assert sorted(copied_migrations.glob("*.py")) == before


def test_two_migrations_that_follow_the_same_one_are_named(fresh_database_url: str, copied_migrations: Path) -> None:
    file = migrate.write_migration(fresh_database_url, "the first")
    other = file.with_name(file.name.replace("the_first", "another"))
    other.write_text(file.read_text("utf-8").replace(f'revision = "{file.name[:4]}"', 'revision = "abc"'), "utf-8")
    with pytest.raises(InvalidRequest, match=f"{other.name} and {file.name} both follow"):
        migrate.write_migration(fresh_database_url, "the third")


# the ids that databases hold from before the files were numbered: never changed
OLD_IDS = [
    "20261121_0900", "20261121_0910", "20261121_0920", "people0001", "life0001", "audit0001", "tenancy0001",
    "mail0001", "snap0001", "reg0001", "mail0002",
]  # fmt: skip


def test_files_are_numbered_in_the_order_of_the_chain() -> None:
    scripts = ScriptDirectory(str(find_folder("migrations")))
    chain = list(reversed(list(scripts.walk_revisions())))
    names = [Path(script.path).name for script in chain]
    assert names == sorted(path.name for path in find_folder("migrations").glob("versions/*.py"))
    for number, name in enumerate(names, 1):
        assert re.fullmatch(rf"{number:04d}(_[a-z0-9]+)+\.py", name), name
    ids = [script.revision for script in chain]
    assert ids[: len(OLD_IDS)] == OLD_IDS
    assert ids[len(OLD_IDS) :] == [name[:4] for name in names[len(OLD_IDS) :]]
