"""The rules of a year as a plan: for every view the checks of its columns, run in lists or in one polars `select`.

Both readings run the bodies of checks.py. Lists are for small views, where a call of polars costs more than the work;
findings are the same whichever is taken. A check that crashes never hides another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

import polars as pl

from census_api.questionnaire.check_columns import ListFrame, PolarsColumn, ReadColumnOf, ValuesColumn, refer_to
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS, judge_rule
from census_api.questionnaire.model import Rule, SheetQuestion, Spec
from census_api.questionnaire.rulebook import VIEWS, list_questions

MOST_ROWS_IN_LISTS: Final = 100
"""Where the two cost the same: the Staff view of a usual return at 90 rows, breakdown rows at 150 (ours, measured)."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One rule on one column. `fails` is true where a row fails, `position` lists those rows."""

    spec: Spec
    rule: Rule
    column: str
    question: SheetQuestion | None
    fails: pl.Expr
    position: pl.Expr

    def list_failing(self, view: ListFrame) -> list[int]:
        """The rows of a small view that fail."""
        place = CheckPlace(self.spec, self.rule, self.column, self.question, view.column)
        answers = cast("ValuesColumn", judge_rule(place)).values
        return [row for row, passes in enumerate(answers) if passes is False]


@dataclass(frozen=True, slots=True)
class Failures:
    """Rows (0-based, ascending) of a view that fail one mask."""

    rule: Rule
    column: str
    rows: list[int]


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """What reading a table has shown about its questions, so that it need not be checked again.

    `plain`: every cell is blank or a value within its limits; `filled`: no cell is blank; `blank`: every cell is.
    """

    plain: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()

    def passes(self, mask: Mask) -> bool:
        check = CHECKS[mask.rule.check]
        if check.about == "blank":
            return mask.column in self.filled
        if check.about == "cell" and mask.column in self.plain:
            return True
        return check.of_field and mask.column in self.blank


@dataclass(frozen=True, slots=True)
class YearPlan:
    """All masks of a year by view."""

    masks: Mapping[str, tuple[Mask, ...]]

    def run(self, view: str, frame: pl.DataFrame, known: KnownAnswers | None = None) -> tuple[list[Failures], set[str]]:
        """The failures in one view, and the codes of rules that crashed. A crash never hides another rule.

        Checks that are known to pass are not run.
        """
        if frame.height == 0:
            return [], set()
        masks = [mask for mask in self.masks[view] if known is None or not known.passes(mask)]
        run = run_in_lists if frame.height <= MOST_ROWS_IN_LISTS else run_in_polars
        failures, crashed = run(masks, frame)
        return _first_causes(failures), crashed


def run_in_lists(masks: list[Mask], frame: pl.DataFrame) -> tuple[list[Failures], set[str]]:
    """The failures of a small view, check by check, and the codes of rules that crashed."""
    view = ListFrame(frame)
    failures: list[Failures] = []
    crashed: set[str] = set()
    for mask in masks:
        try:
            rows = mask.list_failing(view)
        except Exception:  # noqa: BLE001 - whatever went wrong, this rule is reported as failed and the others run
            crashed.add(mask.rule.code)
            continue
        if rows:
            failures.append(Failures(mask.rule, mask.column, rows))
    return failures, crashed


def run_in_polars(masks: list[Mask], frame: pl.DataFrame) -> tuple[list[Failures], set[str]]:
    """The failures of a long view by one `select`, and the codes of rules that crashed."""
    try:
        result = frame.select([mask.position for mask in masks])
    except pl.exceptions.PolarsError:
        return _run_one_by_one(masks, frame)
    rows_of = zip(masks, result.row(0), strict=True) if masks else ()
    return [Failures(mask.rule, mask.column, rows) for mask, rows in rows_of if rows], set()


def _run_one_by_one(masks: list[Mask], frame: pl.DataFrame) -> tuple[list[Failures], set[str]]:
    failures: list[Failures] = []
    crashed: set[str] = set()
    for mask in masks:
        try:
            rows = frame.select(mask.position).item().to_list()
        except pl.exceptions.PolarsError:
            crashed.add(mask.rule.code)
            continue
        if rows:
            failures.append(Failures(mask.rule, mask.column, rows))
    return failures, crashed


def _first_causes(failures: list[Failures]) -> list[Failures]:
    """Without the rows about which a rule of `unless` has spoken already: one slip, one finding."""
    if not any(failure.rule.unless for failure in failures):
        return failures
    rows_of: dict[str, set[int]] = {}
    for failure in failures:
        rows_of.setdefault(failure.rule.code, set()).update(failure.rows)
    kept: list[Failures] = []
    for failure in failures:
        spoken: set[int] = set().union(*(rows_of.get(code, ()) for code in failure.rule.unless))
        rows = [row for row in failure.rows if row not in spoken] if spoken else failure.rows
        if rows:
            kept.append(Failures(failure.rule, failure.column, rows))
    return kept


_PLANS: dict[str, YearPlan] = {}


def plan_for(spec: Spec) -> YearPlan:
    """The compiled plan of a spec, made once a process."""
    plan = _PLANS.get(spec.digest)
    if plan is None:
        plan = _PLANS[spec.digest] = compile_plan(spec)
    return plan


def compile_plan(spec: Spec) -> YearPlan:
    """The masks of every view, in the order of the rules."""
    masks: dict[str, list[Mask]] = {view: [] for view in VIEWS}
    for rule in spec.rules:
        for place in list_places(spec, rule, refer_to):
            fails = ~cast("PolarsColumn", judge_rule(place)).expression
            position = fails.arg_true().implode().alias(f"{rule.code}:{place.column}")
            masks[rule.on].append(Mask(spec, rule, place.column, place.question, fails, position))
    return YearPlan({view: tuple(of_view) for view, of_view in masks.items()})


def list_places(spec: Spec, rule: Rule, read: ReadColumnOf) -> Iterator[CheckPlace]:
    """The places of a rule: one for each of its columns."""
    questions = list_questions(spec, VIEWS[rule.on])
    for column in rule.columns:
        yield CheckPlace(spec, rule, column, questions.get(column), read)
