"""The named checks that rules use. Each is written once, in the operations of check_columns, and is true where a row passes.

Every reading of the rules runs these bodies: the plan in lists and in polars (plan.py), the cells that are known to be
good while they are read (usual_cells.py), and the pandera declaration (declaration.py).

An answer is null where an input is blank, not known or unreadable: such a row is not judged (unknown is
never zero). Checks about blanks themselves read the raw text and never give null. In a view a field `f` has two
columns: `f`, the typed value or null, and `f__raw`, the trimmed text as it was written or null where blank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from census_api.questionnaire import grammar
from census_api.questionnaire.check_columns import CheckColumn
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.model import STATES, Spec

ROUNDING = 1e-6
"""Sums of decimals with two places are compared with this slack (methods.md section 6)."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named predicate. `columns` are the parameters that name view columns, `params` all other parameters."""

    passes: Callable[[CheckPlace], CheckColumn]
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
) -> Callable[[Callable[[CheckPlace], CheckColumn]], Callable[[CheckPlace], CheckColumn]]:
    def add(function: Callable[[CheckPlace], CheckColumn]) -> Callable[[CheckPlace], CheckColumn]:
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


# --- one cell -------------------------------------------------------------------------------------------------


@_check(of_field=True, about="blank")
def required(at: CheckPlace) -> CheckColumn:
    """The cell is not blank."""
    return at.raw().is_known()


@_check(of_field=True, about="cell")
def whole_number(at: CheckPlace) -> CheckColumn:
    """A whole number by the grammar, or a state word."""
    return at.value().is_known() | ~at.raw().is_known() | at.raw().is_in(STATES)


@_check(of_field=True, about="cell")
def decimal_number(at: CheckPlace) -> CheckColumn:
    """A decimal by the grammar, or a state word."""
    return whole_number(at)


@_check(of_field=True, about="cell")
def allowed_state(at: CheckPlace) -> CheckColumn:
    """NK, REFUSED and NA only where the field allows them."""
    refused = [state for state in STATES if state not in at.find_question().states]
    return ~at.raw().is_in(refused)


@_check(of_field=True, about="cell")
def not_negative(at: CheckPlace) -> CheckColumn:
    """At least the field's minimum (0)."""
    return at.value() >= at.find_question().minimum


@_check(of_field=True, about="cell")
def within_maximum(at: CheckPlace) -> CheckColumn:
    """At most the field's maximum."""
    maximum = at.find_question().maximum
    return at.value() <= (math.inf if maximum is None else maximum)


@_check(of_field=True, about="cell")
def places(at: CheckPlace) -> CheckColumn:
    """No digit other than 0 beyond the field's number of decimal places."""
    beyond = rf"\.[0-9]{{{at.find_question().places}}}[0-9]*[1-9]"
    return ~at.value().is_known() | ~at.raw().contains(beyond)


@_check(optional="former", of_field=True, about="cell")
def known_code(at: CheckPlace) -> CheckColumn:
    """A code of the year's list. With `former`, codes of an earlier year pass: another rule speaks about those."""
    known = at.value().is_known() | ~at.raw().is_known()
    return known | at.former_code().is_known() if at.params.get("former") else known


@_check(of_field=True, about="cell")
def current_code(at: CheckPlace) -> CheckColumn:
    """Not a code that was valid in an earlier year only."""
    return ~at.former_code().is_known()


@_check(of_field=True)
def length(at: CheckPlace) -> CheckColumn:
    """At most the field's number of characters."""
    return at.raw().count_characters() <= at.find_question().max_length


@_check(params="pattern", of_field=True)
def matches(at: CheckPlace) -> CheckColumn:
    """The text has the form that the named pattern describes."""
    return at.raw().contains(grammar.PATTERNS[at.params["pattern"]])


@_check(params="pattern", of_field=True)
def holds_no(at: CheckPlace) -> CheckColumn:
    """The text holds nothing that looks like the named pattern."""
    return ~at.raw().contains(grammar.PATTERNS[at.params["pattern"]])


# --- one row --------------------------------------------------------------------------------------------------


@_check(columns="of", params="factor", optional="up_to floor value")
def at_most_ratio(at: CheckPlace) -> CheckColumn:
    """value <= of x factor, judged where `of` is at least `floor` (default: always).

    With `up_to`, rows above of x up_to pass: another rule speaks about those.
    """
    value, of = at.value(), at.other("of")
    passes = value <= of * at.number("factor") + ROUNDING
    if "floor" in at.params:
        passes |= of < at.number("floor")
    return passes | (value > of * at.number("up_to") + ROUNDING) if "up_to" in at.params else passes


@_check(columns="of", params="factor", optional="floor value")
def at_least_ratio(at: CheckPlace) -> CheckColumn:
    """value >= of x factor, judged where `of` is at least `floor` (default 1) and value is above 0."""
    value, of = at.value(), at.other("of")
    return (value >= of * at.number("factor") - ROUNDING) | (of < at.number("floor", 1)) | (value <= 0)


@_check(columns="needs", optional="value")
def only_with(at: CheckPlace) -> CheckColumn:
    """Above 0 only where `needs` is above 0 as well."""
    return (at.value() <= 0) | (at.other("needs") > 0)


@_check(params="parts", optional="factor plus value")
def at_most_sum(at: CheckPlace) -> CheckColumn:
    """value <= factor x (sum of parts) + plus. A part that is not known leaves the row unjudged."""
    limit = at.add_up(at.params["parts"]) * at.number("factor", 1)
    return at.value() <= limit + (at.number("plus", 0) + ROUNDING)


@_check(params="plus minus", optional="tolerance value")
def adds_up_to(at: CheckPlace) -> CheckColumn:
    """value = sum of plus - sum of minus, within tolerance. A part that is not known leaves the row unjudged."""
    difference = at.value() - at.add_up(at.params["plus"])
    if at.params["minus"]:
        difference += at.add_up(at.params["minus"])
    return abs(difference) <= at.number("tolerance", 0) + ROUNDING


@_check(params="limit", optional="floor when value")
def at_most(at: CheckPlace) -> CheckColumn:
    """value <= limit, judged where the column `when` is at least `floor`."""
    return _judged(at, at.value() <= at.number("limit") + ROUNDING)


@_check(params="limit", optional="floor when value")
def at_least(at: CheckPlace) -> CheckColumn:
    """value >= limit, judged where the column `when` is at least `floor`."""
    return _judged(at, at.value() >= at.number("limit") - ROUNDING)


def _judged(at: CheckPlace, passes: CheckColumn) -> CheckColumn:
    return passes | (at.other("when") < at.number("floor")) if "when" in at.params else passes


@_check(columns="other", optional="value")
def same_as(at: CheckPlace) -> CheckColumn:
    """value equals the other column."""
    return at.value().equals(at.other("other"))


@_check(columns="other", optional="value floor")
def differs_from(at: CheckPlace) -> CheckColumn:
    """value differs from the other column, judged where value is at least `floor`."""
    return at.value().differs_from(at.other("other")) | (at.value() < at.number("floor", 0))


@_check(optional="value")
def is_zero(at: CheckPlace) -> CheckColumn:
    """value is 0 (or not known)."""
    return at.value().equals(0)


@_check(columns="flag")
def flag_clear(at: CheckPlace) -> CheckColumn:
    """A true-or-false column of the view is not true."""
    return ~at.other("flag")


@_check(params="columns", optional="code_list attribute mapping")
def possible(at: CheckPlace) -> CheckColumn:
    """The combination of codes is one that a mapping, or a list-valued attribute of a code list, allows."""
    left, right = at.params["columns"]
    return (at.read(left) + "|" + at.read(right)).is_in(allowed_pairs(at.spec, at.params))


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
def unique(at: CheckPlace) -> CheckColumn:
    """No earlier row has the same values in these columns. Rows where one of them is unknown are not judged."""
    column, *others = map(at.read, at.params["columns"])
    return column.is_first(*others)


@_check(columns="before", params="low high floor", optional="value")
def ratio_within(at: CheckPlace) -> CheckColumn:
    """low <= value / before <= high, judged where both are above 0 and the larger is at least `floor`."""
    value, before = at.value(), at.other("before")
    small = (value < at.number("floor")) & (before < at.number("floor"))
    inside = (value >= before * at.number("low")) & (value <= before * at.number("high"))
    return inside | small | (value <= 0) | (before <= 0)


@_check(columns="before", params="floor", optional="value")
def not_gone(at: CheckPlace) -> CheckColumn:
    """Not 0 where it was at least `floor` before."""
    return (at.value() > 0) | (at.other("before") < at.number("floor"))


@_check(columns="before", params="floor", optional="value")
def not_new(at: CheckPlace) -> CheckColumn:
    """Not `floor` or more where it was 0 before."""
    return (at.value() < at.number("floor")) | (at.other("before") > 0)


@_check(columns="before", params="a c u minimum floor", optional="value")
def hb_within(at: CheckPlace) -> CheckColumn:
    """Hidiroglou-Berthelot edit with the floor of methods.md section 6, over the rows where both years are above 0.

    Judged where at least `minimum` rows can be compared and the larger year is at least `floor`. s = 1 - med/r or
    r/med - 1; E = s max(y0, y1)^U; limits med(E) -/+ C d with d the quartile distance, at least |A med(E)| and at least A med(max(y)^U).
    """
    value, before = at.value(), at.other("before")
    both = (value > 0) & (before > 0)
    now, then = value.keep_where(both), before.keep_where(both)
    ratio = now / then
    middle = ratio.find_median()
    size = now.take_larger(then) ** at.number("u")
    effect = (ratio < middle).choose(1 - middle / ratio, ratio / middle - 1) * size
    centre = effect.find_median()
    least = abs(centre * at.number("a")).take_larger(size.find_median() * at.number("a"))
    low = (centre - effect.find_quantile(0.25)).take_larger(least)
    high = (effect.find_quantile(0.75) - centre).take_larger(least)
    inside = (effect >= centre - low * at.number("c")) & (effect <= centre + high * at.number("c"))
    small = (value < at.number("floor")) & (before < at.number("floor"))
    return inside | small | (ratio.count_known() < at.number("minimum"))


# --- the file -------------------------------------------------------------------------------------------------


@_check(params="kind")
def no_mark(at: CheckPlace) -> CheckColumn:
    """The intake made no mark of this kind while it read the file."""
    return at.read("kind").differs_from(str(at.params["kind"]))


# --- a rule ---------------------------------------------------------------------------------------------------


def judge_rule(at: CheckPlace) -> CheckColumn:
    """The answer of the rule's check, true also for rows outside the rule's `where`; null where nobody can tell."""
    passes = CHECKS[at.rule.check].passes(at)
    for column, wanted in at.rule.where.items():
        # null where the column is: such a row is not judged
        passes |= ~at.read(column).is_in(wanted if isinstance(wanted, list) else [wanted])
    return passes
