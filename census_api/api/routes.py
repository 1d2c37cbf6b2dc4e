"""All routes of the API under one prefix, every one of them behind the same door."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from census_api.api import collections, jobs, organisations, returns
from census_api.api.answers import json_bytes, tagged
from census_api.api.dependencies import caller, known_parameters_only

PREFIX = "/api/v1"

router = APIRouter(prefix=PREFIX, dependencies=[Depends(caller), Depends(known_parameters_only)])
for part in (collections, returns, organisations, jobs):
    router.include_router(part.router)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """The description of this API in OpenAPI 3.1."""
    return tagged(request, json_bytes(request.app.openapi()))
