"""The plan in lists, the plan in polars, the pandera declaration and a plain Python reading of every rule agree."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.questionnaire.checks import CHECKS
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import plan_for
from census_api.questionnaire.rulebook import VIEWS, column_types, list_questions
from tests.rules.plain_reading import CHECKS_READ, Asked, failing_rows
from tests.rules.readings import READINGS, Failing

YEAR = load_library().years[-1]

_WHOLE = [None, -1, 0, 0, 1, 2, 4, 5, 9, 10, 11, 12, 19, 20, 30, 49, 50, 100, 20_000, 20_001, 100_000, 100_001]
_DECIMAL = [
    None,
    -0.5,
    0.0,
    0.0,
    0.01,
    0.2,
    0.5,
    0.6,
    0.9,
    0.99,
    1.0,
    1.2,
    1.21,
    2.0,
    5.0,
    9.99,
    10.0,
    12.0,
    20.0,
    20_000.5,
]
_GARBAGE = [
    None, None, "", "NK", "REFUSED", "NA", "nk", "0", "12", "1.25", "1.250", "1.255", "1.2.345", "-3", "twelve", "\u0663",
    "ALPHA-1", "alpha", "A", "hr@example.org", "a@b", "0113 496 0000", "12345", "Dr Patel", "see Sarah Jones", "Nurse",
    "AB 12 34 56 C", "943 476 5919", "ring\x07", "\ufffd", "two\nlines", "x" * 600, "\u00e9" * 160, "x" * 20, "line\n",
]  # fmt: skip

_OF_TYPE: dict[str, list[Any]] = {"Int64": _WHOLE, "Float64": _DECIMAL, "Boolean": [None, True, False]}


def _values(spec: Spec, view: str) -> dict[str, list[Any]]:
    """What each column of a view may hold: the limits of its rules, codes, states, garbage and blanks."""
    of: dict[str, list[Any]] = {}
    asked = list_questions(spec, VIEWS[view])
    codes = {
        q.key: [None, *(c.code for c in spec.code_lists[q.code_list].codes[:6])] for q in asked.values() if q.code_list
    }
    for name, dtype in column_types(spec, VIEWS[view]).items():
        of[name] = _OF_TYPE.get(str(dtype)) or codes.get(name) or _GARBAGE
    narrowed = {name for rule in spec.rules if rule.on == view for name in rule.where}
    of |= {name: [None, "other"] for name in narrowed if of[name] is _GARBAGE}
    for rule in spec.rules:
        if rule.on == view:
            for name, wanted in rule.where.items():
                of[name] = [*of[name], *(wanted if isinstance(wanted, list) else [wanted])]
            if rule.check == "no_mark":
                of["kind"] = [*of["kind"], rule.params["kind"]]
            for left, right in [rule.params["columns"]] if rule.check == "possible" else []:
                of[left], of[right] = codes.get(left) or ["voluntary", "lero", None], codes.get(right) or of[right]
    return of


def _frame(spec: Spec, view: str, height: int, seed: int) -> pl.DataFrame:
    chance = random.Random(seed)
    values, types = _values(spec, view), column_types(spec, VIEWS[view])
    return pl.DataFrame({name: [chance.choice(values[name]) for _ in range(height)] for name in types}, schema=types)


def by_plain_python(spec: Spec, view: str, frame: pl.DataFrame) -> Failing:
    rows = frame.to_dicts()
    asked = list_questions(spec, VIEWS[view])
    return {
        (rule.code, column, row)
        for rule in spec.rules
        if rule.on == view
        for column in rule.columns
        for row in failing_rows(Asked(spec, rule, column, asked.get(column), rows))
    }


def without_consequences(spec: Spec, found: Failing) -> Failing:
    """Less the rows about which a rule of `unless` has spoken."""
    spoken = {(code, row) for code, _, row in found}
    return {
        (code, column, row) for code, column, row in found
        if not any((other, row) in spoken for other in spec.rule[code].unless)
    }  # fmt: skip


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "platform"])
@settings(max_examples=10, derandomize=True)
@given(height=st.integers(1, 14), seed=st.integers(0, 2**32))
def test_the_readings_agree(view: str, height: int, seed: int) -> None:
    spec = load_spec(YEAR)
    frame = _frame(spec, view, height, seed)
    plain = by_plain_python(spec, view, frame)
    for name, read in READINGS.items():
        assert read(spec, view, frame) == plain, name
    failures, crashed = plan_for(spec).run(view, frame)
    spoken = {(failure.rule.code, failure.column, row) for failure in failures for row in failure.rows}
    assert (spoken, crashed) == (without_consequences(spec, plain), set())


def test_generated_frames_break_every_rule() -> None:
    """Otherwise the three would agree about nothing."""
    spec = load_spec(YEAR)
    broken = {
        code
        for view in VIEWS
        for seed in range(60)
        for code, _, _ in by_plain_python(spec, view, _frame(spec, view, 14, seed))
    }
    assert {rule.code for rule in spec.rules if rule.on != "platform"} - broken == set()


def test_every_check_has_a_plain_reading() -> None:
    assert set(CHECKS) == CHECKS_READ
