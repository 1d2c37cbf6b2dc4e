"""Returns as bytes, the way employers and programs send them."""

from __future__ import annotations

import json
from typing import Any

from census_api.domain.collecting.submission import Upload


def make_tree(organisation: str = "ALPHA", *, year: int = 2024, headcount: int = 10, rows: int = 1) -> dict[str, Any]:
    """The JSON return of a small organisation. Readable, not clean: breakdowns are missing."""
    roles = ("DAW", "NURSE", "DOCTOR", "PSYCH", "ADMIN")
    return {
        "census_year": year,
        "organisation": {"organisation_code": organisation, "name": "Alpha Recovery", "nil_return": "no"},
        "services": [
            {
                "local_authority_code": "E06000001",
                "service_type": "adult_community",
                "commissioning_route": "la_commissioned",
                "data_available": "full",
            }
        ],
        "staff": [
            {
                "local_authority_code": "E06000001",
                "service_type": "adult_community",
                "role_code": roles[index] if index < len(roles) else f"ROLE{index}",
                "paid_headcount": headcount,
                "paid_wte": "8.5",
                "starters": 2,
                "leavers": 1,
            }
            for index in range(rows)
        ],
    }


def make_upload(organisation: str = "ALPHA", *, key: str | None = None, **tree: int) -> Upload:
    data = json.dumps(make_tree(organisation, **tree)).encode()
    return Upload(data, "return.json", "application/json", key)
