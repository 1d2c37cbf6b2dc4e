"""What the population is made to add up to: parameters.toml and roles.csv as typed objects."""

from __future__ import annotations

import csv
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
YEARS = (2022, 2023, 2024, 2025)
OPEN_YEAR = 2025
TREATMENT = ("voluntary", "nhs", "independent", "la_delivered")
SECTORS = (*TREATMENT, "lero", "la_commissioning")
GROWTH_AFTER_LAST = 1.015
"""2025 has no published figures: its returns are those of 2024, a little larger, for whoever has answered."""


@dataclass(frozen=True, slots=True)
class RoleClass:
    """Roles whose numbers are set together. `services`: how much of the class a service type has, by its size."""

    name: str
    mean: float
    unpaid: bool
    services: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class YearTargets:
    """One year: WTE by sector and by treatment class, silent organisations by sector, rates."""

    year: int
    sectors: Mapping[str, float]
    silent: Mapping[str, int]
    partial: int
    turnover: Mapping[str, float]
    vacancy: Mapping[str, float]
    treatment: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ClassRole:
    """A role as part of a class, with its share of it and the profile its pay follows (blank for unpaid roles)."""

    role: str
    group: str
    share: float
    pay: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """All of parameters.toml, breakdowns.toml and roles.csv."""

    classes: Mapping[str, RoleClass]
    remainder: str
    leaning: Mapping[str, Mapping[str, float]]
    lero: Mapping[str, float]
    years: Mapping[int, YearTargets]
    roles: tuple[ClassRole, ...]
    breakdowns: Mapping[str, Any]


@functools.cache
def read_parameters() -> Parameters:
    """The parameters that come with the package."""
    tree = tomllib.loads((HERE / "parameters.toml").read_text("utf-8"))
    remainder = tree["classes"].pop("remainder")
    classes = {
        name: RoleClass(name, table["mean"], table.get("unpaid", False), table["services"])
        for name, table in tree["classes"].items()
    }
    years = {int(year): YearTargets(year=int(year), **table) for year, table in tree["years"].items()}
    years[OPEN_YEAR] = _open_year(years[max(years)])
    with (HERE / "roles.csv").open(encoding="utf-8", newline="") as handle:
        roles = tuple(
            ClassRole(row["role"], row["class"], float(row["share"]), row["pay"]) for row in csv.DictReader(handle)
        )
    breakdowns = tomllib.loads((HERE / "breakdowns.toml").read_text("utf-8"))
    return Parameters(classes, remainder, tree["leaning"], tree["lero"], years, roles, breakdowns)


def _open_year(last: YearTargets) -> YearTargets:
    """Half-way through the open collection two in five organisations have not answered yet."""
    silent = {"voluntary": 16, "nhs": 8, "independent": 5, "la_delivered": 9, "lero": 14, "la_commissioning": 28}
    return YearTargets(OPEN_YEAR, last.sectors, silent, last.partial, last.turnover, last.vacancy, last.treatment)
