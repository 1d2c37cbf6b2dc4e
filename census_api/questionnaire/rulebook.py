"""The views that rules read, and the proof at start-up that every rule fits its view and its check."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire import grammar
from census_api.questionnaire.checks import CHECKS, Check
from census_api.questionnaire.model import Rule, SheetQuestion, Spec
from census_api.questionnaire.rule_homes import read_rule_register

Needs = Literal["last_year", "frame", "register"]
_CODE = re.compile(r"^[A-Z]{3}-[0-9]{3}$")
INT, NUM, TEXT, FLAG = pl.Int64(), pl.Float64(), pl.String(), pl.Boolean()
COUNT = SheetQuestion(key="count", label="number of people", type="count", help="", maximum=100_000)
ROW = SheetQuestion(key="row", label="row", type="code", help="", required=True)

EXTRA_PLACEHOLDERS = frozenset({"value", "column", "nearest", "first_row", "sheet", "successors", "states", "maximum"})


@dataclass(frozen=True, slots=True)
class View:
    """A frame of rows that rules can speak about. `sheet` lends its fields; `derived` are further columns."""

    derived: Mapping[str, pl.DataType]
    sheet: str | None = None
    needs: Needs | None = None
    fields: tuple[SheetQuestion, ...] = ()


_LINE = {"line": TEXT, "paid_headcount": INT, "paid_wte": NUM, "vacant_wte": NUM, "staff_rows": INT}

VIEWS: Mapping[str, View] = {
    "platform": View({"failed": FLAG}),
    "marks": View({"kind": TEXT, "shown": TEXT, "detail": TEXT}),
    "organisation": View({"return_has_data": FLAG, "return_is_blank": FLAG}, "organisation"),
    "services": View(
        {"sector": TEXT, "needs_note": FLAG, "route_needed": FLAG, "not_in_frame": FLAG}, "services"
    ),
    "staff": View(
        {
            "role_group": TEXT, "pay_basis": TEXT, "line": TEXT, "not_listed": FLAG, "line_without_data": FLAG,
            "nothing_said": FLAG, "paid_in_unpaid_role": FLAG, "unpaid_in_paid_role": FLAG,
            "unpaid_hours_blank": FLAG, "transfers_blank": FLAG,
        },
        "staff",
    ),
    "breakdown": View({"row": TEXT, "category": TEXT}, fields=(COUNT,)),
    "breakdown_rows": View(
        {
            "label": TEXT, "total": INT, "compared_total": INT, "unknown": INT, "filled": INT, "partly_blank": FLAG, "staff_total": INT,
            "staff_largest_line": INT, "group_total": INT, "agreed_total": INT, "lowest": INT, "highest": INT,
            "largest": INT, "known": INT, "role_group": TEXT, "kind": TEXT, "unpaid_only": FLAG,
        },
        fields=(ROW,),
    ),
    "breakdown_sheets": View({"wholly_blank": FLAG, "kind": TEXT, "staff_total": INT}),
    "breakdown_gaps": View({"label": TEXT, "staff_total": INT, "missing_row": FLAG, "kind": TEXT}),
    "lines": View(
        {
            **_LINE, "no_staff": FLAG, "share_of_return": NUM, "key_role_missing": FLAG, "key_roles": TEXT,
            "has_staff": FLAG, "data_available": TEXT, "lines_in_return": INT, "return_headcount": INT,
            "local_authority": TEXT, "service": TEXT,
        }
    ),
    "return": View(
        {
            "service_lines": INT, "staff_rows": INT, "paid_headcount": INT, "paid_wte": NUM, "vacant_wte": NUM,
            "starters": INT, "leavers": INT, "unpaid_headcount": INT, "nil": FLAG, "no_services": FLAG,
            "round_share": NUM, "numbers": INT, "whole_wte_share": NUM, "wte_rows": INT, "no_staff_sheet": FLAG,
            "flows_known": INT, "only_head_office": FLAG, "opening_headcount": INT,
        }
    ),
    "last_year_rows": View(
        {
            "label": TEXT, "paid_headcount": INT, "paid_wte": NUM, "opening_headcount": INT, "starters": INT,
            "leavers": INT, "vacant_wte": NUM, "unpaid_headcount": INT, "before_paid_headcount": INT,
            "before_paid_wte": NUM, "before_starters": INT, "before_leavers": INT, "before_vacant_wte": NUM,
            "before_unpaid_headcount": INT, "flows_identical": FLAG, "role_group": TEXT,
        },
        needs="last_year",
    ),
    "last_year_lines": View(
        {
            "line": TEXT, "local_authority": TEXT, "service": TEXT, "appeared": FLAG, "vanished": FLAG,
            "paid_headcount": INT, "before_paid_headcount": INT, "paid_wte": NUM, "before_paid_wte": NUM,
        },
        needs="last_year",
    ),
    "last_year_return": View(
        {
            "sector": TEXT, "before_sector": TEXT, "name": TEXT, "before_name": TEXT, "paid_headcount": INT,
            "before_paid_headcount": INT, "paid_wte": NUM, "before_paid_wte": NUM, "vacant_wte": NUM,
            "before_vacant_wte": NUM, "unpaid_headcount": INT, "before_unpaid_headcount": INT, "leavers": INT,
            "before_leavers": INT, "pay_identical": FLAG, "all_identical": FLAG, "nil_after_staff": FLAG,
        },
        needs="last_year",
    ),
    "frame_lines": View(
        {"line": TEXT, "local_authority": TEXT, "service": TEXT, "not_reported": FLAG, "none_reported": FLAG},
        needs="frame",
    ),
    "register": View(
        {
            "unknown": FLAG, "closed": FLAG, "merged": FLAG, "successor": TEXT, "other_organisation": FLAG,
            "in_file": TEXT, "uploader": TEXT, "sector": TEXT, "registered_sector": TEXT,
        },
        needs="register",
    ),
}  # fmt: skip


def list_questions(spec: Spec, view: View) -> Mapping[str, SheetQuestion]:
    """The fields of a view: those of its sheet, or its own."""
    if view.sheet is not None:
        return spec.sheet[view.sheet].by_key
    return {question.key: question for question in view.fields}


def column_types(spec: Spec, view: View) -> dict[str, pl.DataType]:
    """Every column of a view and its type."""
    types: dict[str, pl.DataType] = {}
    for question in list_questions(spec, view).values():
        types[question.key] = {"count": INT, "decimal": NUM}.get(question.type, TEXT)
        types[f"{question.key}__raw"] = TEXT
        if question.type == "code":
            types[f"{question.key}__former"] = TEXT
    return types | dict(view.derived)


def list_placeholders(rule: Rule) -> set[str]:
    """Names in braces in the rule's texts."""
    texts = (rule.message, rule.expected, rule.fix)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def verify_rules(spec: Spec, where: str, register: Path) -> None:
    """Raises SpecError, naming file and key, for the first rule that does not fit."""
    registered = read_rule_register(register)
    for rule in spec.rules:
        key = f"rules.{rule.code}"
        if not _CODE.match(rule.code):
            raise SpecError(where, key, "a rule code is three capital letters, a hyphen and three digits")
        if rule.code not in registered:
            raise SpecError(where, key, "is not in rule_codes.csv, the list of every code ever used")
        if rule.on not in VIEWS:
            raise SpecError(where, f"{key}.on", f"{rule.on} is not a view; views are {', '.join(VIEWS)}")
        if rule.check not in CHECKS:
            raise SpecError(where, f"{key}.check", f"{rule.check} is not a check; checks are {', '.join(CHECKS)}")
        _verify_rule(spec, rule, where, key)


def _verify_rule(spec: Spec, rule: Rule, where: str, key: str) -> None:
    view, check = VIEWS[rule.on], CHECKS[rule.check]
    types = column_types(spec, view)
    fields = list_questions(spec, view)
    _verify_params(rule, check, types, where, key)
    for column in rule.columns:
        if check.of_field and column not in fields:
            raise SpecError(where, f"{key}.columns", f"{column} is not a field that {rule.on} asks for")
        if not check.of_field and "value" not in rule.params and "value" in check.optional and column not in types:
            raise SpecError(where, f"{key}.columns", f"{column} is not a column of {rule.on}")
    for column in rule.where:
        if column not in types:
            raise SpecError(where, f"{key}.where.{column}", f"is not a column of {rule.on}")
    if rule.check == "within_maximum" and any(fields[column].maximum is None for column in rule.columns):
        raise SpecError(where, f"{key}.columns", "a field without a maximum cannot be checked against it")
    known = set(types) | set(rule.params) | EXTRA_PLACEHOLDERS
    for name in list_placeholders(rule):
        if name not in known:
            raise SpecError(where, f"{key}.message", f"{{{name}}} is not a column of {rule.on} or a parameter")
    _verify_sources(spec, rule, where, key)
    for code in rule.unless:
        if code not in spec.rule or spec.rule[code].on != rule.on or code == rule.code:
            raise SpecError(where, f"{key}.unless", f"{code} is not another rule on {rule.on}")
    if rule.sheet is not None and rule.sheet not in spec.sheet:
        raise SpecError(where, f"{key}.sheet", f"{rule.sheet} is not a sheet")


def _verify_params(rule: Rule, check: Check, types: Mapping[str, pl.DataType], where: str, key: str) -> None:
    needed = check.columns | check.params
    for name in sorted(needed - set(rule.params)):
        raise SpecError(where, f"{key}.params", f"`{name}` is missing")
    for name in sorted(set(rule.params) - needed - check.optional):
        raise SpecError(
            where, f"{key}.params.{name}", f"unknown; {rule.check} takes {', '.join(sorted(needed | check.optional))}"
        )
    named = [rule.params[name] for name in sorted(check.columns)]
    named += [rule.params[name] for name in ("value", "when") if name in rule.params]
    for name in ("parts", "plus", "minus", "columns"):
        if isinstance(rule.params.get(name), list):
            named += rule.params[name]
    for column in named:
        if column not in types:
            raise SpecError(where, f"{key}.params", f"{column} is not a column of {rule.on}")


def _verify_sources(spec: Spec, rule: Rule, where: str, key: str) -> None:
    if "pattern" in rule.params and rule.params["pattern"] not in grammar.PATTERNS:
        raise SpecError(where, f"{key}.params.pattern", f"is not one of {', '.join(grammar.PATTERNS)}")
    if rule.check == "possible":
        source, table = ("mapping", spec.mappings) if "mapping" in rule.params else ("code_list", spec.code_lists)
        if rule.params.get(source) not in table or "attribute" not in rule.params:
            raise SpecError(where, f"{key}.params", "needs `attribute` and a `mapping` or `code_list` that exists")
