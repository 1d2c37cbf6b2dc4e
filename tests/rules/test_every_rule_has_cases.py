"""No rule without a case that passes and one that fails, in every year that has it."""

from __future__ import annotations

import re

import pytest

from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.resources import find_folder
from tests.rules import test_faults, test_workbook_rules
from tests.rules.test_rules import CASE_MODULES, CASES

YEARS = load_library().years
_THRESHOLDS = {"factor", "limit", "floor", "low", "high", "minimum", "tolerance"}


@pytest.mark.parametrize("year", YEARS)
def test_every_rule_of_the_year_has_cases(year: int) -> None:
    rules = set(load_spec(year).rule)
    elsewhere = {*test_workbook_rules.TOLD, *test_faults.told_of(year)}
    fails = {case.rule for case in CASES if case.fails and case.since <= year} | elsewhere
    passes = {case.rule for case in CASES if not case.fails} | elsewhere
    assert rules - fails == set()
    assert rules - passes == set()


def list_files(code: str) -> list[str]:
    """The files of this folder that have cases of a rule, from the root of the repository."""
    modules = {module.__name__ for module in CASE_MODULES if code in {case.rule for case in module.CASES}}
    modules |= {test_workbook_rules.__name__} if code in test_workbook_rules.TOLD else set()
    modules |= {test_faults.__name__} if any(code in test_faults.told_of(year) for year in YEARS) else set()
    return sorted(f"{name.replace('.', '/')}.py" for name in modules)


@pytest.mark.parametrize("year", YEARS)
def test_every_rule_says_which_files_test_it(year: int) -> None:
    homes = load_spec(year).rule_homes
    assert {code: sorted(home.cases) for code, home in homes.items()} == {code: list_files(code) for code in homes}


@pytest.mark.parametrize("year", YEARS)
def test_every_rule_says_where_it_is_declared(year: int) -> None:
    schemas = find_folder("schemas")
    for code, home in load_spec(year).rule_homes.items():
        assert home.declared
        for place in home.declared:
            path, _, line = place.partition(":")
            text = (schemas.parent / path).read_text("utf-8").splitlines()
            assert text[int(line) - 1] == f"[rules.{code}]"


def test_no_case_is_about_a_rule_that_no_year_has() -> None:
    known = {code for year in load_library().years for code in load_spec(year).rule}
    assert {case.rule for case in CASES} | set(test_workbook_rules.TOLD) <= known


def test_rules_with_a_threshold_have_cases_on_both_sides() -> None:
    spec = load_spec(load_library().years[-1])
    for rule in spec.rules:
        if _THRESHOLDS & set(rule.params):
            mine = [case for case in CASES if case.rule == rule.code]
            assert sum(case.fails for case in mine) >= 1, rule.code
            assert sum(not case.fails for case in mine) >= 1, rule.code


def test_every_finding_a_case_names_is_a_json_pointer() -> None:
    assert all(re.fullmatch(r"(/[a-z_0-9]+)+", case.at) for case in CASES if case.at is not None)
