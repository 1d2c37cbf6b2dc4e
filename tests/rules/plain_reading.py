"""A second reading of every check, in plain Python, row by row: written from what a check says it does.

It knows nothing of polars. Each function answers for one row True (passes), False (fails) or None (cannot be judged).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from census_api.questionnaire import grammar
from census_api.questionnaire.model import STATES, Rule, SheetQuestion, Spec

Row = Mapping[str, Any]
Answer = bool | None
SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule on one column of a view, and all the rows of that view."""

    spec: Spec
    rule: Rule
    column: str
    question: SheetQuestion | None
    rows: Sequence[Row]

    @property
    def params(self) -> Mapping[str, Any]:
        return self.rule.params

    def value(self, row: Row) -> Any:
        return row[self.params.get("value", self.column)]

    def raw(self, row: Row) -> str | None:
        text: str | None = row[f"{self.column}__raw"]
        return text

    def field(self) -> SheetQuestion:
        assert self.question is not None
        return self.question


def failing_rows(asked: Asked) -> set[int]:
    """Rows that fail: rows outside the rule's `where`, and those that cannot be judged, do not."""
    answers = (
        _WHOLE[asked.rule.check](asked)
        if asked.rule.check in _WHOLE
        else [_BY_ROW[asked.rule.check](asked, row) for row in asked.rows]
    )
    return {
        index
        for index, (row, answer) in enumerate(zip(asked.rows, answers, strict=True))
        if answer is False
        and all(
            row[name] in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in asked.rule.where.items()
        )
    }


def either(*answers: Answer) -> Answer:
    """True if any is; else None if any cannot be said."""
    if True in answers:
        return True
    return None if None in answers else False


def both(*answers: Answer) -> Answer:
    if False in answers:
        return False
    return None if None in answers else True


def opposite(answer: Answer) -> Answer:
    return None if answer is None else not answer


def at_most(left: float | None, right: float | None) -> Answer:
    return None if left is None or right is None else left <= right


def below(left: float | None, right: float | None) -> Answer:
    return None if left is None or right is None else left < right


def times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def plus(value: float | None, more: float) -> float | None:
    return None if value is None else value + more


def total(row: Row, names: Iterable[str]) -> float | None:
    values = [row[name] for name in names]
    return None if None in values else sum(values)


# --- one cell ---------------------------------------------------------------------------------------------------


def required(asked: Asked, row: Row) -> Answer:
    return asked.raw(row) is not None


def a_number(asked: Asked, row: Row) -> Answer:
    return asked.value(row) is not None or asked.raw(row) is None or asked.raw(row) in STATES


def allowed_state(asked: Asked, row: Row) -> Answer:
    raw = asked.raw(row)
    return None if raw is None else raw not in STATES or raw in asked.field().states


def not_negative(asked: Asked, row: Row) -> Answer:
    return at_most(asked.field().minimum, asked.value(row))


def within_maximum(asked: Asked, row: Row) -> Answer:
    return at_most(asked.value(row), asked.field().maximum)


def places(asked: Asked, row: Row) -> Answer:
    if asked.value(row) is None:
        return True
    raw = asked.raw(row)
    if raw is None:
        return None
    # digits after any point count, up to the first character that is no digit
    for part in raw.split(".")[1:]:
        digits = re.match("[0-9]*", part)
        if digits and digits[0][asked.field().places :].rstrip("0"):
            return False
    return True


def known_code(asked: Asked, row: Row) -> Answer:
    old = asked.params.get("former", False) and row[f"{asked.column}__former"] is not None
    return asked.value(row) is not None or asked.raw(row) is None or old


def current_code(asked: Asked, row: Row) -> Answer:
    return row[f"{asked.column}__former"] is None


def length(asked: Asked, row: Row) -> Answer:
    raw = asked.raw(row)
    return None if raw is None else len(raw) <= asked.field().max_length


def matches(asked: Asked, row: Row) -> Answer:
    raw = asked.raw(row)
    pattern = grammar.PATTERNS[asked.params["pattern"]].replace("$", r"\Z")
    return None if raw is None else re.search(pattern, raw) is not None


def holds_no(asked: Asked, row: Row) -> Answer:
    return opposite(matches(asked, row))


# --- one row ----------------------------------------------------------------------------------------------------


def at_most_ratio(asked: Asked, row: Row) -> Answer:
    value, of = asked.value(row), row[asked.params["of"]]
    answers = [at_most(value, plus(times(of, asked.params["factor"]), SLACK))]
    if "floor" in asked.params:
        answers.append(below(of, asked.params["floor"]))
    if "up_to" in asked.params:
        answers.append(below(plus(times(of, asked.params["up_to"]), SLACK), value))
    return either(*answers)


def at_least_ratio(asked: Asked, row: Row) -> Answer:
    value, of = asked.value(row), row[asked.params["of"]]
    enough = at_most(plus(times(of, asked.params["factor"]), -SLACK), value)
    return either(enough, below(of, asked.params.get("floor", 1)), at_most(value, 0))


def only_with(asked: Asked, row: Row) -> Answer:
    return either(at_most(asked.value(row), 0), below(0, row[asked.params["needs"]]))


def at_most_sum(asked: Asked, row: Row) -> Answer:
    of = times(total(row, asked.params["parts"]), asked.params.get("factor", 1))
    return at_most(asked.value(row), plus(of, asked.params.get("plus", 0) + SLACK))


def adds_up_to(asked: Asked, row: Row) -> Answer:
    value, more, less = asked.value(row), total(row, asked.params["plus"]), total(row, asked.params["minus"])
    if value is None or more is None or less is None:
        return None
    return bool(abs(value - (more - less)) <= asked.params.get("tolerance", 0) + SLACK)


def at_most_limit(asked: Asked, row: Row) -> Answer:
    return _where_enough(asked, row, at_most(asked.value(row), asked.params["limit"] + SLACK))


def at_least_limit(asked: Asked, row: Row) -> Answer:
    return _where_enough(asked, row, at_most(asked.params["limit"] - SLACK, asked.value(row)))


def _where_enough(asked: Asked, row: Row, answer: Answer) -> Answer:
    if "when" not in asked.params:
        return answer
    return either(answer, below(row[asked.params["when"]], asked.params["floor"]))


def same_as(asked: Asked, row: Row) -> Answer:
    value, other = asked.value(row), row[asked.params["other"]]
    return None if value is None or other is None else value == other


def differs_from(asked: Asked, row: Row) -> Answer:
    return either(opposite(same_as(asked, row)), below(asked.value(row), asked.params.get("floor", 0)))


def is_zero(asked: Asked, row: Row) -> Answer:
    value = asked.value(row)
    return None if value is None else value == 0


def flag_clear(asked: Asked, row: Row) -> Answer:
    return opposite(row[asked.params["flag"]])


def possible(asked: Asked, row: Row) -> Answer:
    left, right = asked.params["columns"]
    if row[left] is None or row[right] is None:
        return None
    attribute = asked.params["attribute"]
    if "mapping" in asked.params:
        found = [line for line in asked.spec.mappings[asked.params["mapping"]] if line[left] == row[left]]
        return any(row[right] in filter(None, line[attribute].split(";")) for line in found)
    code = asked.spec.code_lists[asked.params["code_list"]].by_code.get(row[left])
    return code is not None and row[right] in code.many(attribute)


def ratio_within(asked: Asked, row: Row) -> Answer:
    value, before, params = asked.value(row), row[asked.params["before"]], asked.params
    inside = both(at_most(times(before, params["low"]), value), at_most(value, times(before, params["high"])))
    small = both(below(value, params["floor"]), below(before, params["floor"]))
    return either(inside, small, at_most(value, 0), at_most(before, 0))


def not_gone(asked: Asked, row: Row) -> Answer:
    return either(below(0, asked.value(row)), below(row[asked.params["before"]], asked.params["floor"]))


def not_new(asked: Asked, row: Row) -> Answer:
    return either(below(asked.value(row), asked.params["floor"]), below(0, row[asked.params["before"]]))


def no_mark(asked: Asked, row: Row) -> Answer:
    return None if row["kind"] is None else row["kind"] != asked.params["kind"]


# --- many rows --------------------------------------------------------------------------------------------------


def unique(asked: Asked) -> list[Answer]:
    seen: set[tuple[Any, ...]] = set()
    answers: list[Answer] = []
    for row in asked.rows:
        key = tuple(row[name] for name in asked.params["columns"])
        answers.append(None in key or key not in seen)
        seen.add(key)
    return answers


def hb_within(asked: Asked) -> list[Answer]:
    """E of every row with both years above 0, against the limits of methods.md section 6 with its floor."""
    pairs = {
        index: (float(asked.value(row)), float(row[asked.params["before"]]))
        for index, row in enumerate(asked.rows)
        if (asked.value(row) or 0) > 0 and (row[asked.params["before"]] or 0) > 0
    }
    answers: list[Answer] = [None] * len(asked.rows)
    if len(pairs) < asked.params["minimum"]:
        return answers
    middle = statistics.median(now / before for now, before in pairs.values())
    sizes = {index: max(pair) ** asked.params["u"] for index, pair in pairs.items()}
    effects: dict[int, float] = {}
    for index, (now, before) in pairs.items():
        ratio = now / before
        effects[index] = (1 - middle / ratio if ratio < middle else ratio / middle - 1) * sizes[index]
    centre = statistics.median(effects.values())
    first, _, third = statistics.quantiles(effects.values(), n=4, method="inclusive")
    least = max(abs(asked.params["a"] * centre), asked.params["a"] * statistics.median(sizes.values()))
    low = centre - asked.params["c"] * max(centre - first, least)
    high = centre + asked.params["c"] * max(third - centre, least)
    for index, effect in effects.items():
        answers[index] = low <= effect <= high
    return answers


_WHOLE: Mapping[str, Callable[[Asked], list[Answer]]] = {"unique": unique, "hb_within": hb_within}
_BY_ROW: Mapping[str, Callable[[Asked, Row], Answer]] = {
    "required": required, "whole_number": a_number, "decimal_number": a_number, "allowed_state": allowed_state,
    "not_negative": not_negative, "within_maximum": within_maximum, "places": places, "known_code": known_code,
    "current_code": current_code, "length": length, "matches": matches, "holds_no": holds_no,
    "at_most_ratio": at_most_ratio, "at_least_ratio": at_least_ratio, "only_with": only_with,
    "at_most_sum": at_most_sum, "adds_up_to": adds_up_to, "at_most": at_most_limit, "at_least": at_least_limit,
    "same_as": same_as, "differs_from": differs_from, "is_zero": is_zero, "flag_clear": flag_clear,
    "possible": possible, "ratio_within": ratio_within, "not_gone": not_gone, "not_new": not_new, "no_mark": no_mark,
}  # fmt: skip
CHECKS_READ = frozenset(_WHOLE) | frozenset(_BY_ROW)
