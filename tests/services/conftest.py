"""The platform as services see it: a database of the test's own, and one sandbox for all tests of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from census_api.domain.register.organisations import Organisation
from census_api.intake.sandbox import Sandbox
from census_api.services.collecting.collections import ensure_collections
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.factories.actors import ANN, NOW


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    # patient: a machine that is busy with other tests must not look like a file that takes too long
    with Sandbox(workers=2, seconds=120) as sandbox:
        yield sandbox


@pytest.fixture
def bare(fresh_database_url: str, sandbox: Sandbox) -> Iterator[Platform]:
    """A platform on an empty database, at a fixed moment."""
    database = connect_database(fresh_database_url)
    yield Platform(database, sandbox, Settings(), clock=lambda: NOW)
    database.close()


@pytest.fixture
def platform(bare: Platform) -> Platform:
    """A platform with its collections and two organisations, ALPHA and BETA."""
    ensure_collections(bare, ANN)
    load_organisations(
        bare, ANN, [Organisation("ALPHA", "Alpha Recovery", "voluntary"), Organisation("BETA", "Beta Health", "nhs")]
    )
    return bare
