"""Contents, findings and reports as the judge would make them."""

from __future__ import annotations

from census_api.domain.collecting.content import Content, ContentRow
from census_api.domain.collecting.findings import Finding, Report, Severity, finding_key


def make_content(rows: int = 3, *, year: int = 2024, organisation: str = "ALPHA") -> Content:
    content = Content(year, {"organisation_code": organisation, "name": "Alpha Recovery", "nil_return": "no"})
    for index in range(rows):
        cells: dict[str, int | str] = {"role_code": f"R{index}", "paid_headcount": index, "paid_wte": f"{index}.5"}
        content.rows.append(ContentRow("staff", index + 2, f"E06000001|adult_community|R{index}", cells))
    return content


def make_finding(
    index: int = 0, *, severity: Severity = "error", sheet: str = "Staff", rule: str = "STF-001"
) -> Finding:
    return Finding(
        key=finding_key(rule, sheet, str(index), "paid_wte", 0),
        rule=rule,
        severity=severity,
        sheet=sheet,
        cell=f"E{index + 2}",
        pointer=f"/staff/{index}/paid_wte",
        column="paid_wte",
        value="12,5",
        message="“12,5” is not a number.",
        expected="A number with a point, for example 12.5.",
        fix="Type 12.5.",
    )


def make_report(content: Content, findings: int = 2) -> Report:
    return Report(
        collection=content.census_year,
        organisation=str(content.organisation["organisation_code"]),
        submission=None,
        rows_read={"Staff": len(content.rows)},
        rules_by_status={"STF-001": "ran", "LST-001": "not_applicable"},
        content_sha256=content.sha256(),
        spec_digest="0" * 64,
        findings=[make_finding(index) for index in range(findings)],
    )
