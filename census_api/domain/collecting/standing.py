"""Where the returns of a collection stand, side by side, for those who run it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from census_api.domain.collecting.findings import Outcome
from census_api.domain.collecting.returns import ReturnState


@dataclass(frozen=True, slots=True)
class ReturnStanding:
    """One organisation's return. `latest` is its newest checked submission, with what its report counted.

    `signed` is the number of the submission whose sign-off stands, `unanswered` how many questions of the team have no
    reply, `extended_to` the end of the organisation's own time. `version` grows with every change of the return.
    """

    organisation: str
    name: str
    sector: str | None
    state: ReturnState
    version: int
    latest: int | None
    outcome: Outcome | None
    counts: Mapping[str, int]
    received_at: dt.datetime | None
    signed: int | None
    unanswered: int
    extended_to: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ReturnFilter:
    """Which returns; None is all. `search` is looked for in code and name, in any case of letters."""

    state: ReturnState | None = None
    search: str | None = None
