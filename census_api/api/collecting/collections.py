"""Collections: what is asked in a year, and a dry run of what would be answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from census_api.api.kit.answers import XLSX, answer_download, answer_tagged, as_attachment, json_answer, json_bytes
from census_api.api.kit.common_payloads import (
    CollectionPayload,
    CollectionsPayload,
    ReportPayload,
    RulePayload,
    RulesPayload,
)
from census_api.api.kit.dependencies import Caller, OrganisationQuery, ThePlatform, Year, limit_digits, may
from census_api.api.kit.problems import Responses, document_problems
from census_api.api.kit.uploads import BODY, TheUpload
from census_api.questionnaire.json_schema import json_schema
from census_api.services.collecting import collections as service
from census_api.services.collecting.check import check_bytes
from census_api.services.collecting.templates import blank_template, prefilled_template

FINDINGS_SHOWN = 1000
MOST_FINDINGS = 100_000

router = APIRouter(prefix="/collections", tags=["collections"])

_Shown = Annotated[
    int, limit_digits(6), Query(ge=1, le=MOST_FINDINGS, description="Findings to show; all are counted.")
]
_SCHEMA = "application/schema+json"
_WORKBOOK: Responses = {
    200: {"description": "The workbook", "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}
_NOT_MODIFIED: Responses = {304: {"description": "Not modified since the answer with that entity tag"}}


@router.get(
    "",
    dependencies=[may("collection.read")],
    response_model=CollectionsPayload,
    responses=document_problems() | _NOT_MODIFIED,
)
def list_collections(request: Request, platform: ThePlatform, caller: Caller) -> Response:
    """All collections, in order of year."""
    now = platform.clock()
    items = [CollectionPayload.of(status, now) for status in service.list_collections(platform, caller)]
    return answer_tagged(request, CollectionsPayload(items=items).model_dump_json().encode())


@router.get(
    "/{year}",
    dependencies=[may("collection.read")],
    response_model=CollectionPayload,
    responses=document_problems() | _NOT_MODIFIED,
)
def get_collection(request: Request, platform: ThePlatform, caller: Caller, year: Year) -> Response:
    """One collection."""
    status = service.get_collection(platform, caller, year)
    return answer_tagged(request, CollectionPayload.of(status, platform.clock()).model_dump_json().encode())


@router.get(
    "/{year}/template.xlsx",
    dependencies=[may("collection.read")],
    response_class=Response,
    responses=document_problems() | _WORKBOOK | _NOT_MODIFIED,
)
def get_template(
    request: Request, platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationQuery = None
) -> Response:
    """The workbook to fill in, blank or prefilled with what is known about an organisation."""
    if organisation is not None:
        body = prefilled_template(platform, caller, year, organisation)
        return answer_download(body, XLSX, f"census-{year}-{organisation}.xlsx")
    return answer_tagged(request, blank_template(platform.spec(year)), XLSX, as_attachment(f"census-{year}.xlsx"))


@router.get(
    "/{year}/schema.json",
    dependencies=[may("collection.read")],
    response_class=Response,
    responses=document_problems() | _NOT_MODIFIED | {200: {"content": {_SCHEMA: {"schema": {"type": "object"}}}}},
)
def get_schema(request: Request, platform: ThePlatform, year: Year) -> Response:
    """The JSON Schema (2020-12) of the JSON return."""
    return answer_tagged(request, json_bytes(json_schema(platform.spec(year))), _SCHEMA)


@router.get(
    "/{year}/rules",
    dependencies=[may("collection.read")],
    response_model=RulesPayload,
    responses=document_problems() | _NOT_MODIFIED,
)
def list_rules(request: Request, platform: ThePlatform, year: Year) -> Response:
    """Every rule of the year, with what it says and why."""
    spec = platform.spec(year)
    rules = [
        RulePayload.model_validate(rule.model_dump() | spec.find_home(rule.code).model_dump()) for rule in spec.rules
    ]
    payload = RulesPayload(collection=year, spec_digest=spec.digest, rules=rules)
    return answer_tagged(request, payload.model_dump_json().encode())


@router.post(
    "/{year}/check",
    dependencies=[may("return.check")],
    response_model=ReportPayload,
    responses=document_problems(400, 403, 408, 413, 415),
    openapi_extra=BODY,
)
def check_file(
    platform: ThePlatform,
    caller: Caller,
    upload: TheUpload,
    year: Year,
    organisation: OrganisationQuery = None,
    limit: _Shown = FINDINGS_SHOWN,
) -> Response:
    """A dry run: the report on a file or JSON body. Nothing is stored.

    With an organisation's code the register, its expected lines and its last return are held against it.
    """
    judged = check_bytes(platform, caller, year, upload.data, organisation=organisation)
    return json_answer(judged.report.as_json(limit=limit))
