"""The database that a command works on: the one of DATABASE_URL, or our own in the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import ConfigError

if TYPE_CHECKING:
    from census_api.services.kit.platform import Platform
    from census_api.settings import Settings

OPERATOR = Actor("operator", kind="system")


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The URL of the database. Our own is started, and brought to this version."""
    if settings.sqlalchemy_url is not None:
        yield settings.sqlalchemy_url
        return
    from census_api.embedded_postgres.launcher import start_server
    from census_api.store.kit.migrate import upgrade_schema

    with start_server(settings.data_dir / "postgres") as server:
        upgrade_schema(server.url())
        yield server.url()


@contextmanager
def opened_platform(settings: Settings) -> Iterator[Platform]:
    """The platform on that database, at this version and with its collections.

    Raises ConfigError when a database that is not our own is behind, Unavailable when it is away.
    """
    from census_api.services.collecting.collections import ensure_collections
    from census_api.services.kit.platform import is_ready, open_platform
    from census_api.services.people import demo_accounts, single_sign_on

    with open_database(settings) as url, open_platform(settings, url) as platform:
        if not is_ready(platform):
            raise ConfigError(
                "The database is not at the version that this platform needs. Run census db upgrade first."
            )
        demo_accounts.refuse_elsewhere(platform)
        single_sign_on.check_settings(settings)
        if settings.sqlalchemy_url is None:
            ensure_collections(platform, OPERATOR)
        yield platform
