"""Commands set up the logs of their process; the next test finds them as they were."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from census_api.intake.sandbox import Sandbox
from tests.api.conftest import logs_as_they_were

__all__ = ["logs_as_they_were"]


@pytest.fixture
def kept_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands read files in the sandbox of all tests, whose children have started, and leave it open."""
    monkeypatch.setattr("census_api.intake.sandbox.Sandbox", lambda **_: nullcontext(sandbox))
