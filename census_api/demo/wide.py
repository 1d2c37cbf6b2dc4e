"""Returns with as many Staff rows as wanted, for trying out speed: the same organisation on many more lines."""

from __future__ import annotations

import functools
from collections import defaultdict

from census_api.demo.breakdowns import make_breakdowns
from census_api.demo.fitting import draw_chance
from census_api.demo.parameters import read_parameters
from census_api.demo.population import DemoPopulation, local_authority_codes
from census_api.demo.response import Response
from census_api.demo.returns import Writer
from census_api.demo.staffing import ANCHORS, RowKey, Staff, YearStaff
from census_api.demo.structure import DemoLine
from census_api.domain.collecting.content import Content
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Spec

_ROLES_AT_ONCE = 16
_UNPAID_WTE = 40
Key = tuple[str, str, str]
"""Area, service type, role."""


def list_keys(spec: Spec, sector: str) -> tuple[Key, ...]:
    """Every row that a return of the sector can have, in the order in which a growing return takes them.

    Each line first gets its 16 commonest roles; rarer roles follow when all lines have those.
    """
    return _keys(spec.year, sector)


@functools.cache
def _keys(year: int, sector: str) -> tuple[Key, ...]:
    spec = load_spec(year)
    services = [row["service_type"] for row in spec.mappings["sector_services"] if row["sector"] == sector]
    # of two areas that were one local authority in the year, one is enough
    areas = {code: area for area, code in local_authority_codes(spec).items()}
    # roles of the ordinary population first: for those it is known what they are paid
    usual = {part.role for part in read_parameters().roles}
    ranked: dict[str, list[str]] = defaultdict(list)
    for role in sorted(spec.code_lists["roles"].codes, key=lambda role: role.code not in usual):
        for service in role.many("service_types"):
            ranked[service].append(role.code)
    rows = [
        (rank // _ROLES_AT_ONCE, area, service, rank, role)
        for area in areas.values()
        for service in services
        for rank, role in enumerate(sorted(ranked[service], key=lambda role: role != ANCHORS[service]))
    ]
    return tuple((area, service, role) for _, area, service, _, role in sorted(rows))


def make_content(people: DemoPopulation, spec: Spec, code: str, rows: int) -> Content:
    """A clean return of `code` with `rows` Staff rows, or as many as its sector can have."""
    sector = people.structure.sector(code)
    taken = sorted(list_keys(spec, sector)[:rows])
    basis = {role.code: role.attributes["pay_basis"] for role in spec.code_lists["roles"].codes}
    staff = YearStaff(spec.year, {}, Response(frozenset(), {}))
    for area, service, role in taken:
        key: RowKey = (code, area, service, role)
        staff.rows[key] = _row(people.seed, spec.year, key, unpaid=basis[role] == "unpaid")
    lines = [DemoLine(code, area, service, 1.0) for area, service in dict.fromkeys(key[:2] for key in taken)]
    counts = make_breakdowns(people.structure, read_parameters(), spec, staff)
    codes = local_authority_codes(spec)
    return Writer(people.structure, spec, staff, counts, codes, {code: lines}, {code: list(staff.rows)}).content(code)


def _row(seed: int, year: int, key: RowKey, *, unpaid: bool) -> Staff:
    """A few people; the year adds up."""
    people = 1 + int(4 * draw_chance(seed, "wide", year, *key))
    if unpaid:
        return Staff(unpaid=people, unpaid_wte=people * _UNPAID_WTE)
    opening = max(0, people - 1 + int(3 * draw_chance(seed, "wide before", year, *key)))
    leavers = max(0, opening - people, int(opening * 0.5 * draw_chance(seed, "wide leavers", year, *key)))
    wte = people * (60 + int(40 * draw_chance(seed, "wide hours", year, *key)))
    vacant = 50 * int(1.3 * draw_chance(seed, "wide vacant", year, *key))
    return Staff(people, wte, 0, 0, opening, people - opening + leavers, leavers, 0, 0, vacant)
