"""The register of organisations: looked up, searched, and as a file out and in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from census_api.api.kit.answers import json_answer
from census_api.api.kit.common_payloads import OrganisationPayload, PagePayload
from census_api.api.kit.dependencies import Caller, KeyCursor, OrganisationCode, ThePlatform, limit_up_to, may
from census_api.api.kit.problems import document_problems
from census_api.api.kit.uploads import TheUpload
from census_api.api.register.list_bodies import DOWNLOAD, Preview, answer_report, described_list, file_of
from census_api.api.register.payloads import ListReportPayload, RegisterEntryPayload
from census_api.domain.register.lists import ListFormat
from census_api.domain.register.organisations import OrganisationFilter, OrganisationStatus
from census_api.services.register import organisations as service
from census_api.services.register.register_files import NAME, export_register, import_register, list_columns

router = APIRouter(prefix="/organisations", tags=["organisations"])

if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(service.MOST_ORGANISATIONS)
_Search = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=r"^[^\x00]*$", description="Part of a code, name or identifier."),
]


@router.get(
    "",
    dependencies=[may("register.manage")],
    response_model=PagePayload[OrganisationPayload],
    responses=document_problems(),
)
def list_organisations(
    platform: ThePlatform,
    caller: Caller,
    search: _Search = None,
    sector: Annotated[
        str | None, Query(max_length=40, pattern="^[a-z_]+$", description="The code of a sector.")
    ] = None,
    status: Annotated[OrganisationStatus | None, Query(description="Only those of this status.")] = None,
    cursor: KeyCursor = None,
    limit: _Limit = 100,
) -> Response:
    """The register, a page at a time, in order of code."""
    wanted = OrganisationFilter(search, sector, status)
    page = service.list_organisations(platform, caller, wanted, cursor=cursor, limit=limit)
    items = [OrganisationPayload.of(entry) for entry in page.items]
    return json_answer(PagePayload[OrganisationPayload](items=items, next=page.next, total=page.total))


@router.get(
    ".{format}",
    dependencies=[may("register.manage")],
    response_class=Response,
    responses=document_problems() | DOWNLOAD,
)
def download_organisations(
    platform: ThePlatform, caller: Caller, format: Annotated[ListFormat, Path(description="csv, xlsx or json.")]
) -> Response:
    """The whole register as a file, which can be sent back as it is."""
    return file_of(export_register(platform, caller, format), format, "census-register")


@router.post(
    "",
    dependencies=[may("register.manage")],
    response_model=ListReportPayload,
    responses=document_problems(400, 408, 413, 415),
    openapi_extra=described_list(NAME, [column.key for column in list_columns()]),
)
def send_organisations(
    request: Request, platform: ThePlatform, caller: Caller, upload: TheUpload, preview: Preview = False
) -> Response:
    """Adds and changes organisations by a list. One with errors changes nothing, and says everything that is wrong.

    Organisations that the list leaves out stay as they are, and so does what its missing columns would say.
    """
    return answer_report(request, import_register(platform, caller, upload.data, preview=preview), preview=preview)


@router.get(
    "/{organisation}",
    dependencies=[may("organisation.read")],
    response_model=RegisterEntryPayload,
    responses=document_problems(),
)
def get_organisation(platform: ThePlatform, caller: Caller, organisation: OrganisationCode) -> Response:
    """One organisation."""
    found = service.get_organisation(platform, caller, organisation)
    spells = service.sector_history(platform, caller, organisation)
    return json_answer(RegisterEntryPayload.with_sectors(found, spells))
