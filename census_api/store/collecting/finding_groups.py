"""The findings of a submission counted: how many of each rule on each sheet."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from census_api.domain.collecting.findings import SEVERITIES, FindingGroup
from census_api.store.kit import tables


def groups_of(session: Session, row: tables.SubmissionRecord) -> list[FindingGroup]:
    """One entry a rule and sheet, in the order in which they first stand in the report."""
    finding = tables.FindingRow
    query = (
        select(finding.rule, finding.severity, finding.sheet, func.count())
        .where(finding.collection_year == row.collection_year, finding.submission_id == row.id)
        .group_by(finding.rule, finding.severity, finding.sheet)
        .order_by(func.min(finding.ordinal))
    )
    return [
        FindingGroup(rule, next(known for known in SEVERITIES if known == severity), sheet, count)
        for rule, severity, sheet, count in session.execute(query)
    ]
