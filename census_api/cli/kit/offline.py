"""What a command has done by a limited child process: called there by name, so that only the child loads the readers."""

from __future__ import annotations

from census_api.domain.collecting.content import Content
from census_api.domain.collecting.findings import Report
from census_api.questionnaire.model import Spec

READERS = ("census_api.intake.judging.judge", "census_api.intake.annotating.annotate")


def judge_file(
    data: bytes, year: int | None, last_year: Content | None, keep_content: bool
) -> tuple[Report, Content, str]:
    """The report, the content (without rows unless they are kept) and the kind of a file, judged without a database."""
    from census_api.intake.judging.judge import Context, judge_return

    judged = judge_return(data, year, Context(last_year=last_year), keep_content=keep_content)
    return judged.report, judged.content, judged.kind


def annotate_file(data: bytes, kind: str, report: Report, spec: Spec) -> bytes:
    """The file as .xlsx with the report's findings in it."""
    from census_api.intake.annotating.annotate import annotate_workbook

    return annotate_workbook(data, kind, report, spec)
