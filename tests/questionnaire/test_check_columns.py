"""The operations that checks are written in give the same in lists and in polars, and say nothing about what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.questionnaire import grammar
from census_api.questionnaire.check_columns import (
    CheckColumn,
    ListFrame,
    PolarsColumn,
    ReadColumnOf,
    ValuesColumn,
    refer_to,
)

TYPES = {
    "left": pl.Float64(), "right": pl.Float64(), "whole": pl.Int64(), "yes": pl.Boolean(), "no": pl.Boolean(),
    "text": pl.String(), "word": pl.String(),
}  # fmt: skip
_NUMBERS = st.none() | st.sampled_from([-2.5, -1.0, 0.0, 0.01, 1.0, 2.0, 3.25, 100.0])
_TRUTHS = st.sampled_from([None, True, False])
_TEXTS = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(["A1", "a@b.uk", "Dr Who", "ab 12 34 56 c", "tel\x1c", "A1\n", "\u0130x"])
)
_ROWS = st.lists(
    st.fixed_dictionaries({
        "left": _NUMBERS, "right": _NUMBERS, "whole": st.none() | st.integers(-3, 3), "yes": _TRUTHS, "no": _TRUTHS,
        "text": _TEXTS, "word": st.sampled_from([None, "a", "b"]),
    }),
    min_size=1, max_size=8,
)  # fmt: skip


def find_pattern(name: str) -> Callable[[ReadColumnOf], CheckColumn]:
    return lambda read: read("text").contains(grammar.PATTERNS[name])


OPERATIONS: dict[str, Callable[[ReadColumnOf], CheckColumn]] = {
    "less": lambda read: read("left") < read("right"),
    "at most": lambda read: read("left") <= read("right"),
    "more": lambda read: read("whole") > read("right"),
    "at least": lambda read: read("left") >= 1,
    "equals": lambda read: read("word").equals("a"),
    "differs": lambda read: read("left").differs_from(read("right")),
    "sum": lambda read: read("left") + read("whole"),
    "joined": lambda read: read("word") + "|" + read("text"),
    "difference": lambda read: read("left") - read("right"),
    "difference from a number": lambda read: 1 - read("left"),
    "product": lambda read: read("left") * 1.2,
    "quotient": lambda read: read("left") / read("right"),
    "quotient of whole numbers": lambda read: read("whole") / read("whole"),
    "power": lambda read: abs(read("left")) ** 0.5,
    "power of whole numbers": lambda read: abs(read("whole")) ** 0.5,
    "either": lambda read: read("yes") | read("no"),
    "both": lambda read: read("yes") & read("no"),
    "not": lambda read: ~read("yes"),
    "known": lambda read: read("text").is_known(),
    "one of": lambda read: read("word").is_in({"a", "c"}),
    "one of none": lambda read: ~read("word").is_in([]) | ~read("word").is_known(),
    "characters": lambda read: read("text").count_characters(),
    "first": lambda read: read("word").is_first(),
    "first of pairs": lambda read: read("word").is_first(read("whole")),
    "kept": lambda read: read("left").keep_where(read("yes")),
    "chosen": lambda read: read("yes").choose(read("left"), read("right")),
    "larger": lambda read: read("left").take_larger(read("right")),
    "count": lambda read: read("left").count_known() < read("whole"),
    "median": lambda read: read("left") - read("left").find_median(),
    "quantile": lambda read: read("left") - read("left").find_quantile(0.25),
    **{f"contains {name}": find_pattern(name) for name in grammar.PATTERNS},
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=60, derandomize=True)
@given(rows=_ROWS)
def test_an_operation_gives_the_same_in_both_readings(name: str, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows, schema=TYPES)
    in_lists, in_polars = OPERATIONS[name](ListFrame(frame).column), OPERATIONS[name](refer_to)
    assert isinstance(in_lists, ValuesColumn)
    assert isinstance(in_polars, PolarsColumn)
    expected = frame.select(in_polars.expression.alias("answer"))["answer"].to_list()
    assert list(in_lists.values) == expected


_ANSWERS = [(left, right) for left in (None, True, False) for right in (None, True, False)]


@pytest.mark.parametrize(("left", "right"), _ANSWERS)
def test_what_is_unknown_stays_so_unless_the_other_side_decides(left: bool | None, right: bool | None) -> None:
    either, both = ValuesColumn([left]) | ValuesColumn([right]), ValuesColumn([left]) & ValuesColumn([right])
    unknown = None in (left, right)
    assert either.values == [True if True in (left, right) else None if unknown else False]
    assert both.values == [False if False in (left, right) else None if unknown else True]


def test_a_division_by_zero_is_unknown() -> None:
    frame = pl.DataFrame({"left": [1.0, 0.0, 6.0], "right": [0.0, 0.0, 2.0]})
    quotient = refer_to("left") / refer_to("right")
    assert frame.select(quotient.expression)["left"].to_list() == [None, None, 3.0]
