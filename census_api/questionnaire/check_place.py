"""Where a check is applied: a rule on a column of a view, in one reading of that view."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from census_api.questionnaire.check_columns import CheckColumn, ReadColumnOf
from census_api.questionnaire.model import Rule, SheetQuestion, Spec


@dataclass(frozen=True, slots=True)
class CheckPlace:
    """Where a check is applied: the rule, the column its finding is placed on, its question (if it is a field).

    `read` gives the columns of the view, in the reading that is wanted.
    """

    spec: Spec
    rule: Rule
    column: str
    question: SheetQuestion | None
    read: ReadColumnOf

    def find_question(self) -> SheetQuestion:
        """The question that the column is."""
        if self.question is None:  # verify_rules has refused such a rule at start-up
            raise LookupError(f"{self.rule.code}: {self.column} is not a field")
        return self.question

    @property
    def params(self) -> Mapping[str, Any]:
        return self.rule.params

    def value(self) -> CheckColumn:
        return self.read(self.params.get("value", self.column))

    def raw(self) -> CheckColumn:
        return self.read(f"{self.column}__raw")

    def former_code(self) -> CheckColumn:
        """The code of an earlier year, null where there is none."""
        return self.read(f"{self.column}__former")

    def other(self, name: str) -> CheckColumn:
        return self.read(self.params[name])

    def add_up(self, columns: list[str]) -> CheckColumn:
        """The sum of columns, null where one of them is null."""
        return functools.reduce(operator.add, map(self.read, columns))

    def number(self, name: str, default: float = 0) -> float:
        number: float = self.params.get(name, default)
        return number
