"""Commands set up the logs of their process; the next test finds them as they were."""

from __future__ import annotations

from tests.api.conftest import logs_as_they_were

__all__ = ["logs_as_they_were"]
