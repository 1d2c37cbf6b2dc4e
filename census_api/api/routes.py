"""All routes of the API under one prefix, every one of them behind the same door."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from census_api.api import audit
from census_api.api.aggregates import routes as aggregates
from census_api.api.collecting import collections, life, receipts, returns
from census_api.api.comparing import routes as comparisons
from census_api.api.kit.answers import answer_tagged, json_bytes
from census_api.api.kit.dependencies import caller, declared_only, known_parameters_only, may
from census_api.api.mail import routes as outbox
from census_api.api.margins import routes as margins
from census_api.api.people import accounts, tokens
from census_api.api.progress import routes as progress
from census_api.api.register import frame, lineage, organisations
from census_api.api.snapshots import routes as snapshots
from census_api.api.upkeep import jobs, retention

PREFIX = "/api/v1"

router = APIRouter(
    prefix=PREFIX, dependencies=[Depends(declared_only), Depends(caller), Depends(known_parameters_only)]
)
for part in (
    accounts, aggregates, comparisons, tokens, collections, returns, organisations, jobs, life, receipts, outbox, audit,
    retention, margins, frame, lineage, progress, snapshots,
):  # fmt: skip
    router.include_router(part.router)


@router.get("/openapi.json", dependencies=[may("collection.read")], include_in_schema=False)
def openapi(request: Request) -> Response:
    """The description of this API in OpenAPI 3.1."""
    return answer_tagged(request, json_bytes(request.app.openapi()))
