"""Lineage: which line of one year goes on as which line of the next (methods.md 1.1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

EdgeKind = Literal["continues", "renamed", "merged", "split", "contract_transfer", "reclassified"]
EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)
EdgeState = Literal["suggested", "confirmed", "refused"]
EDGE_STATES: tuple[EdgeState, ...] = get_args(EdgeState)


@dataclass(frozen=True, slots=True, order=True)
class LineKey:
    """A line: organisation, local authority and service type, all as codes."""

    organisation: str
    local_authority_code: str
    service_type: str

    def __str__(self) -> str:
        return f"{self.organisation}|{self.local_authority_code}|{self.service_type}"


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """A dated edge between a line of one collection and a line of a later one.

    A suggested edge joins nothing: the cells that it touches are capped at CAUTION until somebody decides.
    """

    from_year: int
    source: LineKey
    to_year: int
    target: LineKey
    kind: EdgeKind
    effective: dt.date
    evidence: str
    state: EdgeState = "suggested"
    suggested_by: str | None = None
    """What suggested it, and how like the two are, in words; None when a person entered it."""
    decided_by: str | None = None
    decided_at: dt.datetime | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EdgeFilter:
    """Which edges: each part is None for all. `organisation` stands at either end."""

    from_year: int | None = None
    to_year: int | None = None
    state: EdgeState | None = None
    organisation: str | None = None
