"""The platform of the services' tests, for tests that come in by HTTP."""

from __future__ import annotations

from tests.services.conftest import bare, platform, sandbox

__all__ = ["bare", "platform", "sandbox"]
