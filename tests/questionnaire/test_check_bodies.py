"""A check is written once, and what is written is what runs: in lists, in polars, in the pandera declaration, and where
reading tells usual cells from odd ones."""

from __future__ import annotations

import dataclasses

import pytest

from census_api.questionnaire import rulebook
from census_api.questionnaire.check_columns import CheckColumn
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS
from census_api.questionnaire.model import SpecSheet
from census_api.questionnaire.usual_cells import UsualCells
from tests.questionnaire.check_cases import CASES, FIELD, TESTED, VIEW, CheckCase
from tests.rules.readings import READINGS

SHEET = SpecSheet(key=VIEW, title="Tested", kind="table", help="", business_key=("value",), fields=(FIELD,))


@pytest.fixture(autouse=True)
def _view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rulebook.VIEWS, VIEW, TESTED)


def list_cases(*, cells_only: bool = False) -> list[object]:
    return [
        pytest.param(case, id=f"{case.check} {number}")
        for number, case in enumerate(CASES)
        if not cells_only or CHECKS[case.check].about == "cell"
    ]


def negate(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the body of the check says the opposite."""
    body = CHECKS[check].passes

    def opposite(at: CheckPlace) -> CheckColumn:
        return ~body(at)

    monkeypatch.setitem(CHECKS, check, dataclasses.replace(CHECKS[check], passes=opposite))


def find_failing(case: CheckCase, reading: str) -> set[int]:
    return {row for _, _, row in READINGS[reading](case.spec(), VIEW, case.frame())}


def find_usual(case: CheckCase) -> set[int]:
    """The rows whose cells need no further look."""
    rows = [(number, row) for number, row in enumerate(case.rows) if row.get("value__raw") is not None]
    cells = UsualCells(case.spec(), SHEET, FIELD)
    usual = cells.find_usual([row["value__raw"] for _, row in rows], [row.get("value") for _, row in rows])
    return {number for (number, _), is_usual in zip(rows, usual, strict=True) if is_usual}


def test_every_check_has_cases_that_pass_and_that_fail() -> None:
    for answer in (True, False):
        assert {case.check for case in CASES if case.list_rows(answer=answer)} == set(CHECKS)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("case", list_cases())
def test_a_check_fails_beyond_its_limits_only(case: CheckCase, reading: str) -> None:
    assert find_failing(case, reading) == case.list_rows(answer=False)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("case", list_cases())
def test_the_body_of_a_check_is_what_runs(case: CheckCase, reading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    negate(case.check, monkeypatch)
    assert find_failing(case, reading) == case.list_rows(answer=True)


@pytest.mark.parametrize("case", list_cases(cells_only=True))
def test_a_cell_is_usual_where_it_holds_a_value_and_passes(case: CheckCase) -> None:
    held = {number for number, row in enumerate(case.rows) if row.get("value") is not None}
    assert find_usual(case) == case.list_rows(answer=True) & held


@pytest.mark.parametrize("case", list_cases(cells_only=True))
def test_the_body_of_a_check_decides_which_cells_are_usual(case: CheckCase, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {number for number, row in enumerate(case.rows) if row.get("value") is not None}
    negate(case.check, monkeypatch)
    assert find_usual(case) == case.list_rows(answer=False) & held


@pytest.mark.parametrize("check", [name for name, check in CHECKS.items() if check.of_field and check.about != "blank"])
def test_a_blank_cell_fails_no_check_about_what_a_cell_holds(check: str) -> None:
    """KnownAnswers.passes relies on it for columns that are blank throughout."""
    params = next(case.params for case in CASES if case.check == check)
    case = CheckCase(check, ({},), (None,), params)
    assert find_failing(case, "lists") == find_failing(case, "polars") == set()
