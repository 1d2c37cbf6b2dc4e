"""Returns of a given size for the benchmarks: clean, deterministic, every sheet filled."""

from __future__ import annotations

from collections import Counter
from typing import Any

from census_api.questionnaire.model import Spec

SERVICES = ("adult_community", "young_people", "residential_rehabilitation", "inpatient_detox", "lero")


def return_of(spec: Spec, staff_rows: int, *, roles_a_line: int) -> dict[str, Any]:
    """A JSON return with that many Staff rows, over as many lines as it takes."""
    roles = [role for role in spec.code_lists["roles"].codes if role.attributes["pay_basis"] == "paid"]
    by_role: Counter[str] = Counter()
    by_group: Counter[str] = Counter()
    lines: dict[tuple[str, str], None] = {}
    staff: list[dict[str, Any]] = []
    for authority in spec.code_lists["local_authorities"].codes:
        for service in SERVICES:
            for role in [role for role in roles if service in role.many("service_types")][:roles_a_line]:
                if len(staff) == staff_rows:
                    break
                heads = 3 + (len(staff) * 7) % 11
                lines[authority.code, service] = None
                staff.append(_staff_row(authority.code, service, role.code, heads))
                by_role[role.code] += heads
                by_group[role.attributes["role_group"]] += heads
    tree: dict[str, Any] = {
        "census_year": spec.year,
        "organisation": {
            "organisation_code": "BENCH", "name": "Benchmark Recovery", "sector": "voluntary",
            "contact_name": "Human resources", "contact_email": "hr@example.org", "nil_return": "no",
        },
        "services": [
            {"local_authority_code": authority, "service_type": service, "commissioning_route": "la_commissioned",
             "data_available": "full"}
            for authority, service in lines
        ],
        "staff": staff,
    }  # fmt: skip
    for sheet in spec.breakdowns:
        heads_of = by_role if sheet.rows_by == "role_code" else by_group
        categories = [question.key for question in sheet.counts]
        tree[sheet.key] = [
            {str(sheet.rows_by): code, **dict.fromkeys(categories, 0), categories[0]: heads // 2, categories[1]: heads - heads // 2}
            for code, heads in heads_of.items()
        ]  # fmt: skip
    return tree


def _staff_row(authority: str, service: str, role: str, heads: int) -> dict[str, Any]:
    """The twelve answers that are not optional."""
    return {
        "local_authority_code": authority, "service_type": service, "role_code": role, "paid_headcount": heads,
        "paid_wte": f"{heads * 83 / 100:.2f}".rstrip("0").rstrip("."), "opening_headcount": heads - 1, "starters": 3,
        "leavers": 2, "transfers_in": 0, "transfers_out": 0, "unpaid_headcount": 0, "vacant_wte": "1.25",
    }  # fmt: skip
