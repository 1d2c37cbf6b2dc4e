"""Every rule of every year: returns about which it speaks, returns about which it does not, both sides of a threshold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from census_api.questionnaire.load import load_library, load_spec
from tests.factories.returns import Case, clean_draft
from tests.rules import cases_breakdowns, cases_context, cases_files, cases_organisation, cases_return, cases_staff

CASE_MODULES = (cases_organisation, cases_staff, cases_breakdowns, cases_return, cases_context, cases_files)
CASES: tuple[Case, ...] = tuple(case for module in CASE_MODULES for case in module.CASES)
YEARS = load_library().years


def _runs() -> Iterator[object]:
    for year in YEARS:
        rules = load_spec(year).rule
        for case in CASES:
            if case.since <= year and case.rule in rules:
                yield pytest.param(year, case, id=f"{year} {case.id}")


@pytest.mark.parametrize(("year", "case"), list(_runs()))
def test_a_rule_speaks_where_it_should_and_only_there(year: int, case: Case) -> None:
    draft = clean_draft(load_spec(year))
    case.change(draft)
    report = draft.judged()
    found = [finding for finding in report.findings if finding.rule == case.rule]
    said = sorted({finding.rule for finding in report.findings})
    assert report.rules_by_status[case.rule] != "failed"
    assert bool(found) == case.fails, f"the rules that spoke: {said}"
    if case.at is not None:
        assert case.at in {finding.pointer for finding in found}
    for finding in found:
        assert "{" not in finding.message + finding.expected + finding.fix
        assert "not given" not in finding.message
        assert not finding.message.startswith("blank ")
