"""How many people: every line's staff by role, so that the answers of a year add up to its totals exactly."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from census_api.demo.changes import ContractMove
from census_api.demo.controls import ControlCell, make_controls
from census_api.demo.fitting import draw_around, draw_chance, fit_total
from census_api.demo.parameters import Parameters, YearTargets
from census_api.demo.response import Response
from census_api.demo.structure import Structure
from census_api.questionnaire.model import Spec

RowKey = tuple[str, str, str, str]
"""Organisation, area, service type, role."""

ANCHORS = {
    "adult_community": "DAW", "young_people": "DAW_CYP", "residential_rehabilitation": "DAW", "inpatient_detox": "NURSE_B5",
    "lero": "PSW", "commissioning": "COMM", "head_office": "CORP",
}  # fmt: skip
"""The role that every line of a service type has at least one of."""
_STEADY = "DEMO-CLEAN"
"""Keeps its posts filled from year to year, so that nothing about it stands out."""
_LEAST_WTE, _MOST_WTE = 52, 100
_HALF_POST = 50
_NO_LIMIT = 1_000_000


@dataclass(slots=True)
class Staff:
    """One Staff row as it truly is. WTE in hundredths."""

    paid: int = 0
    paid_wte: int = 0
    unpaid: int = 0
    unpaid_wte: int = 0
    opening: int = 0
    starters: int = 0
    leavers: int = 0
    transfers_in: int = 0
    transfers_out: int = 0
    vacant_wte: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where a role of a class may be: `weight` says how much of the class, `offset` where it rounds up."""

    key: RowKey
    weight: float
    offset: float
    least: int
    most: int


@dataclass(slots=True)
class YearStaff:
    """All rows of a year, of those who answer and of those who do not, and which of them count in the answers."""

    year: int
    rows: dict[RowKey, Staff]
    response: Response

    def answered(self, key: RowKey) -> bool:
        return key[0] not in self.response.silent and self.response.gaps.get(key[:3]) != "none"

    def flows_answered(self, key: RowKey) -> bool:
        return key[0] not in self.response.silent and key[:3] not in self.response.gaps


def staff_of_year(
    structure: Structure,
    settings: Parameters,
    spec: Spec,
    targets: YearTargets,
    response: Response,
    moves: Iterable[ContractMove],
    last_year: YearStaff | None,
    scale: dict[str, float],
) -> YearStaff:
    """Rows of a year. `scale` (sector -> factor) multiplies the year's totals; `last_year` gives opening headcounts."""
    result = YearStaff(targets.year, {}, response)
    slots = _slots(structure, settings, spec, targets.year, last_year)
    present = {
        cell: fsum(slot.weight for slot in places if result.answered(slot.key)) for cell, places in slots.items()
    }
    totals = make_controls(settings, targets, {cell for cell, weight in present.items() if weight > 0}, scale)
    for cell, places in slots.items():
        heads, hundredths = totals.get(cell, (0, 0))
        _people(result, cell, places, heads, hundredths, settings, structure.seed)
    _opening(structure, result, last_year, moves)
    for group, total in _leaver_totals(structure, spec, targets, result).items():
        _leavers(result, group, total, structure.seed)
    _starters(result)
    _vacancies(structure, targets, result)
    return result


def _slots(
    structure: Structure, settings: Parameters, spec: Spec, year: int, last_year: YearStaff | None
) -> dict[ControlCell, list[Slot]]:
    roles = spec.code_lists["roles"].by_code
    possible = [
        (part.role, settings.classes[part.group], part.share, set(roles[part.role].many("service_types")))
        for part in settings.roles
    ]
    slots: dict[ControlCell, list[Slot]] = defaultdict(list)
    seed = structure.seed
    for line in structure.in_year(year):
        sector = structure.sector(line.organisation)
        here = line.weight * draw_around(0.10, seed, "line in year", year, *line.key)
        for role, group, share, services in possible:
            density = group.services.get(line.service, 0.0)
            if not density or line.service not in services:
                continue
            key = (*line.key, role)
            around, offset = _lasting_draws(seed, group.name, key)
            weight = here * density * share * around * draw_around(0.12, seed, year, *key)
            least, most = int(ANCHORS[line.service] == role and not group.unpaid), _NO_LIMIT
            if last_year is not None and line.organisation == _STEADY:
                before = last_year.rows.get(key, Staff())
                least = most = before.unpaid if group.unpaid else before.paid
            slots[sector, group.name].append(Slot(key, weight, offset, least, most))
    return slots


@functools.lru_cache(maxsize=1 << 16)
def _lasting_draws(seed: int, group: str, key: RowKey) -> tuple[float, float]:
    """How large a row is beside the others, and its offset: the same in every year, so drawn once."""
    return draw_around(0.35, seed, "row", group, *key), draw_chance(seed, "offset", group, *key)


def _people(
    result: YearStaff,
    cell: ControlCell,
    places: list[Slot],
    heads: int,
    hundredths: int,
    settings: Parameters,
    seed: int,
) -> None:
    """Whole people for every slot of a cell, then their WTE; slots outside the answers follow the same scale."""
    group = settings.classes[cell[1]]
    counted = [slot for slot in places if result.answered(slot.key)]
    others = [slot for slot in places if not result.answered(slot.key)]
    numbers = fit_total(
        heads, [slot.weight for slot in counted], [slot.offset for slot in counted],
        [slot.least for slot in counted], [slot.most for slot in counted],
    )  # fmt: skip
    weighed = fsum(slot.weight for slot in counted)
    scale = heads / weighed if weighed else 0.0
    filled = [(slot, number) for slot, number in zip(counted, numbers, strict=True) if number]
    shapes = [draw_around(0.25, seed, "hours", group.name, *slot.key) for slot, _ in filled]
    wtes = fit_total(
        hundredths, [number * shape for (_, number), shape in zip(filled, shapes, strict=True)],
        [draw_chance(seed, "minutes", result.year, group.name, *slot.key) for slot, _ in filled],
        [number * (_LEAST_WTE if not group.unpaid else 25) for _, number in filled],
        [number * _MOST_WTE for _, number in filled],
    )  # fmt: skip
    for (slot, number), wte in zip(filled, wtes, strict=True):
        _put(result, slot.key, number, wte, group.unpaid)
    for slot in others:
        number = min(max(slot.least, int(scale * slot.weight + slot.offset)), slot.most)
        if number:
            _put(result, slot.key, number, int(number * 100 * group.mean), group.unpaid)


def _put(result: YearStaff, key: RowKey, heads: int, wte: int, unpaid: bool) -> None:
    row = result.rows.setdefault(key, Staff())
    if unpaid:
        row.unpaid, row.unpaid_wte = heads, wte
    else:
        row.paid, row.paid_wte = heads, wte


def _opening(
    structure: Structure, result: YearStaff, last_year: YearStaff | None, moves: Iterable[ContractMove]
) -> None:
    if last_year is None:
        for key, row in result.rows.items():
            growth = 0.95 * draw_around(0.1, structure.seed, "before", *key)
            row.opening = int(row.paid * growth + draw_chance(structure.seed, "before", *key))
        return
    lines = {line.key for line in structure.in_year(result.year)}
    for key, before in last_year.rows.items():
        if before.paid and key[:3] in lines:
            result.rows.setdefault(key, Staff()).opening = before.paid
    for move in moves:
        for key, before in last_year.rows.items():
            if key[:3] == move.source and before.paid:
                _transfer(result, key, (*move.target, key[3]), int(before.paid * move.share + 0.5))


def _transfer(result: YearStaff, source: RowKey, target: RowKey, people: int) -> None:
    if target in result.rows:
        result.rows[target].transfers_in += people
    if source in result.rows:
        result.rows[source].transfers_out += people


def _turnover_group(structure: Structure, role_groups: dict[str, str], key: RowKey) -> str:
    sector = structure.sector(key[0])
    if sector == "la_commissioning":
        return sector
    if sector != "voluntary":
        return "others"
    group = role_groups[key[3]]
    return {"drug_alcohol_workers": "voluntary_daw", "nursing": "voluntary_nursing"}.get(group, "voluntary")


def _leaver_totals(
    structure: Structure, spec: Spec, targets: YearTargets, result: YearStaff
) -> dict[str, tuple[list[RowKey], int]]:
    """Rows of each turnover group with the leavers that the answered ones add up to."""
    role_groups = {code.code: code.attributes["role_group"] for code in spec.code_lists["roles"].codes}
    groups: dict[str, list[RowKey]] = defaultdict(list)
    for key in result.rows:
        groups[_turnover_group(structure, role_groups, key)].append(key)
    average = {
        group: sum(result.rows[key].opening + result.rows[key].paid for key in keys if result.flows_answered(key)) / 2
        for group, keys in groups.items()
    }
    own = ("voluntary_daw", "voluntary_nursing")
    leavers = {group: targets.turnover[group] * average.get(group, 0.0) for group in (*own, "la_commissioning")}
    voluntary = targets.turnover["voluntary"] * fsum(average.get(group, 0.0) for group in (*own, "voluntary"))
    delivery = targets.turnover["delivery"] * fsum(
        size for group, size in average.items() if group != "la_commissioning"
    )
    leavers["voluntary"] = voluntary - fsum(leavers[group] for group in own)
    leavers["others"] = delivery - voluntary
    return {group: (keys, round(leavers[group])) for group, keys in groups.items()}


def _leavers(result: YearStaff, group: str, total: tuple[list[RowKey], int], seed: int) -> None:
    keys, wanted = total
    rows = {key: result.rows[key] for key in keys}
    most = {key: row.opening + row.transfers_in - row.transfers_out for key, row in rows.items()}
    least = {key: max(0, most[key] - row.paid) for key, row in rows.items()}
    # flows of the steady organisation go up and down, since flows that stay the same stand out
    swing = 0.6 if result.year % 2 else 1.4
    weight = {
        key: most[key] * draw_around(0.6, seed, "leave", result.year, *key) * (swing if key[0] == _STEADY else 1.0)
        for key in keys
    }
    offset = {key: draw_chance(seed, "leavers", result.year, *key) for key in keys}
    counted = [key for key in keys if result.flows_answered(key)]
    numbers = fit_total(
        wanted, [weight[key] for key in counted], [offset[key] for key in counted],
        [least[key] for key in counted], [most[key] for key in counted],
    )  # fmt: skip
    for key, number in zip(counted, numbers, strict=True):
        rows[key].leavers = number
    weighed = fsum(weight[key] for key in counted)
    scale = wanted / weighed if weighed else 0.0
    for key in keys:
        if not result.flows_answered(key):
            rows[key].leavers = min(max(int(scale * weight[key] + offset[key]), least[key]), most[key])


def _starters(result: YearStaff) -> None:
    for row in result.rows.values():
        row.starters = row.paid - row.opening + row.leavers - row.transfers_in + row.transfers_out


def _vacancies(structure: Structure, targets: YearTargets, result: YearStaff) -> None:
    """Half posts to the rate of delivery and of commissioning; no organisation of some size is without any."""
    groups: dict[str, list[RowKey]] = defaultdict(list)
    largest: dict[str, RowKey] = {}
    for key, row in result.rows.items():
        if row.paid or row.opening:
            commissions = structure.sector(key[0]) == "la_commissioning"
            groups["la_commissioning" if commissions else "delivery"].append(key)
            if row.paid > (result.rows[largest[key[0]]].paid if key[0] in largest else 0):
                largest[key[0]] = key
    needed = set(largest.values())
    for group, keys in groups.items():
        rate = targets.vacancy[group]
        counted = [key for key in keys if result.flows_answered(key)]
        wte = sum(result.rows[key].paid_wte for key in counted)
        total = round(rate / (1 - rate) * wte / _HALF_POST)
        numbers = _half_posts(structure.seed, result, counted, total, needed)
        for key, number in zip(counted, numbers, strict=True):
            result.rows[key].vacant_wte = number * _HALF_POST


def _half_posts(seed: int, result: YearStaff, keys: list[RowKey], total: int, needed: set[RowKey]) -> list[int]:
    people = [max(result.rows[key].paid, 1) for key in keys]
    weights = [
        count * draw_around(0.8, seed, "vacant", result.year, *key) for count, key in zip(people, keys, strict=True)
    ]
    offsets = [draw_chance(seed, "vacancies", result.year, *key) for key in keys]
    return fit_total(total, weights, offsets, [int(key in needed) for key in keys], [2 * count for count in people])
