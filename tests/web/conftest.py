"""Pages as a browser without JavaScript asks for them: the platform of the services' tests behind the application."""

from __future__ import annotations

import pytest

from census_api.services.kit.platform import Platform
from tests.factories.people import Browser, add_person


@pytest.fixture
def nobody(platform: Platform) -> Browser:
    """Who has not signed in."""
    return Browser(platform)


@pytest.fixture
def team(platform: Platform) -> Browser:
    """Somebody of the census team, signed in."""
    add_person(platform, "tess", "census_team")
    browser = Browser(platform)
    browser.sign_in("tess")
    return browser
