"""What a worker does by the clock so that the platform stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from census_api.services.kit.platform import Platform
from census_api.services.upkeep.failed_jobs import put_back_lost
from census_api.services.upkeep.reconcile import RECENT, reconcile
from census_api.services.upkeep.retention import apply_retention
from census_api.store.kit.periodic import EVERY_TEN_MINUTES, EVERY_TEN_SECONDS, every

if TYPE_CHECKING:
    from procrastinate import App

_EVERY_NIGHT = "17 3 * * *"


def add_upkeep(app: App, platform: Platform) -> None:
    """Lost jobs at once; what came in of late every ten minutes; everything, and what is too old, every night."""
    every(app, EVERY_TEN_SECONDS, "put_back_lost", lambda: put_back_lost(platform))
    every(app, EVERY_TEN_MINUTES, "reconcile", lambda: reconcile(platform, since=platform.clock() - RECENT))
    every(app, _EVERY_NIGHT, "every_night", lambda: _every_night(platform))


def _every_night(platform: Platform) -> None:
    apply_retention(platform)
    reconcile(platform)
