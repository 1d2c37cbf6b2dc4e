"""A report for the terminal: what stands out first, then each problem where it is, grouped when it repeats."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from census_api.cli.kit.printing import make_plain, open_console
from census_api.domain.collecting.findings import SEVERITIES, Finding, Report
from census_api.questionnaire.model import Spec

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 3
"""Findings of a group that are printed one by one."""
_STYLES = {"error": "bold red", "query": "bold yellow", "note": "bold cyan"}
_PLURALS = {"error": "errors", "query": "queries", "note": "notes"}
_RESULTS = {
    "errors": "There are errors, which must be corrected before the return can be signed off.",
    "queries": "There are no errors. Each query needs a correction or an explanation.",
    "clean": "There is nothing to correct or explain.",
}
_REASONS = (
    ("last_year", "against last year's return (give it with --last-year)"),
    ("frame", "against the services expected this year (only the platform knows them)"),
    ("register", "against the register of organisations (only the platform knows it)"),
)
_OTHERWISE = "that need the other sheets of the return"

_Group = list[Finding]


def print_report(report: Report, spec: Spec, file: str) -> None:
    """Writes the report to standard output, at most 80 columns wide in a pipe."""
    out = open_console(sys.stdout)
    title = f"{file}: {spec.collection.title}"
    _line(out, title if report.organisation is None else f"{title}, {report.organisation}", style="bold")
    _line(out, _RESULTS[report.outcome])
    _line(out, f"Found: {_counts(report.counts)}.")
    rows = ", ".join(f"{sheet} {number:,}" for sheet, number in report.rows_read.items())
    _line(out, f"Rows read: {rows or 'none'}.")
    groups = _grouped(report.findings)
    for severity in SEVERITIES:
        chosen = [group for group in groups if group[0].severity == severity]
        if chosen:
            out.print()
            heading = f"{_PLURALS[severity].upper()} ({report.counts[severity]:,})"
            _line(out, heading, style=_STYLES[severity])
        for group in chosen:
            _print_group(out, group, spec)
    out.print()
    _print_rules(out, report, spec)


def _grouped(findings: Iterable[Finding]) -> list[_Group]:
    table: dict[tuple[str, str | None, str | None], _Group] = {}
    for finding in findings:
        table.setdefault((finding.rule, finding.sheet, finding.column), []).append(finding)
    return list(table.values())


def _print_group(out: Console, group: _Group, spec: Spec) -> None:
    first = group[0]
    out.print()
    where = " / ".join(part for part in (first.sheet, _column(first, spec)) if part) or "The file"
    number = f" ({len(group):,} times)" if len(group) > 1 else ""
    _line(out, f"{first.rule}  {where}{number}", style="bold")
    for finding in group[:_SHOWN]:
        place = _place(finding)
        _line(out, f"{place}: {finding.message}" if place else finding.message, 2)
    if len(group) > _SHOWN:
        _line(out, f"And {len(group) - _SHOWN:,} more: {_places(group[_SHOWN:])}", 2)
    _line(out, f"Expected: {first.expected}", 2)
    fixes = list(dict.fromkeys(finding.fix for finding in group[:_SHOWN]))
    for fix in fixes:
        _line(out, f"To do: {fix}", 2)


def _column(finding: Finding, spec: Spec) -> str | None:
    sheet = next((entry for entry in spec.sheets if entry.title == finding.sheet), None)
    question = sheet.by_key.get(finding.column or "") if sheet else None
    return question.label if question else finding.column


def _places(findings: _Group) -> str:
    places = [place for finding in findings if (place := _place(finding))]
    shown = ", ".join(places[:10])
    return f"{shown} and so on (all of them with --format json)." if len(places) > 10 else f"{shown}."


def _place(finding: Finding) -> str | None:
    """The cell, or for JSON the pointer; what is about a whole sheet has no place in it."""
    if finding.cell is not None or finding.pointer is None:
        return finding.cell
    return finding.pointer if finding.pointer.count("/") > 1 else None


def _line(out: Console, text: str, indent: int = 0, style: str | None = None) -> None:
    margin = " " * indent
    lines = textwrap.wrap(
        make_plain(text), out.width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )
    out.print("\n".join(lines), style=style)


def _print_rules(out: Console, report: Report, spec: Spec) -> None:
    counts = report.rules
    _line(out, f"Rules: {counts['ran']} ran, {counts['not_applicable']} did not apply, {counts['failed']} failed.")
    views = {rule.code: rule.on for rule in spec.rules}
    reasons: dict[str, int] = {}
    for code, status in report.rules_by_status.items():
        if status == "not_applicable":
            reason = _reason(views.get(code, ""))
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, number in reasons.items():
        _line(out, f"Not checked here: {number} {'rule' if number == 1 else 'rules'} {reason}.", 2)


def _reason(view: str) -> str:
    return next((words for start, words in _REASONS if view.startswith(start)), _OTHERWISE)


def _counts(counts: Mapping[str, int]) -> str:
    parts = [
        f"{counts[severity]:,} {severity if counts[severity] == 1 else _PLURALS[severity]}" for severity in SEVERITIES
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
