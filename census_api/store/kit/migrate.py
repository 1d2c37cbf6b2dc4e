"""Brings a database to the schema of this version. Safe to call from every process at every start."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, func, select

from census_api.domain.kit.errors import InvalidRequest
from census_api.questionnaire.resources import find_folder
from census_api.store.kit.locks import AdvisoryLock, wait_for_connection_lock
from census_api.store.kit.roles import EVERYBODY, ensure_app_role


def upgrade_schema(url: str, revision: str = "head") -> None:
    """Applies the migrations up to `revision`, each in a transaction of its own. Waits for another starter's."""
    with _alone(url) as config:
        command.upgrade(config, revision)


def downgrade_schema(url: str, revision: str) -> None:
    """Takes migrations back, down to `revision` (`base` for an empty database)."""
    with _alone(url) as config:
        command.downgrade(config, revision)


def current_revision(url: str) -> str:
    """The revision a database is at, empty for one that was never migrated."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def head_revision() -> str:
    """The revision that this version of the platform needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def write_migration(url: str, what: str) -> Path:
    """Writes the next migration file, with the difference between the tables of the code and the database.

    `url` is a database at the head; `what` says in one line what the migration does. The file is
    `migrations/versions/<number>_<what>.py`, and its revision id is the number: its place in the chain.
    Raises InvalidRequest for a line that no file can be named by, and for two migrations that follow the same one.
    """
    if not any(letter.isalnum() for letter in what) or any(
        letter in '"\\' or not letter.isprintable() for letter in what
    ):
        raise InvalidRequest(
            'Say in one line, without quotation marks, what the migration does: "add the phone of a contact".'
        )
    with _alone(url) as config:
        number = _next_number(ScriptDirectory.from_config(config))
        script = command.revision(config, what.strip(), autogenerate=True, rev_id=number)
    if script is None or isinstance(script, list):
        raise RuntimeError("exactly one migration was expected")
    return Path(script.path)


def _next_number(scripts: ScriptDirectory) -> str:
    if len(heads := scripts.get_heads()) > 1:
        names = " and ".join(sorted(Path(scripts.get_revision(head).path).name for head in heads))
        raise InvalidRequest(
            f"{names} both follow the same migration. Give one of them the next number, in its name and in it, "
            "and let it follow the other."
        )
    return f"{sum(1 for _ in scripts.walk_revisions()) + 1:04d}"


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """False for tables of the job queue, which its own schema defines. In the form alembic's `include_name` wants."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def _config(connection: Connection | None = None) -> Config:
    # its own lines about what it does would stand between those of our commands
    config = Config(cmd_opts=Namespace(quiet=True))
    # the configuration file format reads % as the start of a variable
    config.set_main_option("script_location", str(find_folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        yield connection


@contextmanager
def _alone(url: str) -> Iterator[Config]:
    """Holds the lock on a connection apart, so that it outlives the transactions of the migrations."""
    with _connection(url) as guard, _connection(url) as connection:
        wait_for_connection_lock(guard, AdvisoryLock.MIGRATING)
        ensure_app_role(connection)
        # row-level security holds for the owner as well: a migration sees the rows of everybody, and says so
        connection.execute(select(func.set_config("census.tenants", EVERYBODY, False)))
        connection.commit()
        yield _config(connection)
