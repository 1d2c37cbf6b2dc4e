"""Snapshots written straight into their tables, for what reads them: lines, staff rows and breakdowns as a test says."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.kit.measures import ITEMS, Answer
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Spec
from census_api.statistics.policy import DEFAULT_POLICY
from census_api.store.aggregates.cube import build_cube
from census_api.store.kit import tables
from census_api.store.kit.copy import add_rows
from census_api.store.kit.tables_snapshots import SnapshotRow, StoredPolicy

Given = float | str | None
"""A value, None for blank, or how else it was answered: NK, REFUSED, NA."""

FROZEN_AT = dt.datetime(2024, 12, 1, 9, tzinfo=dt.UTC)
_STATES: Mapping[str, Answer] = {"NK": "N", "REFUSED": "R", "NA": "A"}
_LINE_COLUMNS = (
    "line_no", "organisation", "parent", "local_authority_code", "service_type", "region", "sector",
    "organisation_type", "commissioning_route", "data_available", "in_frame", "reported", "size",
)  # fmt: skip
_ROLE_COLUMNS = ("role", "label", "role_group", "regulated", "profession_group", "pay_basis")


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line. What is left empty follows from the rest: parent, region, organisation type."""

    organisation: str
    local_authority_code: str = "E06000001"
    service_type: str = "adult_community"
    sector: str = "voluntary"
    parent: str = ""
    reported: bool = True
    in_frame: bool = True
    size: float | None = None
    commissioning_route: str | None = "la_commissioned"
    data_available: str | None = "full"


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One staff row: the line it is on (its place in the list of lines, from 1), the role, and its items.

    An item that is not named is blank, or not applicable where the role's pay basis leaves it out.
    """

    line_no: int
    role: str = "DAW"
    items: Mapping[str, Given] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BreakdownCell:
    organisation: str
    sheet: str
    row_key: str
    category: str
    value: Given


def make_snapshot(
    session: Session,
    year: int,
    revision: int = 1,
    *,
    lines: Sequence[LineRow],
    staff: Sequence[StaffRow] = (),
    breakdowns: Sequence[BreakdownCell] = (),
    nil: Sequence[str] = (),
    previous: uuid.UUID | None = None,
) -> uuid.UUID:
    """A frozen snapshot of these lines, in their order; `nil` are organisations whose return says there is nothing.

    Every organisation with a reported line has a return. The collection is added where it is missing. The session's
    transaction has to see all organisations.
    """
    spec = load_spec(year)
    snapshot_id = begin_snapshot(session, spec, revision, previous)
    _add(session, year, snapshot_id, "snapshot_return", _RETURN_COLUMNS, _returns(lines, set(nil), spec))
    _add(session, year, snapshot_id, "snapshot_role", _ROLE_COLUMNS, role_rows(spec))
    _add(session, year, snapshot_id, "snapshot_line", _LINE_COLUMNS, _lines(lines, spec))
    _add(session, year, snapshot_id, "snapshot_staff", ("line_no", "role", *ITEMS, "states"), _staff(staff, spec))
    cells = [(cell.organisation, cell.sheet, cell.row_key, cell.category, *_cell(cell.value)) for cell in breakdowns]
    _add(
        session, year, snapshot_id, "snapshot_breakdown",
        ("organisation", "sheet", "row_key", "category", "value", "state"), cells,
    )  # fmt: skip
    finish_snapshot(session, year, snapshot_id, lines=len(lines), facts=len(staff))
    return snapshot_id


def begin_snapshot(session: Session, spec: Spec, revision: int = 1, previous: uuid.UUID | None = None) -> uuid.UUID:
    """A snapshot that is being built, of a collection and a policy that are there or are added."""
    policy, year = DEFAULT_POLICY, spec.year
    opens = dt.datetime.combine(spec.collection.opens, dt.time(), dt.UTC)
    closes = dt.datetime.combine(spec.collection.closes, dt.time(), dt.UTC)
    late = dt.datetime.combine(spec.collection.late_until, dt.time(), dt.UTC)
    collection = {"year": year, "spec_digest": spec.digest, "opens": opens, "closes": closes, "late_until": late}
    session.execute(insert(tables.CollectionRow).values(collection).on_conflict_do_nothing())
    stored = {"digest": policy.digest, "version": policy.version, "document": policy.as_dict(), "stored_at": FROZEN_AT}
    session.execute(insert(StoredPolicy).values(stored).on_conflict_do_nothing())
    snapshot_id = uuid.uuid5(uuid.NAMESPACE_DNS, f"{year}.{revision}")
    session.add(
        SnapshotRow(
            collection_year=year, id=snapshot_id, revision=revision, state="building", stage="facts", share=0.5,
            spec_digest=spec.digest, policy_digest=policy.digest, started_at=FROZEN_AT, started_by="a test",
            previous=previous,
        )
    )  # fmt: skip
    session.flush()
    return snapshot_id


def finish_snapshot(session: Session, year: int, snapshot_id: uuid.UUID, *, lines: int, facts: int) -> None:
    """Adds its facts up and freezes it. Its content hash is a stand-in: that of its id."""
    build_cube(session, year, snapshot_id)
    session.execute(
        update(SnapshotRow)
        .where(SnapshotRow.collection_year == year, SnapshotRow.id == snapshot_id)
        .values(
            state="frozen", stage="done", share=1.0, frozen_at=FROZEN_AT, lines=lines, facts=facts,
            content_hash=hashlib.sha256(snapshot_id.bytes).hexdigest(),
        )
    )  # fmt: skip


def role_rows(spec: Spec) -> list[tuple[str, ...]]:
    """The roles of the year as `snapshot_role` holds them, without its keys."""
    return [
        (code.code, code.label, *(code.attributes[name] for name in _ROLE_COLUMNS[2:]))
        for code in spec.code_lists["roles"].codes
    ]


_RETURN_COLUMNS = (
    "organisation", "name", "sector", "organisation_type", "parent", "submission_id", "number", "content_sha256",
    "nil_return",
)  # fmt: skip


def _returns(lines: Sequence[LineRow], nil: set[str], spec: Spec) -> list[tuple[object, ...]]:
    reporting = {line.organisation: line for line in lines if line.reported}
    return [
        (
            code, f"The organisation {code}", line.sector, _type_of(line.sector, spec), line.parent or code,
            uuid.uuid5(uuid.NAMESPACE_DNS, code), 1, hashlib.sha256(code.encode()).hexdigest(), code in nil,
        )
        for code, line in sorted(reporting.items())
    ]  # fmt: skip


def _lines(lines: Sequence[LineRow], spec: Spec) -> list[tuple[object, ...]]:
    areas = spec.code_lists["local_authorities"].by_code
    return [
        (
            number, line.organisation, line.parent or line.organisation, line.local_authority_code, line.service_type,
            areas[line.local_authority_code].attributes["region"], line.sector, _type_of(line.sector, spec),
            line.commissioning_route, line.data_available, line.in_frame, line.reported, line.size,
        )
        for number, line in enumerate(lines, start=1)
    ]  # fmt: skip


def _staff(rows: Sequence[StaffRow], spec: Spec) -> list[tuple[object, ...]]:
    roles = spec.code_lists["roles"].by_code
    made: list[tuple[object, ...]] = []
    for row in rows:
        basis = roles[row.role].attributes["pay_basis"]
        cells = [_item(item, row.items, basis) for item in ITEMS]
        made.append((row.line_no, row.role, *(value for value, _ in cells), "".join(state for _, state in cells)))
    return made


def _item(item: str, given: Mapping[str, Given], basis: str) -> tuple[float | None, Answer]:
    """An item that does not apply to the role's pay basis and was left blank is not applicable."""
    unpaid = item.startswith("unpaid")
    if given.get(item) is None and ((basis == "paid" and unpaid) or (basis == "unpaid" and not unpaid)):
        return None, "A"
    return _cell(given.get(item))


def _cell(given: Given) -> tuple[float | None, Answer]:
    if given is None:
        return None, "B"
    return (None, _STATES[given]) if isinstance(given, str) else (given, "V")


def _type_of(sector: str, spec: Spec) -> str:
    return spec.code_lists["sectors"].by_code[sector].attributes["organisation_type"]


def _add(
    session: Session,
    year: int,
    snapshot_id: uuid.UUID,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> None:
    if rows:
        keys = ("collection_year", "snapshot_id")
        add_rows(session, table, (*keys, *columns), [(year, snapshot_id, *row) for row in rows])
