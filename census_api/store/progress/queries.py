"""Who is expected in a collection, how far each is, and what its lines gave: this year and in earlier ones."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from census_api.domain.collecting.deadlines import TIMINGS, Timing
from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.kit.measures import Item
from census_api.domain.register.lineage import LineKey
from census_api.store.kit import tables
from census_api.store.kit.snapshots import find_latest
from census_api.store.kit.tables_life import SignOffRow

Which = Literal["accepted", "standing"]
"""Whose figures: accepted returns alone, or whatever stands (accepted, else signed, else the newest that was checked)."""

_STANDING: Mapping[Which, str] = {
    "accepted": "r.accepted_submission_id",
    "standing": (
        "CASE WHEN r.state IN ('declined', 'withdrawn') THEN NULL ELSE coalesce(r.signed_submission_id, "
        "(SELECT s.id FROM submission AS s WHERE (s.collection_year, s.return_id) = (r.collection_year, r.id) "
        "AND s.status = 'checked' ORDER BY s.number DESC LIMIT 1)) END"
    ),
}


@dataclass(frozen=True, slots=True)
class Framed:
    """An organisation that is expected. Times are those of its first readable file and of its first sign-off."""

    id: uuid.UUID
    code: str
    name: str
    sector: str | None
    state: ReturnState
    received_at: dt.datetime | None
    signed_at: dt.datetime | None
    timing: Timing | None


def list_framed(session: Session, year: int) -> list[Framed]:
    """The organisations in the frame of a collection, by code."""
    rows = session.execute(_framed(year).order_by(tables.OrganisationRow.code))
    return [
        Framed(
            key, code, name, sector,
            next(known for known in RETURN_STATES if known == state), received_at, signed_at,
            next((known for known in TIMINGS if known == timing), None),
        )
        for key, code, name, sector, state, received_at, signed_at, timing in rows
    ]  # fmt: skip


def _framed(year: int) -> Select[uuid.UUID, str, str, str | None, str, dt.datetime, dt.datetime, str]:
    expected = select(tables.FrameLineRow.organisation_id).where(tables.FrameLineRow.collection_year == year)
    received = (
        select(tables.SubmissionRecord.return_id, func.min(tables.SubmissionRecord.received_at).label("at"))
        .where(tables.SubmissionRecord.collection_year == year, tables.SubmissionRecord.number.is_not(None))
        .group_by(tables.SubmissionRecord.return_id)
        .subquery()
    )
    signed = (
        select(
            SignOffRow.return_id,
            func.min(SignOffRow.signed_at).label("signed_at"),
            func.array_agg(aggregate_order_by(SignOffRow.timing, SignOffRow.signed_at))[1].label("timing"),
        )
        .where(SignOffRow.collection_year == year)
        .group_by(SignOffRow.return_id)
        .subquery()
    )
    of = tables.ReturnRow
    return (
        select(
            tables.OrganisationRow.id, tables.OrganisationRow.code, tables.OrganisationRow.name, tables.OrganisationRow.sector,
            func.coalesce(of.state, "not_started"), received.c.at, signed.c.signed_at, signed.c.timing,
        )
        .outerjoin(of, (of.organisation_id == tables.OrganisationRow.id) & (of.collection_year == year))
        .outerjoin(received, received.c.return_id == of.id)
        .outerjoin(signed, signed.c.return_id == of.id)
        .where(tables.OrganisationRow.id.in_(expected))
    )  # fmt: skip


def line_items(
    session: Session, year: int, which: Which, items: Sequence[Item]
) -> dict[LineKey, dict[Item, float | None]]:
    """The sums of items over the staff rows of each line, None for an item that no row of the line gives as a number.

    A nil return gives 0 on each of its expected lines. The names of the items are the platform's own.
    """
    sums = ", ".join(
        # what is no number was a finding; the pattern keeps it from ending the query
        f"sum(CASE WHEN n.cells->>'{item}' ~ '^-?[0-9]{{1,15}}([.][0-9]{{1,20}})?$' "
        f"THEN (n.cells->>'{item}')::double precision END)"
        for item in items
    )
    query = text(
        f"WITH chosen AS (SELECT r.collection_year, o.code, {_STANDING[which]} AS submission_id "
        "FROM return AS r JOIN organisation AS o ON o.id = r.organisation_id WHERE r.collection_year = :year) "
        "SELECT c.code, n.cells->>'local_authority_code', n.cells->>'service_type', "
        f"{sums} FROM chosen AS c JOIN submission_row AS n "
        "ON (n.collection_year, n.submission_id) = (c.collection_year, c.submission_id) "
        "WHERE n.sheet = 'staff' AND n.cells ? 'local_authority_code' AND n.cells ? 'service_type' GROUP BY 1, 2, 3"
    )
    found: dict[LineKey, dict[Item, float | None]] = {
        key: dict.fromkeys(items, 0.0) for key in _nil_lines(session, year, which)
    }
    for code, authority, service, *values in session.execute(query, {"year": year}):
        found[LineKey(code, authority, service)] = dict(zip(items, values, strict=True))
    return found


def _nil_lines(session: Session, year: int, which: Which) -> list[LineKey]:
    query = text(
        f"WITH chosen AS (SELECT r.organisation_id, o.code, {_STANDING[which]} AS submission_id "
        "FROM return AS r JOIN organisation AS o ON o.id = r.organisation_id WHERE r.collection_year = :year) "
        "SELECT c.code, f.local_authority_code, f.service_type FROM chosen AS c "
        "JOIN submission AS s ON (s.collection_year, s.id) = (:year, c.submission_id) "
        "JOIN frame_line AS f ON (f.collection_year, f.organisation_id) = (:year, c.organisation_id) "
        "WHERE s.form->>'nil_return' = 'yes'"
    )
    return [LineKey(*row) for row in session.execute(query, {"year": year})]


def frozen_sizes(session: Session, year: int) -> dict[LineKey, float] | None:
    """Paid headcount by line in the latest frozen snapshot, else what was known of the line then; None without one."""
    latest = find_latest(session, year, frozen=True)
    if latest is None:
        return None
    query = text(
        "SELECT l.organisation, l.local_authority_code, l.service_type, "
        "CASE WHEN l.reported THEN CASE WHEN count(s.role) = 0 THEN 0 ELSE coalesce(sum(s.paid_headcount), l.size) END "
        "ELSE l.size END "
        "FROM snapshot_line AS l LEFT JOIN snapshot_staff AS s "
        "ON (s.collection_year, s.snapshot_id, s.line_no) = (l.collection_year, l.snapshot_id, l.line_no) "
        "WHERE l.collection_year = :year AND l.snapshot_id = :id "
        "GROUP BY l.organisation, l.local_authority_code, l.service_type, l.reported, l.size"
    )
    rows = session.execute(query, {"year": year, "id": latest.id})
    return {LineKey(*key): size for *key, size in rows if size is not None}


def list_reminded(session: Session, year: int) -> dict[str, dt.datetime]:
    """When each organisation was last sent a reminder about a collection."""
    query = (
        select(tables.OrganisationRow.code, func.max(tables.AuditEventRow.at))
        .join(tables.OrganisationRow, tables.OrganisationRow.id == tables.AuditEventRow.organisation_id)
        .where(tables.AuditEventRow.collection_year == year, tables.AuditEventRow.action == "mail.reminder_written")
        .group_by(tables.OrganisationRow.code)
    )
    return dict(iter(session.execute(query)))
