"""What the demonstration loads goes through the services: their platform serves its tests too."""

from __future__ import annotations

from tests.services.conftest import bare, platform, sandbox

__all__ = ["bare", "platform", "sandbox"]
