"""How far a collection is, whom to chase, and what to ask about first."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.common_payloads import LinePayload, Payload
from census_api.api.kit.dependencies import Caller, ThePlatform, Year, limit_up_to, may
from census_api.api.kit.problems import document_problems
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.measures import Item
from census_api.domain.progress.response import ProgressDimension
from census_api.services.progress import chase, plausibility
from census_api.services.progress import response as service

router = APIRouter(prefix="/collections", tags=["progress"])

MOST_SHOWN = 1000
if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(MOST_SHOWN)


class CellPayload(Payload):
    """One row of progress. Shares are parts of 1, null where nothing is expected or no size is known."""

    key: str
    label: str
    organisations: int
    answered: int = Field(description="Organisations whose return is signed off or accepted.")
    lines: int
    lines_answered: int
    states: dict[ReturnState, int] = Field(description="Organisations by the state of their return.")
    on_time: int = Field(description="Of those that answered: first signed in time, longer time included.")
    late: int
    unit_share: float | None = Field(description="Lines that answered, as a part of all.")
    size_share: float | None = Field(description="The same, weighed by last known paid headcount.")
    largest_missing: float | None = Field(description="The largest line without an answer, as a part of the size.")


class DayPayload(Payload):
    """How many organisations had sent a readable file, and had signed, by the end of a day in England."""

    day: dt.date
    received: int
    signed: int


class ChasePayload(Payload):
    """An organisation that has not answered, and what that is expected to move."""

    organisation: str
    name: str
    sector: str | None
    state: ReturnState
    lines: int
    size: float | None = Field(description="Its last known paid headcount; null if it never gave one.")
    score: float | None = Field(description="Per cent of the published total that it moves most.")
    total: str | None = Field(description="That total.")
    people: int = Field(description="How many people can be written to.")
    reminded_at: dt.datetime | None
    sentence: str


class ProgressPayload(Payload):
    """How far a collection is. `chase` is for the census team, null for others."""

    collection: int
    at: dt.datetime
    framed: bool = Field(description="False while nobody has said who is expected: then every count is 0.")
    overall: CellPayload
    by: dict[ProgressDimension, list[CellPayload]]
    days: list[DayPayload] = Field(description="The days on which something came in.")
    chase: list[ChasePayload] | None
    chase_total: int | None


class DoubtPayload(Payload):
    """One figure that may be wrong, and what it would move."""

    organisation: str
    name: str
    line: LinePayload
    item: Item
    reported: float
    last_year: float | None
    predicted: float
    suspicion: float = Field(description="0 to 1.")
    score: float = Field(description="Suspicion x distance from the prediction, per cent of the total it moves most.")
    total: str
    first: bool = Field(description="In the smallest set whose checking leaves every total within the tolerance.")
    sentence: str


class PlausibilityPayload(Payload):
    """What to ask about first: figures that are unlike last year's or their peers', by what they can move."""

    collection: int
    judged: int = Field(description="Figures that had something to be compared with.")
    unjudged: dict[Item, int] = Field(description="Those that had nothing, by item.")
    residual: float = Field(description="The tolerance, as a part of each total.")
    first: int = Field(description="How many figures have to be checked for it.")
    outside: int = Field(description="How many lie beyond the limits of the edit, whatever they move.")
    doubts: list[DoubtPayload]


@router.get(
    "/{year}/progress",
    dependencies=[may("progress.read")],
    response_model=ProgressPayload,
    responses=document_problems(),
)
def get_progress(platform: ThePlatform, caller: Caller, year: Year, limit: _Limit = 50) -> Response:
    """Response by number and by size, on time and late; for the census team the first `limit` of the chase list."""
    found = service.measure_progress(platform, caller, year)
    listed = chase.chase_list(platform, caller, year) if is_allowed(caller, "return.accept") else None
    return json_answer(
        ProgressPayload(
            collection=found.collection,
            at=found.at,
            framed=found.framed,
            overall=CellPayload.model_validate(found.overall),
            by={key: [CellPayload.model_validate(cell) for cell in cells] for key, cells in found.by.items()},
            days=[DayPayload.model_validate(day) for day in found.days],
            chase=None if listed is None else [ChasePayload.model_validate(one) for one in listed[:limit]],
            chase_total=None if listed is None else len(listed),
        )
    )


@router.get(
    "/{year}/plausibility",
    dependencies=[may("return.accept")],
    response_model=PlausibilityPayload,
    responses=document_problems(),
)
def get_plausibility(platform: ThePlatform, caller: Caller, year: Year, limit: _Limit = 100) -> Response:
    """The first `limit` figures to ask about, by what they can move."""
    return json_answer(
        PlausibilityPayload.model_validate(plausibility.rank_doubts(platform, caller, year, limit=limit))
    )
