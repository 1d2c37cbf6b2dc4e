"""What every service needs: the database, the sandbox, the limits and the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from census_api.domain.kit.access import no_such_organisation
from census_api.intake.sandbox import Sandbox
from census_api.questionnaire.load import SpecLibrary, load_library
from census_api.questionnaire.model import Spec
from census_api.settings import Settings
from census_api.store.kit import migrate, session
from census_api.store.kit.session import Database, DatabaseView

__all__ = ["Platform", "end_view", "is_ready", "no_such_organisation", "open_platform", "open_view", "utc_now"]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Platform:
    """Shared by all threads of a process. `schemas` is another folder of specs than the installed one."""

    database: Database
    sandbox: Sandbox
    settings: Settings
    clock: Callable[[], dt.datetime] = field(default=utc_now)
    schemas: Path | None = None

    @property
    def specs(self) -> SpecLibrary:
        return load_library(self.schemas)

    def spec(self, year: int) -> Spec:
        """The spec of a year. Raises NotFound when there is no census of that year."""
        return self.specs.spec(year)

    def gives_up(self, tries: int) -> bool:
        """Whether background work that is being tried for this time has to end: it failed as often as it may."""
        return tries > self.settings.job_attempts

    def close(self) -> None:
        self.sandbox.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_platform(settings: Settings, url: str, *, schemas: Path | None = None) -> Platform:
    """The platform on the database at `url`, which is at this version's schema. Close it after use."""
    database = session.connect_database(
        url,
        pool_size=settings.pool_size,
        pool_seconds=settings.pool_seconds,
        statement_seconds=settings.statement_seconds,
    )
    sandbox = Sandbox(
        workers=settings.sandbox_workers, memory_mb=settings.sandbox_memory_mb, seconds=settings.sandbox_seconds
    )
    return Platform(database, sandbox, settings, schemas=schemas)


@contextmanager
def open_view(platform: Platform) -> Iterator[Platform]:
    """The platform as it stands at one moment: services called with it read in one transaction.

    Notes of what was read are stored at the end of the block or at `end_view`; none when the block raises.
    """
    view = DatabaseView(platform.database)
    try:
        yield replace(platform, database=view)
    except BaseException:
        view.give_up()
        raise
    view.finish()


def end_view(platform: Platform) -> None:
    """Ends the transaction of a view before its block ends. Nothing happens to a platform that is none."""
    if isinstance(platform.database, DatabaseView):
        platform.database.finish()


def is_ready(platform: Platform) -> bool:
    """True when the database answers and is at this version's schema. Raises Unavailable when it is away."""
    platform.database.ping()
    return migrate.current_revision(platform.database.url()) == migrate.head_revision()
