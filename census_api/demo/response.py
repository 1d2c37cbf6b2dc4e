"""Who answers: silent organisations and lines without figures, chosen so that the answers fit the year's totals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import fsum
from typing import Literal

from census_api.demo.fitting import draw_chance
from census_api.demo.parameters import OPEN_YEAR, Parameters
from census_api.demo.structure import BLOCK, FIXED, HEAD_OFFICE, Structure

Gap = Literal["none", "flows"]
_DRAWS = 120
_TRUE_GROWTH = 1.02
"""How much larger the services are assumed to get in a year; the rest of a change is who answered."""


@dataclass(frozen=True, slots=True)
class Response:
    """One year: organisations that do not answer, and lines of partial returns.

    A line of kind `none` has no figures at all; one of kind `flows` has staff but neither flows nor vacancies.
    """

    silent: frozenset[str]
    gaps: dict[tuple[str, str, str], Gap]


def choose_responses(structure: Structure, settings: Parameters) -> dict[int, Response]:
    """The response of every year. Organisations that were silent once are likelier to be silent again."""
    wanted: dict[str, float] = {}
    result: dict[int, Response] = {}
    for year, targets in settings.years.items():
        silent: set[str] = set()
        for sector, number in targets.silent.items():
            sizes = _sizes(structure, sector, year)
            count = round(number * len(structure.organisations) / BLOCK)
            if year == min(settings.years) or year == OPEN_YEAR:
                goal = fsum(sizes.values()) * (1 - count / max(1, len(sizes)))
            else:
                goal = wanted[sector] * _TRUE_GROWTH * targets.sectors[sector]
            chosen = _chosen(structure.seed, year, sizes, count, goal)
            answered = fsum(size for code, size in sizes.items() if code not in chosen)
            wanted[sector] = answered / targets.sectors[sector]
            silent |= chosen
        gaps = _gaps(structure, year, silent, round(targets.partial * len(structure.organisations) / BLOCK))
        result[year] = Response(frozenset(silent), gaps)
    return result


def _sizes(structure: Structure, sector: str, year: int) -> dict[str, float]:
    sizes: dict[str, float] = defaultdict(float)
    for line in structure.in_year(year):
        if line.service != HEAD_OFFICE and structure.sector(line.organisation) == sector:
            sizes[line.organisation] += line.weight
    return dict(sizes)


def _chosen(seed: int, year: int, sizes: dict[str, float], count: int, goal: float) -> set[str]:
    """The draw of `count` organisations that leaves the size nearest to `goal`."""
    whole = fsum(sizes.values())
    candidates = [code for code in sizes if code not in FIXED]
    habit = {code: draw_chance(seed, "habit", code) for code in candidates}
    best: tuple[float, set[str]] = (float("inf"), set())
    for draw in range(_DRAWS):
        order = sorted(candidates, key=lambda code: habit[code] + 1.5 * draw_chance(seed, "silent", year, draw, code))
        chosen = set(order[:count])
        distance = abs(whole - fsum(sizes[code] for code in chosen) - goal)
        if distance < best[0]:
            best = (distance, chosen)
    return best[1]


def _gaps(structure: Structure, year: int, silent: set[str], partial: int) -> dict[tuple[str, str, str], Gap]:
    """One line of each of `partial` organisations that answer for three lines or more."""
    lines = defaultdict(list)
    for line in structure.in_year(year):
        if line.organisation not in silent and line.organisation not in FIXED and line.service != HEAD_OFFICE:
            lines[line.organisation].append(line)
    able = sorted(
        (code for code, own in lines.items() if len(own) >= 3),
        key=lambda code: draw_chance(structure.seed, "partial", year, code),
    )
    gaps: dict[tuple[str, str, str], Gap] = {}
    for number, code in enumerate(able[:partial]):
        smallest = min(lines[code], key=lambda line: (line.weight, line.key))
        gaps[smallest.key] = "flows" if number % 3 == 2 else "none"
    return gaps
