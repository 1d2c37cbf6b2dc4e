"""The API as a client sees it: the platform of the services' tests behind a real server, asked with a team's token."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from census_api.app import create_app
from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import FrameLine
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame
from census_api.settings import Settings
from tests.api.serving import served
from tests.factories.people import add_person, add_token
from tests.patience import PATIENCE


@pytest.fixture
def settings() -> Settings:
    """With limits that a test can reach."""
    return Settings(max_upload_bytes=300_000, long_file_bytes=200_000)


@pytest.fixture
def address(platform: Platform) -> Iterator[str]:
    load_frame(platform, SYSTEM, 2024, [FrameLine(2024, "ALPHA", "E06000001", "adult_community")])
    with served(create_app(platform)) as address:
        yield address


@pytest.fixture
def token(platform: Platform) -> str:
    """The token of a program of the census team, who may do most things."""
    return add_token(platform, add_person(platform, "tess", "census_team"))


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    """The header that says who calls."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def client(address: str, bearer: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=PATIENCE, headers=bearer) as client:
        yield client


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
