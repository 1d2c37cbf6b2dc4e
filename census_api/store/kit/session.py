"""Connections and transactions. What goes wrong with the database leaves here as Unavailable, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from census_api.domain.kit.access import Actor, tenants
from census_api.domain.kit.errors import Unavailable
from census_api.store.kit import roles

__all__ = ["Database", "Session", "connect_database"]

_AWAY = "The census database cannot be reached just now. Please try again in a minute."
_BUSY = "The platform is very busy just now. Please try again in a minute."
_FULL = "The census database has no room left, so nothing was stored. Please tell the people who run the platform."


def connect_database(
    url: str, *, pool_size: int = 10, pool_seconds: float = 2.0, statement_seconds: float = 30.0
) -> Database:
    """The database at a SQLAlchemy URL (`postgresql+psycopg://`). No connection is made before the first use.

    At most `pool_size` connections are open; who waits longer than `pool_seconds` for one is told so. A statement
    that runs longer than `statement_seconds` is ended.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_seconds,
        pool_pre_ping=True,
        # what was typed into a return must not come back in the text of an error
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "census",
            "options": f"-c statement_timeout={int(statement_seconds * 1000)} -c timezone=UTC",
        },
    )
    return Database(engine)


class Database:
    """Transactions on one engine. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def transaction(self, actor: Actor | None = None) -> Iterator[Session]:
        """A transaction that commits at the end of the block and leaves nothing behind when the block raises.

        The database shows it, and lets it change, the data of the actor's organisations only; None is the platform
        itself, for all of them. Raises Unavailable when the database is away, busy or full.
        """
        with _in_plain_words(), self._sessions.begin() as session:
            roles.enter_role(session, tenants(actor))
            yield session

    @contextmanager
    def snapshot(self, actor: Actor | None = None) -> Iterator[Session]:
        """A read-only transaction in which every read sees the same moment, of the actor's organisations only."""
        with _in_plain_words(), self._sessions.begin() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
            roles.enter_role(session, tenants(actor))
            yield session

    def ping(self) -> None:
        """Returns when the database answers, set up or not. Raises Unavailable otherwise."""
        with _in_plain_words(), self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self._engine.dispose()

    def url(self) -> str:
        """The SQLAlchemy URL, password included: for opening further connections, never for showing."""
        return self._engine.url.render_as_string(hide_password=False)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as problem:
        raise Unavailable(_BUSY) from problem
    except DBAPIError as problem:
        sentence = _sentence(problem.orig)
        if sentence is None:
            raise
        raise Unavailable(sentence) from problem
    except psycopg.Error as problem:
        # COPY speaks to the driver directly
        sentence = _sentence(problem)
        if sentence is None:
            raise
        raise Unavailable(sentence) from problem


def _sentence(problem: BaseException | None) -> str | None:
    """None for faults that are ours: a wrong statement must not look like a database that is away."""
    if isinstance(problem, psycopg.errors.DiskFull):
        return _FULL
    busy = (
        psycopg.errors.QueryCanceled,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.TooManyConnections,
        psycopg.errors.IdleInTransactionSessionTimeout,
    )
    if isinstance(problem, busy):
        return _BUSY
    return _AWAY if isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError) else None
