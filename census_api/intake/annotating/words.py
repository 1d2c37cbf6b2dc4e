"""Words that the annotated workbook is written in, and text made safe for a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from census_api.domain.collecting.findings import Finding, Outcome, Report, Severity
from census_api.questionnaire.templates.names import FINDINGS_SHEET

AUTHOR: Final = "Census check"
COMMENT_MARK: Final = "[Census check]"
MAX_FINDINGS: Final = 20_000
MAX_COMMENTS: Final = 2_000

_CELL_LIMIT = 32_767
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_COMMENT_FINDINGS = 6
_PLURALS: Mapping[Severity, tuple[str, str]] = {
    "error": ("error", "errors"),
    "query": ("query", "queries"),
    "note": ("note", "notes"),
}
_OUTCOMES: Mapping[Outcome, str] = {
    "errors": "This return cannot be signed off yet.",
    "queries": "This return can be signed off once every query is corrected or explained.",
    "clean": "Nothing stands in the way of signing this return off.",
}
SEVERITY_LABELS: Mapping[Severity, str] = {"error": "Error", "query": "Query", "note": "Note"}
SEVERITY_MEANINGS: Mapping[Severity, str] = {
    "error": "must be corrected",
    "query": "correct it, or explain why it is right",
    "note": "for information",
}


def make_printable(text: str, limit: int = _CELL_LIMIT) -> str:
    """Text without what a workbook cannot hold, cut to `limit` characters with a sign that it was cut."""
    if not text.isprintable():
        text = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return text if len(text) <= limit else text[: limit - 2] + " …"


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula when somebody edits or re-imports the cell."""
    return text.startswith(_FORMULA_STARTS)


def counts_in_words(counts: Mapping[str, int]) -> str:
    """For example `3 errors, 1 query and no notes`."""
    parts = []
    for severity, (one, many) in _PLURALS.items():
        number = counts.get(severity, 0)
        parts.append(f"{number:,} {one if number == 1 else many}" if number else f"no {many}")
    return f"{parts[0]}, {parts[1]} and {parts[2]}"


def outcome_in_words(report: Report) -> str:
    return f"{counts_in_words(report.counts).capitalize()}. {_OUTCOMES[report.outcome]}"


def comment_text(findings: Sequence[Finding]) -> str:
    """What the comment on one cell says about the findings there."""
    blocks = [COMMENT_MARK, *map(_in_comment, findings[:_COMMENT_FINDINGS])]
    if len(findings) > _COMMENT_FINDINGS:
        blocks.append(f"And {len(findings) - _COMMENT_FINDINGS} more: see the sheet {FINDINGS_SHEET}.")
    return "\n\n".join(blocks)


def _in_comment(finding: Finding) -> str:
    lines = [f"{SEVERITY_LABELS[finding.severity]} ({finding.rule}): {make_printable(finding.message, 1_000)}"]
    if finding.expected:
        lines.append(f"Expected: {make_printable(finding.expected, 500)}")
    if finding.fix:
        lines.append(f"What to do: {make_printable(finding.fix, 500)}")
    return "\n".join(lines)
