"""docs/demonstration-figures.md: published against reproduced, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence

from census_api.demo.figures import PublishedFigure, ReproducedFigure, compute_figures, read_published
from census_api.demo.parameters import OPEN_YEAR, YEARS
from census_api.demo.population import DemoPopulation, iterate_returns, make_population

_INTRODUCTION = """\
# Published and reproduced figures

The demonstration runs on a synthetic population: invented organisations, seeded, the same on every machine. Nothing in
it describes a real organisation. Its returns of 2022, 2023 and 2024 are made so that they add up to the figures that
were published about the census, within rounding. This page lists each published figure with the one that the returns
give, what it is computed over, and how far it may be off. It is made by `census_api.demo.figures_page` and a test
compares it with what the returns say now.

Shares and rates are ratios of sums. WTE is paid and unpaid unless the base says otherwise; breakdowns are of paid
headcount, with not known in the base. Turnover is leavers over the mean of opening and closing headcount; the vacancy
rate is vacant WTE over paid and vacant WTE. The census report itself was not at hand: most figures were taken from
what was written about it.
"""


def demonstration_page() -> str:
    """The page for the population of the demonstration."""
    people = make_population()
    return figures_page(people, population_figures(people))


def population_figures(people: DemoPopulation) -> list[ReproducedFigure]:
    """Every figure over the returns of the closed years that came in."""
    years = [year for year in YEARS if year != OPEN_YEAR]
    contents = (content for year in years for _, content in iterate_returns(people, year))
    return compute_figures(contents, {year: len(people.asked(year)) for year in years})


def figures_page(people: DemoPopulation, reproduced: Sequence[ReproducedFigure]) -> str:
    """The page as Markdown, ending in a line feed."""
    parts = [_INTRODUCTION, _response(people)]
    for year in dict.fromkeys(figure.published.year for figure in reproduced):
        parts += [f"## {year}\n", _table([figure for figure in reproduced if figure.published.year == year])]
    notes = [
        f"- {figure.published.figure}, {figure.published.year}: {figure.published.note}"
        for figure in reproduced
        if figure.published.note
    ]
    parts += ["## How unclear figures were read\n", "\n".join(notes) + "\n"]
    out = [line for line in read_published() if line.left_out]
    parts += [f"## Left out: {len(out)} of {len(read_published())}\n", _left_out(out)]
    return "\n".join(parts)


def _response(people: DemoPopulation) -> str:
    rows = [
        f"| {year} | {len(people.asked(year))} | {len(people.answered(year))} "
        f"| {100 * len(people.answered(year)) / len(people.asked(year)):.0f}% | {'open' if year == OPEN_YEAR else 'closed'} |"
        for year in YEARS
    ]
    head = "| Census | Organisations asked | Returns | Response | Collection |\n| --- | ---: | ---: | ---: | --- |\n"
    return head + "\n".join(rows) + "\n"


def _table(lines: Sequence[ReproducedFigure]) -> str:
    head = (
        "| Figure | Of | Published | Reproduced | May be | Tolerance | Base | Source |\n"
        "| --- | --- | ---: | ---: | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(_line(figure) for figure in lines) + "\n"


def _line(figure: ReproducedFigure) -> str:
    line = figure.published
    value = f"{figure.value:,.1f}" if line.unit != "%" else f"{figure.value:.1f}%"
    published_value = f"{line.value}%" if line.unit == "%" else f"{line.value} {line.unit}"
    limits = f"{line.low:,g} to {line.high:,g}" if abs(line.low or 0) < 1000 else f"{line.low:,.1f} to {line.high:,.1f}"
    cells = (line.figure, line.population, published_value, value, limits, line.tolerance, figure.base, line.source)
    return "| " + " | ".join(cells) + " |"


def _left_out(lines: Sequence[PublishedFigure]) -> str:
    head = "| Figure | Year | Published | Why it is left out |\n| --- | --- | ---: | --- |\n"
    rows = [f"| {line.figure} | {line.year} | {line.value} {line.unit} | {line.left_out} |" for line in lines]
    return head + "\n".join(rows) + "\n"
