"""Deleting what should never have been sent, and taking everything out."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from census_api.api.kit.answers import as_attachment, json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import Payload
from census_api.api.kit.dependencies import Caller, Number, OrganisationCode, ThePlatform, Year, may
from census_api.api.kit.problems import document_problems
from census_api.services.upkeep.raw_export import raw_export
from census_api.services.upkeep.retention import erase_submissions

router = APIRouter(prefix="/collections/{year}", tags=["keeping and deleting"])

_ZIP = "application/zip"
_CHANGE = document_problems(400, 401, 403, 408, 409, 413, 415)


class ErasureBody(Body):
    reason: str = Field(description="Why, 1 to 500 characters, without what must not be kept.", max_length=2000)


class ErasedPayload(Payload):
    erased: int = Field(description="How many submissions were deleted.")


@router.post(
    "/returns/{organisation}/submissions/{number}/erase",
    dependencies=[may("retention.delete")],
    response_model=ErasedPayload,
    responses=_CHANGE,
)
def erase_submission(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    body: BodyOf[ErasureBody],
) -> Response:
    """Deletes a submission for good: its file, rows, findings and explanations. The audit keeps that it was there."""
    return json_answer(
        ErasedPayload(erased=erase_submissions(platform, caller, year, organisation, body.reason, number=number))
    )


@router.post(
    "/returns/{organisation}/erase",
    dependencies=[may("retention.delete")],
    response_model=ErasedPayload,
    responses=_CHANGE,
)
def erase_return(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    body: BodyOf[ErasureBody],
) -> Response:
    """Deletes all submissions of a return for good, refused ones included."""
    return json_answer(ErasedPayload(erased=erase_submissions(platform, caller, year, organisation, body.reason)))


@router.get(
    "/export.zip",
    dependencies=[may("export.raw")],
    response_class=Response,
    responses=document_problems(401, 403)
    | {200: {"description": "Everything", "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
def export(platform: ThePlatform, caller: Caller, year: Year) -> Response:
    """Everything that is stored about a collection, as one ZIP: its tables as JSON lines, and the files that came in."""
    pieces = raw_export(platform, caller, year)
    return StreamingResponse(pieces, headers=as_attachment(f"census-{year}-everything.zip"), media_type=_ZIP)
