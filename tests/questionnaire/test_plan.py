"""The plan compiled from the pandera schemas: complete, in the order of the rules, and saying one cause once."""

from __future__ import annotations

import polars as pl
import pytest

from census_api.questionnaire import plan as plans
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.plan import Failures, KnownAnswers, YearPlan, compile_plan, plan_for
from census_api.questionnaire.rulebook import VIEWS, column_types

SPEC = load_spec(2024)


def frame(view: str, **columns: list[object]) -> pl.DataFrame:
    """A view with these columns; all others are null."""
    height = len(next(iter(columns.values())))
    types = column_types(SPEC, VIEWS[view])
    return pl.DataFrame({name: columns.get(name, [None] * height) for name in types}, schema=types)


def found(plan: YearPlan, view: str, rows: pl.DataFrame, known: KnownAnswers | None = None) -> dict[str, list[int]]:
    failures, crashed = plan.run(view, rows, known)
    assert crashed == set()
    return {f"{failure.rule.code}:{failure.column}": failure.rows for failure in failures}


@pytest.mark.parametrize("year", load_library().years)
def test_every_rule_has_a_mask_for_every_column(year: int) -> None:
    spec = load_spec(year)
    masks = [(mask.rule.code, mask.column) for view in plan_for(spec).masks.values() for mask in view]
    assert sorted(masks) == sorted((rule.code, column) for rule in spec.rules for column in rule.columns)


@pytest.mark.parametrize("year", load_library().years)
def test_masks_stand_in_the_order_of_the_rules(year: int) -> None:
    spec = load_spec(year)
    order = {rule.code: index for index, rule in enumerate(spec.rules)}
    for masks in plan_for(spec).masks.values():
        positions = [order[mask.rule.code] for mask in masks]
        assert positions == sorted(positions)


def test_a_plan_is_made_once() -> None:
    assert plan_for(SPEC) is plan_for(SPEC)
    assert compile_plan(SPEC) is not plan_for(SPEC)


def test_an_empty_view_has_no_failures() -> None:
    for view in VIEWS:
        types = column_types(SPEC, VIEWS[view])
        assert plan_for(SPEC).run(view, pl.DataFrame(schema=types)) == ([], set())


def test_rows_of_null_fail_only_what_is_about_blanks() -> None:
    for view in VIEWS:
        types = column_types(SPEC, VIEWS[view])
        failures, crashed = plan_for(SPEC).run(view, pl.DataFrame({name: [None] for name in types}, schema=types))
        assert crashed == set()
        assert {failure.rule.check for failure in failures} <= {"required"}


def test_a_rule_keeps_silent_where_another_has_spoken() -> None:
    rows = frame("staff", paid_headcount=[0, 10, -1], paid_wte=[3.0, 13.0, 5.0])
    rules = found(plan_for(SPEC), "staff", rows)
    assert rules["STF-019:paid_wte"] == [0]
    assert rules["STF-016:paid_wte"] == [1]
    assert rules["STF-008:paid_headcount"] == [2]


def test_silence_is_row_by_row() -> None:
    plan = plan_for(SPEC)
    rows = frame("staff", paid_headcount=[0, 0], paid_wte=[3.0, 0.0], leavers=[1, 1], starters=[0, 0], opening_headcount=[0, 0],
                 transfers_in=[0, 0], transfers_out=[0, 0])  # fmt: skip
    assert found(plan, "staff", rows)["STF-024:leavers"] == [0, 1]
    assert "STF-025:paid_headcount" not in found(plan, "staff", rows)


def test_what_is_known_to_pass_is_not_run() -> None:
    rows = frame("staff", starters__raw=["x", None], starters=[None, None])
    plan = plan_for(SPEC)
    assert found(plan, "staff", rows)["STF-006:starters"] == [0]
    assert "STF-006:starters" not in found(plan, "staff", rows, KnownAnswers(plain=frozenset({"starters"})))
    filled = found(plan, "staff", rows, KnownAnswers(filled=frozenset({"role_code"})))
    assert "STF-001:role_code" not in filled
    assert "STF-001:service_type" in filled


@pytest.mark.parametrize(("rows", "reading"), [(1, "lists"), (100, "lists"), (101, "polars")])
def test_short_views_are_run_in_lists_and_long_ones_in_polars(
    rows: int, reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lists", "polars"):
        monkeypatch.setattr(plans, f"run_in_{name}", lambda masks, frame, name=name: ([], {name}))
    assert plan_for(SPEC).run("marks", frame("marks", kind=[None] * rows)) == ([], {reading})


def test_a_crash_is_told_apart_from_a_failure() -> None:
    rows = frame("staff", paid_headcount=[0], paid_wte=[3.0]).drop("opening_headcount")
    failures, crashed = plan_for(SPEC).run("staff", rows)
    asked = {
        mask.rule.code for mask in plan_for(SPEC).masks["staff"] if "opening_headcount" in mask.fails.meta.root_names()
    }
    assert crashed == asked
    assert "STF-019" in {failure.rule.code for failure in failures}
    assert all(isinstance(failure, Failures) for failure in failures)
