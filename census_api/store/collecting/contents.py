"""What hangs on a submission in bulk: the rows of the return and the findings about them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from census_api.domain.collecting.content import Content, ContentRow
from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.paging import Page, cursor_after
from census_api.store.kit import tables
from census_api.store.kit.copy import add_rows, make_storable

_ROW_COLUMNS = ("collection_year", "submission_id", "ordinal", "sheet", "position", "business_key", "cells")
_FINDING_COLUMNS = (
    "collection_year", "submission_id", "ordinal", "key", "rule", "severity", "sheet", "cell", "pointer",
    "column_key", "value", "message", "expected", "fix",
)  # fmt: skip
# columns, not entities: a report can have tens of thousands of findings
_FINDING_PARTS = tuple(getattr(tables.FindingRow, name) for name in _FINDING_COLUMNS[3:])


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings: each part is None for all. `sheet` is the title that findings carry."""

    severity: str | None = None
    rule: str | None = None
    sheet: str | None = None


def add_content(session: Session, collection: int, submission_id: uuid.UUID, content: Content) -> None:
    """Adds the rows of all tables, in source order. The form is the submission's own."""
    make_storable(_as_json(content.organisation), "The Organisation sheet")
    add_rows(session, "submission_row", _ROW_COLUMNS, _row_values(collection, submission_id, content.rows))


def add_findings(session: Session, collection: int, submission_id: uuid.UUID, findings: Iterable[Finding]) -> None:
    """Adds the findings, in the order of the report."""
    add_rows(session, "finding", _FINDING_COLUMNS, _finding_values(collection, submission_id, findings))


def content_of(session: Session, row: tables.SubmissionRecord) -> Content:
    """The content of a checked submission, its rows in source order."""
    content = Content(row.collection_year, dict(row.form or {}))
    query = (
        select(
            tables.SubmissionRow.sheet,
            tables.SubmissionRow.position,
            tables.SubmissionRow.business_key,
            tables.SubmissionRow.cells,
        )
        .where(*_in_submission(tables.SubmissionRow, row))
        .order_by(tables.SubmissionRow.ordinal)
    )
    content.rows = [ContentRow(*values) for values in session.execute(query)]
    return content


def findings_of(session: Session, row: tables.SubmissionRecord, wanted: FindingFilter | None = None) -> list[Finding]:
    """All findings of a submission that pass the filter, in the order of its report."""
    conditions = [*_in_submission(tables.FindingRow, row), *_passing(wanted or FindingFilter())]
    query = select(*_FINDING_PARTS).where(*conditions).order_by(tables.FindingRow.ordinal)
    return [Finding(*parts) for parts in session.execute(query)]


def findings_page(
    session: Session, row: tables.SubmissionRecord, wanted: FindingFilter, after: int | None, limit: int
) -> Page[Finding]:
    """Findings that pass the filter, in the order of the report, after the one at ordinal `after`."""
    conditions = [*_in_submission(tables.FindingRow, row), *_passing(wanted)]
    total = session.scalar(select(func.count()).select_from(tables.FindingRow).where(*conditions)) or 0
    if after is not None:
        conditions.append(tables.FindingRow.ordinal > after)
    query = select(tables.FindingRow.ordinal, *_FINDING_PARTS).where(*conditions)
    rows = session.execute(query.order_by(tables.FindingRow.ordinal).limit(limit + 1)).all()
    following = cursor_after(rows[limit - 1].ordinal) if len(rows) > limit else None
    return Page(tuple(Finding(*parts) for _, *parts in rows[:limit]), following, total)


def finding_of_key(session: Session, row: tables.SubmissionRecord, key: str) -> Finding | None:
    """The finding of a submission that has this key."""
    query = select(*_FINDING_PARTS).where(*_in_submission(tables.FindingRow, row), tables.FindingRow.key == key)
    parts = session.execute(query.limit(1)).first()
    return None if parts is None else Finding(*parts)


def has_line(session: Session, row: tables.SubmissionRecord, business_key: str) -> bool:
    """Whether the Services sheet of a submission has the line of this business key."""
    query = select(tables.SubmissionRow.ordinal).where(
        *_in_submission(tables.SubmissionRow, row),
        tables.SubmissionRow.sheet == "services",
        tables.SubmissionRow.business_key == business_key,
    )
    return session.execute(query.limit(1)).first() is not None


def lines_of(session: Session, row: tables.SubmissionRecord) -> list[tuple[str, str]]:
    """The lines of the Services sheet of a submission, as (local authority code, service type), each once."""
    query = select(tables.SubmissionRow.cells).where(
        *_in_submission(tables.SubmissionRow, row), tables.SubmissionRow.sheet == "services"
    )
    lines = session.scalars(query.order_by(tables.SubmissionRow.ordinal))
    pairs = ((str(cells.get("local_authority_code", "")), str(cells.get("service_type", ""))) for cells in lines)
    return [pair for pair in dict.fromkeys(pairs) if all(pair)]


def _row_values(collection: int, submission_id: uuid.UUID, rows: list[ContentRow]) -> Iterator[tuple[object, ...]]:
    for ordinal, row in enumerate(rows):
        where = f"Row {row.position} of {row.sheet}"
        text = make_storable(_as_json(row.cells), where)
        key = make_storable(row.business_key, where)
        yield collection, submission_id, ordinal, row.sheet, row.position, key, text


def _finding_values(
    collection: int, submission_id: uuid.UUID, findings: Iterable[Finding]
) -> Iterator[tuple[object, ...]]:
    for ordinal, found in enumerate(findings):
        texts = (
            found.key, found.rule, found.severity, found.sheet, found.cell, found.pointer, found.column, found.value,
            found.message, found.expected, found.fix,
        )  # fmt: skip
        for text in filter(None, texts):
            make_storable(text, f"A finding at {found.cell or found.pointer or 'the return'}")
        yield (collection, submission_id, ordinal, *texts)


def _as_json(cells: dict[str, int | str]) -> str:
    """JSON with every letter as itself, so that `make_storable` sees what the database would."""
    if any("\x00" in value for value in cells.values() if isinstance(value, str)):
        return "\x00"
    return json.dumps(cells, ensure_ascii=False)


def _in_submission(
    table: type[tables.SubmissionRow | tables.FindingRow], row: tables.SubmissionRecord
) -> list[ColumnElement[bool]]:
    return [table.collection_year == row.collection_year, table.submission_id == row.id]


def _passing(wanted: FindingFilter) -> list[ColumnElement[bool]]:
    pairs = (
        (tables.FindingRow.severity, wanted.severity),
        (tables.FindingRow.rule, wanted.rule),
        (tables.FindingRow.sheet, wanted.sheet),
    )
    return [column == value for column, value in pairs if value is not None]
