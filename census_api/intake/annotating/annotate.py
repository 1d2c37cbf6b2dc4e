"""The report written back into the employer's own workbook: fills, comments, and a sheet of all findings."""

from __future__ import annotations

import io

from census_api.domain.collecting.findings import Finding, Report
from census_api.intake.annotating.findings_sheet import replace_findings_sheet
from census_api.intake.annotating.marks import mark_cells, take_away_earlier_marks
from census_api.intake.annotating.opening import OpenedWorkbook, Place, open_workbook
from census_api.questionnaire.model import Spec


def annotate_workbook(original: bytes, kind: str, report: Report, spec: Spec) -> bytes:
    """The upload as .xlsx with its findings in it. `original` has passed the pre-flight and been judged as `kind`.

    Every cell with a finding is filled by its worst severity; cells up to MAX_COMMENTS carry a comment with message,
    expectation, fix and rule; the Findings sheet, first and in view, lists up to MAX_FINDINGS. Marks of an earlier
    check are taken away. Formulas stand as their values. What is no .xlsx (`ods`, `json`, `csv`) comes back as the
    year's template with the same answers in it.
    """
    workbook = open_workbook(original, kind, spec)
    take_away_earlier_marks(workbook.book)
    uncommented = mark_cells(workbook.book, _by_cell(report, workbook))
    replace_findings_sheet(workbook, report, spec, uncommented)
    out = io.BytesIO()
    workbook.book.save(out)
    return out.getvalue()


def _by_cell(report: Report, workbook: OpenedWorkbook) -> dict[Place, list[Finding]]:
    table: dict[Place, list[Finding]] = {}
    for finding in report.findings:
        place = workbook.place(finding)
        if place is not None:
            table.setdefault(place, []).append(finding)
    return table
