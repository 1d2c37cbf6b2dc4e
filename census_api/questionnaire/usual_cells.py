"""Which cells are good as soon as they are read: those to which no rule about single cells objects.

Reading asks this once for each new text of a question and remembers the answer, so that a column of usual cells need
not be checked again (plan.KnownAnswers). The answer comes from the bodies of the checks that the year's rules name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from census_api.questionnaire.check_columns import ValuesColumn
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS
from census_api.questionnaire.model import Rule, SheetQuestion, Spec, SpecSheet
from census_api.questionnaire.rulebook import VIEWS, list_questions


class UsualCells:
    """Tells the usual cells of one question of a sheet from those that a rule must look at."""

    def __init__(self, spec: Spec, sheet: SpecSheet, question: SheetQuestion) -> None:
        self._spec = spec
        view, self._column = _place_of(sheet, question)
        self._question = list_questions(spec, VIEWS[view])[self._column]
        self._rules: list[Rule] = [
            rule for rule in spec.rules
            if rule.on == view and self._column in rule.columns and CHECKS[rule.check].about == "cell"
        ]  # fmt: skip

    def find_usual(self, texts: Sequence[str], values: Sequence[Any]) -> list[bool]:
        """For each text and what it was read as: whether it holds a value to which no rule about cells objects.

        A rule that speaks only `where` something holds of the row is taken to speak of every row.
        """
        usual = [value is not None for value in values]
        columns: Mapping[str, Sequence[Any]] = {
            self._column: values,
            f"{self._column}__raw": texts,
            # only a text that is no code of this year may be one of an earlier year
            f"{self._column}__former": [None] * len(texts),
        }
        for rule in self._rules:
            place = CheckPlace(self._spec, rule, self._column, self._question, lambda name: ValuesColumn(columns[name]))
            answers = cast("ValuesColumn", CHECKS[rule.check].passes(place)).values
            usual = [so_far and passes is not False for so_far, passes in zip(usual, answers, strict=True)]
        return usual


def _place_of(sheet: SpecSheet, question: SheetQuestion) -> tuple[str, str]:
    """The view and the column in which rules speak about the cells of a question."""
    if sheet.kind != "breakdown":
        return sheet.key, question.key
    return ("breakdown", "count") if question.numeric else ("breakdown_rows", "row")
