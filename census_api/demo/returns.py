"""An organisation's year as the return it sends: the canonical content, sheet by sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from census_api.demo.breakdowns import Counts
from census_api.demo.fitting import draw_chance
from census_api.demo.staffing import RowKey, Staff, YearStaff
from census_api.demo.structure import HEAD_OFFICE, DemoLine, Structure
from census_api.domain.collecting.content import Content, ContentCell, content_from_json
from census_api.domain.register.organisations import Organisation
from census_api.questionnaire.model import Spec

_Rows = list[dict[str, ContentCell]]
_AVAILABLE = {None: "full", "flows": "partial", "none": "none"}
_NOTES = {
    "none": "The service moved to another payroll during the year and its figures are not ready yet.",
    "flows": "Joiners, leavers and vacancies of this service are held by the former provider.",
}


@dataclass(slots=True)
class Writer:
    """Builds the returns of one year. `codes`: local authority of 2023 -> its code in the year."""

    structure: Structure
    spec: Spec
    staff: YearStaff
    counts: Counts
    codes: Mapping[str, str]
    lines: Mapping[str, list[DemoLine]]
    rows: Mapping[str, list[RowKey]]

    def content(self, code: str) -> Content:
        """The whole return of an organisation; a nil return when it has no line."""
        lines = self.lines.get(code, [])
        tree: dict[str, Any] = {
            "census_year": self.spec.year,
            "organisation": make_form(self.structure.organisations[code], nil=not lines),
            "services": self._services(lines),
            "staff": self._staff(code),
        }
        for sheet in self.spec.breakdowns:
            columns = [question.key for question in sheet.counts]
            rows = self.counts[code][sheet.key] if code in self.counts else {}
            order = self.spec.code_lists["roles" if sheet.rows_by == "role_code" else "role_groups"].codes
            tree[sheet.key] = [
                {str(sheet.rows_by): entry.code, **dict(zip(columns, rows[entry.code], strict=True))}
                for entry in order
                if entry.code in rows
            ]
        return from_tree(tree, self.spec)

    def _services(self, lines: list[DemoLine]) -> _Rows:
        services: dict[tuple[str, str], dict[str, ContentCell]] = {}
        for line in lines:
            gap = self.staff.response.gaps.get(line.key)
            area = self.codes[line.area]
            row: dict[str, ContentCell] = {"local_authority_code": area, "service_type": line.service}
            if line.service != HEAD_OFFICE:
                row["commissioning_route"] = self._route(line)
            row["data_available"] = _AVAILABLE[gap]
            if gap:
                row["note"] = _NOTES[gap]
            services.setdefault((area, line.service), row)
        return [services[key] for key in sorted(services)]

    def _route(self, line: DemoLine) -> str:
        sector = self.structure.sector(line.organisation)
        if sector == "la_commissioning":
            return "commissioning_team"
        draw = draw_chance(self.structure.seed, "route", *line.key)
        if sector == "lero":
            return "la_commissioned" if draw < 0.6 else "lero_not_commissioned"
        return "other" if sector == "independent" and draw < 0.08 else "la_commissioned"

    def _staff(self, code: str) -> _Rows:
        roles = {entry.code: number for number, entry in enumerate(self.spec.code_lists["roles"].codes)}
        merged: dict[tuple[str, str, str], tuple[Staff, bool]] = {}
        for key in self.rows.get(code, []):
            gap = self.staff.response.gaps.get(key[:3])
            if gap != "none":
                # two areas of 2023 may have been one local authority in 2022
                at = (self.codes[key[1]], key[2], key[3])
                row = self.staff.rows[key]
                merged[at] = (_sum(merged[at][0], row) if at in merged else row, gap == "flows")
        establishment = draw_chance(self.structure.seed, "establishment", code) < 0.35
        order = sorted(merged, key=lambda at: (at[0], at[1], roles[at[2]]))
        return [_staff_row(at, *merged[at], establishment) for at in order]


def make_form(organisation: Organisation, *, nil: bool) -> dict[str, ContentCell]:
    """The Organisation sheet. The telephone number is one of those set aside for drama."""
    return {
        "organisation_code": organisation.code,
        "name": organisation.name,
        "sector": organisation.sector or "",
        "contact_name": "Workforce information team",
        "contact_email": f"workforce@{organisation.code.lower()}.example",
        "contact_phone": "020 7946 0958",
        "nil_return": "yes" if nil else "no",
    }


def from_tree(tree: dict[str, Any], spec: Spec) -> Content:
    """The content of a JSON return, with the business keys of the spec."""
    return content_from_json(tree, {sheet.key: sheet.business_key for sheet in spec.sheets})


def write_decimal(hundredths: int) -> str:
    """Hundredths as the shortest text of the decimal: 1250 as 12.5."""
    text = f"{hundredths // 100}.{hundredths % 100:02d}"
    return text.rstrip("0").rstrip(".")


def _sum(left: Staff, right: Staff) -> Staff:
    return Staff(*(getattr(left, part.name) + getattr(right, part.name) for part in fields(Staff)))


def _staff_row(at: tuple[str, str, str], row: Staff, no_flows: bool, establishment: bool) -> dict[str, ContentCell]:
    cells: dict[str, ContentCell] = {
        "local_authority_code": at[0],
        "service_type": at[1],
        "role_code": at[2],
        "paid_headcount": row.paid,
        "paid_wte": write_decimal(row.paid_wte),
        "unpaid_headcount": row.unpaid,
        "unpaid_wte": write_decimal(row.unpaid_wte),
        "opening_headcount": row.opening,
        "starters": "NK" if no_flows else row.starters,
        "leavers": "NK" if no_flows else row.leavers,
        "transfers_in": row.transfers_in,
        "transfers_out": row.transfers_out,
        "vacant_wte": "NK" if no_flows else write_decimal(row.vacant_wte),
    }
    if establishment and not no_flows:
        cells["establishment_wte"] = write_decimal(row.paid_wte + row.vacant_wte)
    return cells
