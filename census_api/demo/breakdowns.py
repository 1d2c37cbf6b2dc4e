"""Breakdowns of paid people: pay by role, everything else by role group, rounded so that the year's shares come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from math import fsum
from typing import TypeVar

from census_api.demo.fitting import Carry, draw_around, draw_chance, rake_cells
from census_api.demo.parameters import TREATMENT, Parameters
from census_api.demo.staffing import YearStaff
from census_api.demo.structure import Structure
from census_api.questionnaire.model import Spec, SpecSheet

Counts = dict[str, dict[str, dict[str, list[int]]]]
"""Organisation -> sheet -> role or role group -> people by category, in the order of the sheet's columns."""

_Heads = dict[str, dict[str, int]]
_Table = TypeVar("_Table")
_MOST_UNKNOWN = 0.2
"""Above this share of a row, not known is a query."""


def make_breakdowns(structure: Structure, settings: Parameters, spec: Spec, staff: YearStaff) -> Counts:
    """Every breakdown of every organisation. The answers of a sector meet its shares to a person or two a category."""
    by_role, by_group = _heads(spec, staff)
    counts: Counts = defaultdict(lambda: defaultdict(dict))
    for sheet in spec.breakdowns:
        heads = by_role if sheet.rows_by == "role_code" else by_group
        order = _order(staff, heads)
        categories = _categories(sheet)
        carries: dict[object, Carry] = defaultdict(partial(Carry, len(categories)))
        shares = _shares(structure, settings, spec, sheet, staff, heads)
        for code in order:
            vague = _does_not_know_pay(structure, sheet, code)
            tilts = [draw_around(0.3, structure.seed, "tilt", sheet.key, code, category) for category in categories]
            tilts[-1] *= 3 if vague else 1
            for row, people in heads[code].items():
                sector = structure.sector(code)
                # the small sectors have too few people for more than one remainder each
                block = (code in staff.response.silent, sector, sector == "voluntary" and _daw(spec, row))
                wanted = shares[sector, row]
                most = people if vague else int(_MOST_UNKNOWN * people)
                counts[code][sheet.key][row] = carries[block].place(people, wanted, tilts, most)
    return counts


def _does_not_know_pay(structure: Structure, sheet: SpecSheet, code: str) -> bool:
    """A few councils cannot say what many of their staff earn: published, about 17% in 2023."""
    pay = sheet.rows_by == "role_code" and structure.sector(code) == "la_delivered"
    return pay and draw_chance(structure.seed, "pay not known", code) < 0.4


def _daw(spec: Spec, row: str) -> bool:
    role = spec.code_lists["roles"].by_code.get(row)
    return (role.attributes["role_group"] if role else row) == "drug_alcohol_workers"


def _categories(sheet: SpecSheet) -> list[str]:
    return [question.key for question in sheet.counts]


def _heads(spec: Spec, staff: YearStaff) -> tuple[_Heads, _Heads]:
    """Paid people of every organisation by role and by role group, without lines that gave no figures."""
    roles = spec.code_lists["roles"].by_code
    by_role: _Heads = defaultdict(dict)
    by_group: _Heads = defaultdict(dict)
    for key, row in staff.rows.items():
        if row.paid and staff.response.gaps.get(key[:3]) != "none":
            code, role = key[0], key[3]
            group = roles[role].attributes["role_group"]
            by_role[code][role] = by_role[code].get(role, 0) + row.paid
            by_group[code][group] = by_group[code].get(group, 0) + row.paid
    return by_role, by_group


def _order(staff: YearStaff, heads: _Heads) -> list[str]:
    """Those who answer first, the largest first: the small ones make up for the rounding of the large."""
    return sorted(heads, key=lambda code: (code in staff.response.silent, -sum(heads[code].values()), code))


def _shares(
    structure: Structure, settings: Parameters, spec: Spec, sheet: SpecSheet, staff: YearStaff, heads: _Heads
) -> dict[tuple[str, str], list[float]]:
    """(sector, role or role group) -> shares of the categories, raked to the targets of the year."""
    totals: dict[tuple[str, str], float] = defaultdict(float)
    known: set[tuple[str, str]] = set()
    for code, rows in heads.items():
        for row, people in rows.items():
            known.add((structure.sector(code), row))
            if code not in staff.response.silent:
                totals[structure.sector(code), row] += people
    for pair in known:
        totals[pair] = totals[pair] or 0.01
    settings_of_sheet = settings.breakdowns[sheet.key]
    if sheet.rows_by == "role_code":
        raked = _raked_pay(settings, spec, sheet, totals, _of_year(settings_of_sheet, staff.year))
    else:
        raked = _raked_groups(
            sheet, totals, _of_year(settings_of_sheet, staff.year), settings_of_sheet.get("leaning", {})
        )
    result = {}
    for pair in totals:
        values = [raked.get((*pair, category), 0.0) for category in _categories(sheet)]
        result[pair] = [value / fsum(values) for value in values]
    return result


def _of_year(table: Mapping[str, _Table], year: int) -> _Table:
    return table[max(key for key in table if key.isdigit() and int(key) <= year)]


def _raked_groups(
    sheet: SpecSheet,
    totals: Mapping[tuple[str, str], float],
    shares: Mapping[str, float],
    leaning: Mapping[str, Mapping[str, float]],
) -> dict[tuple[str, str, str], float]:
    """Treatment meets the shares by itself, LEROs and commissioning together as well."""
    result: dict[tuple[str, str, str], float] = {}
    for treatment in (True, False):
        pairs = [pair for pair in totals if (pair[0] in TREATMENT) == treatment]
        cells = {
            (*pair, category): totals[pair] * shares[category] * leaning.get(category, {}).get(pair[1], 1.0)
            for pair in pairs
            for category in _categories(sheet)
        }
        people = fsum(totals[pair] for pair in pairs)
        margins = [
            ([(*pair, category) for pair in pairs], people * shares[category]) for category in _categories(sheet)
        ]
        result |= rake_cells(cells, margins + _rows(cells, totals), rounds=25)
    return result


def _rows(
    cells: Mapping[tuple[str, str, str], float], totals: Mapping[tuple[str, str], float]
) -> list[tuple[Sequence[tuple[str, str, str]], float]]:
    rows: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for key in cells:
        rows[key[:2]].append(key)
    return [(keys, totals[pair]) for pair, keys in rows.items()]


def _raked_pay(
    settings: Parameters,
    spec: Spec,
    sheet: SpecSheet,
    totals: Mapping[tuple[str, str], float],
    targets: Mapping[str, Mapping[str, float]],
) -> dict[tuple[str, str, str], float]:
    bands = _categories(sheet)
    lowest, fifth, unknown = bands[0], bands[1], bands[-1]
    profiles: dict[str, list[float]] = defaultdict(lambda: settings.breakdowns["pay_profiles"]["registered"])
    profiles |= {part.role: settings.breakdowns["pay_profiles"][part.pay] for part in settings.roles if part.pay}
    cells = {
        (*pair, band): total * share
        for pair, total in totals.items()
        for band, share in zip(bands, profiles[pair[1]], strict=True)
        if share
    }
    margins: list[tuple[Sequence[tuple[str, str, str]], float]] = []
    for band, part in ((lowest, "lowest"), (unknown, "unknown")):
        for sector, share in targets[part].items():
            people = fsum(total for pair, total in totals.items() if pair[0] == sector)
            margins.append(([key for key in cells if key[0] == sector and key[2] == band], share * people))
    for daw_only, name in ((True, "drug_alcohol_workers"), (False, "all")):
        keys = [key for key in cells if key[2] in (lowest, fifth) and (not daw_only or _daw(spec, key[1]))]
        people = fsum(total for pair, total in totals.items() if not daw_only or _daw(spec, pair[1]))
        margins.append((keys, targets["up_to_band_5"][name] * people))
    return rake_cells(cells, margins + _rows(cells, totals), rounds=60)
