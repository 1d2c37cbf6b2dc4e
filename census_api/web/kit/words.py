"""Words that the employer's pages share: states, outcomes, dates, rows, and how to name a place in a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from census_api.domain.collecting.findings import Finding, Outcome, Severity
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.collecting.submission import Submission, SubmissionStatus
from census_api.questionnaire.model import Spec

Tag = tuple[str, str]
"""What a tag says, and its kind."""

STATES: Mapping[ReturnState, Tag] = {
    "not_started": ("Not started", ""),
    "in_progress": ("In progress", "info"),
    "signed_off": ("Signed off", "good"),
    "queried": ("Question to answer", "warn"),
    "accepted": ("Accepted", "good"),
    "reopened": ("Reopened", "warn"),
    "declined": ("Declined", ""),
    "withdrawn": ("Withdrawn", ""),
}
OUTCOMES: Mapping[Outcome, Tag] = {
    "errors": ("Errors to correct", "bad"),
    "queries": ("Queries to explain", "warn"),
    "clean": ("Nothing to correct", "good"),
}
SEVERITIES: Mapping[Severity, Tag] = {"error": ("Error", "bad"), "query": ("Query", "warn"), "note": ("Note", "info")}
_STATUSES: Mapping[SubmissionStatus, Tag] = {
    "received": ("Waiting to be checked", "info"),
    "checking": ("Being checked", "info"),
    "checked": ("Checked", ""),
    "refused": ("Could not be read", "bad"),
    "failed": ("Not checked: our fault", "bad"),
    "erased": ("Deleted", ""),
}
TIMINGS: Mapping[str, str] = {"late": "late", "extended": "within your longer time"}
_ENGLAND = ZoneInfo("Europe/London")


def outcome_tag(submission: Submission) -> Tag:
    """What came of a submission, or how far its check is."""
    return _STATUSES[submission.status] if submission.outcome is None else OUTCOMES[submission.outcome]


def day_in_words(date: dt.date) -> str:
    """A date as `30 June 2024`."""
    return f"{date.day} {date:%B %Y}"


def last_day(end: dt.datetime) -> str:
    """The last day in England before the moment at which something ends."""
    return day_in_words((end - dt.timedelta(minutes=1)).astimezone(_ENGLAND).date())


def count_in_words(number: int, one: str, many: str | None = None) -> str:
    """`1 error`, `2 errors`, `5,400 errors`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def place_words(finding: Finding) -> str:
    """Where a finding is, as the employer sees it: `Staff, cell E17` or, without cells, `Staff, row 16 of the list`."""
    sheet = finding.sheet or "The whole return"
    if finding.cell:
        return f"{sheet}, cell {finding.cell}"
    parts = (finding.pointer or "").split("/")
    if len(parts) > 2 and parts[2].isdigit():
        return f"{sheet}, row {int(parts[2]) + 1} of the list"
    return sheet


def column_words(spec: Spec, sheet: str | None, column: str | None) -> str:
    """The question in a column, empty where none is named. `sheet` is a title or a key."""
    for entry in spec.sheets:
        if column is not None and sheet in (entry.title, entry.key) and column in entry.by_key:
            return entry.by_key[column].label
    return column or ""


def row_words(spec: Spec, sheet: str, business_key: str) -> str:
    """What a row is about: the labels of its key's codes, as far as there are any."""
    if sheet not in spec.sheet:
        return business_key
    names = spec.sheet[sheet].business_key
    parts = business_key.split("|")
    if len(parts) != len(names):
        return business_key
    return ", ".join(_label(spec, sheet, name, code) for name, code in zip(names, parts, strict=True))


def _label(spec: Spec, sheet: str, column: str, code: str) -> str:
    question = spec.sheet[sheet].by_key.get(column)
    known = spec.code_lists[question.code_list].by_code if question and question.code_list else {}
    return known[code].label if code in known else code or "not given"
