"""Every check on both sides of each of its limits: at the limit, and the next number below and above it.

`answers` says of each row whether it passes; None where nobody can tell. The field `value` is a decimal from 2 to 8
with two places, NK allowed, and texts up to 5 characters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from census_api.questionnaire.checks import ROUNDING
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Rule, SheetQuestion, Spec
from census_api.questionnaire.rulebook import View, column_types

SPEC = load_spec(2024)
VIEW = "tested"
FIELD = SheetQuestion(
    key="value", label="Value", type="decimal", help="", minimum=2, maximum=8, places=2, states=("NK",), max_length=5
)
NUMBER, TEXT, FLAG = pl.Float64(), pl.String(), pl.Boolean()
TESTED = View(
    {"value__former": TEXT, "other": NUMBER, "more": NUMBER, "flag": FLAG, "kind": TEXT, "sector": TEXT, "service_type": TEXT},
    fields=(FIELD,),
)  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckCase:
    """Rows of the view `tested`, and what the check answers about each."""

    check: str
    rows: tuple[Row, ...]
    answers: tuple[bool | None, ...]
    params: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> Spec:
        """The spec of a year with one rule, which names the check."""
        rule = Rule(
            code="TST-001", on=VIEW, check=self.check, columns=("value",), params=self.params, severity="error", title="",
            message="", expected="", fix="", why="", source="Ours", decided_by="developers",
        )  # fmt: skip
        return SPEC.model_copy(update={"rules": (rule,)})

    def frame(self) -> pl.DataFrame:
        types = column_types(SPEC, TESTED)
        return pl.DataFrame([{name: row.get(name) for name in types} for row in self.rows], schema=types)

    def list_rows(self, answer: bool) -> set[int]:
        return {row for row, answered in enumerate(self.answers) if answered is answer}


def below(number: float) -> float:
    return math.nextafter(number, -math.inf)


def above(number: float) -> float:
    return math.nextafter(number, math.inf)


def values(*numbers: float | None, **others: Any) -> tuple[Row, ...]:
    """Rows that differ in `value`; its text is what the number looks like."""
    return tuple(
        {"value": number, "value__raw": None if number is None else f"{number}", **others} for number in numbers
    )


def pairs(*rows: tuple[Any, Any], names: tuple[str, str] = ("value", "other")) -> tuple[Row, ...]:
    return tuple(dict(zip(names, row, strict=True)) for row in rows)


def texts(*raw: str | None, value: float | None = None) -> tuple[Row, ...]:
    return tuple({"value": value, "value__raw": text} for text in raw)


LONG, FEW = "x" * 6, {"a": 0.5, "c": 2, "u": 0, "minimum": 4, "floor": 0, "before": "other"}
SAME = ((4, 4),) * 5
OF_OTHER = {"of": "other", "factor": 2}
CASES: tuple[CheckCase, ...] = (
    CheckCase("required", texts(None, "x"), (False, True)),
    CheckCase("whole_number", (*texts(None, "NK", "nk", "x"), *values(1)), (True, True, False, False, True)),
    CheckCase("decimal_number", (*texts(None, "REFUSED", "na"), *values(1.5)), (True, True, False, True)),
    CheckCase("allowed_state", texts(None, "NK", "NA", "REFUSED", "x"), (None, True, False, False, True)),
    CheckCase("not_negative", values(None, below(2), 2, above(2)), (None, False, True, True)),
    CheckCase("within_maximum", values(None, below(8), 8, above(8)), (None, True, True, False)),
    CheckCase(
        "places", (*texts("2.1", "2.25", "2.255", "2.250", "2.2505", "2", value=2), *texts("2.255")),
        (True, True, False, True, False, True, True),
    ),
    CheckCase(
        "known_code", (*texts(None, "x"), {"value__raw": "x", "value__former": "E1"}, *values(2)), (True, False, False, True)
    ),
    CheckCase("known_code", (*texts("x"), {"value__raw": "x", "value__former": "E1"}), (False, True), {"former": True}),
    CheckCase("current_code", ({"value__raw": "x", "value__former": "E1"}, *values(2)), (False, True)),
    CheckCase("length", texts(None, LONG[:4], LONG[:5], LONG), (None, True, True, False)),
    CheckCase("length", texts("\u00e9" * 5, "\u00e9" * 6), (True, False)),
    CheckCase(
        "matches", texts(None, "A", "AB", "A" * 20, "A" * 21, "AB\n"), (None, False, True, True, False, False),
        {"pattern": "organisation_code"},
    ),
    CheckCase("holds_no", texts(None, "a", "a\x07", "\u00e9\x07"), (None, True, False, False), {"pattern": "control"}),
    CheckCase(
        "at_most_ratio", values(None, 0, below(6 + ROUNDING), 6 + ROUNDING, above(6 + ROUNDING), other=3),
        (None, True, True, True, False), OF_OTHER,
    ),
    CheckCase(
        "at_most_ratio", pairs((90, below(4)), (90, 4), (90, None), (1, None)), (True, False, None, None), {**OF_OTHER, "floor": 4}
    ),
    CheckCase("at_most_ratio", values(7, 9 + ROUNDING, above(9 + ROUNDING), other=3), (False, False, True), {**OF_OTHER, "up_to": 3}),
    CheckCase(
        "at_least_ratio", values(below(20 - ROUNDING), 20 - ROUNDING, above(20 - ROUNDING), other=10), (False, True, True), OF_OTHER
    ),
    CheckCase("at_least_ratio", values(-1, 0, above(0), other=10), (True, True, False), OF_OTHER),
    CheckCase("at_least_ratio", pairs((0.1, below(1)), (0.1, 1), (0.1, None)), (True, False, None), OF_OTHER),
    CheckCase("at_least_ratio", pairs((0.1, below(4)), (0.1, 4)), (True, False), {**OF_OTHER, "floor": 4}),
    CheckCase(
        "only_with", pairs((0, 0), (above(0), 0), (above(0), above(0)), (0, None), (1, None)), (True, False, True, True, None),
        {"needs": "other"},
    ),
    CheckCase(
        "at_most_sum", values(7, 6 + (1 + ROUNDING), above(6 + (1 + ROUNDING)), other=2, more=1), (True, True, False),
        {"parts": ["other", "more"], "factor": 2, "plus": 1},
    ),
    CheckCase("at_most_sum", pairs((ROUNDING, 0), (above(ROUNDING), 0), (0, None)), (True, False, None), {"parts": ["other"]}),
    CheckCase(
        "adds_up_to", values(1 + ROUNDING, above(1 + ROUNDING), -1 - ROUNDING, below(-1 - ROUNDING), other=0, more=0),
        (True, False, True, False), {"plus": ["other"], "minus": ["more"], "tolerance": 1},
    ),
    CheckCase("adds_up_to", values(3, 7, None, other=5, more=2), (True, False, None), {"plus": ["other"], "minus": ["more"]}),
    CheckCase("adds_up_to", values(7, 3, other=5, more=2), (True, False), {"plus": ["other", "more"], "minus": []}),
    CheckCase("at_most", values(None, 5, 5 + ROUNDING, above(5 + ROUNDING)), (None, True, True, False), {"limit": 5}),
    CheckCase(
        "at_most", pairs((9, below(3)), (9, 3), (9, None)), (True, False, None), {"limit": 5, "when": "other", "floor": 3}
    ),
    CheckCase("at_least", values(None, below(5 - ROUNDING), 5 - ROUNDING, 5), (None, False, True, True), {"limit": 5}),
    CheckCase(
        "at_least", pairs((1, below(3)), (1, 3), (1, None)), (True, False, None), {"limit": 5, "when": "other", "floor": 3}
    ),
    CheckCase("same_as", values(None, below(9), 9, above(9), other=9), (None, False, True, False), {"other": "other"}),
    CheckCase("differs_from", values(below(9), 9, above(9), 0, other=9), (True, False, True, True), {"other": "other"}),
    CheckCase("differs_from", pairs((0, 0), (-1, -1)), (False, True), {"other": "other"}),
    CheckCase("differs_from", pairs((below(4), below(4)), (4, 4)), (True, False), {"other": "other", "floor": 4}),
    CheckCase("is_zero", values(None, below(0), 0, above(0)), (None, False, True, False)),
    CheckCase("flag_clear", ({"flag": True}, {"flag": False}, {}), (False, True, None), {"flag": "flag"}),
    CheckCase(
        "possible",
        pairs(("voluntary", "adult_community"), ("voluntary", "commissioning"), (None, "lero"), names=("sector", "service_type")),
        (True, False, None), SPEC.rule["SRV-009"].params,
    ),
    CheckCase(
        "unique", pairs(("a", "b"), ("a", "b"), ("a", None), ("a", None), ("b", "a"), ("a", "b"), names=("sector", "kind")),
        (True, False, None, None, True, False), {"columns": ["sector", "kind"]},
    ),
    CheckCase(
        "ratio_within", values(below(10), 10, 40, above(40), 0, above(0), other=20), (False, True, True, False, True, False),
        {"before": "other", "low": 0.5, "high": 2, "floor": 10},
    ),
    CheckCase(
        "ratio_within",
        pairs((1, below(10)), (1, 10), (below(10), 1), (10, 1), (20, 0), (20, above(0)), (20, None)),
        (True, False, True, False, True, False, None), {"before": "other", "low": 0.5, "high": 2, "floor": 10},
    ),
    CheckCase(
        "not_gone", pairs((0, 10), (0, below(10)), (above(0), 10), (0, None)), (False, True, True, None),
        {"before": "other", "floor": 10},
    ),
    CheckCase(
        "not_new", pairs((10, 0), (below(10), 0), (10, above(0)), (10, None)), (False, True, True, None),
        {"before": "other", "floor": 10},
    ),
    # all ratios are 1 but the last: limits of the effect are -1 and 1, which a ratio of 2 and of 0.5 just reach
    CheckCase("hb_within", pairs(*SAME, (8, 4), (None, 4)), (True,) * 6 + (None,), FEW),
    CheckCase("hb_within", pairs(*SAME, (above(8), 4)), (True,) * 5 + (False,), FEW),
    CheckCase("hb_within", pairs(*SAME, (2, 4)), (True,) * 6, FEW),
    CheckCase("hb_within", pairs(*SAME, (below(2), 4)), (True,) * 5 + (False,), FEW),
    CheckCase("hb_within", pairs(*SAME, (9, 4)), (True,) * 5 + (False,), {**FEW, "minimum": 6}),
    CheckCase("hb_within", pairs(*SAME, (9, 4)), (True,) * 6, {**FEW, "minimum": 7}),
    CheckCase("hb_within", pairs(*SAME, (9, 4), (0, 4), (4, 0)), (True,) * 8, {**FEW, "minimum": 7}),
    CheckCase("hb_within", pairs(*SAME, (9, 4)), (True,) * 5 + (False,), {**FEW, "floor": 9}),
    CheckCase("hb_within", pairs(*SAME, (9, 4)), (True,) * 6, {**FEW, "floor": 10}),
    CheckCase("hb_within", pairs(*SAME, (1, 9)), (True,) * 5 + (False,), {**FEW, "floor": 9}),
    CheckCase("hb_within", pairs(*SAME, (8, 4), *((900, 0),) * 9), (True,) * 5 + (False,) + (None,) * 9, {**FEW, "u": 1}),
    CheckCase("no_mark", ({"kind": "wrong_year"}, {"kind": "filtered"}, {}), (False, True, None), {"kind": "wrong_year"}),
)  # fmt: skip
