"""Connections and transactions. What goes wrong with the database leaves here as Unavailable, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from operator import itemgetter

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from census_api.domain.kit.access import Actor, tenants
from census_api.domain.kit.errors import Unavailable
from census_api.store.kit import roles

__all__ = ["Database", "DatabaseView", "Session", "connect_database"]

Note = Callable[[Session], None]
"""Writes down, in a session, that something was read in it."""

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

    @contextmanager
    def reading(self, actor: Actor, note: Note) -> Iterator[Session]:
        """A transaction to read in whose end is `note`: nothing has been read before the note of it is stored."""
        with self.transaction(actor) as session:
            yield session
            note(session)

    def ping(self) -> None:
        """Returns when the database answers, set up or not. Raises Unavailable otherwise."""
        with _in_plain_words(), self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self._engine.dispose()

    def url(self) -> str:
        """The SQLAlchemy URL, password included: for opening further connections, never for showing."""
        return self._engine.url.render_as_string(hide_password=False)


class DatabaseView(Database):
    """The database as it stands at one moment, for one thread: every `snapshot` is of one read-only transaction.

    It begins with the first read and ends with `finish`, which then stores the notes of what was read. A `transaction`,
    which may write, is one of its own.
    """

    def __init__(self, whole: Database) -> None:
        super().__init__(whole._engine)  # noqa: SLF001 - it is one of the same kind
        self._whole = whole
        self._opened = ExitStack()
        self._session: Session | None = None
        self._actors: list[Actor | None] = []
        self._notes: list[tuple[Actor, Note]] = []

    @contextmanager
    def snapshot(self, actor: Actor | None = None) -> Iterator[Session]:
        """The one transaction, seeing the data of this actor's organisations until the end of the block."""
        if self._session is None:
            self._session = self._opened.enter_context(self._whole.snapshot(actor))
        with _in_plain_words():
            roles.enter_role(self._session, tenants(actor))
            self._actors.append(actor)
            try:
                yield self._session
            finally:
                self._actors.pop()
                if self._actors and self._session.is_active:
                    roles.enter_role(self._session, tenants(self._actors[-1]))

    @contextmanager
    def reading(self, actor: Actor, note: Note) -> Iterator[Session]:
        """As `snapshot`; the note is stored at the end of the view, in a transaction of its own."""
        with self.snapshot(actor) as session:
            yield session
        self._notes.append((actor, note))

    def finish(self) -> None:
        """Ends the transaction and stores the notes. What is read afterwards is another view."""
        self._session = None
        self._opened.close()
        notes, self._notes = self._notes, []
        for actor, of_actor in groupby(notes, key=itemgetter(0)):
            with self._whole.transaction(actor) as session:
                for _, note in of_actor:
                    note(session)

    def give_up(self) -> None:
        """Ends the transaction of a page that is not shown."""
        self._notes.clear()
        self.finish()


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
