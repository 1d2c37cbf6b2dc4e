"""The named checks: what they take, and how they treat what is not known."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from census_api.questionnaire.check_columns import ListFrame, PolarsColumn, ValuesColumn, refer_to
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS, allowed_pairs
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import Rule, SheetQuestion

SPEC = load_spec(2024)
NUMBER = SheetQuestion(key="value", label="Value", type="decimal", help="", maximum=100, states=("NK",))


def answers(check: str, rows: list[Any], **params: Any) -> list[bool | None]:
    """What a check answers for rows of value, other, more and their texts."""
    rule = Rule(
        code="TST-001", on="staff", check=check, columns=("value",), params=params, severity="error", title="", message="",
        expected="", fix="", why="", source="Ours", decided_by="developers",
    )  # fmt: skip
    schema = {
        "value": pl.Float64(),
        "other": pl.Float64(),
        "more": pl.Float64(),
        "value__raw": pl.String(),
        "flag": pl.Boolean(),
    }
    frame = pl.DataFrame(rows, schema=schema)
    passes = CHECKS[check].passes
    in_lists = passes(CheckPlace(SPEC, rule, "value", NUMBER, ListFrame(frame).column))
    in_polars = passes(CheckPlace(SPEC, rule, "value", NUMBER, refer_to))
    assert isinstance(in_lists, ValuesColumn)
    assert isinstance(in_polars, PolarsColumn)
    answers = frame.select(in_polars.expression).to_series().to_list()
    assert list(in_lists.values) == answers
    return answers


def values(*values: float | None) -> list[dict[str, Any]]:
    return [{"value": value, "other": 10.0, "more": 1.0} for value in values]


def test_what_is_not_known_is_not_judged() -> None:
    judged: dict[str, dict[str, Any]] = {
        "at_most_ratio": {"of": "other", "factor": 1},
        "only_with": {"needs": "other"},
        "at_most_sum": {"parts": ["other"]},
        "adds_up_to": {"plus": ["other"], "minus": ["more"]},
        "same_as": {"other": "other"},
        "not_negative": {},
        "within_maximum": {},
    }
    for check, params in judged.items():
        row = {"value": 200.0, "other": None, "more": 1.0}
        if CHECKS[check].columns or "parts" in params or "plus" in params:
            assert answers(check, [row], **params) == [None], check
        assert False not in answers(check, values(None), **params), check


def test_a_part_that_is_not_known_is_never_zero() -> None:
    rows = [{"value": 5.0, "other": 5.0, "more": None}, {"value": 5.0, "other": 5.0, "more": 0.0}]
    assert answers("adds_up_to", rows, plus=["other", "more"], minus=[]) == [None, True]


def test_ratios_take_rounding_with_two_places() -> None:
    assert answers("at_most_ratio", values(12.0, 12.0000009, 12.01), of="other", factor=1.2) == [True, True, False]


def test_only_the_band_above_a_ratio() -> None:
    assert answers("at_most_ratio", values(10, 10.5, 12, 12.5), of="other", factor=1, up_to=1.2) == [
        True,
        False,
        False,
        True,
    ]


def test_at_least_leaves_zero_to_others() -> None:
    assert answers("at_least_ratio", values(0, 1.99, 2, None), of="other", factor=0.2) == [True, False, True, None]


def test_blanks_are_judged_only_by_the_check_for_blanks() -> None:
    rows = [{"value__raw": None}, {"value__raw": "x"}]
    assert answers("required", rows) == [False, True]
    assert answers("decimal_number", rows) == [True, False]
    assert answers("allowed_state", rows) == [None, True]


def test_states_pass_as_numbers_and_only_where_they_are_allowed() -> None:
    rows = [{"value__raw": state} for state in ("NK", "REFUSED", "NA", "nk")]
    assert answers("decimal_number", rows) == [True, True, True, False]
    assert answers("allowed_state", rows) == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "passes"), [("1.23", True), ("1.230", True), ("1.234", False), ("1.2300001", False), ("7", True)]
)
def test_decimal_places_count_digits_that_say_something(text: str, passes: bool) -> None:
    assert answers("places", [{"value": float(text), "value__raw": text}]) == [passes]


def test_pairs_that_a_mapping_or_a_list_allows() -> None:
    sectors = allowed_pairs(SPEC, SPEC.rule["SRV-009"].params)
    assert "voluntary|adult_community" in sectors
    assert "voluntary|commissioning" not in sectors
    roles = allowed_pairs(SPEC, SPEC.rule["STF-031"].params)
    assert "DAW|adult_community" in roles
    assert not any(pair.startswith("TRUSTEE|") for pair in roles)


def test_every_check_is_used_and_says_what_it_does() -> None:
    used = {rule.check for year in load_library().years for rule in load_spec(year).rules}
    assert set(CHECKS) == used
    assert all(
        (check.passes.__doc__ or "").endswith(".") or "\n" in (check.passes.__doc__ or "") for check in CHECKS.values()
    )
