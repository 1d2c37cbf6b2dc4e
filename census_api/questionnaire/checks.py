"""The named checks that rules use, each a polars expression that is true where a row passes.

An expression gives null where an input is blank, not known or unreadable: such a row is not judged (unknown is
never zero). Checks about blanks themselves read the raw text and never give null. In a view a field `f` has two
columns: `f`, the typed value or null, and `f__raw`, the trimmed text as it was written or null where blank.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from census_api.questionnaire import grammar
from census_api.questionnaire.model import STATES, Rule, SheetQuestion, Spec

ROUNDING = 1e-6
"""Sums of decimals with two places are compared with this slack (methods.md section 6)."""


@dataclass(frozen=True, slots=True)
class CheckPlace:
    """Where a check is applied: the rule, the column its finding is placed on, its question (if it is a field)."""

    spec: Spec
    rule: Rule
    column: str
    question: SheetQuestion | None

    @property
    def params(self) -> Mapping[str, Any]:
        return self.rule.params

    def value(self) -> pl.Expr:
        return pl.col(self.params.get("value", self.column))

    def raw(self) -> pl.Expr:
        return pl.col(f"{self.column}__raw")

    def other(self, name: str) -> pl.Expr:
        return pl.col(self.params[name])

    def number(self, name: str, default: float = 0) -> float:
        number: float = self.params.get(name, default)
        return number


@dataclass(frozen=True, slots=True)
class Check:
    """A named predicate. `columns` are the parameters that name view columns, `params` all other parameters."""

    passes: Callable[[CheckPlace], pl.Expr]
    columns: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    of_field: bool = False
    about: Literal["cell", "blank"] | None = None
    """`cell`: only a cell that is not blank and not a usual value can fail; `blank`: only a blank cell can."""


CHECKS: dict[str, Check] = {}


def _check(
    *,
    columns: str = "",
    params: str = "",
    optional: str = "",
    of_field: bool = False,
    about: Literal["cell", "blank"] | None = None,
) -> Callable[[Callable[[CheckPlace], pl.Expr]], Callable[[CheckPlace], pl.Expr]]:
    def add(function: Callable[[CheckPlace], pl.Expr]) -> Callable[[CheckPlace], pl.Expr]:
        CHECKS[function.__name__] = Check(
            function,
            frozenset(columns.split()),
            frozenset(params.split()),
            frozenset(optional.split()),
            of_field,
            about,
        )
        return function

    return add


def _question(at: CheckPlace) -> SheetQuestion:
    if at.question is None:  # verify_rules has refused such a rule at start-up
        raise LookupError(f"{at.rule.code}: {at.column} is not a field")
    return at.question


# --- one cell -------------------------------------------------------------------------------------------------


@_check(of_field=True, about="blank")
def required(at: CheckPlace) -> pl.Expr:
    """The cell is not blank."""
    return at.raw().is_not_null()


@_check(of_field=True, about="cell")
def whole_number(at: CheckPlace) -> pl.Expr:
    """A whole number by the grammar, or a state word."""
    return at.value().is_not_null() | at.raw().is_null() | at.raw().is_in(STATES)


@_check(of_field=True, about="cell")
def decimal_number(at: CheckPlace) -> pl.Expr:
    """A decimal by the grammar, or a state word."""
    return whole_number(at)


@_check(of_field=True, about="cell")
def allowed_state(at: CheckPlace) -> pl.Expr:
    """NK, REFUSED and NA only where the field allows them."""
    refused = [state for state in STATES if state not in _question(at).states]
    return ~at.raw().is_in(refused)


@_check(of_field=True, about="cell")
def not_negative(at: CheckPlace) -> pl.Expr:
    """At least the field's minimum (0)."""
    return at.value() >= _question(at).minimum


@_check(of_field=True, about="cell")
def within_maximum(at: CheckPlace) -> pl.Expr:
    """At most the field's maximum."""
    return at.value() <= _question(at).maximum


@_check(of_field=True, about="cell")
def places(at: CheckPlace) -> pl.Expr:
    """No digit other than 0 beyond the field's number of decimal places."""
    beyond = rf"\.[0-9]{{{_question(at).places}}}[0-9]*[1-9]"
    return at.value().is_null() | ~at.raw().str.contains(beyond)


@_check(optional="former", of_field=True, about="cell")
def known_code(at: CheckPlace) -> pl.Expr:
    """A code of the year's list. With `former`, codes of an earlier year pass: another rule speaks about those."""
    known = at.value().is_not_null() | at.raw().is_null()
    return known | pl.col(f"{at.column}__former").is_not_null() if at.params.get("former") else known


@_check(of_field=True, about="cell")
def current_code(at: CheckPlace) -> pl.Expr:
    """Not a code that was valid in an earlier year only."""
    return pl.col(f"{at.column}__former").is_null()


@_check(of_field=True)
def length(at: CheckPlace) -> pl.Expr:
    """At most the field's number of characters."""
    return at.raw().str.len_chars() <= _question(at).max_length


@_check(params="pattern", of_field=True)
def matches(at: CheckPlace) -> pl.Expr:
    """The text has the form that the named pattern describes."""
    return at.raw().str.contains(grammar.PATTERNS[at.params["pattern"]])


@_check(params="pattern", of_field=True)
def holds_no(at: CheckPlace) -> pl.Expr:
    """The text holds nothing that looks like the named pattern."""
    return ~at.raw().str.contains(grammar.PATTERNS[at.params["pattern"]])


# --- one row --------------------------------------------------------------------------------------------------


@_check(columns="of", params="factor", optional="up_to floor value")
def at_most_ratio(at: CheckPlace) -> pl.Expr:
    """value <= of x factor, judged where `of` is at least `floor` (default: always).

    With `up_to`, rows above of x up_to pass: another rule speaks about those.
    """
    value, of = at.value(), at.other("of")
    passes = value <= of * at.number("factor") + ROUNDING
    if "floor" in at.params:
        passes |= of < at.number("floor")
    return passes | (value > of * at.number("up_to") + ROUNDING) if "up_to" in at.params else passes


@_check(columns="of", params="factor", optional="floor value")
def at_least_ratio(at: CheckPlace) -> pl.Expr:
    """value >= of x factor, judged where `of` is at least `floor` (default 1) and value is above 0."""
    value, of = at.value(), at.other("of")
    return (value >= of * at.number("factor") - ROUNDING) | (of < at.number("floor", 1)) | (value <= 0)


@_check(columns="needs", optional="value")
def only_with(at: CheckPlace) -> pl.Expr:
    """Above 0 only where `needs` is above 0 as well."""
    return (at.value() <= 0) | (at.other("needs") > 0)


@_check(params="parts", optional="factor plus value")
def at_most_sum(at: CheckPlace) -> pl.Expr:
    """value <= factor x (sum of parts) + plus. A part that is not known leaves the row unjudged."""
    limit = _sum(at.params["parts"])
    if "factor" in at.params:
        limit *= at.number("factor")
    return at.value() <= limit + (at.number("plus", 0) + ROUNDING)


@_check(params="plus minus", optional="tolerance value")
def adds_up_to(at: CheckPlace) -> pl.Expr:
    """value = sum of plus - sum of minus, within tolerance. A part that is not known leaves the row unjudged."""
    difference = at.value() - _sum(at.params["plus"])
    if at.params["minus"]:
        difference += _sum(at.params["minus"])
    return difference.abs() <= at.number("tolerance", 0) + ROUNDING


def _sum(columns: list[str]) -> pl.Expr:
    """The sum of columns, null where one of them is null."""
    return functools.reduce(operator.add, map(pl.col, columns))


@_check(params="limit", optional="floor when value")
def at_most(at: CheckPlace) -> pl.Expr:
    """value <= limit, judged where the column `when` is at least `floor`."""
    return _judged(at, at.value() <= at.number("limit") + ROUNDING)


@_check(params="limit", optional="floor when value")
def at_least(at: CheckPlace) -> pl.Expr:
    """value >= limit, judged where the column `when` is at least `floor`."""
    return _judged(at, at.value() >= at.number("limit") - ROUNDING)


def _judged(at: CheckPlace, passes: pl.Expr) -> pl.Expr:
    return passes | (pl.col(at.params["when"]) < at.number("floor")) if "when" in at.params else passes


@_check(columns="other", optional="value")
def same_as(at: CheckPlace) -> pl.Expr:
    """value equals the other column."""
    return at.value() == at.other("other")


@_check(columns="other", optional="value floor")
def differs_from(at: CheckPlace) -> pl.Expr:
    """value differs from the other column, judged where value is at least `floor`."""
    return (at.value() != at.other("other")) | (at.value() < at.number("floor", 0))


@_check(optional="value")
def is_zero(at: CheckPlace) -> pl.Expr:
    """value is 0 (or not known)."""
    return at.value() == 0


@_check(columns="flag")
def flag_clear(at: CheckPlace) -> pl.Expr:
    """A true-or-false column of the view is not true."""
    return ~at.other("flag")


@_check(params="columns", optional="code_list attribute mapping")
def possible(at: CheckPlace) -> pl.Expr:
    """The combination of codes is one that a mapping, or a list-valued attribute of a code list, allows."""
    left, right = at.params["columns"]
    return pl.concat_str([pl.col(left), pl.col(right)], separator="|").is_in(sorted(allowed_pairs(at.spec, at.params)))


def allowed_pairs(spec: Spec, params: Mapping[str, Any]) -> set[str]:
    """`left|right` for every combination that the rule's mapping or code list allows."""
    left = params["columns"][0]
    if "mapping" in params:
        rows = spec.mappings[params["mapping"]]
        return {f"{row[left]}|{code}" for row in rows for code in row[params["attribute"]].split(";") if code}
    codes = spec.code_lists[params["code_list"]].codes
    return {f"{code.code}|{other}" for code in codes for other in code.many(params["attribute"])}


# --- many rows ------------------------------------------------------------------------------------------------


@_check(params="columns")
def unique(at: CheckPlace) -> pl.Expr:
    """No earlier row has the same values in these columns. Rows where one of them is unknown are not judged."""
    columns = [pl.col(column) for column in at.params["columns"]]
    known = pl.all_horizontal([column.is_not_null() for column in columns])
    return pl.struct(columns).is_first_distinct() | ~known


@_check(columns="before", params="low high floor", optional="value")
def ratio_within(at: CheckPlace) -> pl.Expr:
    """low <= value / before <= high, judged where both are above 0 and the larger is at least `floor`."""
    value, before = at.value(), at.other("before")
    small = (value < at.number("floor")) & (before < at.number("floor"))
    inside = (value >= before * at.number("low")) & (value <= before * at.number("high"))
    return inside | small | (value <= 0) | (before <= 0)


@_check(columns="before", params="floor", optional="value")
def not_gone(at: CheckPlace) -> pl.Expr:
    """Not 0 where it was at least `floor` before."""
    return (at.value() > 0) | (at.other("before") < at.number("floor"))


@_check(columns="before", params="floor", optional="value")
def not_new(at: CheckPlace) -> pl.Expr:
    """Not `floor` or more where it was 0 before."""
    return (at.value() < at.number("floor")) | (at.other("before") > 0)


@_check(columns="before", params="a c u minimum floor", optional="value")
def hb_within(at: CheckPlace) -> pl.Expr:
    """Hidiroglou-Berthelot edit with the floor of methods.md section 6, over the rows where both years are above 0.

    Judged where at least `minimum` rows can be compared and the larger year is at least `floor`. s = 1 - med/r or
    r/med - 1; E = s max(y0, y1)^U; limits med(E) -/+ C d with d the quartile distance, at least |A med(E)| and at least A med(max(y)^U).
    """
    value = at.value().cast(pl.Float64)
    before = at.other("before").cast(pl.Float64)
    both = (value > 0) & (before > 0)
    ratio = pl.when(both).then(value / before)
    middle = ratio.median()
    s = pl.when(ratio < middle).then(1 - middle / ratio).otherwise(ratio / middle - 1)
    size = pl.when(both).then(pl.max_horizontal(value, before)).pow(at.number("u"))
    effect = s * size
    centre = effect.median()
    least = pl.max_horizontal((centre * at.number("a")).abs(), size.median() * at.number("a"))
    low = pl.max_horizontal(centre - effect.quantile(0.25, "linear"), least)
    high = pl.max_horizontal(effect.quantile(0.75, "linear") - centre, least)
    inside = (effect >= centre - at.number("c") * low) & (effect <= centre + at.number("c") * high)
    small = (value < at.number("floor")) & (before < at.number("floor"))
    return inside | small | (both.sum() < at.number("minimum"))


# --- the file -------------------------------------------------------------------------------------------------


@_check(params="kind")
def no_mark(at: CheckPlace) -> pl.Expr:
    """The intake made no mark of this kind while it read the file."""
    return pl.col("kind") != str(at.params["kind"])
