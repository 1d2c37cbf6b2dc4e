"""Totals that the answers of a year add up to: people and WTE of every sector and class of roles."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from census_api.demo.fitting import apportion_total, rake_cells
from census_api.demo.parameters import TREATMENT, Parameters, YearTargets

ControlCell = tuple[str, str]
"""Sector and class of roles."""

_SMALLEST_WTE = 1.5
"""A smaller cell could not hold a person; what it would have goes to the other cells."""


def make_controls(
    settings: Parameters, targets: YearTargets, available: set[ControlCell], scale: Mapping[str, float]
) -> dict[ControlCell, tuple[int, int]]:
    """Cell -> (people, WTE in hundredths). Sector totals are met exactly, class totals of treatment nearly."""
    wanted = _treatment(settings, targets, available)
    for sector, shares in (("lero", settings.lero), ("la_commissioning", {"commissioning": 1.0})):
        for name, share in shares.items():
            if (sector, name) in available:
                wanted[sector, name] = share * targets.sectors[sector]
    result: dict[ControlCell, tuple[int, int]] = {}
    for sector, total in targets.sectors.items():
        cells = [cell for cell in wanted if cell[0] == sector]
        hundredths = apportion_total(round(100 * total * scale.get(sector, 1.0)), [wanted[cell] for cell in cells])
        for cell, wte in zip(cells, hundredths, strict=True):
            people = max(1, round(wte / (100 * settings.classes[cell[1]].mean))) if wte else 0
            result[cell] = (people, wte)
    return result


def _treatment(settings: Parameters, targets: YearTargets, available: set[ControlCell]) -> dict[ControlCell, float]:
    """Sector by class, raked to the sectors' totals and to the classes' totals."""
    classes = dict(targets.treatment)
    sectors = {sector: targets.sectors[sector] for sector in TREATMENT}
    classes[settings.remainder] = fsum(sectors.values()) - fsum(classes.values())
    cells = {
        (sector, name): total * size * settings.leaning.get(sector, {}).get(name, 1.0)
        for sector, size in sectors.items()
        for name, total in classes.items()
        if (sector, name) in available
    }
    raked = _raked(cells, sectors, classes)
    kept = {cell: value for cell, value in raked.items() if value >= _SMALLEST_WTE}
    return _raked(kept, sectors, classes)


def _raked(
    cells: dict[ControlCell, float], sectors: Mapping[str, float], classes: Mapping[str, float]
) -> dict[ControlCell, float]:
    margins = [([cell for cell in cells if cell[1] == name], total) for name, total in classes.items()]
    margins += [([cell for cell in cells if cell[0] == sector], total) for sector, total in sectors.items()]
    return rake_cells(cells, margins)
