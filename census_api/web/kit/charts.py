"""Bars beside a table: measured here, drawn by the template as SVG that screen readers can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_BARS = 40
ROW = 42
_LETTERS, _FEWEST = 33, 12
"""Of a label and what is said at its bar together, as they fit on one line of the narrowest screen."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What a bar is made of: its labels, its value, what is written at it, and, where only bounds are known, those."""

    labels: tuple[str, ...]
    value: float | None
    said: str
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar as it is drawn: `start` and `width` are percentages of the picture, None where nothing is known."""

    label: str
    said: str
    top: int
    start: str
    width: str | None


@dataclass(frozen=True, slots=True)
class FigureChart:
    """`key` makes the ids of its title and description unique on the page. `height` is in pixels."""

    key: str
    title: str
    description: str
    bars: tuple[ChartBar, ...]
    height: int


def bar_chart(key: str, title: str, amounts: Sequence[Amount]) -> FigureChart | None:
    """Up to MOST_BARS bars on one scale from 0; None where there is nothing to set beside anything."""
    shown = amounts[:MOST_BARS]
    ends = [end for amount in shown if (end := _end(amount)) is not None]
    if len(shown) < 2 or not ends:
        return None
    longest = max(ends) or 1.0
    bars = tuple(_bar(amount, place, longest) for place, amount in enumerate(shown))
    return FigureChart(key, title, _described(amounts, shown), bars, ROW * len(bars))


def _end(amount: Amount) -> float | None:
    return amount.bounds[1] if amount.bounds else amount.value


def _bar(amount: Amount, place: int, longest: float) -> ChartBar:
    # each part keeps its beginning, so that bars of one part can still be told apart
    letters = max(_FEWEST, _LETTERS - len(amount.said))
    label = ", ".join(_cut(part, letters // len(amount.labels)) for part in amount.labels)
    end = _end(amount)
    start = amount.bounds[0] if amount.bounds else 0.0
    width = None if end is None else _percent((end - start) / longest)
    return ChartBar(label, amount.said, place * ROW, _percent(start / longest), width)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def _percent(share: float) -> str:
    return f"{100 * max(0.0, share):.2f}%"


def _named(amount: Amount) -> str:
    return f"{', '.join(amount.labels)}, {amount.said}"


def _described(amounts: Sequence[Amount], shown: Sequence[Amount]) -> str:
    """The largest and the smallest in words; the table beside the picture says the rest."""
    known = [(end, amount) for amount in shown if (end := _end(amount)) is not None]
    most = max(known, key=lambda pair: pair[0])[1]
    least = min(known, key=lambda pair: pair[0])[1]
    missing = len(shown) - len(known)
    said = f"The largest is {_named(most)}; the smallest is {_named(least)}."
    if missing:
        said += f" {missing} of the bars have no value."
    if len(amounts) > len(shown):
        said += f" These are the first {len(shown)} of {len(amounts)}."
    return f"{said} The table says the same."
