"""Returns and their submissions: sending a file in, and everything that comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from census_api.api.collecting.collections import FINDINGS_SHOWN
from census_api.api.kit.answers import JSON, MEDIA_TYPES, UNKNOWN, XLSX, answer_download, json_answer, json_bytes
from census_api.api.kit.common_payloads import (
    FindingPayload,
    JobPayload,
    PagePayload,
    ReportPayload,
    ReturnPayload,
    SubmissionPayload,
    job_address,
    submission_address,
)
from census_api.api.kit.conditional import answer_once, tag_of
from census_api.api.kit.dependencies import (
    Caller,
    Cursor,
    IdempotencyKey,
    Number,
    OrganisationCode,
    Shared,
    ThePlatform,
    Year,
    limit_digits,
    may,
)
from census_api.api.kit.problems import document_problems
from census_api.api.kit.uploads import BODY, TheUpload
from census_api.domain.collecting.findings import Severity
from census_api.services.collecting import submissions as service
from census_api.services.collecting.background_checks import get_job
from census_api.services.collecting.submit import submit_return

router = APIRouter(prefix="/collections/{year}/returns/{organisation}", tags=["returns"])

_SubmissionsLimit = Annotated[
    int, limit_digits(4), Query(ge=1, le=service.MOST_SUBMISSIONS, description="Items on a page.")
]
_FindingsLimit = Annotated[int, limit_digits(5), Query(ge=1, le=service.MOST_FINDINGS, description="Items on a page.")]
_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.get("", dependencies=[may("return.read")], response_model=ReturnPayload, responses=document_problems())
def get_return(
    request: Request, platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode
) -> Response:
    """The organisation's return: its state, and the number of its newest checked submission."""
    found = service.get_return(platform, caller, year, organisation)
    return answer_once(request, json_answer(ReturnPayload.of(found), headers=tag_of(found.version)))


@router.post(
    "/submissions",
    dependencies=[may("return.submit")],
    status_code=201,
    response_model=ReportPayload,
    responses=document_problems(400, 403, 408, 409, 413, 415)
    | {
        201: {"description": "Stored; the report. Location is its address."},
        202: {"description": "Stored, and still to be checked. Location is its job.", "model": JobPayload},
    },
    openapi_extra=BODY,
)
def send_in(
    platform: ThePlatform,
    shared: Shared,
    caller: Caller,
    upload: TheUpload,
    year: Year,
    organisation: OrganisationCode,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Sends a return in as the next submission. What can be read is stored, whatever the findings say."""
    answer = submit_return(platform, caller, year, organisation, replace(upload, idempotency_key=idempotency_key))
    replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    if answer.report is None or answer.submission.number is None:
        job = get_job(platform, caller, answer.job) if answer.job else None
        shared.metrics.count("census_submissions_total", answer="later")
        body = JobPayload.of(job) if job else SubmissionPayload.of(answer.submission)
        return json_answer(body, 202, {"Location": job_address(answer.job), **replayed})
    shared.metrics.count("census_submissions_total", answer="replayed" if answer.replayed else answer.report.outcome)
    location = submission_address(year, organisation, answer.submission.number)
    return json_answer(answer.report.as_json(limit=FINDINGS_SHOWN), 201, {"Location": location, **replayed})


@router.get(
    "/submissions",
    dependencies=[may("return.read")],
    response_model=PagePayload[SubmissionPayload],
    responses=document_problems(),
)
def list_submissions(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    cursor: Cursor = None,
    limit: _SubmissionsLimit = 20,
) -> Response:
    """The return's submissions, newest first."""
    page = service.list_submissions(platform, caller, year, organisation, cursor=cursor, limit=limit)
    items = [SubmissionPayload.of(submission) for submission in page.items]
    return json_answer(PagePayload[SubmissionPayload](items=items, next=page.next, total=page.total))


@router.get(
    "/submissions/{number}",
    dependencies=[may("return.read")],
    response_model=ReportPayload,
    responses=document_problems(409),
)
def get_report(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """The report of a submission: the first findings, and where there are more, how many."""
    report = service.get_report(platform, caller, year, organisation, number)
    return json_answer(report.as_json(limit=FINDINGS_SHOWN))


@router.get(
    "/submissions/{number}/findings",
    dependencies=[may("return.read")],
    response_model=PagePayload[FindingPayload],
    responses=document_problems(409),
)
def list_findings(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    severity: Annotated[Severity | None, Query(description="Only findings of this severity.")] = None,
    rule: Annotated[str | None, Query(max_length=20, description="Only findings of this rule.")] = None,
    sheet: Annotated[
        str | None, Query(max_length=60, description="Only findings of this sheet, by title or key.")
    ] = None,
    cursor: Cursor = None,
    limit: _FindingsLimit = 100,
) -> Response:
    """The findings that pass all filters, in the order of the report."""
    page = service.list_findings(
        platform,
        caller,
        year,
        organisation,
        number,
        severity=severity,
        rule=rule,
        sheet=sheet,
        cursor=cursor,
        limit=limit,
    )
    items = [FindingPayload.model_validate(finding) for finding in page.items]
    return json_answer(PagePayload[FindingPayload](items=items, next=page.next, total=page.total))


@router.get(
    "/submissions/{number}/original",
    dependencies=[may("return.read")],
    response_class=Response,
    responses=document_problems()
    # JSON is whatever JSON came in
    | {200: {"content": dict.fromkeys((*MEDIA_TYPES.values(), UNKNOWN), _FILE) | {JSON: {"schema": {}}}}},
)
def get_original(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """The file exactly as it came in."""
    original = service.get_original(platform, caller, year, organisation, number)
    name = original.file_name or f"{_stem(year, organisation, number)}.{original.kind or 'bin'}"
    return answer_download(original.data, MEDIA_TYPES.get(original.kind or "", UNKNOWN), name)


@router.get(
    "/submissions/{number}/annotated.xlsx",
    dependencies=[may("return.read")],
    response_class=Response,
    responses=document_problems(409) | {200: {"content": {XLSX: _FILE}}},
)
def get_annotated(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """The employer's own workbook with every finding at its cell, and a sheet that lists them."""
    body = service.annotated_workbook(platform, caller, year, organisation, number)
    return answer_download(body, XLSX, f"{_stem(year, organisation, number)}-checked.xlsx")


@router.get(
    "/submissions/{number}/data.json",
    dependencies=[may("return.read")],
    response_class=Response,
    responses=document_problems(409) | {200: {"content": {JSON: {"schema": {"type": "object"}}}}},
)
def get_data(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """What the return says, as the JSON return: sent in again it has the same content and the same findings."""
    content = service.get_content(platform, caller, year, organisation, number)
    return answer_download(json_bytes(content.as_json()), JSON, f"{_stem(year, organisation, number)}.json")


def _stem(year: int, organisation: str, number: int) -> str:
    return f"census-{year}-{organisation}-{number}"
