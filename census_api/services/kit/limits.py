"""Limits that every way in shares, refused in one sentence."""

from __future__ import annotations

from census_api.domain.kit.errors import TooLarge
from census_api.services.kit.platform import Platform


def refuse_too_large(platform: Platform, data: bytes) -> None:
    """Raises TooLarge above the size that the platform takes in one piece."""
    largest = platform.settings.max_upload_bytes
    if len(data) > largest:
        raise TooLarge(
            f"The file has {len(data):,} bytes, more than the {largest:,} that can be sent. Remove sheets, pictures "
            "and empty formatted rows that are not part of the return, and send it again."
        )
