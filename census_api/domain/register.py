"""The register: organisations that may answer, and the lines they are expected to answer for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

OrganisationStatus = Literal["open", "closed", "merged"]
ORGANISATION_STATUSES: tuple[OrganisationStatus, ...] = get_args(OrganisationStatus)


@dataclass(frozen=True, slots=True)
class Organisation:
    """An employer. `parent` and `merged_into` are codes; `identifiers` maps a scheme (ods, charity) to a number."""

    code: str
    name: str
    sector: str | None = None
    status: OrganisationStatus = "open"
    parent: str | None = None
    merged_into: str | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameLine:
    """A line expected to answer a collection: organisation x local authority x service type, all as codes."""

    collection: int
    organisation: str
    local_authority_code: str
    service_type: str
