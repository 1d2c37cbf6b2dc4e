"""The frame of a collection: the lines that are expected to answer, as a file out and in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from census_api.api.kit.conditional import answer_once, read_tags
from census_api.api.kit.dependencies import Caller, ThePlatform, Year, may
from census_api.api.kit.problems import document_problems
from census_api.api.kit.uploads import TheUpload
from census_api.api.register.list_bodies import DOWNLOAD, Preview, answer_report, described_list, file_of
from census_api.api.register.payloads import ListReportPayload
from census_api.domain.register.lists import ListFormat
from census_api.services.register.frame_files import COLUMNS, NAME, export_frame, import_frame

router = APIRouter(prefix="/frame", tags=["frame"])


def _seen(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of the frame as you have read it. When it has changed since, nothing is done.",
            examples=['"0123456789abcdef0123456789abcdef"'],
        ),
    ] = None,
) -> frozenset[str] | None:
    return read_tags(if_match)


@router.get(
    "/{year}.{format}",
    dependencies=[may("frame.manage")],
    response_class=Response,
    responses=document_problems() | DOWNLOAD,
)
def download_frame(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    format: Annotated[ListFormat, Path(description="csv, xlsx or json.")],
) -> Response:
    """The whole frame as a file, which can be sent back as it is."""
    return _file(platform, caller, year, format)


@router.get(
    "/{year}", dependencies=[may("frame.manage")], response_class=Response, responses=document_problems() | DOWNLOAD
)
def get_frame(request: Request, platform: ThePlatform, caller: Caller, year: Year) -> Response:
    """The whole frame as JSON, with its version as ETag."""
    return answer_once(request, _file(platform, caller, year, "json"))


@router.put(
    "/{year}",
    dependencies=[may("frame.manage")],
    response_model=ListReportPayload,
    responses=document_problems(400, 408, 412, 413, 415),
    openapi_extra=described_list(NAME, [column.key for column in COLUMNS]),
)
def put_frame(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    upload: TheUpload,
    year: Year,
    seen: Annotated[frozenset[str] | None, Depends(_seen)],
    preview: Preview = False,
) -> Response:
    """Makes the lines of a list the whole frame. One with errors changes nothing, and says everything that is wrong."""
    report = import_frame(platform, caller, year, upload.data, preview=preview, expected=seen)
    return answer_report(request, report, preview=preview)


def _file(platform: ThePlatform, caller: Caller, year: int, kind: ListFormat) -> Response:
    data, version = export_frame(platform, caller, year, kind)
    return file_of(data, kind, f"census-frame-{year}", {"ETag": f'"{version}"'})
