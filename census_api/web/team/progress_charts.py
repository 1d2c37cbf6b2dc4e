"""The pictures of the response: measured here, drawn by the templates as SVG beside the table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from census_api.domain.progress.response import ProgressCell, ProgressDay
from census_api.web.kit.words import count_in_words, day_in_words

WIDTH, HEIGHT = 320, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 10, 10, 28
_ROW = 40
_LABEL_LETTERS = 44


@dataclass(frozen=True, slots=True)
class LineChart:
    """Series over days: (name, points of a polyline). Ticks are (place, label) on their axis, in units of the drawing."""

    title: str
    description: str
    series: tuple[tuple[str, str], ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """One row: its label, where it stands, and the lengths of its two bars with what they say; None where not known."""

    label: str
    y: int
    units: tuple[float, str] | None
    size: tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class ProgressChart:
    """Two bars for each row. `height` is that of the drawing."""

    title: str
    description: str
    rows: tuple[ProgressBar, ...]
    height: int


def by_day(days: Sequence[ProgressDay], expected: int) -> LineChart | None:
    """How many organisations had sent and signed by each day; None before there are two days to join."""
    if len(days) < 2 or not expected:
        return None
    first, last = days[0].day, days[-1].day
    span = (last - first).days

    def points(numbers: Sequence[int]) -> str:
        return " ".join(
            f"{_across((entry.day - first).days / span):.1f},{_up(number / expected):.1f}"
            for entry, number in zip(days, numbers, strict=True)
        )

    end = days[-1]
    return LineChart(
        "Returns by day",
        f"By {day_in_words(last)} {end.received:,} of {expected:,} organisations had sent a file, and {end.signed:,} had signed one.",
        (
            ("sent", points([entry.received for entry in days])),
            ("signed", points([entry.signed for entry in days])),
        ),
        ((_across(0), day_in_words(first)), (_across(1), day_in_words(last))),
        ((_up(0), "0"), (_up(0.5), f"{expected / 2:,.0f}"), (_up(1), f"{expected:,}")),
    )


def by_cell(cells: Sequence[ProgressCell], what: str) -> ProgressChart | None:
    """The shares that have answered, by number of lines and by their size; None without cells."""
    if not cells:
        return None
    rows = tuple(
        ProgressBar(_cut(cell.label), index * _ROW, _bar(cell.unit_share), _bar(cell.size_share))
        for index, cell in enumerate(cells)
    )
    known = [cell for cell in cells if cell.size_share is not None]
    least = min(known, key=lambda cell: cell.size_share or 0) if known else None
    told = "" if least is None else f" The least by size: {least.label}, {percent_of(least.size_share)}."
    return ProgressChart(
        f"Answered {what}", f"Two bars for each of {count_in_words(len(cells), 'row')}.{told}", rows, len(rows) * _ROW
    )


def percent_of(share: float | None) -> str:
    """A share of 1 for people; what is not known is no number."""
    return "not known" if share is None else f"{share:.0%}"


def _bar(share: float | None) -> tuple[float, str] | None:
    return None if share is None else (round(share * WIDTH, 1), percent_of(share))


def _across(share: float) -> float:
    return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _up(share: float) -> float:
    return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _cut(label: str) -> str:
    """What fits into the drawing; the table beside it has the whole."""
    return label if len(label) <= _LABEL_LETTERS else f"{label[: _LABEL_LETTERS - 1]}…"
