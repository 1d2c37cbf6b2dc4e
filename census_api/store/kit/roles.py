"""The role that the platform works under: it owns nothing, and row-level security holds for it without exception.

The login role of DATABASE_URL migrates and owns the tables. Every transaction of the platform leaves that role for
`census_app` at once and says whose data it is for; the database shows it those rows only.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from census_api.domain.kit.errors import ConfigError, Unavailable

APP_ROLE = "census_app"
EVERYBODY = "*"
_BETWEEN_CODES = "\x1f"
_NOT_SET_UP = (
    "The census database does not let the platform work in it yet. Please tell the people who run the platform: "
    "census db upgrade sets it up."
)
_MAKE_IT = f"An administrator of the database has to run, once: CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO "

_ENTER = text(f"SELECT set_config('role', '{APP_ROLE}', true), set_config('census.tenants', :tenants, true)")
_WHO = text(
    "SELECT current_user AS name, current_setting('server_version_num')::int AS version, rolsuper AS super, "
    "rolcreaterole OR rolsuper AS makes_roles FROM pg_roles WHERE rolname = current_user"
)
_FOUND = text(f"SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = '{APP_ROLE}'")


def enter_role(session: Session, tenants: Collection[str] | None) -> None:
    """Makes this transaction one of the platform's role, for the organisations of these codes; None for all.

    Both settings end with the transaction: a connection that goes back to its pool keeps nothing of them.
    Raises Unavailable when the database has not been set up for it.
    """
    setting = EVERYBODY if tenants is None else _BETWEEN_CODES.join(sorted(tenants))
    try:
        session.execute(_ENTER, {"tenants": setting})
    except DBAPIError as problem:
        if isinstance(problem.orig, psycopg.errors.InvalidParameterValue | psycopg.errors.InsufficientPrivilege):
            raise Unavailable(_NOT_SET_UP) from problem
        raise


def ensure_app_role(connection: Connection) -> None:
    """Makes the role if the server has none, and lets the migrating user take it. Commits.

    Raises ConfigError, saying what an administrator of the database has to run, where that is not allowed, and for a
    role that row-level security does not hold for.
    """
    who = connection.execute(_WHO).one()
    try:
        if connection.scalar(_FOUND) is None:
            _make(connection, who.name, allowed=who.makes_roles)
        if connection.scalar(_FOUND):
            raise ConfigError(
                f"The database role {APP_ROLE} may pass by row-level security, so organisations would not be kept "
                f"apart. An administrator of the database has to run: ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS."
            )
        if not who.super and not connection.scalar(_may_take(who.version)):
            _grant(connection, who.name)
    finally:
        connection.rollback()


def _may_take(version: int) -> TextClause:
    # since version 16 one can be a member and still not be allowed to take the role
    kind = "SET" if version >= 160000 else "MEMBER"
    return text(f"SELECT pg_has_role(current_user, '{APP_ROLE}', '{kind}')")


def _make(connection: Connection, user: str, *, allowed: bool) -> None:
    if not allowed:
        raise ConfigError(f"The database has no role {APP_ROLE}, and {user} may not make one. {_MAKE_IT}{user}.")
    try:
        connection.execute(text(f"CREATE ROLE {APP_ROLE} NOLOGIN NOBYPASSRLS"))
        connection.commit()
    except DBAPIError as problem:
        # roles are the whole server's: another database's upgrade may have made it in between
        if not isinstance(problem.orig, psycopg.errors.DuplicateObject | psycopg.errors.UniqueViolation):
            raise
        connection.rollback()


def _grant(connection: Connection, user: str) -> None:
    try:
        connection.execute(text(f"GRANT {APP_ROLE} TO CURRENT_USER"))
        connection.commit()
    except DBAPIError as problem:
        if not isinstance(problem.orig, psycopg.errors.InsufficientPrivilege):
            raise
        raise ConfigError(f"{user} may not work as the database role {APP_ROLE}. {_MAKE_IT}{user}.") from problem
