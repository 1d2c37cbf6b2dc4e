"""All routes of the API under one prefix, every one of them behind the same door."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from census_api.api import (
    accounts,
    aggregates,
    audit,
    collections,
    comparisons,
    frame,
    jobs,
    life,
    lineage,
    margins,
    organisations,
    outbox,
    progress,
    receipts,
    retention,
    returns,
    snapshots,
    tokens,
)
from census_api.api.answers import json_bytes, tagged
from census_api.api.dependencies import caller, declared_only, known_parameters_only, may

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
    return tagged(request, json_bytes(request.app.openapi()))
