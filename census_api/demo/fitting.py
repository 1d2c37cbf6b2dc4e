"""Numbers that add up: stable chance, whole numbers with a given sum, raking, and rounding that carries its remainder.

Only + - * /, comparisons and exact sums (fsum) are used on floats, so that the same numbers come out on every machine
and in whatever order they are added.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2b
from math import fsum
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_ONE = 1 << 48
_STEPS_OF_SCALE = 6
_MOST_MADE_UP = 0.35
"""A row makes up for earlier ones by at most this part of what it would have, and one person."""


def draw_chance(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` alone: not on the order of calls, the time, or the machine."""
    return int.from_bytes(_digest(parts, 6)) / _ONE


def draw_around(width: float, *parts: object) -> float:
    """A factor near 1: the mean of three chances, stretched to the interval [1 - width, 1 + width]."""
    digest = _digest(parts, 18)
    middle = (int.from_bytes(digest[:6]) + int.from_bytes(digest[6:12]) + int.from_bytes(digest[12:])) / 3 / _ONE
    return 1 + width * (2 * middle - 1)


def _digest(parts: tuple[object, ...], size: int) -> bytes:
    return blake2b("|".join(map(str, parts)).encode(), digest_size=size).digest()


def fit_total(
    total: int, weights: Sequence[float], offsets: Sequence[float], low: Sequence[int], high: Sequence[int]
) -> list[int]:
    """Whole numbers floor(scale x weight + offset) within low and high, with one scale for all, that sum to `total`.

    The offsets (in [0, 1), fixed for a cell for ever) make the rounding stable: a cell whose weight and scale stay
    does not move from year to year. When the bounds cannot hold the total, the nearest possible sum comes out.
    """
    weighed = fsum(weights)
    if not weighed:
        return list(low)
    scale = total / weighed
    for _ in range(_STEPS_OF_SCALE):
        numbers = _scaled(scale, weights, offsets, low, high)
        reached = sum(numbers)
        if abs(reached - total) <= 1 or not reached:
            break
        scale *= total / reached
    numbers = _scaled(scale, weights, offsets, low, high)
    missing = total - sum(numbers)
    step = 1 if missing > 0 else -1
    heap = [
        (_threshold(numbers[i], step, weights[i], offsets[i]), i)
        for i in range(len(numbers))
        if weights[i] and low[i] <= numbers[i] + step <= high[i]
    ]
    heapq.heapify(heap)
    while missing and heap:
        _, i = heapq.heappop(heap)
        numbers[i] += step
        missing -= step
        if low[i] <= numbers[i] + step <= high[i]:
            heapq.heappush(heap, (_threshold(numbers[i], step, weights[i], offsets[i]), i))
    return numbers


def _scaled(
    scale: float, weights: Sequence[float], offsets: Sequence[float], low: Sequence[int], high: Sequence[int]
) -> list[int]:
    return [
        min(max(int(scale * weight + offset), least), most)
        for weight, offset, least, most in zip(weights, offsets, low, high, strict=True)
    ]


def _threshold(number: int, step: int, weight: float, offset: float) -> float:
    """The scale at which the cell takes its next step: least first when rising, greatest first when falling."""
    return (number + 1 - offset) / weight if step > 0 else (offset - number) / weight


def apportion_total(total: int, ideals: Sequence[float]) -> list[int]:
    """Whole numbers that sum to `total`, in proportion to `ideals` (largest remainder; ties to the first)."""
    positive = [max(ideal, 0.0) for ideal in ideals]
    weighed = fsum(positive)
    if total <= 0 or weighed <= 0:
        return [0] * len(ideals)
    exact = [total * ideal / weighed for ideal in positive]
    numbers = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda i: (numbers[i] - exact[i], i))
    for i in order[: total - sum(numbers)]:
        numbers[i] += 1
    return numbers


def rake_cells(
    cells: Mapping[_Key, float], margins: Sequence[tuple[Sequence[_Key], float]], rounds: int = 60
) -> dict[_Key, float]:
    """`cells` scaled until every margin (some cells, their sum) holds; empty cells stay empty."""
    result = dict(cells)
    for _ in range(rounds):
        for keys, wanted in margins:
            present = fsum(result[key] for key in keys)
            if present > 0:
                factor = wanted / present
                for key in keys:
                    result[key] *= factor
    return result


class Carry:
    """Rounds shares to whole people row after row and carries what was lost or gained on to the next row.

    Each row adds up to its own number of people, and the sum of all rows stays within one person or so of the shares.
    """

    def __init__(self, categories: int) -> None:
        self._owed = [0.0] * categories

    def place(self, people: int, shares: Sequence[float], tilts: Sequence[float], most_unknown: int) -> list[int]:
        """`people` over the categories, at most `most_unknown` in the last of them (not known).

        `tilts` (factors near 1) make rows differ from each other; later rows make up for it.
        """
        wanted = [people * share for share in shares]
        ideals = [
            want * tilt + min(max(owed, -_MOST_MADE_UP * want - 1), _MOST_MADE_UP * want + 1) if share > 0 else 0.0
            for want, tilt, owed, share in zip(wanted, tilts, self._owed, shares, strict=True)
        ]
        unknown = min(max(int(ideals[-1] + 0.5), 0), most_unknown, people)
        # when earlier rows have taken more than their share of everything, this row follows the shares alone
        known = ideals[:-1] if max(ideals[:-1]) > 0 else wanted[:-1]
        placed = [*apportion_total(people - unknown, known), unknown]
        self._owed = [owed + want - got for owed, want, got in zip(self._owed, wanted, placed, strict=True)]
        return placed
