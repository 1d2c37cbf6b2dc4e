"""Check a file: the dry run as a page for everybody. Nothing is stored, so the answer is all that there is of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Response

from census_api.api.kit.answers import XLSX, answer_download
from census_api.api.kit.dependencies import everyone
from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.collecting.findings import SEVERITIES, Finding, Report
from census_api.domain.collecting.submission import Upload, display_name
from census_api.domain.kit.errors import CensusError, InvalidRequest, TooLarge, TooManyAttempts, Unavailable
from census_api.questionnaire.model import Spec
from census_api.services.collecting.check import annotated_in_public, check_in_public, largest_in_public
from census_api.services.collecting.collections import list_collections
from census_api.web.kit.forms import FileForm, file_form
from census_api.web.kit.visit import TheVisit, Visit
from census_api.web.kit.words import count_in_words, place_words

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 500
"""Findings on the page. All are counted, and all are in the workbook."""
_EACH_SHOWN = 20
_STATUSES = {TooManyAttempts: 429, TooLarge: 413, Unavailable: 503}
Posted = Annotated[FileForm, file_form("year", largest=largest_in_public)]


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one rule. `count` is all of them, `shown` the first, each with its place in words."""

    rule: str
    title: str
    severity: str
    fix: str
    count: int
    shown: tuple[tuple[str, Finding], ...]


@router.get("/check", dependencies=[everyone()])
def check_form(visit: TheVisit) -> Response:
    """The form."""
    return visit.page("check.html", **_form(visit))


@router.post("/check", dependencies=[everyone()])
def check_file(visit: TheVisit, posted: Posted) -> Response:
    """What the rules of the year say about a file."""
    try:
        upload, year = _chosen(posted)
        report = check_in_public(visit.platform, visit.actor, year, upload.data).report
    except CensusError as error:
        return _refused(visit, posted, error)
    spec = visit.platform.spec(year)
    return visit.page(
        "checked.html",
        year=year,
        name=display_name(upload.file_name) or "your file",
        report=report,
        rows=sum(report.rows_read.values()),
        groups=group_findings(report, spec),
        counts=_counts(report),
        **_form(visit, posted),
    )


@router.post("/check/workbook", dependencies=[everyone()])
def check_into_workbook(visit: TheVisit, posted: Posted) -> Response:
    """The file itself as a workbook, with what was found written at the cells."""
    try:
        upload, year = _chosen(posted)
        body = annotated_in_public(visit.platform, visit.actor, year, upload.data)
    except CensusError as error:
        return _refused(visit, posted, error)
    return answer_download(body, XLSX, f"checked-{year}.xlsx")


def group_findings(report: Report, spec: Spec) -> list[Group]:
    """The findings rule by rule, errors first, at most MOST_SHOWN of them in all."""
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.rule, []).append(finding)
    left, listed = MOST_SHOWN, []
    for rule, findings in sorted(found.items(), key=lambda item: SEVERITIES.index(item[1][0].severity)):
        shown = tuple((place_words(finding), finding) for finding in findings[: min(_EACH_SHOWN, left)])
        left -= len(shown)
        known = spec.rule.get(rule)
        title = known.title if known else rule
        listed.append(Group(rule, title, findings[0].severity, _fix(findings), len(findings), shown))
    return listed


def _counts(report: Report) -> str:
    counts = report.counts
    errors, queries, notes = counts["error"], counts["query"], counts["note"]
    return f"{count_in_words(errors, 'error')}, {count_in_words(queries, 'query', 'queries')}, {count_in_words(notes, 'note')}"


def _fix(findings: Iterable[Finding]) -> str:
    """What to do, once, where it is the same for all of them."""
    fixes = {finding.fix for finding in findings}
    return fixes.pop() if len(fixes) == 1 else ""


def _chosen(posted: FileForm) -> tuple[Upload, int]:
    year = posted.typed["year"]
    if posted.upload is None or not posted.upload.data:
        raise InvalidRequest("Choose the file that should be checked.")
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise InvalidRequest("Choose the census that the file is for.")
    return posted.upload, int(year)


def _form(visit: Visit, posted: FileForm | None = None) -> dict[str, Any]:
    statuses = list_collections(visit.platform, visit.actor)
    years = sorted((status.year for status in statuses), reverse=True)
    return {
        "years": [(str(year), f"Census of {year}") for year in years],
        "chosen": posted.typed["year"] if posted else str(_likely(visit, statuses) or ""),
        "largest": _size(largest_in_public(visit.platform.settings)),
    }


def _size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / 1_000_000:g} MB" if number >= 1_000_000 else f"{number // 1000:,} kB"


def _likely(visit: Visit, statuses: list[CollectionStatus]) -> int | None:
    """The census that takes returns now, else the newest."""
    now = visit.platform.clock()
    phases = {status.year: status.phase(now) for status in statuses}
    return max((year for year, phase in phases.items() if phase in ("open", "late")), default=max(phases, default=None))


def _refused(visit: Visit, posted: FileForm, error: CensusError) -> Response:
    status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 422)
    answer = visit.refused("check.html", error, status, "file", **_form(visit, posted))
    if isinstance(error, TooManyAttempts):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer
