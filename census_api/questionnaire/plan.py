"""Rules as pandera schemas (the declaration and the reference), and the polars plan compiled from those schemas.

A schema is made for every view. Checks about one column are pandera's own where pandera has them; the others are
custom checks that carry the name of a census check. The plan walks the schemas: every check must map to an
expression, or the platform does not start. The plan runs one `select` a view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire.checks import CHECKS, CheckPlace
from census_api.questionnaire.model import Rule, Spec
from census_api.questionnaire.rulebook import VIEWS, column_types, list_questions


@dataclass(frozen=True, slots=True)
class Mask:
    """One rule on one column: an expression that is true where the row FAILS."""

    rule: Rule
    column: str
    fails: pl.Expr
    position: pl.Expr


@dataclass(frozen=True, slots=True)
class Failures:
    """Rows (0-based, ascending) of a view that fail one mask."""

    rule: Rule
    column: str
    rows: list[int]


@dataclass(frozen=True, slots=True)
class YearPlan:
    """All masks of a year by view, and the pandera schemas that they were compiled from."""

    schemas: Mapping[str, pa.DataFrameSchema]
    masks: Mapping[str, tuple[Mask, ...]]

    def run(self, view: str, frame: pl.DataFrame, known: KnownAnswers | None = None) -> tuple[list[Failures], set[str]]:
        """The failures in one view, and the codes of rules that crashed. A crash never hides another rule.

        Checks that are known to pass are not run.
        """
        if frame.height == 0:
            return [], set()
        masks = [mask for mask in self.masks[view] if known is None or not known.passes(mask)]
        try:
            result = frame.select([mask.position for mask in masks])
        except pl.exceptions.PolarsError:
            return _one_by_one(masks, frame)
        found = zip(masks, result.row(0), strict=True) if masks else ()
        return _first_causes([Failures(mask.rule, mask.column, rows) for mask, rows in found if rows]), set()


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


def _one_by_one(masks: list[Mask], frame: pl.DataFrame) -> tuple[list[Failures], set[str]]:
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
    return _first_causes(failures), crashed


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
    """Schemas and masks of every view. Raises SpecError for a check that cannot be mapped."""
    schemas = {view: pandera_schema(spec, view) for view in VIEWS}
    masks = {view: tuple(_masks(spec, view, schema)) for view, schema in schemas.items()}
    return YearPlan(schemas, masks)


# --- rules to pandera -----------------------------------------------------------------------------------------


def pandera_schema(spec: Spec, view: str) -> pa.DataFrameSchema:
    """The rules of one view as a pandera schema over its columns."""
    of_column: dict[str, list[pa.Check]] = {}
    of_frame: list[pa.Check] = []
    for rule in spec.rules:
        if rule.on != view:
            continue
        for column in rule.columns:
            place = CheckPlace(spec, rule, column, list_questions(spec, VIEWS[view]).get(column))
            own = _pandera_own(place)
            if own is None:
                of_frame.append(_custom(place))
            else:
                of_column.setdefault(own[0], []).append(own[1])
    columns = {
        name: pa.Column(dtype, checks=of_column.get(name, []), nullable=True)
        for name, dtype in column_types(spec, VIEWS[view]).items()
    }
    return pa.DataFrameSchema(columns, checks=of_frame, name=f"{view} {spec.year}")


def _pandera_own(place: CheckPlace) -> tuple[str, pa.Check] | None:
    """The column and pandera's own check for a census check that has one; None if it needs a custom check."""
    if place.rule.where or place.question is None:
        return None
    name = f"{place.rule.code}:{place.column}"
    raw = f"{place.column}__raw"
    match place.rule.check:
        case "not_negative":
            return place.column, pa.Check.ge(place.question.minimum, name=name, title=place.rule.title)
        case "within_maximum":
            return place.column, pa.Check.le(place.question.maximum, name=name, title=place.rule.title)
        case "length":
            return raw, pa.Check.str_length(max_value=place.question.max_length, name=name, title=place.rule.title)
    return None


def _custom(place: CheckPlace) -> pa.Check:
    def passes(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_guarded(place).fill_null(True))

    return pa.Check(
        passes,
        name=f"{place.rule.code}:{place.column}",
        title=place.rule.title,
        statistics={"census_check": place.rule.check, "place": place},
    )


def _guarded(place: CheckPlace) -> pl.Expr:
    """The check's expression, true also for rows outside the rule's `where`."""
    passes = CHECKS[place.rule.check].passes(place)
    for column, wanted in place.rule.where.items():
        # null where the column is: such a row is not judged
        passes |= ~pl.col(column).is_in(wanted) if isinstance(wanted, list) else pl.col(column) != wanted
    return passes


# --- pandera to polars ----------------------------------------------------------------------------------------

_OWN: Mapping[str, Callable[[str, Mapping[str, Any]], pl.Expr]] = {
    "greater_than_or_equal_to": lambda column, stats: pl.col(column) >= stats["min_value"],
    "less_than_or_equal_to": lambda column, stats: pl.col(column) <= stats["max_value"],
    "str_length": lambda column, stats: pl.col(column).str.len_chars() <= stats["max_value"],
}


def _masks(spec: Spec, view: str, schema: pa.DataFrameSchema) -> Iterator[Mask]:
    """Every check of a schema as a failure mask, in the order of the rules."""
    found = [(check, None) for check in schema.checks]
    found += [(check, name) for name, column in schema.columns.items() for check in column.checks]
    order = {rule.code: position for position, rule in enumerate(spec.rules)}
    masks: list[Mask] = []
    for check, column_name in found:
        code, _, column = str(check.name).partition(":")
        passes = _expression(check, column_name)
        if passes is None or code not in order:
            raise SpecError(f"schemas/{spec.year}/census.toml", f"rules.{code}", f"check on {view} cannot be compiled")
        fails = ~passes
        position = fails.arg_true().implode().alias(str(check.name))
        masks.append(Mask(spec.rule[code], column, fails, position))
    yield from sorted(masks, key=lambda mask: order[mask.rule.code])


def _expression(check: pa.Check, column: str | None) -> pl.Expr | None:
    statistics: Mapping[str, Any] = check.statistics or {}
    if column is not None:
        own = _OWN.get(str(check._check_fn))  # noqa: SLF001 - pandera keeps the name of its own check only there
        return own(column, statistics) if own else None
    if statistics.get("census_check") not in CHECKS:
        return None
    return _guarded(statistics["place"])
