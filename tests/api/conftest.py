"""The API as a client sees it: a real server, a real database, one sandbox for all tests of a run."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from census_api.app import create_app
from census_api.domain.access import Actor
from census_api.domain.register import FrameLine, Organisation
from census_api.intake.sandbox import Sandbox
from census_api.services.collections import ensure_collections
from census_api.services.platform import Platform
from census_api.services.register import load_frame, load_organisations
from census_api.settings import Settings
from census_api.store.session import connect
from tests.api.serving import served

NOW = dt.datetime(2024, 7, 15, 12, 30, tzinfo=dt.UTC)
OPERATOR = Actor("operator")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as sandbox:
        yield sandbox


@pytest.fixture
def settings() -> Settings:
    return Settings(max_upload_bytes=300_000, long_file_bytes=200_000)


@pytest.fixture
def platform(fresh_database_url: str, sandbox: Sandbox, settings: Settings) -> Iterator[Platform]:
    database = connect(fresh_database_url)
    platform = Platform(database, sandbox, settings, clock=lambda: NOW)
    ensure_collections(platform, OPERATOR)
    load_organisations(
        platform,
        OPERATOR,
        [Organisation("ALPHA", "Alpha Recovery", "voluntary"), Organisation("BETA", "Beta Health", "nhs")],
    )
    load_frame(platform, OPERATOR, 2024, [FrameLine(2024, "ALPHA", "E06000001", "adult_community")])
    yield platform
    database.close()


@pytest.fixture
def address(platform: Platform) -> Iterator[str]:
    with served(create_app(platform)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
