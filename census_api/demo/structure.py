"""Who runs which service where, year by year: organisations, their lines, and how both change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from math import fsum

from census_api.demo import names
from census_api.demo.fitting import apportion_total, draw_around, draw_chance
from census_api.demo.parameters import SECTORS
from census_api.domain.register.organisations import Organisation
from census_api.questionnaire.model import Spec

ADULT, YOUNG, RESIDENTIAL, DETOX = "adult_community", "young_people", "residential_rehabilitation", "inpatient_detox"
LERO, COMMISSIONING, HEAD_OFFICE = "lero", "commissioning", "head_office"
PREFIX = {
    "voluntary": "VOL",
    "nhs": "NHS",
    "independent": "IND",
    "la_delivered": "LAD",
    "lero": "LER",
    "la_commissioning": "COM",
}
BLOCK = 200
_COUNTS = (46, 18, 15, 22, 35, 64)
_FIXED = {
    "DEMO-LARGE": "Long Causeway Recovery (demonstration of a large national provider)",
    "DEMO-CLEAN": "Clean Brook Recovery (demonstration of a clean return)",
    "DEMO-ERRORS": "Stumble Lane Recovery (demonstration of a return with errors)",
    "DEMO-QUERIES": "Question Hill Recovery (demonstration of a return with queries)",
    "DEMO-NIL": "Quiet House Care (demonstration of a nil return)",
}
FIXED = tuple(_FIXED)
_SIZES = {
    "county": 3.2, "metropolitan_district": 1.35, "london_borough": 1.0, "unitary_authority": 0.85,
    "city_of_london": 0.12, "isles_of_scilly": 0.05,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Area:
    """A local authority as it stood in 2023 and 2024; `weight` is its size beside others."""

    code: str
    name: str
    region: str
    weight: float


@dataclass(frozen=True, slots=True)
class DemoLine:
    """An organisation's service in an area, in the frame from `first` to `last`."""

    organisation: str
    area: str
    service: str
    weight: float
    first: int = 2022
    last: int = 9999

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.organisation, self.area, self.service)


@dataclass(slots=True)
class Structure:
    """Organisations by code, their sectors, and all lines. Changes of lines are in `changes.py`."""

    seed: int
    areas: dict[str, Area]
    organisations: dict[str, Organisation] = field(default_factory=dict)
    lines: list[DemoLine] = field(default_factory=list)

    def sector(self, code: str) -> str:
        return self.organisations[code].sector or ""

    def of(self, sector: str) -> list[str]:
        return [code for code, organisation in self.organisations.items() if organisation.sector == sector]

    def in_year(self, year: int) -> list[DemoLine]:
        return [line for line in self.lines if line.first <= year <= line.last]

    def add(self, organisation: str, area: str, service: str, weight: float, first: int = 2022) -> DemoLine:
        noise = draw_around(0.45, self.seed, "line", organisation, area, service)
        line = DemoLine(organisation, area, service, round(weight * noise, 6), first)
        self.lines.append(line)
        return line

    def end(self, line: DemoLine, last: int) -> None:
        """The line is in the frame for the last time in `last`."""
        self.lines[self.lines.index(line)] = replace(line, last=last)


def build_structure(seed: int, organisations: int, spec: Spec) -> Structure:
    """Organisations and lines of 2022; more than about 200 organisations are further sets like the first."""
    areas = _areas(seed, spec)
    structure = Structure(seed, areas)
    blocks = max(1, organisations // BLOCK)
    sizes = apportion_total(organisations, [1.0] * blocks)
    for block, size in enumerate(sizes):
        codes = _register(structure, block, size)
        _contracts(structure, block, codes)
    _head_offices(structure)
    _parents(structure)
    return structure


def _areas(seed: int, spec: Spec) -> dict[str, Area]:
    areas: dict[str, Area] = {}
    for code in spec.code_lists["local_authorities"].codes:
        size = _SIZES[code.attributes["la_type"]] * draw_around(0.45, seed, "area", code.code)
        areas[code.code] = Area(code.code, code.label, code.attributes["region"], size)
    return areas


def _register(structure: Structure, block: int, size: int) -> dict[str, list[str]]:
    """New organisations of one block, by sector; the first block holds the fixed ones."""
    codes: dict[str, list[str]] = {}
    for sector, count in zip(SECTORS, apportion_total(size, [float(share) for share in _COUNTS]), strict=True):
        fixed: list[str] = []
        if block == 0:
            fixed = {"voluntary": list(FIXED[:4]), "independent": [FIXED[4]]}.get(sector, [])
        start = len([code for code in structure.of(sector) if code not in FIXED])
        numbered = [f"{PREFIX[sector]}-{start + number:03d}" for number in range(1, count - len(fixed) + 1)]
        codes[sector] = fixed + numbered
        for number, code in enumerate(codes[sector]):
            name = _FIXED.get(code) or names.invent_name(sector, start + number, structure.seed)
            structure.organisations[code] = Organisation(code, name, sector)
    return codes


def _shuffled(structure: Structure, *what: object) -> list[Area]:
    return sorted(structure.areas.values(), key=lambda area: draw_chance(structure.seed, *what, area.code))


def _contracts(structure: Structure, block: int, codes: dict[str, list[str]]) -> None:
    """Every area has an adult service and most have one for young people; then units, LEROs and commissioning teams."""
    order = _shuffled(structure, "contracts", block)
    # commissioning teams stand in the areas that come first, so that councils which also deliver have both entries
    for code, area in zip(codes["la_commissioning"], order, strict=False):
        structure.add(code, area.code, COMMISSIONING, 0.75 + 0.25 * area.weight)
    voluntary = codes["voluntary"]
    national = [voluntary[0], voluntary[4], voluntary[5]]
    others = [code for code in voluntary if code not in national]
    regional, local = others[: len(others) * 4 // 9], others[len(others) * 4 // 9 :]
    adult = _adult(structure, order, codes, national, regional)
    _second_adult(structure, block, adult, [*national, *regional[3:], *local[:6]])
    _young(structure, block, adult, codes["la_delivered"], local)
    _units(structure, block, codes, national, local)
    for number, area in enumerate(_shuffled(structure, "lero", block)[: len(codes["lero"])]):
        structure.add(codes["lero"][number], area.code, LERO, 0.8 + 0.2 * area.weight)


def _adult(
    structure: Structure, order: list[Area], codes: dict[str, list[str]], national: list[str], regional: list[str]
) -> dict[str, str]:
    """Area -> holder of its adult contract."""
    holders: dict[str, str] = {}
    delivered = codes["la_delivered"][: len(codes["la_delivered"]) * 4 // 11]
    for code, area in zip(delivered, order, strict=False):
        holders[area.code] = code
    rest = order[len(delivered) :]
    for code, count in zip(national, apportion_total(len(rest), [62, 20, 12, 51])[:3], strict=True):
        holders.update((area.code, code) for area in rest[:count])
        rest = rest[count:]
    rest = sorted(rest, key=lambda area: (area.region, area.code))
    trusts = codes["nhs"][: len(codes["nhs"]) * 8 // 9]
    shares = apportion_total(len(rest), [2.0] * len(trusts) + [1.2] * len(regional))
    for code, count in zip([*trusts, *regional], shares, strict=True):
        holders.update((area.code, code) for area in rest[:count])
        rest = rest[count:]
    for area_code, code in holders.items():
        # the largest provider is kept to less than half of its sector
        share = 0.8 if code == national[0] else 1.0
        structure.add(code, area_code, ADULT, share * structure.areas[area_code].weight)
    return holders


def _second_adult(structure: Structure, block: int, adult: dict[str, str], providers: list[str]) -> None:
    """In one area in five a second, smaller adult service (outreach, criminal justice) of another provider."""
    for number, area in enumerate(_shuffled(structure, "second", block)[:30]):
        code = providers[number % len(providers)]
        if adult.get(area.code) != code:
            structure.add(code, area.code, ADULT, 0.3 * area.weight)


def _young(structure: Structure, block: int, adult: dict[str, str], delivered: list[str], local: list[str]) -> None:
    own = delivered[len(delivered) * 4 // 11 :] + local + local[: len(local) // 3]
    for number, area in enumerate(_shuffled(structure, "young", block)):
        if number < len(own):
            structure.add(own[number], area.code, YOUNG, 0.3 * area.weight)
        elif draw_chance(structure.seed, "young here", block, area.code) < 0.82:
            structure.add(adult[area.code], area.code, YOUNG, 0.26 * area.weight)


def _units(
    structure: Structure, block: int, codes: dict[str, list[str]], national: list[str], local: list[str]
) -> None:
    """Residential and detoxification units, each in an area of its own."""
    independent, trusts = codes["independent"], codes["nhs"]
    residential = [national[0]] * 6 + independent + independent[:6] + local[::2]
    detox = trusts[len(trusts) * 8 // 9 :] + trusts[:4] + independent[1:5] + [national[0]] * 3
    for number, area in enumerate(_shuffled(structure, "unit", block)[: len(residential)]):
        structure.add(residential[number], area.code, RESIDENTIAL, 0.7)
    for number, area in enumerate(_shuffled(structure, "detox", block)[: len(detox)]):
        structure.add(detox[number], area.code, DETOX, 0.6)


def _head_offices(structure: Structure) -> None:
    """Organisations of four lines and more have central staff at their first area."""
    lines: dict[str, list[DemoLine]] = defaultdict(list)
    for line in structure.lines:
        lines[line.organisation].append(line)
    for code, own in lines.items():
        if len(own) >= 4 and structure.sector(code) in ("voluntary", "nhs"):
            weight = fsum(line.weight for line in own)
            structure.add(code, own[0].area, HEAD_OFFICE, weight)


def _parents(structure: Structure) -> None:
    """Councils are named after their area; a council's treatment service and commissioning team share a parent."""
    home = {line.organisation: line.area for line in structure.lines}
    teams = {home[code]: code for code in structure.of("la_commissioning") if code in home}
    for code, organisation in list(structure.organisations.items()):
        if organisation.sector in ("la_delivered", "la_commissioning") and code in home:
            area = structure.areas[home[code]]
            commissions = organisation.sector == "la_commissioning"
            structure.organisations[code] = replace(
                organisation,
                name=names.name_council(area.name, commissions),
                parent=None if commissions else teams.get(area.code),
            )
