"""Bulk loading, inside the transaction of the session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from census_api.domain.kit.errors import InvalidRequest


def driver_of(session: Session) -> psycopg.Connection[Any]:
    """The driver's own connection, in the session's transaction. Pending changes of the session are sent first."""
    session.flush()
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the store works on PostgreSQL through psycopg only")
    return driver


def add_rows(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Appends rows to a table under row-level security, which COPY cannot write to: by way of a temporary table.

    The order of each row's values is that of `columns`.
    """
    incoming = f"incoming_{table}"
    target, source = sql.Identifier(table), sql.Identifier("pg_temp", incoming)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    driver = driver_of(session)
    # kept by the connection: made anew each time it would fill the catalogue with dead rows
    driver.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
            sql.Identifier(incoming), target
        )
    )
    copy_rows(session, incoming, columns, rows)
    driver.execute(sql.SQL("INSERT INTO {} ({names}) SELECT {names} FROM {}").format(target, source, names=names))
    driver.execute(sql.SQL("TRUNCATE {}").format(source))


def copy_rows(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Appends rows by COPY to a temporary table. The order of each row's values is that of `columns`."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with driver_of(session).cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row(row)


def make_storable(text: str, where: str) -> str:
    """The text itself. Raises InvalidRequest for a NUL or half a surrogate pair, which no database takes.

    Cells like that are findings long before this point; `where` names the place should one get through.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        bad = True
    else:
        bad = "\x00" in text
    if bad:
        raise InvalidRequest(
            f"{where} holds characters that are not text and cannot be stored. Type it again by hand and send the "
            "file again."
        )
    return text
