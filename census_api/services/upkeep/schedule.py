"""What is done every night so that the platform stays whole."""

from __future__ import annotations

from census_api.services.kit.platform import Platform
from census_api.services.upkeep.reconcile import reconcile_record
from census_api.services.upkeep.retention import apply_retention


def keep_whole(platform: Platform) -> None:
    """Deletes what is older than it may be kept, then compares everything that was acknowledged with what is stored."""
    apply_retention(platform)
    reconcile_record(platform)
