"""Lineage: which line goes on as which, who says so, and what may be so and waits for somebody to decide."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import PagePayload, Payload
from census_api.api.kit.dependencies import (
    Caller,
    KeyCursor,
    OrganisationQuery,
    ThePlatform,
    limit_digits,
    limit_up_to,
    may,
)
from census_api.api.kit.problems import document_problems
from census_api.api.register.payloads import EdgePayload
from census_api.domain.register.lineage import EdgeFilter, EdgeKind, EdgeState, LineageEdge, LineKey
from census_api.services.register import lineage as service

router = APIRouter(prefix="/lineage", tags=["lineage"])

if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(service.MOST_EDGES)
_From = Annotated[int, limit_digits(4), Query(alias="from", ge=2000, le=2999, description="The earlier collection.")]
_To = Annotated[int, limit_digits(4), Query(alias="to", ge=2000, le=2999, description="The later collection.")]
_MaybeFrom = Annotated[
    Annotated[int, limit_digits(4)] | None, Query(alias="from", ge=2000, le=2999, description="The earlier collection.")
]
_MaybeTo = Annotated[
    Annotated[int, limit_digits(4)] | None, Query(alias="to", ge=2000, le=2999, description="The later collection.")
]
_EdgeId = Annotated[uuid.UUID, Path(description="The edge's number.")]
_Evidence = Annotated[
    str,
    Field(min_length=1, max_length=service.LONGEST_EVIDENCE, description="What shows it: a letter, a notice, a call."),
]


class LineBody(Body):
    """A line: organisation, local authority and service type, all as codes."""

    organisation: str = Field(min_length=1, max_length=40)
    local_authority_code: str = Field(min_length=1, max_length=20)
    service_type: str = Field(min_length=1, max_length=60)

    def as_key(self) -> LineKey:
        return LineKey(self.organisation, self.local_authority_code, self.service_type)


class EdgeBody(Body):
    """An edge. As `confirmed` it joins the two lines at once, on the word of who sends it."""

    from_year: int = Field(ge=2000, le=2999)
    source: LineBody
    to_year: int = Field(ge=2000, le=2999)
    target: LineBody
    kind: EdgeKind
    effective: dt.date = Field(description="The day of the change.")
    evidence: _Evidence
    state: EdgeState = "confirmed"


class DecisionBody(Body):
    """What was decided about an edge, and what shows it."""

    decision: Literal["confirmed", "refused"]
    evidence: _Evidence


class SuggestedPayload(Payload):
    """The edges that are new, the likeliest first. They join nothing until somebody confirms them."""

    items: list[EdgePayload]


@router.get(
    "", dependencies=[may("progress.read")], response_model=PagePayload[EdgePayload], responses=document_problems()
)
def list_edges(
    platform: ThePlatform,
    caller: Caller,
    from_year: _MaybeFrom = None,
    to_year: _MaybeTo = None,
    state: Annotated[EdgeState | None, Query(description="Only edges in this state.")] = None,
    organisation: OrganisationQuery = None,
    cursor: KeyCursor = None,
    limit: _Limit = 100,
) -> Response:
    """Edges of lineage, in order of year, date and lines."""
    wanted = EdgeFilter(from_year, to_year, state, organisation)
    page = service.list_edges(platform, caller, wanted, cursor=cursor, limit=limit)
    items = [EdgePayload.of(edge) for edge in page.items]
    return json_answer(PagePayload[EdgePayload](items=items, next=page.next, total=page.total))


@router.post(
    "",
    status_code=201,
    dependencies=[may("frame.manage")],
    response_model=EdgePayload,
    responses=document_problems(409, 413, 415),
)
def add_edge(platform: ThePlatform, caller: Caller, body: BodyOf[EdgeBody]) -> Response:
    """Adds an edge. A year that is over is not changed by it, only what is compared with what."""
    edge = LineageEdge(
        body.from_year, body.source.as_key(), body.to_year, body.target.as_key(), body.kind, body.effective,
        body.evidence, body.state,
    )  # fmt: skip
    return json_answer(EdgePayload.of(service.add_edge(platform, caller, edge)), 201)


@router.post(
    "/suggestions",
    dependencies=[may("frame.manage")],
    response_model=SuggestedPayload,
    responses=document_problems(409),
)
def suggest(platform: ThePlatform, caller: Caller, from_year: _From, to_year: _To) -> Response:
    """Looks for lines that may go on as others, by location, name, identifier and register."""
    found = service.store_suggestions(platform, caller, from_year, to_year)
    return json_answer(SuggestedPayload(items=[EdgePayload.of(edge) for edge in found]))


@router.post(
    "/{edge}/decision",
    dependencies=[may("frame.manage")],
    response_model=EdgePayload,
    responses=document_problems(409, 413, 415),
)
def decide(
    platform: ThePlatform,
    caller: Caller,
    edge: _EdgeId,
    body: BodyOf[DecisionBody],
) -> Response:
    """Confirms or refuses an edge."""
    return json_answer(EdgePayload.of(service.settle_edge(platform, caller, edge, body.decision, body.evidence)))
