"""How the weights are spread, drawn: bars that say their numbers in words too, for a page and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BINS = 12
_WIDTH, _ROW, _LEFT, _TOP, _RIGHT = 720, 26, 120, 64, 90


@dataclass(frozen=True, slots=True)
class Bin:
    """Weights from `low` up to, and in the last bin including, `high`."""

    low: float
    high: float
    count: int

    @property
    def range(self) -> str:
        return f"{self.low:.2f} to {self.high:.2f}"


def bin_weights(weights: Sequence[float], most: int = BINS) -> list[Bin]:
    """Bins of one width, a multiple of 1, 2 or 5, that hold all weights."""
    low, high = min(weights), max(weights)
    step = _round_step((high - low) / most or 0.1)
    first = math.floor(low / step)
    count = max(1, math.ceil(high / step - first + 1e-9))
    places = [min(count - 1, math.floor(weight / step - first + 1e-9)) for weight in weights]
    return [
        Bin((first + place) * step, (first + place + 1) * step, sum(found == place for found in places))
        for place in range(count)
    ]


def text_chart(weights: Sequence[float], width: int = 40) -> str:
    """A line a bin. The bars are drawn with a character that every terminal has."""
    found = bin_weights(weights)
    most = max(one.count for one in found)
    lines = []
    for one in found:
        bar = "#" * max(round(width * one.count / most), one.count > 0)
        lines.append(f"{one.range:>14}  {bar:<{width}}  {one.count}")
    return "\n".join(lines)


def svg_chart(weights: Sequence[float], margins_id: str) -> str:
    """A drawing of its own: a title and a description for those who do not see it, no script, no outside file."""
    found = bin_weights(weights)
    most = max(one.count for one in found)
    height = _TOP + _ROW * len(found) + 40
    title = f"Weights of {len(weights)} answers"
    told = "; ".join(f"{one.range}: {one.count}" for one in found)
    rows = "\n".join(_row(place, one, most) for place, one in enumerate(found))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-labelledby="title description" font-family="Arial, sans-serif" font-size="15">\n'
        f'<title id="title">{escape(title)}</title>\n'
        f'<desc id="description">{escape(f"Number of answers by weight. {told}.")}</desc>\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="16" y="28" font-size="19" font-weight="bold" fill="#0b0c0c">{escape(title)}</text>\n'
        '<text x="16" y="50" fill="#0b0c0c">Number of answers by weight</text>\n'
        f"{rows}\n"
        f'<text x="16" y="{height - 14}" font-size="12" fill="#505a5f">Margins {escape(margins_id)}</text>\n'
        "</svg>\n"
    )


def _row(place: int, one: Bin, most: int) -> str:
    top = _TOP + _ROW * place
    length = (_WIDTH - _LEFT - _RIGHT) * one.count / most
    return (
        f'<text x="{_LEFT - 10}" y="{top + 17}" text-anchor="end" fill="#0b0c0c">{one.range}</text>'
        f'<rect x="{_LEFT}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 6}" fill="#1d70b8"/>'
        f'<text x="{_LEFT + length + 8:.1f}" y="{top + 17}" fill="#0b0c0c">{one.count}</text>'
    )


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
