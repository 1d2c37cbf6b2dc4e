"""Reading returns back: submissions, reports, findings, bytes, content and the annotated workbook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from census_api.domain.collecting.content import Content
from census_api.domain.collecting.findings import SEVERITIES, Finding, FindingGroup, Report
from census_api.domain.collecting.returns import Return
from census_api.domain.collecting.submission import Original, Submission
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound, Refused, Unavailable
from census_api.domain.kit.paging import Page, page_size, position_of
from census_api.questionnaire.model import Spec
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import log_fault, organisation_for
from census_api.services.collecting.receiving import carried_to
from census_api.services.kit.platform import Platform
from census_api.store.collecting import contents, extensions, finding_groups, returns, submissions
from census_api.store.collecting.contents import FindingFilter
from census_api.store.kit import queue, tables
from census_api.store.kit.session import Session

MOST_SUBMISSIONS = 100
MOST_FINDINGS = 1000
_SUMMARY = "the summary"

_NOT_ANNOTATED = (
    "The workbook with the findings in it cannot be made just now. The list of findings says the same; please use that, "
    "and tell the census team."
)


def get_return(platform: Platform, actor: Actor, year: int, organisation: str) -> Return:
    """The organisation's return, `not_started` while nothing was sent. Raises NotFound."""
    authorise(actor, "return.read", organisation)
    with record_reading(platform, actor, year, organisation, "the return") as session:
        organisation_id, entry = organisation_for(session, year, organisation)
        found = returns.find_return(session, year, organisation_id, entry.code)
        deadline = extensions.deadline_of(session, year, organisation_id)
        return replace(found, deadline=deadline.last_moment, extended_to=deadline.extension)


def list_submissions(
    platform: Platform, actor: Actor, year: int, organisation: str, *, cursor: str | None = None, limit: int = 20
) -> Page[Submission]:
    """A page of the return's submissions, newest first. Raises NotFound, InvalidRequest for cursor or limit."""
    authorise(actor, "return.read", organisation)
    before, size = position_of(cursor), page_size(limit, MOST_SUBMISSIONS)
    with record_reading(platform, actor, year, organisation, "the list of submissions") as session:
        organisation_id, entry = organisation_for(session, year, organisation)
        page = submissions.page_submissions(session, year, organisation_id, entry.code, before, size)
        return replace(page, items=extensions.with_arrivals(session, page.items))


def get_submission(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Submission:
    """One submission without its findings. Raises NotFound."""
    with _submission(platform, actor, year, organisation, number, _SUMMARY) as (session, row):
        return extensions.with_arrivals(session, [submissions.as_domain(row, organisation)])[0]


def get_report(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Report:
    """The report with all its findings. Raises NotFound, Conflict while the file is still being checked."""
    with reading_checked(platform, actor, year, organisation, number, "the report") as (session, row):
        report = submissions.read_report(row, organisation)
        report.findings = contents.findings_of(session, row)
        report.explanations = carried_to(session, row, report.findings).as_json()
        return report


def list_findings(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, *,
    severity: str | None = None, rule: str | None = None, sheet: str | None = None,
    cursor: str | None = None, limit: int = 100,
) -> Page[Finding]:  # fmt: skip
    """A page of the findings that pass all filters; its total is exact. `sheet` is a title or a key of the spec.

    Raises NotFound, Conflict, or InvalidRequest naming what a filter may be.
    """
    wanted = _allowed(platform.spec(year), severity, rule, sheet)
    after, size = position_of(cursor), page_size(limit, MOST_FINDINGS)
    with reading_checked(platform, actor, year, organisation, number, "the findings") as (session, row):
        return contents.findings_page(session, row, wanted, after, size)


def get_original(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Original:
    """The bytes as they came in. Raises NotFound."""
    with _submission(platform, actor, year, organisation, number, "the file") as (session, row):
        return submissions.read_original(session, row)


def get_content(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Content:
    """What the return says, cells in the order of the spec. Raises NotFound, Conflict."""
    spec = platform.spec(year)
    with reading_checked(platform, actor, year, organisation, number, "the answers") as (session, row):
        content = contents.content_of(session, row)
    content.organisation = _in_order(spec, "organisation", content.organisation)
    for entry in content.rows:
        entry.cells = _in_order(spec, entry.sheet, entry.cells)
    return content


def annotated_workbook(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> bytes:
    """The employer's own file as .xlsx with the findings written in. Raises NotFound, Conflict."""
    report = get_report(platform, actor, year, organisation, number)
    original = get_original(platform, actor, year, organisation, number)
    return annotate_in_sandbox(platform, original.data, original.kind or "xlsx", report)


def annotate_in_sandbox(platform: Platform, data: bytes, kind: str, report: Report) -> bytes:
    """A file that was judged, as .xlsx with the report's findings written in. Raises Unavailable when that fails."""
    from census_api.intake.annotating.annotate import annotate_workbook

    try:
        return platform.sandbox.run(annotate_workbook, data, kind, report, platform.spec(report.collection))
    except Refused as problem:
        # the file was read before: what fails now is not the employer's doing
        log_fault(problem)
        raise Unavailable(_NOT_ANNOTATED) from problem


@contextmanager
def _submission(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, what: str
) -> Iterator[tuple[Session, tables.SubmissionRecord]]:
    authorise(actor, "return.read", organisation)
    with record_reading(platform, actor, year, organisation, f"{what} of submission {number}") as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        # no number is larger than the database can hold, and none is smaller than one
        row = submissions.find_submission(session, year, organisation_id, number) if 0 < number < 2**31 else None
        if row is None:
            raise NotFound(f"{organisation} has no submission {number} for {year}.")
        if row.status == "erased" and what != _SUMMARY:
            raise NotFound(f"Submission {number} was deleted for good. The history of the return says when and why.")
        yield session, row


@contextmanager
def reading_checked(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, what: str = "the report"
) -> Iterator[tuple[Session, tables.SubmissionRecord]]:
    """A checked submission, in a session that reads. Raises NotFound, Conflict while it is still being checked."""
    with _submission(platform, actor, year, organisation, number, what) as (session, row):
        if row.status != "checked":
            job = queue.of_submission(session, row)
            if row.status == "failed":
                raise Conflict(
                    f"Submission {number} could not be checked. Its job {job} says why, and what can be done."
                )
            raise Conflict(f"Submission {number} is still being checked. Ask for its job {job} to see how far it is.")
        yield session, row


def _allowed(spec: Spec, severity: str | None, rule: str | None, sheet: str | None) -> FindingFilter:
    if severity is not None and severity not in SEVERITIES:
        raise InvalidRequest(f"A severity is one of {', '.join(SEVERITIES)}.")
    if rule is not None and rule not in spec.rule:
        raise InvalidRequest(f"The census of {spec.year} has no rule of that code. See its list of rules.")
    titles = {title: entry.title for entry in spec.sheets for title in (entry.key, entry.title)}
    if sheet is not None and sheet not in titles:
        raise InvalidRequest(f"A sheet is one of {', '.join(spec.sheet)}.")
    return FindingFilter(severity, rule, None if sheet is None else titles[sheet])


def _in_order(spec: Spec, sheet: str, cells: dict[str, int | str]) -> dict[str, int | str]:
    """The database keeps no order of keys."""
    order = {key: index for index, key in enumerate(spec.sheet[sheet].by_key)} if sheet in spec.sheet else {}
    return dict(sorted(cells.items(), key=lambda item: order.get(item[0], len(order))))


def group_findings(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> list[FindingGroup]:
    """How many findings there are of each rule on each sheet. Raises NotFound, Conflict while it is being checked."""
    with reading_checked(platform, actor, year, organisation, number, "the findings") as (session, row):
        return finding_groups.groups_of(session, row)


def get_finding(platform: Platform, actor: Actor, year: int, organisation: str, number: int, key: str) -> Finding:
    """One finding by its key. Raises NotFound, Conflict while the file is still being checked."""
    with reading_checked(platform, actor, year, organisation, number, "a finding") as (session, row):
        found = contents.finding_of_key(session, row, key)
        if found is None:
            raise NotFound(f"Submission {number} has no finding of that key. Its list of findings shows them all.")
        return found
