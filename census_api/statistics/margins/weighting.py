"""Weights for the people who answered a survey, to the margins of the census (methods, section 4.3).

Everything that tools take without a word is refused here first: answers that no category takes, categories of the
population that nobody answered for, and answers in categories where the census has nobody.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from census_api.statistics.margins.collapse import Collapsed, collapse_categories
from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.raking import Precision, Table, Trimmed, rake_trimmed, worst_miss
from census_api.statistics.margins.totals import DEFAULT_MARGIN_POLICY, MarginPolicy, MarginsRefused

MOST_MISSED = 1e-6
"""An achieved share further than this from its target is no result."""
_MOST_NAMED = 10
_LONGEST = 60
EXEMPT = None
"""The category of an answer such as "prefer not to say": it takes no part in raking, and weighs what the mean does."""


@dataclass(frozen=True, slots=True)
class AnswerMap:
    """How the answers of one survey column become categories of a margin. Answers are matched folded.

    `parents` are the joins of thin categories that the survey house wants in place of the document's.
    """

    column: str
    categories: Mapping[str, str | None]
    parents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Achieved:
    """A category after joining: answers, and its share of answers, of the population, and of the weights (0 to 1)."""

    dimension: str
    category: str
    answers: int
    sample: float
    target: float
    weighted: float


@dataclass(frozen=True, slots=True)
class Weighting:
    """A weight for each answer, 1 on average over those raked; exempt answers weigh 1.

    `joined` are (dimension, category, into), `thin` (dimension, category) that stay although little was answered.
    `before` and `after` are of the raked answers, before and after `cut` combinations were trimmed.
    """

    margins_id: str
    weights: tuple[float, ...]
    exempt: int
    joined: tuple[tuple[str, str, str], ...]
    thin: tuple[tuple[str, str], ...]
    before: Precision
    after: Precision
    cut: int
    rounds: int
    missed: float
    achieved: tuple[Achieved, ...]

    @property
    def lightest(self) -> float:
        return min(self.weights)

    @property
    def heaviest(self) -> float:
        return max(self.weights)

    def quantiles(self) -> dict[str, float]:
        """Percentiles of the weights."""
        points = (5, 25, 50, 75, 95)
        found = np.percentile(np.array(self.weights), points)
        return {f"p{point}": float(value) for point, value in zip(points, found, strict=True)}


Combination = tuple[str | None, ...]


def weigh_answers(
    document: MarginDocument,
    answers: Mapping[str, Sequence[str]],
    maps: Mapping[str, AnswerMap],
    policy: MarginPolicy = DEFAULT_MARGIN_POLICY,
    *,
    join: bool = True,
) -> Weighting:
    """Weights for the rows of a survey.

    Shapes: `answers` is dimension -> the answer of each row, all of one length. `join` False keeps thin categories.
    Raises MarginsRefused that names what is wrong, in terms of the survey's own columns and answers.
    """
    rows = _combinations(document, answers, maps)
    raked = [row for row in rows if EXEMPT not in row]
    if not raked:
        raise MarginsRefused(
            "no_answers", "No answer of the survey can be weighted. Check the columns and the mapping."
        )
    collapsed = {
        dimension: _collapsed(document, dimension, Counter(row[axis] for row in raked), maps[dimension], policy, join)
        for axis, dimension in enumerate(document.dimensions)
    }
    into = {dimension: _destinations(document, dimension, found) for dimension, found in collapsed.items()}
    names = {dimension: _kept(found) for dimension, found in collapsed.items()}
    sample, places = _table(raked, [(names[dimension], into[dimension]) for dimension in document.dimensions])
    margins = [
        np.array([float(collapsed[dimension].target[name]) for name in names[dimension]])
        for dimension in document.dimensions
    ]
    trimmed = rake_trimmed(sample, margins, policy)
    return _result(document, rows, trimmed, sample, margins, names, collapsed, places)


def default_maps(document: MarginDocument) -> dict[str, AnswerMap]:
    """Columns named as the dimensions, with the census's own codes or labels in them."""
    return {
        dimension: AnswerMap(dimension, own_answers(document, dimension), document.parents(dimension))
        for dimension in document.dimensions
    }


def own_answers(document: MarginDocument, dimension: str) -> dict[str, str | None]:
    """Folded codes and labels of a dimension -> category."""
    labels = document.labels(dimension)
    found: dict[str, str | None] = {fold_category(label): code for code, label in labels.items()}
    return found | {fold_category(code): code for code in labels}


def fold_category(text: str) -> str:
    """Answers are matched trimmed, without regard to case, runs of white space as one space."""
    return " ".join(text.split()).casefold()


def _combinations(
    document: MarginDocument, answers: Mapping[str, Sequence[str]], maps: Mapping[str, AnswerMap]
) -> list[Combination]:
    unmapped = {
        dimension: Counter(text for text in answers[dimension] if fold_category(text) not in maps[dimension].categories)
        for dimension in document.dimensions
    }
    if any(unmapped.values()):
        said = [_unmapped(maps[dimension].column, found) for dimension, found in unmapped.items() if found]
        raise MarginsRefused(
            "unmapped_answers",
            f"{' '.join(said)} Add them to the mapping file: to a category of the margins, or as exempt.",
        )
    columns = [
        [maps[dimension].categories[fold_category(text)] for text in answers[dimension]]
        for dimension in document.dimensions
    ]
    return list(zip(*columns, strict=True))


def _unmapped(column: str, found: Counter[str]) -> str:
    shown = [f"{_short(text)} ({count})" for text, count in sorted(found.items())[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"Answers in the column {_short(column)} belong to no category: {', '.join(shown)}{more}."


def _short(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return repr(printable[:_LONGEST]) if printable else "(blank)"


def _collapsed(
    document: MarginDocument,
    dimension: str,
    sample: Counter[str | None],
    given: AnswerMap,
    policy: MarginPolicy,
    join: bool,
) -> Collapsed:
    target = document.margins[dimension]
    counts = {name: count for name, count in sample.items() if name is not None}
    found = collapse_categories(target, counts, given.parents if join else {}, policy)
    for name in found.target:
        if found.target[name] and not found.sample[name]:
            raise MarginsRefused(
                "empty_category",
                f"The census has people in {dimension} {_named(document, dimension, name)}, but nobody in the survey "
                "does. Say in the mapping file which category it joins.",
            )
        if found.sample[name] and not found.target[name]:
            raise MarginsRefused(
                "empty_target",
                f"{int(found.sample[name])} answers are in {dimension} {_named(document, dimension, name)}, where the "
                "census has nobody. Check the mapping file, or say there which category it joins.",
            )
    return found


def _named(document: MarginDocument, dimension: str, name: str) -> str:
    return f"{name} ({document.labels(dimension).get(name, name)})"


def _destinations(document: MarginDocument, dimension: str, found: Collapsed) -> dict[str, str]:
    """Every category of the margin -> where it ended."""
    steps = dict(found.merged)
    ends = {}
    for name in document.margins[dimension]:
        end = name
        while end in steps:
            end = steps[end]
        ends[name] = end
    return ends


def _kept(found: Collapsed) -> list[str]:
    """Categories with people in them: those that are empty on both sides say nothing."""
    return [name for name, value in found.target.items() if value]


def _table(
    raked: Sequence[Combination], sides: Sequence[tuple[list[str], dict[str, str]]]
) -> tuple[Table, dict[Combination, tuple[int, ...]]]:
    """The table of answers, and where in it each combination of categories stands."""
    numbers = [{name: place for place, name in enumerate(names)} for names, _ in sides]
    places: dict[Combination, tuple[int, ...]] = {}
    sample = np.zeros(tuple(len(names) for names, _ in sides))
    for row, count in Counter(raked).items():
        place = tuple(numbers[axis][sides[axis][1][str(name)]] for axis, name in enumerate(row))
        places[row] = place
        sample[place] += count
    return sample, places


def _result(
    document: MarginDocument,
    rows: Sequence[Combination],
    trimmed: Trimmed,
    sample: Table,
    margins: Sequence[Table],
    names: Mapping[str, list[str]],
    collapsed: Mapping[str, Collapsed],
    places: Mapping[Combination, tuple[int, ...]],
) -> Weighting:
    weights = trimmed.after.weights
    missed = worst_miss(sample, weights, margins)
    if not missed <= MOST_MISSED:
        raise MarginsRefused(
            "not_reached",
            "The weights do not reach the margins. Join thin categories in the mapping file and try again.",
        )
    return Weighting(
        margins_id=document.id,
        weights=tuple(float(weights[places[row]]) if EXEMPT not in row else 1.0 for row in rows),
        exempt=sum(EXEMPT in row for row in rows),
        joined=tuple((dimension, *pair) for dimension, found in collapsed.items() for pair in found.merged),
        thin=tuple(
            (dimension, name)
            for dimension, found in collapsed.items()
            for name in found.unresolved
            if found.target[name]
        ),
        before=trimmed.before.precision,
        after=trimmed.after.precision,
        cut=trimmed.cut,
        rounds=trimmed.after.rounds,
        missed=missed,
        achieved=_achieved(sample, weights, margins, names),
    )


def _achieved(
    sample: Table, weights: Table, margins: Sequence[Table], names: Mapping[str, list[str]]
) -> tuple[Achieved, ...]:
    weighted = np.where(sample > 0, sample * np.nan_to_num(weights), 0.0)
    found = []
    for axis, (dimension, categories) in enumerate(names.items()):
        others = tuple(place for place in range(sample.ndim) if place != axis)
        counts, sums = sample.sum(axis=others), weighted.sum(axis=others)
        for place, category in enumerate(categories):
            shares = (
                counts[place] / counts.sum(),
                margins[axis][place] / math.fsum(margins[axis]),
                sums[place] / sums.sum(),
            )
            found.append(Achieved(dimension, category, int(counts[place]), *map(float, shares)))
    return tuple(found)
