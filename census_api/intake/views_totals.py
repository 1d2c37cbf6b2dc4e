"""Views over sums: breakdown rows against Staff, lines, and the return as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from census_api.intake.breakdowns import Breakdown, BreakdownRow
from census_api.intake.views import Reading, ViewFrame, frame_of

KEY_ROLE_ATTRIBUTE = "key_role_groups"
_FLOWS = ("starters", "leavers")


@dataclass(slots=True)
class Sum:
    """A sum that knows whether a part of it was unknown: then there is no total."""

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
class StaffSums:
    """Paid headcount by role and by role group: over the return, and of the largest line."""

    by_role: dict[str, Sum] = field(default_factory=dict)
    by_group: dict[str, Sum] = field(default_factory=dict)
    unplaced: bool = False
    """A Staff row has a role that nobody can read: every total may be too low, so none is known."""

    def of(self, rows_by: str | None) -> Mapping[str, Sum]:
        return self.by_role if rows_by == "role_code" else self.by_group


def staff_sums(reading: Reading, staff: ViewFrame) -> StaffSums:
    """One pass over Staff. A row whose role cannot be read (a finding already) leaves every total unknown."""
    sums = StaffSums()
    of_line: dict[tuple[str, str | None], Sum] = {}
    columns = ("role_code", "role_group", "line", "paid_headcount")
    for role, group, line, paid in zip(*(staff.frame[name].to_list() for name in columns), strict=True):
        if role is None:
            sums.unplaced = True
            continue
        sums.by_role.setdefault(role, Sum()).add(paid)
        of_line.setdefault((group, line), Sum()).add(paid)
    for (group, _), line_sum in of_line.items():
        sums.by_group.setdefault(group, Sum()).add(None if line_sum.unknown else line_sum.total)
    return sums


def breakdown_rows_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every row of every breakdown sheet."""
    agreed = _agreed_totals(reading)
    rows: list[dict[str, Any]] = []
    sheets: list[str] = []
    positions: list[int] = []
    keys: list[str] = []
    columns: list[str] = []
    for part in reading.breakdowns:
        group_totals = _group_totals(reading, part)
        seen: set[str] = set()
        for row in part.rows:
            group = _group_of(reading, part, row)
            first_of_group = group is not None and group not in seen
            seen |= {group} if group else set()
            rows.append(_row_facts(reading, part, row, sums, group))
            if first_of_group and group is not None:
                rows[-1] |= {"group_total": group_totals.get(group), "agreed_total": agreed.get(group)}
            sheets.append(part.key)
            positions.append(row.position)
            keys.append(row.key)
            columns.append(part.rows_by)
    return ViewFrame(frame_of(reading.spec, "breakdown_rows", rows), sheets, positions, keys, columns)


def _row_facts(
    reading: Reading, part: Breakdown, row: BreakdownRow, sums: StaffSums, group: str | None
) -> dict[str, Any]:
    counts = row.counts
    blank = sum(text is None for text in row.texts)
    total = row.total
    complete = total is not None
    has_unknown = part.table.table.sheet.unknown_category is not None
    known = [count for count in (counts[:-1] if has_unknown else counts) if count is not None] if complete else []
    staff = sums.of(part.rows_by).get(row.code or "")
    roles = reading.spec.code_lists["roles"].by_code
    return {
        "row": row.code, "row__raw": row.raw, "row__former": row.former,
        "label": _label(reading, part, row), "total": total, "unknown": counts[-1] if has_unknown and complete else None,
        "filled": len(counts) - blank, "partly_blank": 0 < blank < len(counts),
        "staff_total": _staff_total(reading, sums, staff) if row.code else None,
        "staff_largest_line": int(staff.largest) if staff and not staff.unknown else None,
        "lowest": known[0] if known else None, "highest": sum(known[-4:]) if known else None,
        "largest": max(known, default=None), "known": sum(known) if complete else None,
        "role_group": group, "kind": part.key,
        "unpaid_only": roles[row.code].attributes["pay_basis"] == "unpaid" if row.code and row.code in roles else None,
    }  # fmt: skip


def _staff_total(reading: Reading, sums: StaffSums, of_row: Sum | None) -> int | None:
    if sums.unplaced or not reading.staff.keys:
        return None
    return of_row.known if of_row else 0


def _label(reading: Reading, part: Breakdown, row: BreakdownRow) -> str | None:
    codes = reading.spec.code_lists[str(part.table.table.sheet.fields[0].code_list)].by_code
    return codes[row.code].label if row.code else row.raw


def _group_of(reading: Reading, part: Breakdown, row: BreakdownRow) -> str | None:
    if row.code is None or part.rows_by == "role_group":
        return row.code
    return reading.spec.code_lists["roles"].by_code[row.code].attributes["role_group"]


def _group_totals(reading: Reading, part: Breakdown) -> dict[str, int]:
    """The sheet's total of every role group whose rows are all readable."""
    totals: dict[str, int | None] = {}
    for row in part.rows:
        group = _group_of(reading, part, row)
        if group is not None:
            before = totals.get(group, 0)
            totals[group] = None if before is None or row.total is None else before + row.total
    return {group: total for group, total in totals.items() if total is not None}


def _agreed_totals(reading: Reading) -> dict[str, int]:
    """For every role group, the total that most breakdown sheets give; of equals, the one given first."""
    votes: dict[str, Counter[int]] = {}
    for part in reading.breakdowns:
        for group, total in _group_totals(reading, part).items():
            votes.setdefault(group, Counter())[total] += 1
    return {group: counter.most_common(1)[0][0] for group, counter in votes.items()}


def breakdown_sheets_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every breakdown sheet, when the return has paid staff."""
    paid = int(sum(part.total for part in sums.by_group.values()))
    rows = [
        {"wholly_blank": paid > 0 and not part.is_filled, "kind": part.key, "staff_total": paid}
        for part in reading.breakdowns
    ]  # fmt: skip
    keys = [part.key for part in reading.breakdowns]
    return ViewFrame(frame_of(reading.spec, "breakdown_sheets", rows), keys, None, keys)


def breakdown_gaps_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every role or role group with paid staff, on every breakdown sheet that is not wholly blank."""
    rows: list[dict[str, Any]] = []
    sheets: list[str] = []
    keys: list[str] = []
    for part in reading.breakdowns:
        present = {row.code for row in part.rows}
        if not part.is_filled:
            continue
        codes = reading.spec.code_lists[str(part.table.table.sheet.fields[0].code_list)].by_code
        for code, total in sums.of(part.rows_by).items():
            if total.total > 0:
                rows.append({"label": codes[code].label, "staff_total": total.known, "kind": part.key,
                             "missing_row": code not in present})  # fmt: skip
                sheets.append(part.key)
                keys.append(code)
    return ViewFrame(frame_of(reading.spec, "breakdown_gaps", rows), sheets, None, keys)


def lines_view(reading: Reading, staff: ViewFrame) -> ViewFrame:
    """One row for every Services row whose local authority and service type are known."""
    facts = _line_facts(staff)
    spec = reading.spec
    authorities, types = spec.code_lists["local_authorities"].by_code, spec.code_lists["service_types"].by_code
    total = sum(line["paid_headcount"] for line in facts.values())
    rows: list[dict[str, Any]] = []
    positions: list[int] = []
    keys: list[str] = []
    table = reading.services
    cells = (table.values(name) for name in ("local_authority_code", "service_type", "data_available"))
    for position, key, authority, service, given in zip(table.table.positions, table.keys, *cells, strict=True):
        if authority is None or service is None:
            continue
        line = facts.get(f"{authority}|{service}", {"staff_rows": 0, "paid_headcount": 0, "groups": set()})
        wanted = types[service].many(KEY_ROLE_ATTRIBUTE)
        rows.append({
            "line": f"{authority}|{service}", "paid_headcount": line["paid_headcount"], "paid_wte": line.get("paid_wte"),
            "vacant_wte": line.get("vacant_wte"), "staff_rows": line["staff_rows"],
            "no_staff": line["staff_rows"] == 0, "has_staff": line["staff_rows"] > 0, "data_available": given,
            "share_of_return": line["paid_headcount"] / total if total and len(reading.lines) >= 3 else None, "return_headcount": total,
            "key_role_missing": bool(wanted) and line["staff_rows"] > 0 and not line["groups"].intersection(wanted),
            "key_roles": " or ".join(spec.code_lists["role_groups"].by_code[code].label for code in wanted),
            "lines_in_return": len(reading.lines), "local_authority": authorities[authority].label,
            "service": types[service].label,
        })  # fmt: skip
        positions.append(position)
        keys.append(key)
    return ViewFrame(frame_of(spec, "lines", rows), "services", positions, keys)


def _line_facts(staff: ViewFrame) -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = {}
    columns = ("line", "role_group", "paid_headcount", "paid_wte", "vacant_wte", "unpaid_headcount")
    for line, group, paid, wte, vacant, unpaid in zip(*(staff.frame[name].to_list() for name in columns), strict=True):
        if line is None:
            continue
        fact = facts.setdefault(
            line, {"staff_rows": 0, "paid_headcount": 0, "paid_wte": 0.0, "vacant_wte": 0.0, "groups": set()}
        )
        fact["staff_rows"] += 1
        fact["paid_headcount"] += paid or 0
        fact["paid_wte"] += wte or 0
        fact["vacant_wte"] += vacant or 0
        if (paid or 0) > 0 or (vacant or 0) > 0 or (unpaid or 0) > 0:
            fact["groups"].add(group)
    return facts


def return_view(reading: Reading) -> ViewFrame:
    """One row about the whole return."""
    table = reading.staff
    sums = {name: _known_sum(table.values(name)) for name in
            ("paid_headcount", "paid_wte", "vacant_wte", "starters", "leavers", "unpaid_headcount", "opening_headcount")}  # fmt: skip
    numbers = [count for part in reading.breakdowns for row in part.rows for count in row.counts if count]
    numbers += [count for count in table.values("paid_headcount") if count]
    services = reading.services.values("service_type")
    paid = zip(table.values("paid_headcount"), table.values("paid_wte"), strict=True)
    pairs = [(heads, wte) for heads, wte in paid if heads and wte is not None]
    row = {
        **sums, "service_lines": len(reading.services.keys), "staff_rows": len(reading.staff.keys), "nil": reading.is_nil,
        "no_services": not reading.services.keys and not reading.is_nil,
        "no_staff_sheet": not reading.staff.keys and not reading.is_nil and bool(reading.services.keys),
        "numbers": len(numbers),
        "round_share": sum(number % 5 == 0 for number in numbers) / len(numbers) if numbers else None,
        "wte_rows": len(pairs), "whole_wte_share": sum(heads == wte for heads, wte in pairs) / len(pairs) if pairs else None,
        "flows_known": sum(value is not None for name in _FLOWS for value in table.values(name)),
        "only_head_office": bool(services) and all(service == "head_office" for service in services),
    }  # fmt: skip
    return ViewFrame(frame_of(reading.spec, "return", [row]))


def _known_sum(values: list[Any]) -> float | None:
    """The sum of what is known; None where nothing is (a column of NK is not a column of zeros)."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
