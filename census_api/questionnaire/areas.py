"""What became of local authorities from one year's list to a later one's."""

from __future__ import annotations

import datetime as dt

from census_api.questionnaire.model import Spec

AREAS = "local_authorities"


def areas_after(spec: Spec, code: str) -> tuple[str, ...]:
    """The codes of the year of `spec` that an earlier year's local authority goes on as: itself, or its successors.

    Empty for a code that no year up to then has had.
    """
    areas = spec.code_lists[AREAS]
    if code in areas.by_code:
        return (code,)
    former = next((entry for entry in areas.former if entry.code == code), None)
    if former is None:
        return ()
    return tuple(dict.fromkeys(later for one in former.many("successors") for later in areas_after(spec, one)))


def area_began(spec: Spec, code: str) -> dt.date | None:
    """The day on which a local authority came into being, None where the list does not say."""
    text = spec.code_lists[AREAS].by_code[code].attributes.get("valid_from", "")
    return dt.date.fromisoformat(text) if text else None


def region_of(spec: Spec, code: str) -> str | None:
    """The region of a local authority of the year, or of one that an earlier year had."""
    areas = spec.code_lists[AREAS]
    known = areas.by_code.get(code) or next((entry for entry in areas.former if entry.code == code), None)
    return None if known is None else known.attributes.get("region") or None
