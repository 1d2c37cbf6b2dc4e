"""Makes the worked example of docs/comparisons.md from the demonstration: one blocked cell, from its lines to the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from census_api.domain.comparing import REASONS, STATUSES, TERMS, make_question
from census_api.domain.kit.access import SYSTEM
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.comparing.level_cells import measure_surroundings
from census_api.services.comparing.panel_loading import breakdowns_of, edges_of, load_panel
from census_api.services.comparing.panels import Panel, Side
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.statistics.comparability.bounds import Growth
from census_api.statistics.policy import DEFAULT_POLICY
from tests.factories.actors import ANALYST

YEARS = ("2022", "2023")
SECTOR, REGION = "la_commissioning", "E12000009"
BY = ("sector", "region")


def walkthrough(platform: Platform) -> str:
    """The example as Markdown."""
    found = compare_snapshots(platform, ANALYST, *YEARS, measure="wte", by=BY)
    cell = next(one for one in found["cells"] if one["by"] == {"sector": SECTOR, "region": REGION})
    panel = _panel(platform)
    known = measure_surroundings(panel, BY, DEFAULT_POLICY.bounds)[SECTOR, REGION]
    assert known.growth is not None
    return (
        "\n".join([*_lines(panel), "", *_identity(cell), "", *_bounds(cell, known.growth), "", *_verdict(cell)]) + "\n"
    )


def _panel(platform: Platform) -> Panel:
    with platform.database.snapshot(SYSTEM) as session:
        pair = (resolve_snapshot(session, YEARS[0]), resolve_snapshot(session, YEARS[1]))
        asked = make_question("wte", BY, breakdowns_of([platform.spec(one.collection) for one in pair]))
        edges = edges_of(session, [one.collection for one in pair])
        return load_panel(session, platform, asked, pair, None, edges).panel


def _lines(panel: Panel) -> Iterator[str]:
    sides = [_figures(side) for side in panel.sides]
    booked = dict(_terms(panel).iter_rows())
    yield f"| Line (organisation, local authority) | {YEARS[0]} | {YEARS[1]} | booked as |"
    yield "| --- | ---: | ---: | --- |"
    for key in sorted(sides[0].keys() | sides[1].keys()):
        organisation, area, _ = key.split("|")
        yield f"| {organisation}, {area} | {_said(sides[0], key)} | {_said(sides[1], key)} | {booked.get(key, 'nothing')} |"


def _figures(side: Side) -> dict[str, float | None]:
    """What the lines of the cell reported; None for one that was expected and did not."""
    units = side.units.filter((pl.col("sector") == SECTOR) & (pl.col("region") == REGION))
    sums = side.facts.group_by("unit").agg(pl.col("num").sum())
    rows = units.join(sums, on="unit", how="left").select("key", "reported", "num").iter_rows()
    return {key: (value or 0.0) if reported else None for key, reported, value in rows}


def _terms(panel: Panel) -> pl.DataFrame:
    """The term of each line, by its key."""
    parts = [
        units.join(side.units.select("unit", "key"), on="unit").select("key", "term")
        for side, units in zip(panel.sides, panel.units, strict=True)
    ]
    return pl.concat(parts).unique().sort("key")


def _said(side: Mapping[str, float | None], key: str) -> str:
    if key not in side:
        return "not expected"
    value = side[key]
    return "no answer" if value is None else f"{value:.2f}"


def _identity(cell: Mapping[str, Any]) -> Iterator[str]:
    yield f"| What the difference of {cell['to'] - cell['from']:+.2f} is made of | WTE |"
    yield "| --- | ---: |"
    for term, words in TERMS.items():
        if cell["terms"][term]:
            yield f"| {words} (`{term}`) | {cell['terms'][term]:+.2f} |"
    yield f"| Reported: {cell['from']:.2f} in {YEARS[0]}, {cell['to']:.2f} in {YEARS[1]} | {cell['to'] - cell['from']:+.2f} |"


def _bounds(cell: Mapping[str, Any], growth: Growth) -> Iterator[str]:
    lost, real = -cell["terms"]["nonresponse_lost"], cell["real"]
    low, high = cell["bounds"]
    yield (
        f"Units that answered twice grew by a factor of {growth.low:.3f} to {growth.high:.3f} (the tenth and the ninetieth "
        f"percentile; the cell has fewer than {DEFAULT_POLICY.bounds.min_units} of them, so those of the whole sector are "
        f"taken). If the {lost:.2f} WTE that fell silent did the same, the real change lies between"
    )
    yield f"{real:.2f} + {lost:.2f} x ({growth.low:.3f} - 1) = **{low:.2f}** and"
    yield f"{real:.2f} + {lost:.2f} x ({growth.high:.3f} - 1) = **{high:.2f}**."


def _verdict(cell: Mapping[str, Any]) -> Iterator[str]:
    matched, adjusted = cell["matched"], cell["adjusted"]
    yield f"The cell is **{cell['status']}**. {STATUSES[cell['status']]}"
    yield ""
    for reason in cell["reasons"]:
        yield f"- `{reason}`: {REASONS[reason]}"
    yield ""
    yield (
        f"`change` and `change_pct` are therefore `null` in every format. What is valid instead: the "
        f"{matched['n']} lines that answered in both years went from {matched['from']:.2f} to {matched['to']:.2f} WTE, "
        f"{matched['change_pct']:+.1f}%. Adjusted for who did not answer, the whole frame went from "
        f"{adjusted['from']:.2f} to {adjusted['to']:.2f} WTE, a change of {adjusted['change']:+.2f} (95% non-response "
        f"interval {adjusted['interval'][0]:+.2f} to {adjusted['interval'][1]:+.2f})."
    )
