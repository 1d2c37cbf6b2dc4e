"""Snapshots and what hangs on them. Once frozen nothing of a snapshot changes: triggers see to it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import BIT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from census_api.domain.register.lineage import EDGE_KINDS, EDGE_STATES
from census_api.domain.snapshots.revisions import SNAPSHOT_STATES
from census_api.store.kit.metadata import TableBase, one_of


class LineageEdgeRow(TableBase):
    """Never rewrites a year: it only says which lines go on as which."""

    __tablename__ = "lineage_edge"
    __table_args__ = (
        one_of("kind", EDGE_KINDS),
        one_of("state", EDGE_STATES),
        CheckConstraint("from_year < to_year", name="years_in_order"),
        CheckConstraint("(state = 'suggested') = (decided_by IS NULL)", name="decided_by_somebody"),
        UniqueConstraint(
            "from_year",
            "from_organisation",
            "from_local_authority",
            "from_service_type",
            "to_year",
            "to_organisation",
            "to_local_authority",
            "to_service_type",
            name="uq_lineage_edge_ends",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    from_year: Mapped[int] = mapped_column(SmallInteger)
    from_organisation: Mapped[str]
    from_local_authority: Mapped[str]
    from_service_type: Mapped[str]
    to_year: Mapped[int] = mapped_column(SmallInteger)
    to_organisation: Mapped[str]
    to_local_authority: Mapped[str]
    to_service_type: Mapped[str]
    kind: Mapped[str]
    effective: Mapped[dt.date]
    evidence: Mapped[str]
    state: Mapped[str]
    suggested_by: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[dt.datetime | None]


class StoredPolicy(TableBase):
    """The thresholds of a version, kept for ever: results name the digest of those that they were made under."""

    __tablename__ = "policy"

    digest: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    document: Mapped[dict[str, Any]]
    stored_at: Mapped[dt.datetime]


class SnapshotRow(TableBase):
    __tablename__ = "snapshot"
    __table_args__ = (
        UniqueConstraint("collection_year", "revision"),
        one_of("state", SNAPSHOT_STATES),
        CheckConstraint("(state = 'frozen') = (content_hash IS NOT NULL)", name="frozen_has_hash"),
        CheckConstraint("(state = 'frozen') = (frozen_at IS NOT NULL)", name="frozen_has_time"),
        # one at a time is frozen of a collection
        Index("uq_snapshot_building", "collection_year", unique=True, postgresql_where=text("state = 'building'")),
    )

    collection_year: Mapped[int] = mapped_column(ForeignKey("collection.year"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    revision: Mapped[int]
    state: Mapped[str]
    stage: Mapped[str]
    share: Mapped[float] = mapped_column(server_default="0")
    content_hash: Mapped[str | None]
    spec_digest: Mapped[str]
    policy_digest: Mapped[str] = mapped_column(ForeignKey("policy.digest"))
    started_at: Mapped[dt.datetime]
    started_by: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default="0")
    """Fences: only the latest attempt may freeze it."""
    attempts_before: Mapped[int] = mapped_column(server_default="0")
    """Those before somebody asked, after it had failed, for it to be frozen again."""
    told_at: Mapped[dt.datetime | None]
    """The last sign of life of who is freezing it."""
    frozen_at: Mapped[dt.datetime | None]
    previous: Mapped[uuid.UUID | None]
    returns: Mapped[int] = mapped_column(server_default="0")
    lines: Mapped[int] = mapped_column(server_default="0")
    facts: Mapped[int] = mapped_column(server_default="0")
    changes: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    message: Mapped[str | None]


class _OfSnapshot:
    collection_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, sort_order=-2)
    snapshot_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=-1)


def _snapshot_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["collection_year", "snapshot_id"], ["snapshot.collection_year", "snapshot.id"])


class SnapshotReturn(_OfSnapshot, TableBase):
    """An accepted return, and its organisation as the register had it when the snapshot was frozen."""

    __tablename__ = "snapshot_return"
    __table_args__ = (_snapshot_key(),)

    organisation: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sector: Mapped[str]
    organisation_type: Mapped[str]
    parent: Mapped[str]
    """The parent's code, the organisation's own where it has none: contributors are counted by it."""
    submission_id: Mapped[uuid.UUID]
    number: Mapped[int]
    content_sha256: Mapped[str]
    nil_return: Mapped[bool]


class SnapshotLine(_OfSnapshot, TableBase):
    """A line that was expected, or that a return has. `line_no` counts from 1 in the order of the line's key.

    `reported`: the return was accepted and the line's data are not said to be unavailable (a nil return reports
    nothing there). `size`: last known paid headcount before this year, None where nothing is known.
    """

    __tablename__ = "snapshot_line"
    __table_args__ = (_snapshot_key(),)

    line_no: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str]
    parent: Mapped[str]
    local_authority_code: Mapped[str]
    service_type: Mapped[str]
    region: Mapped[str | None]
    sector: Mapped[str]
    organisation_type: Mapped[str]
    commissioning_route: Mapped[str | None]
    data_available: Mapped[str | None]
    in_frame: Mapped[bool]
    reported: Mapped[bool]
    size: Mapped[float | None]


class SnapshotRole(_OfSnapshot, TableBase):
    """The roles of the year and their groups, as the spec had them."""

    __tablename__ = "snapshot_role"
    __table_args__ = (_snapshot_key(),)

    role: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    role_group: Mapped[str]
    regulated: Mapped[str]
    profession_group: Mapped[str]
    pay_basis: Mapped[str]


class SnapshotStaff(_OfSnapshot, TableBase):
    """A staff row: an item is NULL unless a value was given; `states` has a letter an item (domain/measures.py ITEMS)."""

    __tablename__ = "snapshot_staff"
    __table_args__ = (_snapshot_key(),)

    line_no: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    paid_headcount: Mapped[float | None]
    paid_wte: Mapped[float | None]
    unpaid_headcount: Mapped[float | None]
    unpaid_wte: Mapped[float | None]
    opening_headcount: Mapped[float | None]
    starters: Mapped[float | None]
    leavers: Mapped[float | None]
    transfers_in: Mapped[float | None]
    transfers_out: Mapped[float | None]
    vacant_wte: Mapped[float | None]
    establishment_wte: Mapped[float | None]
    states: Mapped[str]


class SnapshotBreakdown(_OfSnapshot, TableBase):
    """A cell of a breakdown of paid headcount: asked once an organisation. `state` is a letter of ANSWERS."""

    __tablename__ = "snapshot_breakdown"
    __table_args__ = (_snapshot_key(),)

    organisation: Mapped[str] = mapped_column(primary_key=True)
    sheet: Mapped[str] = mapped_column(primary_key=True)
    row_key: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    state: Mapped[str]


class SnapshotCell(_OfSnapshot, TableBase):
    """Staff rows that agree in place, role and way of answering, added up when the snapshot is frozen.

    `states` has a letter for each item that measures are made of (domain/aggregates.py TALLIED); `zero_...` count the
    rows that say 0; `left_out` has bit n set when their line stays out of POOLED[n] there.
    """

    __tablename__ = "snapshot_cell"
    __table_args__ = (_snapshot_key(),)

    number: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str | None]
    local_authority_code: Mapped[str]
    sector: Mapped[str]
    organisation_type: Mapped[str]
    service_type: Mapped[str]
    role: Mapped[str]
    states: Mapped[str]
    left_out: Mapped[int] = mapped_column(SmallInteger)
    rows: Mapped[int]
    paid_headcount: Mapped[float]
    paid_wte: Mapped[float]
    unpaid_headcount: Mapped[float]
    unpaid_wte: Mapped[float]
    opening_headcount: Mapped[float]
    starters: Mapped[float]
    leavers: Mapped[float]
    vacant_wte: Mapped[float]
    zero_paid_headcount: Mapped[int]
    zero_paid_wte: Mapped[int]
    zero_unpaid_headcount: Mapped[int]
    zero_unpaid_wte: Mapped[int]
    zero_starters: Mapped[int]
    zero_leavers: Mapped[int]
    zero_vacant_wte: Mapped[int]
    zero_wte: Mapped[int]
    zero_headcount: Mapped[int]


class SnapshotBreakdownCell(_OfSnapshot, TableBase):
    """Cells of breakdowns that agree in row, category, kind of organisation and answer, added up in the same way.

    A place is NULL where the organisation's reported lines lie in several.
    """

    __tablename__ = "snapshot_breakdown_cell"
    __table_args__ = (_snapshot_key(),)

    number: Mapped[int] = mapped_column(primary_key=True)
    sheet: Mapped[str]
    region: Mapped[str | None]
    local_authority_code: Mapped[str | None]
    sector: Mapped[str]
    organisation_type: Mapped[str]
    service_type: Mapped[str | None]
    row_key: Mapped[str]
    category: Mapped[str]
    state: Mapped[str]
    rows: Mapped[int]
    zeros: Mapped[int]
    value: Mapped[float]


class SnapshotContributor(_OfSnapshot, TableBase):
    """Who has rows of which roles: each line (`kind` staff), or an organisation in a breakdown (its sheet).

    `has` has a bit for each role and role group of the snapshot, in the order of their codes. `answering`: reported, and
    with staff rows or of a nil return.
    """

    __tablename__ = "snapshot_contributor"
    __table_args__ = (_snapshot_key(),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str]
    parent: Mapped[str]
    region: Mapped[str | None]
    local_authority_code: Mapped[str | None]
    sector: Mapped[str]
    organisation_type: Mapped[str]
    service_type: Mapped[str | None]
    in_frame: Mapped[bool]
    reported: Mapped[bool]
    answering: Mapped[bool]
    has: Mapped[str] = mapped_column(BIT(varying=True))
    left_out: Mapped[int] = mapped_column(SmallInteger)


class ComparisonResult(TableBase):
    """A comparison that was worked out: two snapshots and a policy never change, so neither does it.

    `key` is the SHA-256 of everything that decides it: both content hashes, policy, lineage, measure, breakdown, filters.
    """

    __tablename__ = "comparison_result"

    key: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    stored_at: Mapped[dt.datetime]


class Margin(TableBase):
    """Margins by the SHA-256 of their canonical JSON. `ordinal` tells which is the newest of a snapshot."""

    __tablename__ = "margin"
    __table_args__ = (
        ForeignKeyConstraint(["collection_year", "snapshot_id"], ["snapshot.collection_year", "snapshot.id"]),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    collection_year: Mapped[int] = mapped_column(SmallInteger)
    snapshot_id: Mapped[uuid.UUID]
    document: Mapped[str]
    """The canonical JSON itself, byte for byte."""
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("margin.id"))
    stored_at: Mapped[dt.datetime]
