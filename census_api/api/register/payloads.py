"""What answers about the register, the frame and lineage look like."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from census_api.api.kit.common_payloads import LinePayload, OrganisationPayload, Payload
from census_api.domain.register.lineage import EdgeKind, EdgeState, LineageEdge
from census_api.domain.register.lists import ListKind, ListReport, ListSeverity
from census_api.domain.register.organisations import Organisation, SectorSpell

FINDINGS_SHOWN = 1000
CHANGES_SHOWN = 1000


class SectorSpellPayload(Payload):
    """A sector that the organisation was in. `since` null: nobody knows; `until` is the first day it no longer was."""

    sector: str | None
    since: dt.date | None
    until: dt.date | None


class RegisterEntryPayload(OrganisationPayload):
    """One organisation with the sectors that it was in, the present one last."""

    sectors: list[SectorSpellPayload]

    @classmethod
    def with_sectors(cls, found: Organisation, spells: tuple[SectorSpell, ...]) -> RegisterEntryPayload:
        shown = [SectorSpellPayload.model_validate(spell) for spell in spells]
        return cls(**OrganisationPayload.of(found).model_dump(), sectors=shown)


class ListFindingPayload(Payload):
    """One problem of a list: an error keeps the whole list from being taken, a note does not."""

    severity: ListSeverity
    row: int | None = Field(description="The row in the spreadsheet, or the place in the JSON list, from 1.")
    cell: str | None
    pointer: str | None
    column: str | None
    value: str | None
    message: str
    fix: str


class ListChangePayload(Payload):
    """What one entry would become, or has become."""

    kind: str = Field(description="added, changed or removed")
    key: str
    what: str


class ListReportPayload(Payload):
    """What became of a list. Findings and changes are shown up to a thousand each, and counted all."""

    kind: ListKind
    collection: int | None
    applied: bool = Field(description="False for a preview, for a list with errors, and for one that changes nothing.")
    rows: int
    counts: dict[str, int] = Field(description="How many entries are added, changed and removed.")
    unchanged: int
    errors: int
    findings_total: int
    findings: list[ListFindingPayload]
    changes: list[ListChangePayload]

    @classmethod
    def of(cls, report: ListReport) -> ListReportPayload:
        return cls(
            kind=report.kind,
            collection=report.collection,
            applied=report.applied,
            rows=report.rows,
            counts=dict(report.counts),
            unchanged=report.unchanged,
            errors=report.errors,
            findings_total=len(report.findings),
            findings=[ListFindingPayload.model_validate(one) for one in report.findings[:FINDINGS_SHOWN]],
            changes=[ListChangePayload.model_validate(one) for one in report.changes[:CHANGES_SHOWN]],
        )


class EdgePayload(Payload):
    """A dated edge between a line of one collection and a line of a later one. Only a confirmed one joins them."""

    id: uuid.UUID | None
    from_year: int
    source: LinePayload
    to_year: int
    target: LinePayload
    kind: EdgeKind
    effective: dt.date
    evidence: str
    state: EdgeState
    suggested_by: str | None = Field(description="What suggested it, and how like the two are; null when a person did.")
    decided_by: str | None
    decided_at: dt.datetime | None

    @classmethod
    def of(cls, edge: LineageEdge) -> EdgePayload:
        return cls.model_validate(edge)
