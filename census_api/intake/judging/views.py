"""The views that rules read (see questionnaire/rulebook.VIEWS), built from one return and what is known about its organisation.

A view carries, beside its frame, where each row stands in the employer's file, so that a failure becomes a finding
at a cell. Views that need last year's return, the frame or the register are left out when those are not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from census_api.domain.collecting.content import Content, ContentCell
from census_api.intake.judging.breakdowns import BreakdownSheet, odd_cells, read_breakdown
from census_api.intake.reading.read_table import ReadTable, form_cells, known_of, read_answers, read_table
from census_api.intake.reading.tables import Source
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import KnownAnswers
from census_api.questionnaire.rulebook import VIEWS, column_types


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """What the register says of the uploader's organisation. `status` is open, closed or merged."""

    known: bool = True
    status: str = "open"
    sector: str | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the file. None means not at hand: the rules that need it are not applicable.

    `organisation` is the uploader's organisation code, `frame` the expected lines (local authority, service type).
    """

    organisation: str | None = None
    last_year: Content | None = None
    frame: tuple[tuple[str, str], ...] | None = None
    register: RegisterEntry | None = None


@dataclass(slots=True)
class ViewFrame:
    """A view's frame and, one a row: sheet key, source row, business key, and the column where a finding is placed
    when it is not the rule's own. `known` is what reading has shown already."""

    frame: pl.DataFrame
    sheets: str | Sequence[str] | None = None
    positions: Sequence[int | None] | None = None
    keys: Sequence[str] = ()
    columns: Sequence[str] | None = None
    known: KnownAnswers | None = None

    def sheet(self, row: int) -> str | None:
        return self.sheets if self.sheets is None or isinstance(self.sheets, str) else self.sheets[row]

    def position(self, row: int) -> int | None:
        return self.positions[row] if self.positions is not None else None

    def key(self, row: int) -> str:
        return self.keys[row] if self.keys else ""

    def column(self, row: int, column: str) -> str:
        return self.columns[row] if self.columns is not None else column


@dataclass(slots=True)
class Reading:
    """A return read and typed: the form's codes, the wide tables, the breakdowns, and totals that views share."""

    source: Source
    context: Context
    organisation: dict[str, ContentCell]
    services: ReadTable
    staff: ReadTable
    breakdowns: list[BreakdownSheet]
    lines: set[str] = field(default_factory=set)

    @property
    def tables(self) -> list[ReadTable]:
        return [self.services, self.staff, *(part.table for part in self.breakdowns)]

    @property
    def spec(self) -> Spec:
        return self.source.spec

    @property
    def sector(self) -> str | None:
        value = self.organisation.get("sector")
        return value if isinstance(value, str) and value in self.spec.code_lists["sectors"].by_code else None

    @property
    def is_nil(self) -> bool:
        return self.organisation.get("nil_return") == "yes"

    @property
    def has_rows(self) -> bool:
        return any(table.keys for table in self.tables)

    @property
    def is_blank(self) -> bool:
        """Nothing is answered but, perhaps, the organisation code."""
        return not self.has_rows and not set(self.organisation) - {"organisation_code"}

    def may_be_listed(self, line: str) -> bool:
        """A Services row that cannot be read may be this line, or there is no readable row at all: another rule says so."""
        authority, service = line.split("|")
        pairs = zip(self.services.values("local_authority_code"), self.services.values("service_type"), strict=True)
        return not self.lines or any(
            not (has_authority and has_service)
            and has_authority in (None, authority)
            and has_service in (None, service)
            for has_authority, has_service in pairs
        )

    @property
    def missing_sheets(self) -> set[str]:
        """Keys of sheets that the workbook does not have, about which a rule of the file has spoken."""
        keys = {sheet.title: sheet.key for sheet in self.spec.sheets}
        return {keys[mark.shown] for mark in self.source.marks if mark.kind == "missing_sheet"}


def reading_of(source: Source, context: Context) -> Reading:
    """The typed tables of a source."""
    spec = source.spec
    services, staff = (read_table(source.tables[key], spec) for key in ("services", "staff"))
    breakdowns = [read_breakdown(read_table(source.tables[sheet.key], spec), spec) for sheet in spec.breakdowns]
    lines = {line for line in lines_of(services) if line is not None}
    return Reading(source, context, form_cells(source.form, spec), services, staff, breakdowns, lines)


def lines_of(table: ReadTable) -> list[str | None]:
    """Each row's line as `local authority|service type`, None where one of them cannot be read."""
    pairs = zip(table.values("local_authority_code"), table.values("service_type"), strict=True)
    return [f"{authority}|{service}" if authority and service else None for authority, service in pairs]


def frame_of(spec: Spec, view: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a small view as a frame with the declared columns; a value that a row leaves out is null."""
    return pl.DataFrame(rows, schema=column_types(spec, VIEWS[view]), orient="row")


def marks_view(reading: Reading) -> ViewFrame:
    marks = reading.source.marks
    rows = [{"kind": mark.kind, "shown": mark.shown, "detail": mark.detail} for mark in marks]
    return ViewFrame(frame_of(reading.spec, "marks", rows), keys=[mark.shown for mark in marks])


def organisation_view(reading: Reading) -> ViewFrame:
    row: dict[str, Any] = {
        "return_has_data": reading.has_rows and reading.is_nil,
        "return_is_blank": reading.is_blank,
    }
    columns = read_answers(reading.source.form, reading.spec)
    for key, column in columns.items():
        row |= {key: column.values[0], f"{key}__raw": column.texts[0]}
    form = reading.source.form
    left_out = frozenset(key for key in columns if key not in form.cells) if reading.source.is_workbook else frozenset()
    known = known_of(columns, left_out)
    return ViewFrame(frame_of(reading.spec, "organisation", [row]), "organisation", known=known)


def services_view(reading: Reading) -> ViewFrame:
    table, spec = reading.services, reading.spec
    with_route = {row["service_type"] for row in spec.mappings["sector_services"] if row["commissioning_routes"]}
    expected = reading.context.frame
    frame_lines = {"|".join(pair) for pair in expected or ()}
    notes = zip(table.values("data_available"), table.values("note"), strict=True)
    types = table.values("service_type")
    frame = pl.DataFrame([
        *table.series(),
        pl.Series("sector", [reading.sector] * len(types), pl.String()),
        pl.Series("needs_note", [given in ("partial", "none") and note is None for given, note in notes], pl.Boolean()),
        pl.Series("route_needed", [service in with_route for service in types], pl.Boolean()),
        pl.Series("not_in_frame", [None if expected is None or line is None else line not in frame_lines
                                   for line in lines_of(table)], pl.Boolean()),
    ])  # fmt: skip
    return ViewFrame(frame, "services", table.table.positions, table.keys, known=table.known)


def staff_view(reading: Reading) -> ViewFrame:
    table, spec = reading.staff, reading.spec
    roles = spec.code_lists["roles"].by_code
    facts: list[tuple[str | None, str | None]] = [(roles[role].attributes["role_group"], roles[role].attributes["pay_basis"]) if role else (None, None)
             for role in table.values("role_code")]  # fmt: skip
    lines = lines_of(table)
    without_data = _lines_without_data(reading)
    frame = pl.DataFrame([
        *table.series(),
        pl.Series("role_group", [group for group, _ in facts], pl.String()),
        pl.Series("pay_basis", [basis for _, basis in facts], pl.String()),
        pl.Series("line", lines, pl.String()),
        pl.Series("not_listed", _not_listed(reading, lines), pl.Boolean()),
        pl.Series("line_without_data", [line in without_data for line in lines], pl.Boolean()),
        pl.Series("nothing_said", _nothing_said(table), pl.Boolean()),
        pl.Series("paid_in_unpaid_role", _people_where(table, facts, "unpaid", "paid"), pl.Boolean()),
        pl.Series("unpaid_in_paid_role", _people_where(table, facts, "paid", "unpaid"), pl.Boolean()),
        pl.Series("unpaid_hours_blank", _hours_blank(table), pl.Boolean()),
        pl.Series("transfers_blank", _transfers_blank(table), pl.Boolean()),
    ])  # fmt: skip
    return ViewFrame(frame, "staff", table.table.positions, table.keys, known=table.known)


def _nothing_said(table: ReadTable) -> list[bool]:
    """Rows with at least one number in which every number is 0."""
    numbers = zip(*(table.values(question.key) for question in table.table.sheet.counts), strict=True)
    return [not any(row) and 0 in row for row in numbers]


def _people_where(table: ReadTable, facts: list[tuple[str | None, str | None]], basis: str, kind: str) -> list[bool]:
    """Rows of roles with that pay basis which have people of that kind (paid or unpaid)."""
    people = zip(table.values(f"{kind}_headcount"), table.values(f"{kind}_wte"), facts, strict=True)
    return [is_basis == basis and ((heads or 0) > 0 or (wte or 0) > 0) for heads, wte, (_, is_basis) in people]


def _not_listed(reading: Reading, lines: list[str | None]) -> list[bool | None]:
    """Rows on lines that Services does not have; None where a Services row that cannot be read may be the line."""
    unlisted = {
        line for line in set(lines) - {None} if line not in reading.lines and not reading.may_be_listed(str(line))
    }
    return [None if line is None else line in unlisted for line in lines]


def _hours_blank(table: ReadTable) -> list[bool]:
    """Rows with unpaid people whose hours are left blank."""
    column = table.columns["unpaid_wte"]
    people = table.values("unpaid_headcount")
    return [text is None and (heads or 0) > 0 for text, heads in zip(column.texts, people, strict=True)]


def _transfers_blank(table: ReadTable) -> list[bool]:
    """Rows that do not add up and leave transfers blank, which may be why."""
    names = ("transfers_in", "transfers_out", "opening_headcount", "starters", "leavers", "paid_headcount")
    moved = zip(table.columns["transfers_in"].texts, table.columns["transfers_out"].texts, strict=True)
    rows = zip(*(table.values(name) for name in names), strict=True)
    return [
        None in texts
        and None not in known
        and (inward or 0) + known[0] + known[1] - known[2] - (outward or 0) != known[3]
        for texts, (inward, outward, *known) in zip(moved, rows, strict=True)
    ]


def _lines_without_data(reading: Reading) -> set[str]:
    pairs = zip(lines_of(reading.services), reading.services.values("data_available"), strict=True)
    return {line for line, given in pairs if given == "none" and line is not None}


def breakdown_view(reading: Reading) -> ViewFrame:
    odd = odd_cells(reading.breakdowns)
    return ViewFrame(odd.frame, odd.sheets, odd.positions, odd.keys, odd.columns)
