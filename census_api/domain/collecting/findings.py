"""What a rule says about a submission, and the report that carries all of it back to the employer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "query", "note"]
Outcome = Literal["errors", "queries", "clean"]
RuleStatus = Literal["ran", "not_applicable", "failed"]

SEVERITIES: tuple[Severity, ...] = ("error", "query", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem at one place.

    `key` identifies it across submissions (see `finding_key`). `cell` is a workbook address such as `E17`, None
    for JSON and for findings about a whole sheet or return. `pointer` is the JSON pointer of the same place.
    `sheet` is the workbook's sheet title, `column` the field's key, `value` what the employer wrote (cut).
    """

    key: str
    rule: str
    severity: Severity
    sheet: str | None
    cell: str | None
    pointer: str | None
    column: str | None
    value: str | None
    message: str
    expected: str
    fix: str


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """How many findings a rule has on a sheet; `sheet` is None for those about the whole return."""

    rule: str
    severity: Severity
    sheet: str | None
    count: int


@dataclass(slots=True)
class Report:
    """The answer to one check or submission. Field names are those of the JSON report.

    `rules_by_status` maps each rule's code to ran, not_applicable or failed. `organisation` and `submission` are
    None for a dry run that names no organisation. `findings` always holds all of them. `explanations` says, for a
    submission, how many of the one before were carried over, and which were dropped.
    """

    collection: int
    organisation: str | None
    submission: int | None
    rows_read: dict[str, int]
    rules_by_status: dict[str, RuleStatus]
    content_sha256: str
    spec_digest: str
    findings: list[Finding] = field(default_factory=list)
    explanations: dict[str, Any] | None = None

    @property
    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(SEVERITIES, 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return {str(severity): count for severity, count in counts.items()}

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.counts, "failed" in self.rules_by_status.values())

    @property
    def rules(self) -> dict[str, int]:
        counts = dict.fromkeys(("ran", "not_applicable", "failed"), 0)
        for status in self.rules_by_status.values():
            counts[status] += 1
        return counts

    def as_json(self, *, limit: int | None = None) -> dict[str, Any]:
        """The JSON report. With `limit`, the first that many findings; `findings_total` is always exact."""
        shown = self.findings if limit is None else self.findings[:limit]
        return {
            "collection": self.collection,
            "organisation": self.organisation,
            "submission": self.submission,
            "outcome": self.outcome,
            "rows_read": self.rows_read,
            "counts": self.counts,
            "rules": self.rules,
            "rules_not_applicable": self._with_status("not_applicable"),
            "rules_failed": self._with_status("failed"),
            "content_sha256": self.content_sha256,
            "spec_digest": self.spec_digest,
            "findings_total": len(self.findings),
            "findings_shown": len(shown),
            "groups": group_findings(self.findings),
            "findings": [asdict(finding) for finding in shown],
        } | ({} if self.explanations is None else {"explanations": self.explanations})

    def _with_status(self, status: RuleStatus) -> list[str]:
        return sorted(code for code, is_now in self.rules_by_status.items() if is_now == status)


def outcome_of(counts: Mapping[str, int], a_rule_failed: bool) -> Outcome:
    """`errors` if any error or a rule that could not run, else `queries` if any query, else `clean`."""
    if counts.get("error") or a_rule_failed:
        return "errors"
    return "queries" if counts.get("query") else "clean"


def group_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings that repeat, one entry a rule, sheet and column, in order of first appearance, with the first cells."""
    table: dict[tuple[str, str | None, str | None], dict[str, Any]] = {}
    for finding in findings:
        at = (finding.rule, finding.sheet, finding.column)
        group = table.get(at)
        if group is None:
            group = table[at] = {
                "rule": finding.rule, "severity": finding.severity, "sheet": finding.sheet,
                "column": finding.column, "count": 0, "first": [],
            }  # fmt: skip
        group["count"] += 1
        if len(group["first"]) < 5:
            group["first"].append(finding.cell or finding.pointer)
    return list(table.values())


def finding_key(rule: str, sheet_key: str, business_key: str, column: str, occurrence: int) -> str:
    """First 16 hex digits of SHA-256 of what the finding is about: never of an address, so it survives a sort."""
    text = "\x1f".join((rule, sheet_key, business_key, column, str(occurrence)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
