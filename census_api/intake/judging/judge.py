"""From bytes to findings: reads a return, runs every rule of its year, and says what each of them found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from census_api.domain.collecting.content import Content
from census_api.domain.collecting.findings import Finding, Report, RuleStatus
from census_api.intake.judging import context_views, staff_sums, total_views, views
from census_api.intake.judging.findings import FindingWriter, in_order
from census_api.intake.judging.views import Context, Reading, RegisterEntry, ViewFrame
from census_api.intake.preflight.inspection import sniff_kind
from census_api.intake.reading import json_return, workbook
from census_api.intake.reading.read_table import content_hash
from census_api.intake.reading.reader import read_workbook
from census_api.intake.reading.tables import Source
from census_api.questionnaire.checks import CHECKS
from census_api.questionnaire.load import load_library
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import plan_for

__all__ = ["Context", "Judged", "RegisterEntry", "judge_return", "read_source", "reading_views"]


@dataclass(slots=True)
class Judged:
    """A return judged: the report for people, the content for the store, and the kind of file it came in."""

    report: Report
    content: Content
    kind: str


def judge_return(
    data: bytes, year: int | None, context: Context, *, schemas: Path | None = None, keep_content: bool = True
) -> Judged:
    """Reads and judges one return. Runs inside the sandbox: arguments and answer can be pickled.

    `year` None: the file says which. Without `keep_content` the answer's content holds no rows (its hash is in the
    report all the same). Raises Refused for what is not a return at all, NotFound for a year without a census,
    InvalidRequest when nobody says which year.
    """
    source = read_source(data, year, schemas=schemas)
    reading = views.reading_of(source, context)
    report = _report(reading)
    rows = [row for table in reading.tables for row in table.content_rows()] if keep_content else []
    return Judged(report, Content(source.spec.year, reading.organisation, rows), source.kind)


def read_source(data: bytes, year: int | None, *, schemas: Path | None = None) -> Source:
    """Reads the bytes, whatever kind of file they are, into tables."""
    specs = load_library(schemas)
    if sniff_kind(data) == "json":
        tree = json_return.parse_json(data)
        return json_return.source_of(tree, specs.spec(json_return.year_of(tree, year)))
    book = read_workbook(data, unread=workbook.UNREAD)
    return workbook.source_of(book, specs.spec(workbook.year_of(book, year)))


def _report(reading: Reading) -> Report:
    source, spec = reading.source, reading.spec
    findings, statuses = run_rules(reading)
    tables = {part.table.sheet.key: (part.keys, part.canonical_rows()) for part in reading.tables}
    return Report(
        collection=spec.year,
        organisation=reading.context.organisation or source.form.answers.get("organisation_code"),
        submission=None,
        rows_read=source.rows_read,
        rules_by_status=statuses,
        content_sha256=content_hash(spec.year, reading.organisation, tables),
        spec_digest=spec.digest,
        findings=in_order(findings, spec),
    )


def run_rules(reading: Reading) -> tuple[list[Finding], dict[str, RuleStatus]]:
    """Every rule's findings and status. A view that cannot be built fails all of its rules, and no other."""
    spec = reading.spec
    plan = plan_for(spec)
    writer = FindingWriter(reading.source)
    findings: list[Finding] = []
    failed: set[str] = set()
    built: dict[str, ViewFrame] = {}
    for name, build in reading_views(reading):
        try:
            built[name] = place = build()
            failures, crashed = plan.run(name, place.frame, place.known)
            found = [finding for failure in failures for finding in writer.of_failures(name, place, failure)]
        except Exception:  # noqa: BLE001 - whatever went wrong, the platform is at fault and says so
            crashed, found = {rule.code for rule in spec.rules if rule.on == name}, []
        failed |= crashed
        findings += found
    findings = _without_echoes(findings, spec)
    findings += [writer.platform_fault(code) for code in sorted(failed)]
    return findings, {
        rule.code: _status(rule.code, rule.on in built, failed, rule.on == "platform") for rule in spec.rules
    }


def _without_echoes(findings: list[Finding], spec: Spec) -> list[Finding]:
    """A cell that holds an error or a formula without a result is read as blank; that it is blank is no news."""
    spoken = {
        (finding.sheet, finding.cell) for finding in findings if finding.cell and spec.rule[finding.rule].on == "marks"
    }
    if not spoken:
        return findings
    return [
        finding
        for finding in findings
        if (finding.sheet, finding.cell) not in spoken or CHECKS[spec.rule[finding.rule].check].about != "blank"
    ]


def _status(code: str, has_view: bool, failed: set[str], of_platform: bool) -> RuleStatus:
    if code in failed:
        return "failed"
    return "ran" if has_view or of_platform else "not_applicable"


def reading_views(reading: Reading) -> Iterator[tuple[str, Callable[[], ViewFrame]]]:
    """Name and builder of every view for which the context has what it needs."""
    context = reading.context
    yield "marks", lambda: views.marks_view(reading)
    yield "organisation", lambda: views.organisation_view(reading)
    yield "services", lambda: views.services_view(reading)
    staff = views.staff_view(reading)
    yield "staff", lambda: staff
    yield "breakdown", lambda: views.breakdown_view(reading)
    sums = staff_sums.staff_sums(reading, staff)
    yield "breakdown_rows", lambda: total_views.breakdown_rows_view(reading, sums)
    yield "breakdown_sheets", lambda: total_views.breakdown_sheets_view(reading, sums)
    yield "breakdown_gaps", lambda: total_views.breakdown_gaps_view(reading, sums)
    yield "lines", lambda: total_views.lines_view(reading, sums)
    yield "return", lambda: total_views.return_view(reading, staff)
    if context.last_year is not None:
        last = context_views.last_year_of(context.last_year, reading.spec)
        yield "last_year_rows", lambda: context_views.last_year_rows_view(reading, staff, last)
        yield "last_year_lines", lambda: context_views.last_year_lines_view(reading, staff, last)
        yield "last_year_return", lambda: context_views.last_year_return_view(reading, staff, last)
    if context.frame is not None:
        expected = context.frame
        yield "frame_lines", lambda: context_views.frame_lines_view(reading, expected)
    if context.register is not None:
        entry = context.register
        yield "register", lambda: context_views.register_view(reading, entry)


def judge_spec(data: bytes, year: int | None, schemas: Path | None = None) -> Spec:
    """The spec that a file would be judged by."""
    return read_source(data, year, schemas=schemas).spec
