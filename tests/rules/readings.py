"""The readings of the rules that the platform makes from one body of each check: what fails, as (rule, column, row)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandera.errors
import polars as pl

from census_api.questionnaire.declaration import declare_view
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import Failures, Mask, compile_plan, run_in_lists, run_in_polars

Failing = set[tuple[str, str, int]]
Reading = Callable[[Spec, str, pl.DataFrame], Failing]


def read_by_pandera(spec: Spec, view: str, frame: pl.DataFrame) -> Failing:
    failing: Failing = set()
    try:
        declare_view(spec, view).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as problem:
        for error in problem.schema_errors:
            code, _, column = str(error.check.name).partition(":")
            passed = error.check_output["check_output"].to_list()
            assert len(passed) == frame.height
            failing |= {(code, column, row) for row, answer in enumerate(passed) if answer is False}
    return failing


def read_in_lists(spec: Spec, view: str, frame: pl.DataFrame) -> Failing:
    return _run(run_in_lists, spec, view, frame)


def read_in_polars(spec: Spec, view: str, frame: pl.DataFrame) -> Failing:
    return _run(run_in_polars, spec, view, frame)


def _run(
    run: Callable[[list[Mask], pl.DataFrame], tuple[list[Failures], set[str]]],
    spec: Spec,
    view: str,
    frame: pl.DataFrame,
) -> Failing:
    failures, crashed = run(list(compile_plan(spec).masks[view]), frame)
    assert crashed == set()
    return {(failure.rule.code, failure.column, row) for failure in failures for row in failure.rows}


READINGS: Mapping[str, Reading] = {
    "lists": read_in_lists, "polars": read_in_polars, "pandera": read_by_pandera,
}  # fmt: skip
