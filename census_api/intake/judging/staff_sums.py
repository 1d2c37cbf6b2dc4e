"""Sums over the Staff sheet that breakdowns and lines are compared with, each knowing whether a part was unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from census_api.intake.judging.views import Reading, ViewFrame


@dataclass(slots=True)
class Sum:
    """A sum and its largest part. Where a part was unknown there is no total."""

    total: float = 0
    largest: float = 0
    unknown: bool = False

    def add(self, value: float | None) -> None:
        if value is None:
            self.unknown = True
        else:
            self.total += value
            self.largest = max(self.largest, value)

    @property
    def known(self) -> int | None:
        return None if self.unknown else int(self.total)


@dataclass(slots=True)
class LineFacts:
    """What Staff says of one line. `groups` are role groups with anybody in post or wanted, or of which nobody can tell
    (None where the role is not readable)."""

    staff_rows: int = 0
    paid_headcount: int = 0
    paid_wte: float = 0
    vacant_wte: float = 0
    groups: set[str | None] = field(default_factory=set)


@dataclass(slots=True)
class StaffSums:
    """Paid headcount by role and by role group (over the return, and of the largest line), and facts of lines."""

    by_role: dict[str, Sum] = field(default_factory=dict)
    by_group: dict[str, Sum] = field(default_factory=dict)
    lines: dict[str, LineFacts] = field(default_factory=dict)
    unplaced: bool = False
    """A Staff row has a role that nobody can read: every total may be too low, so none is known."""

    def of(self, rows_by: str | None) -> Mapping[str, Sum]:
        return self.by_role if rows_by == "role_code" else self.by_group


def staff_sums(reading: Reading, staff: ViewFrame) -> StaffSums:
    """What has a finding already (a role that cannot be read, a row that stands twice, a number out of range) leaves
    the totals unknown that it would spoil."""
    sums = StaffSums(unplaced=None in reading.staff.values("role_code"))
    if not staff.frame.height:
        return sums
    frame = staff.frame.with_columns(_usable(reading).alias("usable"))
    totals = [
        pl.col("usable").sum(), pl.col("usable").null_count().alias("unknown"), pl.col("usable").max().alias("largest"),
    ]  # fmt: skip
    roles = frame.group_by("role_code", maintain_order=True).agg(totals)
    sums.by_role = {
        role: Sum(total, largest or 0, unknown > 0) for role, total, unknown, largest in roles.iter_rows() if role
    }
    anybody = pl.max_horizontal("paid_headcount", "vacant_wte", "unpaid_headcount").max().alias("anybody")
    parts = frame.group_by("role_group", "line", maintain_order=True).agg(
        *totals[:2], pl.len().alias("rows"), pl.col("paid_headcount", "paid_wte", "vacant_wte").sum(), anybody,
        pl.col("paid_headcount").null_count().alias("unread"),
    )  # fmt: skip
    for group, line, total, unknown, rows, heads, wte, vacant, most, unread in parts.iter_rows():
        if group is not None:
            sums.by_group.setdefault(group, Sum()).add(None if unknown else total)
        if line is not None:
            facts = sums.lines.setdefault(line, LineFacts())
            facts.staff_rows += rows
            facts.paid_headcount += heads
            facts.paid_wte += wte
            facts.vacant_wte += vacant
            facts.groups |= {group} if (most or 0) > 0 or unread else set()
    return sums


def _usable(reading: Reading) -> pl.Expr:
    """Paid headcount where it can be counted: within its limits, of a role that is paid, of a row that stands once."""
    most = reading.spec.sheet["staff"].by_key["paid_headcount"].maximum or 0
    paid = pl.col("paid_headcount")
    fits = paid.is_between(0, most) & ~pl.col("paid_in_unpaid_role")
    if len(set(reading.staff.keys)) < len(reading.staff.keys):
        fits &= pl.struct("role_code", "line").is_first_distinct() | pl.col("line").is_null()
    return pl.when(fits).then(paid)
