"""Views over sums: breakdown rows against Staff, lines, and the return as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

import polars as pl

from census_api.intake.judging.breakdowns import BreakdownRow, BreakdownSheet
from census_api.intake.judging.staff_sums import LineFacts, StaffSums, Sum
from census_api.intake.judging.views import Reading, ViewFrame, frame_of

KEY_ROLE_ATTRIBUTE = "key_role_groups"
_FLOWS = ("starters", "leavers")
_SUMMED = ("paid_headcount", "paid_wte", "vacant_wte", *_FLOWS, "unpaid_headcount", "opening_headcount")


def breakdown_rows_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every row of every breakdown sheet."""
    totals = {part.key: _group_totals(part) for part in reading.breakdowns}
    agreed = _agreed_totals(totals.values())
    compared: set[str] = set()
    rows: list[dict[str, Any]] = []
    sheets: list[str] = []
    positions: list[int] = []
    keys: list[str] = []
    columns: list[str] = []
    for part in reading.breakdowns:
        if part.rows_by in part.left_out:
            continue
        group_totals = totals[part.key]
        for spoken in _spoken_of(reading, part, sums):
            group_totals.pop(spoken, None)
        seen: set[str] = set()
        for row in part.rows:
            group = row.role_group
            first_of_group = group is not None and group not in seen
            seen |= {group} if group else set()
            facts = _row_facts(reading, part, row, sums)
            if part.rows_by == "role_code" or _speaks_for_all(row, agreed, compared):
                facts["compared_total"] = facts["total"]
            if first_of_group and group is not None:
                facts |= {"group_total": group_totals.get(group), "agreed_total": agreed.get(group)}
            rows.append(facts)
            sheets.append(part.key)
            positions.append(row.position)
            keys.append(row.key)
            columns.append(part.rows_by)
    return ViewFrame(frame_of(reading.spec, "breakdown_rows", rows), sheets, positions, keys, columns)


def _spoken_of(reading: Reading, part: BreakdownSheet, sums: StaffSums) -> set[str]:
    """Role groups of a sheet by role in which a row does not fit Staff or is missing: a finding for the role says so."""
    if part.rows_by != "role_code":
        return set()
    roles = reading.spec.code_lists["roles"].by_code
    totals = {row.code: row.total for row in part.rows if row.code is not None}
    groups: set[str] = set()
    for role, staff in sums.by_role.items():
        total = totals.get(role, 0)
        fits = total is None or staff.unknown or staff.largest <= total <= staff.total
        if not fits:
            groups.add(roles[role].attributes["role_group"])
    return groups


def _speaks_for_all(row: BreakdownRow, agreed: Mapping[str, int], compared: set[str]) -> bool:
    """The first row of a role group with the total that most sheets give: only that one is held against Staff.

    Otherwise one slip on Staff would be eight findings, and a slip on one sheet two.
    """
    if row.code is None or row.code in compared or row.total is None or row.total != agreed.get(row.code):
        return False
    compared.add(row.code)
    return True


def _row_facts(reading: Reading, part: BreakdownSheet, row: BreakdownRow, sums: StaffSums) -> dict[str, Any]:
    counts = row.counts
    blank = row.texts.count(None)
    total = row.total
    complete = total is not None
    has_unknown = part.table.table.sheet.unknown_category is not None
    known = [count for count in (counts[:-1] if has_unknown else counts) if count is not None] if complete else []
    staff = sums.of(part.rows_by).get(row.code or "")
    roles = reading.spec.code_lists["roles"].by_code
    return {
        "row": row.code, "row__raw": row.raw, "row__former": row.former,
        "label": _label(reading, part, row), "total": total, "unknown": counts[-1] if has_unknown and complete else None,
        "filled": len(counts) - blank, "partly_blank": len(part.left_out) < blank < len(counts),
        "staff_total": _staff_total(reading, sums, staff) if row.code else None,
        "staff_largest_line": int(staff.largest) if staff and not staff.unknown else None,
        "lowest": known[0] if known else None, "highest": sum(known[-4:]) if known else None,
        "largest": max(known, default=None), "known": sum(known) if complete else None,
        "role_group": row.role_group, "kind": part.key,
        "unpaid_only": roles[row.code].attributes["pay_basis"] == "unpaid" if row.code and row.code in roles else None,
    }  # fmt: skip


def _staff_total(reading: Reading, sums: StaffSums, of_row: Sum | None) -> int | None:
    if sums.unplaced or not reading.staff.keys:
        return None
    return of_row.known if of_row else 0


def _label(reading: Reading, part: BreakdownSheet, row: BreakdownRow) -> str | None:
    codes = reading.spec.code_lists[str(part.table.table.sheet.fields[0].code_list)].by_code
    return codes[row.code].label if row.code else row.raw


def _group_totals(part: BreakdownSheet) -> dict[str, int]:
    """The sheet's total of every role group whose rows are all readable and stand once."""
    totals: dict[str, int | None] = {}
    seen: set[str | None] = set()
    for row in part.rows:
        group = row.role_group
        if group is not None:
            before = totals.get(group, 0)
            spoilt = row.total is None or row.code in seen
            totals[group] = None if before is None or spoilt else before + (row.total or 0)
            seen.add(row.code)
    return {group: total for group, total in totals.items() if total is not None}


def _agreed_totals(of_sheets: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """For every role group, the total that most breakdown sheets give; of equals, the one given first."""
    votes: dict[str, Counter[int]] = {}
    for totals in of_sheets:
        for group, total in totals.items():
            votes.setdefault(group, Counter())[total] += 1
    return {group: counter.most_common(1)[0][0] for group, counter in votes.items()}


def breakdown_sheets_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every breakdown sheet, when the return has paid staff."""
    paid = int(sum(part.total for part in sums.by_group.values()))
    rows = [
        {"wholly_blank": paid > 0 and not part.is_filled and part.key not in reading.missing_sheets, "kind": part.key, "staff_total": paid}
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
        # a row that nobody can read may be the one that seems to be missing
        present = {row.code for row in part.rows}
        if not part.is_filled:
            continue
        codes = reading.spec.code_lists[str(part.table.table.sheet.fields[0].code_list)].by_code
        for code, total in sums.of(part.rows_by).items():
            if total.total > 0:
                rows.append({"label": codes[code].label, "staff_total": total.known, "kind": part.key,
                             "missing_row": code not in present and None not in present})  # fmt: skip
                sheets.append(part.key)
                keys.append(code)
    return ViewFrame(frame_of(reading.spec, "breakdown_gaps", rows), sheets, None, keys)


def lines_view(reading: Reading, sums: StaffSums) -> ViewFrame:
    """One row for every Services row whose local authority and service type are known."""
    spec = reading.spec
    authorities, types = spec.code_lists["local_authorities"].by_code, spec.code_lists["service_types"].by_code
    total = sum(line.paid_headcount for line in sums.lines.values())
    # without Staff another rule speaks; a Staff row that nobody can place may belong to any line
    all_placed = bool(reading.staff.keys) and sum(line.staff_rows for line in sums.lines.values()) == len(
        reading.staff.keys
    )
    rows: list[dict[str, Any]] = []
    positions: list[int] = []
    keys: list[str] = []
    table = reading.services
    cells = (table.values(name) for name in ("local_authority_code", "service_type", "data_available"))
    for position, key, authority, service, given in zip(table.table.positions, table.keys, *cells, strict=True):
        if authority is None or service is None:
            continue
        line = sums.lines.get(f"{authority}|{service}", LineFacts())
        wanted = types[service].many(KEY_ROLE_ATTRIBUTE)
        rows.append({
            "line": f"{authority}|{service}", "paid_headcount": line.paid_headcount, "paid_wte": line.paid_wte,
            "vacant_wte": line.vacant_wte, "staff_rows": line.staff_rows,
            "no_staff": all_placed and line.staff_rows == 0, "has_staff": line.staff_rows > 0, "data_available": given,
            "share_of_return": line.paid_headcount / total if total and len(reading.lines) >= 3 else None, "return_headcount": total,
            "key_role_missing": bool(wanted) and line.staff_rows > 0 and not line.groups.intersection([*wanted, None]),
            "key_roles": " or ".join(spec.code_lists["role_groups"].by_code[code].label for code in wanted),
            "lines_in_return": len(reading.lines), "local_authority": authorities[authority].label,
            "service": types[service].label,
        })  # fmt: skip
        positions.append(position)
        keys.append(key)
    return ViewFrame(frame_of(spec, "lines", rows), "services", positions, keys)


def return_view(reading: Reading, staff: ViewFrame) -> ViewFrame:
    """One row about the whole return."""
    table = staff.frame
    heads, wte = table["paid_headcount"], table["paid_wte"]
    numbers = [count for part in reading.breakdowns for row in part.rows for count in row.counts if count]
    numbers += [count for count in heads.to_list() if count]
    pairs = [
        (head, whole) for head, whole in zip(heads.to_list(), wte.to_list(), strict=True) if head and whole is not None
    ]
    services = reading.services.values("service_type")
    asked = not reading.is_nil and not reading.is_blank
    row = {
        **{name: _known_sum(table[name]) for name in _SUMMED}, "service_lines": len(reading.services.keys), "staff_rows": len(reading.staff.keys), "nil": reading.is_nil,
        "no_services": asked and not reading.services.keys and "services" not in reading.missing_sheets,
        "no_staff_sheet": asked and not reading.staff.keys and bool(reading.services.keys) and "staff" not in reading.missing_sheets,
        "numbers": len(numbers),
        "round_share": sum(number % 5 == 0 for number in numbers) / len(numbers) if numbers else None,
        "wte_rows": len(pairs), "whole_wte_share": sum(heads == wte for heads, wte in pairs) / len(pairs) if pairs else None,
        "flows_known": sum(len(table[name]) - table[name].null_count() for name in _FLOWS),
        "only_head_office": bool(services) and all(service == "head_office" for service in services),
    }  # fmt: skip
    return ViewFrame(frame_of(reading.spec, "return", [row]))


def _known_sum(numbers: pl.Series) -> float | None:
    """The sum of what is known; None where that is 0 beside something unknown (NK is not 0)."""
    total = cast("float", numbers.sum())
    return total if total or not numbers.null_count() else None
