"""Snapshots: the accepted returns of a collection, frozen, and what changed from one revision to the next."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

SnapshotState = Literal["building", "frozen", "failed"]
SNAPSHOT_STATES: tuple[SnapshotState, ...] = get_args(SnapshotState)

ChangeKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class ReturnChange:
    """What a revision changed: a return that came in, left, or has other content than in the revision before."""

    kind: ChangeKind
    organisation: str
    before_sha256: str | None
    after_sha256: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One revision. `share` is how much of the freezing is done, 0 to 1. `content_hash` is None until it is frozen.

    `returns`, `lines` and `facts` count what it holds: accepted returns, lines (expected or reported), staff rows.
    """

    id: UUID
    collection: int
    revision: int
    state: SnapshotState
    share: float
    stage: str
    content_hash: str | None
    spec_digest: str
    policy_digest: str
    started_at: dt.datetime
    started_by: str
    frozen_at: dt.datetime | None = None
    previous: UUID | None = None
    returns: int = 0
    lines: int = 0
    facts: int = 0
    changes: tuple[ReturnChange, ...] = ()
    message: str | None = None

    @property
    def name(self) -> str:
        """What the command line calls it: 2024.2 is the second revision of 2024."""
        return f"{self.collection}.{self.revision}"
