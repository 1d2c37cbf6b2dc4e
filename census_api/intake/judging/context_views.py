"""Views over what is known besides the file: last year's return, the frame, the register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from census_api.domain.collecting.content import Content, ContentCell
from census_api.intake.judging.views import Reading, RegisterEntry, ViewFrame, frame_of
from census_api.questionnaire.model import Spec

_NUMBERS = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "opening_headcount", "starters", "leavers", "vacant_wte",
)  # fmt: skip
_FLOWS = ("starters", "leavers")
_SUMMED = ("paid_headcount", "paid_wte", "vacant_wte", "unpaid_headcount", "leavers")
Key = tuple[str, str, str]


@dataclass(slots=True)
class LastYearStaff:
    """Last year's Staff rows by (authority, service, role), with authorities as they are called this year."""

    rows: dict[Key, dict[str, float | None]]
    lines: set[tuple[str, str]]
    split: set[str]
    """Authorities that were divided since: nothing can be said about a single successor."""


def last_year_of(content: Content, spec: Spec) -> LastYearStaff:
    """Reads last year's content. Authorities with one successor take its code; divided ones are set aside."""
    renamed: dict[str, str] = {}
    split: set[str] = set()
    for code in spec.code_lists["local_authorities"].former:
        successors = code.many("successors")
        if len(successors) == 1:
            renamed[code.code] = successors[0]
        else:
            split |= {code.code, *successors}
    rows: dict[Key, dict[str, float | None]] = {}
    for cells in content.table("staff"):
        authority, service, role = (
            str(cells.get(key, "")) for key in ("local_authority_code", "service_type", "role_code")
        )
        rows[renamed.get(authority, authority), service, role] = {name: _number(cells.get(name)) for name in _NUMBERS}
    lines = set()
    for cells in content.table("services"):
        authority = str(cells.get("local_authority_code", ""))
        lines.add((renamed.get(authority, authority), str(cells.get("service_type", ""))))
    return LastYearStaff(rows, lines, split)


def _number(cell: ContentCell | None) -> float | None:
    """A number of the content; None for blanks, states and what could not be read."""
    if isinstance(cell, int):
        return cell
    try:
        return float(cell) if cell is not None and cell[:1] in "-0123456789" else None
    except ValueError:
        return None


def last_year_rows_view(reading: Reading, staff: ViewFrame, last: LastYearStaff) -> ViewFrame:
    """This year's Staff rows that stood in last year's return as well."""
    spec = reading.spec
    labels = spec.code_lists["roles"].by_code
    columns = ("local_authority_code", "service_type", "role_code", "role_group", *_NUMBERS)
    rows: list[dict[str, Any]] = []
    positions: list[int | None] = []
    keys: list[str] = []
    found = zip(staff.positions or (), staff.keys, staff.frame.select(columns).iter_rows(named=True), strict=True)
    for position, key, now in found:
        before = last.rows.get((now["local_authority_code"], now["service_type"], now["role_code"]))
        if before is None:
            continue
        row = {name: now[name] for name in ("role_group", *_NUMBERS)} | {"label": labels[now["role_code"]].label}
        for name in _NUMBERS:
            if name != "opening_headcount":
                value = before[name]
                row[f"before_{name}"] = int(value) if value is not None and not name.endswith("wte") else value
        row["flows_identical"] = _identical_flows(now, before)
        rows.append(row)
        positions.append(position)
        keys.append(key)
    return ViewFrame(frame_of(spec, "last_year_rows", rows), "staff", positions, keys)


def _identical_flows(now: dict[str, Any], before: dict[str, float | None]) -> bool:
    known = all(now[name] is not None and before[name] is not None for name in _FLOWS)
    if not known or sum(now[name] for name in _FLOWS) < 10:
        return False
    return all(now[name] == before[name] for name in _FLOWS)


def last_year_lines_view(reading: Reading, staff: ViewFrame, last: LastYearStaff) -> ViewFrame:
    """Every line of this year or last year, except in local authorities that were divided in between."""
    spec = reading.spec
    now = {(authority, service) for authority, _, service in (line.partition("|") for line in reading.lines)}
    expected = reading.context.frame
    sums_now = _by_line(
        staff.frame.select("local_authority_code", "service_type", "paid_headcount", "paid_wte").iter_rows()
    )
    sums_before = _by_line((key[0], key[1], row["paid_headcount"], row["paid_wte"]) for key, row in last.rows.items())
    places = _service_positions(reading)
    authorities, types = spec.code_lists["local_authorities"].by_code, spec.code_lists["service_types"].by_code
    rows: list[dict[str, Any]] = []
    positions: list[int | None] = []
    keys: list[str] = []
    for line in sorted(now | last.lines):
        authority, service = line
        if authority in last.split or authority not in authorities or service not in types:
            continue
        heads, wte = sums_now.get(line, (None, None))
        old_heads, old_wte = sums_before.get(line, (None, None))
        rows.append({
            "line": "|".join(line), "local_authority": authorities[authority].label, "service": types[service].label,
            # of lines that the frame does not expect, or expects in vain, the rules of the frame ask the same
            "appeared": line not in last.lines and (expected is None or line in expected),
            "vanished": line not in now and line not in (expected or ()) and not reading.may_be_listed("|".join(line)),
            "paid_headcount": heads, "paid_wte": wte,
            "before_paid_headcount": old_heads, "before_paid_wte": old_wte,
        })  # fmt: skip
        positions.append(places.get("|".join(line)))
        keys.append("|".join(line))
    return ViewFrame(frame_of(spec, "last_year_lines", rows), "services", positions, keys)


def _by_line(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], tuple[int | None, float | None]]:
    """Paid headcount and WTE of every line. A part that is not known leaves the line's sum unknown."""
    heads: dict[tuple[str, str], float | None] = {}
    wtes: dict[tuple[str, str], float | None] = {}
    for authority, service, paid, wte in rows:
        line = (authority, service)
        for sums, value in ((heads, paid), (wtes, wte)):
            old = sums.get(line, 0)
            sums[line] = None if old is None or value is None else old + value
    return {line: (None if total is None else int(total), wtes[line]) for line, total in heads.items()}


def _service_positions(reading: Reading) -> dict[str, int]:
    return dict(zip(reversed(reading.services.keys), reversed(reading.services.table.positions), strict=True))


def last_year_return_view(reading: Reading, staff: ViewFrame, last: LastYearStaff) -> ViewFrame:
    """One row: this year's return beside last year's."""
    content = reading.context.last_year
    if content is None:
        raise LookupError("last_year_return needs last year's return")
    sectors = reading.spec.code_lists["sectors"].by_code
    now: dict[str, float | None] = {name: _sum(staff.frame.get_column(name).to_list()) for name in _SUMMED}
    before: dict[str, float | None] = {name: _sum([row[name] for row in last.rows.values()]) for name in _SUMMED}
    row: dict[str, Any] = {name: _typed(name, value) for name, value in now.items()}
    row |= {f"before_{name}": _typed(name, value) for name, value in before.items()}
    pay = next((part.table for part in reading.breakdowns if part.key == "pay"), None)
    pay_now = {tuple(sorted(r.cells.items(), key=lambda item: item[0])) for r in pay.content_rows()} if pay else set()
    pay_before = {tuple(sorted(cells.items(), key=lambda item: item[0])) for cells in content.table("pay")}
    now_rows = {tuple(sorted(cells.cells.items(), key=lambda item: item[0])) for cells in reading.staff.content_rows()}
    before_rows = {tuple(sorted(cells.items(), key=lambda item: item[0])) for cells in content.table("staff")}
    row |= {
        # of a sector that is not the register's, the rule of the register asks the same
        "sector": None if _is_unregistered(reading) else _sector_label(reading.sector, sectors),
        "before_sector": _sector_label(str(content.organisation.get("sector") or "") or None, sectors),
        "name": reading.organisation.get("name"), "before_name": content.organisation.get("name"),
        "pay_identical": len(pay_now) >= 3 and pay_now == pay_before,
        "all_identical": len(now_rows) >= 3 and now_rows == before_rows,
        "nil_after_staff": reading.is_nil and not reading.has_rows and (before["paid_headcount"] or 0) > 0,
    }  # fmt: skip
    return ViewFrame(frame_of(reading.spec, "last_year_return", [row]))


def _is_unregistered(reading: Reading) -> bool:
    entry = reading.context.register
    return entry is not None and entry.sector is not None and entry.sector != reading.sector


def _sum(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _typed(name: str, value: float | None) -> float | int | None:
    return value if value is None or name.endswith("wte") else int(value)


def frame_lines_view(reading: Reading, expected: tuple[tuple[str, str], ...]) -> ViewFrame:
    """One row for every line that the frame expects of the organisation."""
    spec = reading.spec
    authorities, types = spec.code_lists["local_authorities"].by_code, spec.code_lists["service_types"].by_code
    lines = [line for line in expected if line[0] in authorities and line[1] in types]
    reported = ["|".join(line) in reading.lines for line in lines]
    none = bool(lines) and not any(reported) and bool(reading.lines) and not reading.is_nil
    rows: list[dict[str, Any]] = [
        {"line": "|".join(line), "local_authority": authorities[line[0]].label, "service": types[line[1]].label,
         "not_reported": not done and not none and not reading.may_be_listed("|".join(line)), "none_reported": none and index == 0}
        for index, (line, done) in enumerate(zip(lines, reported, strict=True))
    ]  # fmt: skip
    return ViewFrame(frame_of(spec, "frame_lines", rows), "services", None, [row["line"] for row in rows])


def register_view(reading: Reading, entry: RegisterEntry) -> ViewFrame:
    """One row: the organisation in the file against the uploader's entry in the register."""
    in_file = reading.source.form.answers.get("organisation_code")
    uploader = reading.context.organisation
    sectors = reading.spec.code_lists["sectors"].by_code
    row = {
        "unknown": not entry.known, "closed": entry.status == "closed", "merged": entry.status == "merged",
        "successor": entry.successor, "in_file": in_file, "uploader": uploader, "sector": _sector_label(reading.sector, sectors),
        "registered_sector": _sector_label(entry.sector, sectors),
        "other_organisation": in_file is not None and uploader is not None and in_file.casefold() != uploader.casefold(),
    }  # fmt: skip
    return ViewFrame(frame_of(reading.spec, "register", [row]), "organisation", [0], [""])


def _sector_label(code: str | None, sectors: Any) -> str | None:
    return sectors[code].label if code in sectors else code
