"""What is found when the platform looks after itself, and how long it keeps what it was sent."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

Trouble = Literal["missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An acknowledged submission that is not stored as it was acknowledged. `what` says in words what is wrong."""

    trouble: Trouble
    collection: int
    submission_id: uuid.UUID
    what: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One comparison of what was acknowledged with what is stored.

    `overdue` are submissions that were not checked in time and that nobody works on as they should.
    """

    ran_at: dt.datetime
    acknowledged: int
    discrepancies: tuple[Discrepancy, ...]
    overdue: int

    @property
    def is_alarm(self) -> bool:
        return bool(self.discrepancies) or self.overdue > 0

    def number_of(self, trouble: Trouble) -> int:
        return sum(found.trouble == trouble for found in self.discrepancies)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long submissions are kept after the late window of their collection: None is for ever.

    `drafts` are those that were replaced by a later one; `returns` are all.
    """

    drafts: dt.timedelta | None
    returns: dt.timedelta | None
