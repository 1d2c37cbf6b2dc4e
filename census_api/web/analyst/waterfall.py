"""The way from one year's figure to the next as steps: measured here, drawn by the template, said by its table too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ROW = 42
Kind = Literal["year", "real", "artefact"]
_LEAST = 0.4
"""Per cent of the width: less could not be seen."""
_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """A figure of a year, or what a change adds to it. `said` is the value in words."""

    label: str
    value: float
    said: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """One row of the picture: `start` and `width` are percentages of it."""

    label: str
    said: str
    kind: Kind
    top: int
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`key` makes the ids of its title and description unique on the page. `height` is in pixels."""

    key: str
    title: str
    description: str
    bars: tuple[WaterfallBar, ...]
    height: int


def draw_waterfall(
    key: str, title: str, before: WaterfallStep, changes: Sequence[WaterfallStep], after: WaterfallStep
) -> Waterfall | None:
    """The picture, its scale from the lowest to the highest point of the way; None where nothing moves."""
    moving = [step for step in changes if step.value]
    if not moving:
        return None
    ends = _ends(before.value, moving)
    points = [before.value, after.value, *(end for pair in ends for end in pair)]
    low, high = min(points), max(points)
    room = (high - low) * _MARGIN or 1.0
    low, high = low - room, high + room
    rows = [
        (before, (before.value, before.value)),
        *zip(moving, ends, strict=True),
        (after, (after.value, after.value)),
    ]
    bars = tuple(_bar(step, pair, place, low, high - low) for place, (step, pair) in enumerate(rows))
    return Waterfall(key, title, _described(before, moving, after), bars, ROW * len(bars))


def _ends(start: float, steps: Sequence[WaterfallStep]) -> list[tuple[float, float]]:
    found = []
    for step in steps:
        found.append((start, start + step.value))
        start += step.value
    return found


def _bar(step: WaterfallStep, ends: tuple[float, float], place: int, low: float, span: float) -> WaterfallBar:
    start, end = sorted(100 * (point - low) / span for point in ends)
    width = max(end - start, _LEAST)
    return WaterfallBar(step.label, step.said, step.kind, place * ROW, f"{start:.2f}%", f"{width:.2f}%")


def _described(before: WaterfallStep, steps: Sequence[WaterfallStep], after: WaterfallStep) -> str:
    most = max(steps, key=lambda step: abs(step.value))
    return (
        f"From {before.said} to {after.said} in {len(steps)} steps. The largest is {most.label.lower()}, {most.said}. "
        "The scale does not begin at zero. The table says the same."
    )
