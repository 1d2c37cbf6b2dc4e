"""The views that rules read (see spec/rulebook.VIEWS), built from one return and what is known about its organisation.

A view carries, beside its frame, where each row stands in the employer's file, so that a failure becomes a finding
at a cell. Views that need last year's return, the frame or the register are left out when those are not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from census_api.domain.content import Cell, Content
from census_api.intake.breakdowns import Breakdown, breakdown, cells_frame
from census_api.intake.frames import WideTable, form_cells, wide_table
from census_api.intake.tables import Source
from census_api.spec.model import Spec
from census_api.spec.rulebook import VIEWS, column_types


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
    when it is not the rule's own."""

    frame: pl.DataFrame
    sheets: str | Sequence[str] | None = None
    positions: Sequence[int | None] | None = None
    keys: Sequence[str] = ()
    columns: Sequence[str] | None = None

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
    organisation: dict[str, Cell]
    services: WideTable
    staff: WideTable
    breakdowns: list[Breakdown]
    lines: set[str] = field(default_factory=set)

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


def reading_of(source: Source, context: Context) -> Reading:
    """The typed tables of a source."""
    spec = source.spec
    services, staff = (wide_table(source.tables[key], spec) for key in ("services", "staff"))
    reading = Reading(
        source, context, form_cells(source.form, spec), services, staff,
        [breakdown(source.tables[sheet.key], spec) for sheet in spec.breakdowns],
    )  # fmt: skip
    pairs = services.frame.select("local_authority_code", "service_type").iter_rows()
    reading.lines = {f"{authority}|{service}" for authority, service in pairs if authority and service}
    return reading


def frame_of(spec: Spec, view: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a small view as a frame with the declared columns; a value that a row leaves out is null."""
    return pl.DataFrame(rows, schema=column_types(spec, VIEWS[view]), orient="row")


def marks_view(reading: Reading) -> ViewFrame:
    marks = reading.source.marks
    rows = [{"kind": mark.kind, "shown": mark.shown, "detail": mark.detail} for mark in marks]
    return ViewFrame(frame_of(reading.spec, "marks", rows), keys=[mark.shown for mark in marks])


def organisation_view(reading: Reading) -> ViewFrame:
    answers = reading.source.form.answers
    has_data = bool(reading.services.keys or reading.staff.keys or any(part.rows for part in reading.breakdowns))
    answered = any(value is not None for key, value in answers.items() if key != "organisation_code")
    row: dict[str, Any] = {
        "return_has_data": has_data and reading.is_nil,
        "return_is_blank": not has_data and not answered,
    }
    for question in reading.spec.sheets[0].fields:
        raw = answers.get(question.key)
        known = reading.organisation.get(question.key)
        is_code = question.code_list is not None
        valid = known if not is_code or known in reading.spec.code_lists[str(question.code_list)].by_code else None
        row |= {question.key: valid, f"{question.key}__raw": raw}
    return ViewFrame(frame_of(reading.spec, "organisation", [row]), "organisation")


def services_view(reading: Reading) -> ViewFrame:
    wide, spec = reading.services, reading.spec
    rows = spec.mappings["sector_services"]
    with_route = {row["service_type"] for row in rows if row["commissioning_routes"]}
    expected = reading.context.frame
    line = pl.concat_str([pl.col("local_authority_code"), pl.col("service_type")], separator="|")
    frame = wide.frame.with_columns(
        pl.lit(reading.sector, pl.String()).alias("sector"),
        (pl.col("data_available").is_in(["partial", "none"]) & pl.col("note").is_null()).alias("needs_note"),
        pl.col("service_type").is_in(sorted(with_route)).alias("route_needed"),
        (~line.is_in(["|".join(pair) for pair in expected]) if expected is not None else pl.lit(None, pl.Boolean()))
        .alias("not_in_frame"),
    )  # fmt: skip
    return ViewFrame(frame, "services", wide.table.positions, wide.keys)


def staff_view(reading: Reading) -> ViewFrame:
    wide, spec = reading.staff, reading.spec
    roles = spec.code_lists["roles"].by_code
    codes = wide.frame.get_column("role_code").to_list()
    groups = [roles[code].attributes["role_group"] if code else None for code in codes]
    basis = [roles[code].attributes["pay_basis"] if code else None for code in codes]
    numbers = [question.key for question in wide.table.sheet.counts]
    line = pl.concat_str([pl.col("local_authority_code"), pl.col("service_type")], separator="|")
    without_data = _lines_without_data(reading)
    paid = pl.max_horizontal(pl.col("paid_headcount"), pl.col("paid_wte")) > 0
    unpaid = pl.max_horizontal(pl.col("unpaid_headcount"), pl.col("unpaid_wte")) > 0
    pay_basis = pl.Series("pay_basis", basis, pl.String())
    frame = wide.frame.with_columns(
        pl.Series("role_group", groups, pl.String()),
        pay_basis,
        line.alias("line"),
        (~line.is_in(sorted(reading.lines)) if reading.lines else pl.lit(None, pl.Boolean())).alias("not_listed"),
        line.is_in(without_data).alias("line_without_data"),
        (pl.max_horizontal(numbers) == 0).alias("nothing_said"),
        (pay_basis.eq("unpaid") & paid).alias("paid_in_unpaid_role"),
        (pay_basis.eq("paid") & unpaid).alias("unpaid_in_paid_role"),
    )
    return ViewFrame(frame, "staff", wide.table.positions, wide.keys)


def _lines_without_data(reading: Reading) -> list[str]:
    columns = ("local_authority_code", "service_type", "data_available")
    rows = reading.services.frame.select(columns).iter_rows()
    return [f"{authority}|{service}" for authority, service, given in rows if given == "none"]


def breakdown_view(reading: Reading) -> ViewFrame:
    frame, sheets, positions, columns, keys = cells_frame(reading.breakdowns)
    return ViewFrame(frame, sheets, positions, keys, columns)
