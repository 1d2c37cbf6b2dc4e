"""What happens between two collections: a merger, a split, contracts that move, lines that begin and end."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from census_api.demo.fitting import draw_chance
from census_api.demo.structure import ADULT, FIXED, HEAD_OFFICE, LERO, RESIDENTIAL, YOUNG, DemoLine, Structure

EdgeKind = Literal["renamed", "merged", "split", "contract_transfer"]
Key = tuple[str, str, str]
_TEAM = "Census team"


@dataclass(frozen=True, slots=True)
class ContractMove:
    """Work and people that went from one line to another between the collection of `year` - 1 and that of `year`.

    `share` of the people moved; below 1 the source line goes on without them.
    """

    year: int
    kind: EdgeKind
    source: Key
    target: Key
    share: float
    date: dt.date
    evidence: str
    confirmed_by: str = _TEAM


def apply_changes(structure: Structure) -> list[ContractMove]:
    """Changes the lines of `structure` in place and gives the moves, oldest first."""
    moves = [*_merger(structure, 2023), *_transfers(structure, 2023, 3, 1, {"voluntary": 2, "nhs": 1})]
    _begin_and_end(structure, 2023)
    moves += [*_split(structure, 2024), *_transfers(structure, 2024, 8, 1, {"voluntary": 2, "nhs": 6})]
    _begin_and_end(structure, 2024)
    moves += _transfers(structure, 2025, 4, 2, {"voluntary": 3, "nhs": 1})
    _begin_and_end(structure, 2025)
    _late_starters(structure)
    _close_the_empty(structure)
    return moves


def _ordinary(structure: Structure, year: int, service: str | None = None, sector: str | None = None) -> list[DemoLine]:
    """Lines of organisations that are not fixed, in the frame in both `year` - 1 and `year`, in a stable random order."""
    lines = [
        line
        for line in structure.in_year(year - 1)
        if line.last >= year
        and line.organisation not in FIXED
        and (service is None or line.service == service)
        and (sector is None or structure.sector(line.organisation) == sector)
    ]
    return sorted(lines, key=lambda line: draw_chance(structure.seed, "order", year, *line.key))


def _lines_of(structure: Structure, code: str, year: int) -> list[DemoLine]:
    return [line for line in structure.in_year(year) if line.organisation == code]


def _merger(structure: Structure, year: int) -> list[ContractMove]:
    """A local charity of one or two lines joins a regional one and leaves the register."""
    local = [line for line in _ordinary(structure, year, YOUNG, "voluntary") if _small(structure, line, year)]
    gone, into = local[0].organisation, _ordinary(structure, year, ADULT, "voluntary")[0].organisation
    date = dt.date(year - 1, 10, 1)
    evidence = "Letter of both boards of trustees; entry of the register of charities (invented)"
    moves = []
    for line in _lines_of(structure, gone, year - 1):
        structure.end(line, year - 1)
        target = DemoLine(into, line.area, line.service, line.weight, year)
        structure.lines.append(target)
        moves.append(ContractMove(year, "merged", line.key, target.key, 1.0, date, evidence))
    structure.organisations[gone] = replace(structure.organisations[gone], status="merged", merged_into=into)
    return moves


def _small(structure: Structure, line: DemoLine, year: int) -> bool:
    return len(_lines_of(structure, line.organisation, year - 1)) <= 2


def _split(structure: Structure, year: int) -> list[ContractMove]:
    """A charity hands the services of every second area to a new organisation."""
    counts: dict[str, int] = {}
    for line in _ordinary(structure, year, sector="voluntary"):
        counts[line.organisation] = counts.get(line.organisation, 0) + 1
    source = next(code for code, count in counts.items() if 4 <= count <= 8)
    new = _newcomers(structure, "voluntary")[0]
    for line in [line for line in structure.lines if line.organisation == new]:
        structure.lines.remove(line)
    date = dt.date(year - 1, 11, 1)
    evidence = "Deed of transfer between the two charities (invented)"
    lines = [
        line for line in _lines_of(structure, source, year - 1) if line.service != HEAD_OFFICE and line.last >= year
    ]
    moves = []
    for line in lines[::2]:
        structure.end(line, year - 1)
        structure.lines.append(replace(line, organisation=new, first=year, last=9999))
        moves.append(ContractMove(year, "split", line.key, (new, line.area, line.service), 1.0, date, evidence))
    return moves


def _transfers(structure: Structure, year: int, whole: int, partial: int, losers: dict[str, int]) -> list[ContractMove]:
    """Adult contracts that are won by another provider; `partial` more of which only a team moves."""
    lines = [
        line for sector, count in losers.items() for line in _ordinary(structure, year, ADULT, sector)[: count + 1]
    ]
    lines = [line for line in lines if line.weight > 0.3][: whole + partial]
    winners = sorted(
        structure.of("voluntary")[4:24], key=lambda code: draw_chance(structure.seed, "winner", year, code)
    )
    moves = []
    for number, line in enumerate(lines):
        winner = _winner(structure, winners[number:], line)
        share = 1.0 if number < whole else 0.3
        if share == 1.0:
            structure.end(line, year - 1)
        target = DemoLine(winner, line.area, ADULT, round(line.weight * share, 6), year)
        structure.lines.append(target)
        date = dt.date(year, 4, 1) if number % 2 else dt.date(year - 1, 10, 1)
        evidence = "Contract award notice of the council; TUPE list of both employers (invented)"
        moves.append(ContractMove(year, "contract_transfer", line.key, target.key, share, date, evidence))
    return moves


def _winner(structure: Structure, candidates: list[str], line: DemoLine) -> str:
    taken = {other.organisation for other in structure.lines if other.area == line.area and other.service == ADULT}
    open_to = [code for code in candidates if structure.organisations[code].status == "open"]
    return next(code for code in open_to if code not in taken and code != line.organisation)


def _begin_and_end(structure: Structure, year: int) -> None:
    """Scope lost: a few small adult services end. Scope gained: providers start a service for young people."""
    small = [line for line in _ordinary(structure, year, ADULT, "voluntary") if line.weight < 0.45]
    for line in small[:3]:
        if len(_lines_of(structure, line.organisation, year)) > 1:
            structure.end(line, year - 1)
    served = {line.area for line in structure.in_year(year) if line.service == YOUNG}
    adult = [line for line in _ordinary(structure, year, ADULT) if line.area not in served]
    for line in adult[:4]:
        structure.add(line.organisation, line.area, YOUNG, 0.26 * structure.areas[line.area].weight, first=year)


def _newcomers(structure: Structure, sector: str) -> list[str]:
    return [code for code in reversed(structure.of(sector)) if code not in FIXED]


def _late_starters(structure: Structure) -> None:
    """Entrants: organisations whose lines begin after 2022. Exits: organisations whose lines end."""
    leros = len(structure.of("lero"))
    late = dict.fromkeys(_newcomers(structure, "lero")[: leros // 3], 2023)
    late |= dict.fromkeys(_newcomers(structure, "lero")[:1], 2025)
    late |= dict.fromkeys(_newcomers(structure, "voluntary")[1:3], 2024)
    late |= dict.fromkeys(_newcomers(structure, "independent")[:1], 2025)
    leaving = {line.organisation: 2023 for line in _ordinary(structure, 2024, RESIDENTIAL, "independent")[:2]}
    leaving |= {line.organisation: 2024 for line in _ordinary(structure, 2024, LERO)[:1]}
    leaving |= {"DEMO-NIL": 2023}
    for number, line in enumerate(structure.lines):
        if line.organisation in late:
            structure.lines[number] = replace(line, first=max(line.first, late[line.organisation]))
        if line.organisation in leaving and line.organisation not in late:
            structure.lines[number] = replace(line, last=min(line.last, leaving[line.organisation]))


def _close_the_empty(structure: Structure) -> None:
    """An organisation without a line in the last year is closed, unless it was merged or answers with a nil return."""
    alive = {line.organisation for line in structure.in_year(2025)}
    for code, organisation in list(structure.organisations.items()):
        if code not in alive and organisation.status == "open" and code != "DEMO-NIL":
            structure.organisations[code] = replace(organisation, status="closed")
