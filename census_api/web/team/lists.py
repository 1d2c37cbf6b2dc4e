"""The register and the frames: found, given out as files, and taken in with everything said that is wrong or would change."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, may
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound
from census_api.domain.register.lists import ListReport
from census_api.domain.register.organisations import ORGANISATION_STATUSES, OrganisationFilter, OrganisationStatus
from census_api.services.register.frame_files import COLUMNS as FRAME_COLUMNS
from census_api.services.register.frame_files import import_frame, whole_frame
from census_api.services.register.organisations import list_organisations
from census_api.services.register.register_files import import_register, list_columns
from census_api.web.kit.forms import FileForm, file_form
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import CursorQuery, TheVisit, Visit
from census_api.web.kit.words import Tag

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 50
MOST_SHOWN = 300
"""Findings, and changes, on the page of a report. All are counted."""
_STATUSES: dict[OrganisationStatus, Tag] = {
    "open": ("Open", "good"),
    "closed": ("Closed", ""),
    "merged": ("Merged", ""),
}
_REGISTER = [may("register.manage")]
_FRAME = [may("frame.manage")]
_VERSION = re.compile("[0-9a-f]{32}")
Posted = Annotated[FileForm, file_form()]
PostedFrame = Annotated[FileForm, file_form("version")]


@router.get("/team/register", dependencies=_REGISTER)
def show_register(
    visit: TheVisit,
    search: Annotated[str, Query(max_length=100)] = "",
    status: Annotated[str, Query(max_length=10)] = "",
    cursor: CursorQuery = None,
) -> Response:
    """The organisations, searched, and the forms to take the register out and in."""
    return _register(visit, search=search, chosen=status, cursor=cursor)


@router.post("/team/register/preview", dependencies=_REGISTER)
def preview_register(visit: TheVisit, posted: Posted) -> Response:
    """What is wrong with a list of organisations and what it would change. Nothing is changed."""
    return _take_register(visit, posted, preview=True)


@router.post("/team/register", dependencies=_REGISTER)
def take_register(visit: TheVisit, posted: Posted) -> Response:
    """Takes a list of organisations in, if nothing is wrong with it."""
    return _take_register(visit, posted, preview=False)


@router.get("/team/{year}/frame", dependencies=_FRAME)
def show_frame(visit: TheVisit, year: Year) -> Response:
    """How many lines are expected, and the forms to take the frame out and in."""
    return _frame(visit, year)


@router.post("/team/{year}/frame/preview", dependencies=_FRAME)
def preview_frame(visit: TheVisit, year: Year, posted: PostedFrame) -> Response:
    """What is wrong with a list of lines and what it would change. Nothing is changed."""
    return _take_frame(visit, year, posted, preview=True)


@router.post("/team/{year}/frame", dependencies=_FRAME)
def take_frame(visit: TheVisit, year: Year, posted: PostedFrame) -> Response:
    """Makes a list the whole frame, if nothing is wrong with it."""
    return _take_frame(visit, year, posted, preview=False)


def _take_register(visit: Visit, posted: FileForm, *, preview: bool) -> Response:
    try:
        report = import_register(visit.platform, visit.actor, _file(posted).data, preview=preview)
    except CensusError as error:
        return _register(visit, status_code=status_for(error), errors={"file": error.message})
    return _reported(visit, report, "Register", "/team/register", preview=preview)


def _take_frame(visit: Visit, year: int, posted: FileForm, *, preview: bool) -> Response:
    version = posted.typed["version"]
    try:
        report = import_frame(
            visit.platform,
            visit.actor,
            year,
            _file(posted).data,
            preview=preview,
            expected=[version] if _VERSION.fullmatch(version) else None,
        )
    except NotFound:
        raise
    except CensusError as error:
        return _frame(visit, year, status_code=status_for(error), errors={"file": error.message})
    return _reported(visit, report, f"Frame of {year}", f"/team/{year}/frame", preview=preview)


def _reported(visit: Visit, report: ListReport, title: str, page: str, *, preview: bool) -> Response:
    """The report; a list that was to be taken and has errors is a page that says so first."""
    wrong = bool(report.errors) and not preview
    errors = {"findings": "The list has errors, so nothing was changed. Correct them and send the whole list again."}
    return visit.page(
        "team_list_report.html",
        422 if wrong else 200,
        report=report,
        title=title,
        page=page,
        preview=preview,
        findings=report.findings[:MOST_SHOWN],
        changes=report.changes[:MOST_SHOWN],
        errors=errors if wrong else {},
    )


def _register(
    visit: Visit,
    *,
    search: str = "",
    chosen: str = "",
    cursor: str | None = None,
    status_code: int = 200,
    **values: Any,
) -> Response:
    status = next((entry for entry in ORGANISATION_STATUSES if entry == chosen), None)
    words = " ".join(search.replace("\x00", " ").split())
    wanted = OrganisationFilter(search=words or None, status=status)
    found = list_organisations(visit.platform, visit.actor, wanted, cursor=cursor, limit=ON_A_PAGE)
    given = {name: value for name, value in (("search", words), ("status", chosen)) if value}
    return visit.page(
        "team_register.html",
        status_code,
        organisations=[(entry, _STATUSES[entry.status]) for entry in found.items],
        total=found.total,
        search=words,
        chosen=chosen,
        statuses=[("", "All"), *((entry, _STATUSES[entry][0]) for entry in ORGANISATION_STATUSES)],
        following=found.next,
        base=f"/team/register?{urlencode(given)}{'&' if given else ''}",
        columns=list_columns(),
        **values,
    )


def _frame(visit: Visit, year: int, *, status_code: int = 200, **values: Any) -> Response:
    found = whole_frame(visit.platform, visit.actor, year)
    services = visit.platform.spec(year).code_lists["service_types"].by_code
    counted = Counter(line.service_type for line in found.lines)
    return visit.page(
        "team_frame.html",
        status_code,
        year=year,
        lines=len(found.lines),
        organisations=len({line.organisation for line in found.lines}),
        services=[(services[key].label if key in services else key, counted[key]) for key in sorted(counted)],
        version=found.version,
        columns=FRAME_COLUMNS,
        **values,
    )


def _file(posted: FileForm) -> Upload:
    if posted.upload is None or not posted.upload.data:
        raise InvalidRequest("Choose the file with the list.")
    return posted.upload
