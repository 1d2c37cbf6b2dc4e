"""A rule that crashes: it is reported, the others run, and the employer reads whose fault it is. And what is hard to
reach through a file: codes of earlier years in the first year."""

from __future__ import annotations

import polars as pl
import pytest

from census_api.intake.judging import total_views
from census_api.intake.judging.judge import judge_return
from census_api.questionnaire import plan as plans
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import compile_plan
from census_api.questionnaire.rulebook import VIEWS, column_types
from tests.factories.returns import Draft, clean_draft, staff

YEARS = load_library().years


def told_of(year: int) -> set[str]:
    """Rules that the tests of this file give cases of."""
    return {"SYS-001"} | ({"SRV-003", "STF-003"} if year == 2022 else set())


def _with_a_crash(spec: Spec, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the rule asks for a column that is not there."""
    crashing = {code: spec.rule[code].model_copy(update={"where": {"no such column": "x"}})}
    rules = tuple(crashing.get(rule.code, rule) for rule in spec.rules)
    monkeypatch.setitem(plans._PLANS, spec.digest, compile_plan(spec.model_copy(update={"rules": rules})))


def _spoilt(year: int) -> Draft:
    draft = clean_draft(load_spec(year))
    staff("GP", paid_wte="2.1")(draft)
    return draft


@pytest.mark.parametrize("most_rows_in_lists", [0, 1_000])
@pytest.mark.parametrize("year", YEARS)
def test_a_crashing_rule_is_said_to_have_failed_and_others_still_speak(
    year: int, most_rows_in_lists: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "MOST_ROWS_IN_LISTS", most_rows_in_lists)
    draft = _spoilt(year)
    assert [finding.rule for finding in draft.judged().findings] == ["STF-017"]
    _with_a_crash(draft.spec, "STF-025", monkeypatch)
    report = draft.judged()
    assert report.rules_by_status["STF-025"] == "failed"
    assert [code for code, status in report.rules_by_status.items() if status == "failed"] == ["STF-025"]
    assert [finding.rule for finding in report.findings] == ["SYS-001", "STF-017"]
    assert report.outcome == "errors"
    assert "STF-025" in report.findings[0].message
    assert "our fault" in report.findings[0].message


def test_a_crashing_rule_is_never_a_pass_of_a_clean_return(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = clean_draft(load_spec(2024))
    _with_a_crash(draft.spec, "BRK-010", monkeypatch)
    report = draft.judged()
    assert (report.outcome, report.rules["failed"]) == ("errors", 1)
    assert report.as_json()["rules_failed"] == ["BRK-010"]


def test_a_view_that_cannot_be_built_fails_its_rules_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(total_views, "lines_view", broken)
    draft = _spoilt(2024)
    report = draft.judged()
    of_lines = {rule.code for rule in draft.spec.rules if rule.on == "lines"}
    assert {code for code, status in report.rules_by_status.items() if status == "failed"} == of_lines
    assert {finding.rule for finding in report.findings} == {"SYS-001", "STF-017"}


def test_findings_of_the_platform_hold_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = clean_draft(load_spec(2024))
    _with_a_crash(draft.spec, "STF-025", monkeypatch)
    (finding,) = draft.judged().findings
    text = finding.message + finding.expected + finding.fix
    assert not any(word in text for word in ("polars", "Error", "Traceback", "column"))


@pytest.mark.parametrize("year", YEARS)
def test_the_platform_rule_passes_where_nothing_failed(year: int) -> None:
    report = clean_draft(load_spec(year)).judged()
    assert report.rules_by_status["SYS-001"] == "ran"
    assert report.rules["failed"] == 0


def test_a_year_without_last_years_return_says_which_rules_did_not_apply() -> None:
    draft = clean_draft(load_spec(2024))
    draft.last_year = draft.frame = draft.register = None
    report = judge_return(draft.data(), 2024, draft.context()).report
    needs = {rule.code for rule in draft.spec.rules if VIEWS[rule.on].needs is not None}
    assert {code for code, status in report.rules_by_status.items() if status == "not_applicable"} == needs
    assert report.outcome == "clean"


@pytest.mark.parametrize("rule", ["SRV-003", "STF-003"])
def test_codes_of_an_earlier_year_where_there_is_no_earlier_year(rule: str) -> None:
    spec = load_spec(2022)
    view = spec.rule[rule].on
    types = column_types(spec, VIEWS[view])
    former = [None, "E06999999"]
    frame = pl.DataFrame(
        {name: former if name == "local_authority_code__former" else [None, None] for name in types}, schema=types
    )
    failures, crashed = compile_plan(spec).run(view, frame)
    assert [failure.rows for failure in failures if failure.rule.code == rule] == [[1]]
    assert crashed == set()
