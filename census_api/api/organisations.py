"""The register of organisations."""

from __future__ import annotations

from fastapi import APIRouter, Response

from census_api.api.answers import json_answer
from census_api.api.dependencies import Caller, OrganisationCode, ThePlatform, may
from census_api.api.payloads import OrganisationPayload
from census_api.api.problems import documented
from census_api.services.register import get_organisation as find

router = APIRouter(prefix="/organisations", tags=["organisations"])


@router.get(
    "/{organisation}",
    dependencies=[may("organisation.read")],
    response_model=OrganisationPayload,
    responses=documented(),
)
def get_organisation(platform: ThePlatform, caller: Caller, organisation: OrganisationCode) -> Response:
    """One organisation."""
    return json_answer(OrganisationPayload.of(find(platform, caller, organisation)))
