"""The register: organisations that may answer, and the lines they are expected to answer for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class SectorSpell:
    """A sector that an organisation is or was in. `since` None: nobody knows; `until` None: it still is.

    `until` is the first day on which it no longer was; `sector` None is not known.
    """

    sector: str | None
    since: dt.date | None
    until: dt.date | None


def sector_on(spells: Sequence[SectorSpell], day: dt.date) -> str | None:
    """The sector on a day, by an organisation's spells in order of time; None where it is not known."""
    return next((spell.sector for spell in spells if spell.until is None or day < spell.until), None)


@dataclass(frozen=True, slots=True)
class OrganisationFilter:
    """Which organisations; None is all. `search` is looked for in code, name and identifiers, in any case of letters."""

    search: str | None = None
    sector: str | None = None
    status: OrganisationStatus | None = None
