"""An organisation's year as the return it sends: the canonical content, sheet by sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from census_api.demo.breakdowns import Counts
from census_api.demo.fitting import chance
from census_api.demo.places import code_in
from census_api.demo.staffing import RowKey, Staff, YearStaff
from census_api.demo.structure import HEAD_OFFICE, Line, Structure
from census_api.domain.content import Cell, Content, ContentRow
from census_api.domain.register import Organisation
from census_api.spec.model import Spec

_NOTES = {
    "none": "The service moved to another payroll during the year and its figures are not ready yet.",
    "flows": "Joiners, leavers and vacancies of this service are held by the former provider.",
}


@dataclass(slots=True)
class Writer:
    """Builds the returns of one year."""

    structure: Structure
    spec: Spec
    staff: YearStaff
    counts: Counts
    lines: Mapping[str, list[Line]]
    rows: Mapping[str, list[RowKey]]

    def content(self, code: str) -> Content:
        """The whole return of an organisation; a nil return when it has no line."""
        lines = self.lines.get(code, [])
        content = Content(self.spec.year, form(self.structure.organisations[code], self.spec, nil=not lines))
        for service in self._services(lines):
            append(content, self.spec, "services", service)
        for staff in self._staff(code):
            append(content, self.spec, "staff", staff)
        for sheet in self.spec.breakdowns:
            order = self.spec.code_lists["roles" if sheet.rows_by == "role_code" else "role_groups"].codes
            rows = self.counts[code][sheet.key] if code in self.counts else {}
            for entry in order:
                if entry.code in rows:
                    counts = zip((question.key for question in sheet.counts), rows[entry.code], strict=True)
                    append(content, self.spec, sheet.key, {str(sheet.rows_by): entry.code, **dict(counts)})
        return content

    def _services(self, lines: list[Line]) -> list[dict[str, Cell]]:
        services: dict[tuple[str, str], dict[str, Cell]] = {}
        for line in lines:
            gap = self.staff.response.gaps.get(line.key)
            area = code_in(self.spec, line.area)
            row: dict[str, Cell] = {"local_authority_code": area, "service_type": line.service}
            if line.service != HEAD_OFFICE:
                row["commissioning_route"] = self._route(line)
            row["data_available"] = {None: "full", "flows": "partial", "none": "none"}[gap]
            if gap:
                row["note"] = _NOTES[gap]
            services.setdefault((area, line.service), row)
        return [services[key] for key in sorted(services)]

    def _route(self, line: Line) -> str:
        sector = self.structure.sector(line.organisation)
        if sector == "la_commissioning":
            return "commissioning_team"
        draw = chance(self.structure.seed, "route", *line.key)
        if sector == "lero":
            return "la_commissioned" if draw < 0.6 else "lero_not_commissioned"
        return "other" if sector == "independent" and draw < 0.08 else "la_commissioned"

    def _staff(self, code: str) -> list[dict[str, Cell]]:
        roles = {entry.code: number for number, entry in enumerate(self.spec.code_lists["roles"].codes)}
        merged: dict[tuple[str, str, str], tuple[Staff, bool]] = {}
        for key in self.rows.get(code, []):
            gap = self.staff.response.gaps.get(key[:3])
            if gap == "none":
                continue
            at = (code_in(self.spec, key[1]), key[2], key[3])
            before = merged.get(at, (Staff(), False))
            merged[at] = (_sum(before[0], self.staff.rows[key]), before[1] or gap == "flows")
        establishment = chance(self.structure.seed, "establishment", code) < 0.35
        return [
            _staff_row(at, *merged[at], establishment)
            for at in sorted(merged, key=lambda at: (at[0], at[1], roles[at[2]]))
        ]


def form(organisation: Organisation, spec: Spec, *, nil: bool) -> dict[str, Cell]:
    """The Organisation sheet."""
    mailbox = organisation.code.lower()
    return {
        "organisation_code": organisation.code,
        "name": organisation.name,
        "sector": organisation.sector or "",
        "contact_name": "Workforce information team",
        "contact_email": f"workforce@{mailbox}.example",
        "contact_phone": "020 7946 0958",
        "nil_return": "yes" if nil else "no",
    }


def append(content: Content, spec: Spec, sheet: str, cells: dict[str, Cell]) -> None:
    """One more row with its position and business key."""
    position = sum(1 for row in reversed(content.rows) if row.sheet == sheet) if sheet != "staff" else len(content.rows)
    key = "|".join(str(cells.get(part, "")) for part in spec.sheet[sheet].business_key)
    content.rows.append(ContentRow(sheet, position, key, cells))


def decimal(hundredths: int) -> str:
    """Hundredths as the shortest text of the decimal: 1250 as 12.5."""
    text = f"{hundredths // 100}.{hundredths % 100:02d}"
    return text.rstrip("0").rstrip(".")


def _sum(left: Staff, right: Staff) -> Staff:
    return Staff(*(getattr(left, part.name) + getattr(right, part.name) for part in fields(Staff)))


def _staff_row(at: tuple[str, str, str], row: Staff, no_flows: bool, establishment: bool) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "local_authority_code": at[0],
        "service_type": at[1],
        "role_code": at[2],
        "paid_headcount": row.paid,
        "paid_wte": decimal(row.paid_wte),
        "unpaid_headcount": row.unpaid,
        "unpaid_wte": decimal(row.unpaid_wte),
        "opening_headcount": row.opening,
        "starters": "NK" if no_flows else row.starters,
        "leavers": "NK" if no_flows else row.leavers,
        "transfers_in": row.transfers_in,
        "transfers_out": row.transfers_out,
        "vacant_wte": "NK" if no_flows else decimal(row.vacant_wte),
    }
    if establishment and not no_flows:
        cells["establishment_wte"] = decimal(row.paid_wte + row.vacant_wte)
    return cells
