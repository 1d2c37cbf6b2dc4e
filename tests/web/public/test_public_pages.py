"""Pages for everybody: open to who has not signed in, true to the spec and the policy."""

from __future__ import annotations

import re

import pytest

from census_api.questionnaire.load import load_spec
from census_api.services.kit.platform import Platform
from census_api.statistics.policy import DEFAULT_POLICY
from tests.factories.people import Browser

PAGES = ("/about", "/rules/2024", "/dictionary/2024", "/check", "/methods", "/privacy", "/accessibility", "/help")


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_read_it_and_every_link_on_it_leads_somewhere(nobody: Browser, path: str) -> None:
    answer = nobody.get(path)
    assert answer.status_code == 200
    assert len(answer.content) < 1_000_000
    assert re.search(r"<title>[^<]+ - Workforce census</title>", answer.text)
    for link in set(re.findall(r'(?:href|src)="(/[^"#]*)', answer.text)) - {path}:
        assert nobody.client.get(link).status_code in (200, 303), link
    for target in set(re.findall(r'href="#([^"]+)"', answer.text)):
        assert f'id="{target}"' in answer.text, target


def test_the_newest_census_comes_first(nobody: Browser) -> None:
    assert nobody.get("/rules").headers["location"] == "/rules/2025"
    assert nobody.get("/dictionary").headers["location"] == "/dictionary/2025"


def test_each_rule_has_an_address_a_message_a_reason_and_a_fix(nobody: Browser) -> None:
    text = nobody.get("/rules/2024").text
    assert 'id="STF-012"' in text
    assert (
        text.count("<dt>Why</dt>") == text.count("<dt>How to fix it</dt>") == text.count('<section class="rule"') > 100
    )


def test_a_rule_says_where_it_lives_who_decides_and_what_tests_it(nobody: Browser) -> None:
    text = nobody.get("/rules/2025").text
    section = text.partition('<section class="rule" id="STF-012"')[2].partition("</section>")[0]
    told = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", section))
    line = load_spec(2025).find_home("STF-012").declared[0]
    assert told["Source"] == "Design, section 3: required"
    assert told["Decided by"] == "the census team"
    assert told["Check"] == "required of census_api/questionnaire/checks.py"
    assert told["Declared at"] == line
    assert told["Tested by"] == "tests/rules/cases_staff.py"


def test_rules_are_filtered_by_sheet_and_severity(nobody: Browser) -> None:
    shown = {
        severity: len(re.findall('<section class="rule"', nobody.get(f"/rules/2024?severity={severity}").text))
        for severity in ("", "error", "query", "note")
    }
    assert shown[""] == shown["error"] + shown["query"] + shown["note"]
    assert min(shown.values()) > 0
    places = ("organisation", "services", "staff", "breakdowns", "whole")
    by_sheet = [
        len(re.findall('<section class="rule"', nobody.get(f"/rules/2024?sheet={place}").text)) for place in places
    ]
    assert sum(by_sheet) == shown[""]
    assert min(by_sheet) > 0


def test_a_filter_that_names_nothing_filters_nothing(nobody: Browser) -> None:
    everything = nobody.get("/rules/2024").text.count('<section class="rule"')
    answer = nobody.get("/rules/2024?severity=%3Cscript%3E&sheet=x")
    assert answer.text.count('<section class="rule"') == everything
    assert "<script>" not in answer.text


def test_a_year_without_a_census_is_not_there(nobody: Browser) -> None:
    for path in ("/rules/2001", "/dictionary/2001"):
        assert nobody.get(path).status_code == 404


def test_the_dictionary_has_every_question_and_every_code(nobody: Browser) -> None:
    from census_api.questionnaire.load import load_spec

    text = nobody.get("/dictionary/2024").text
    spec = load_spec(2024)
    for sheet in spec.sheets:
        assert f'id="{sheet.key}"' in text
        for question in sheet.fields:
            assert f"<code>{question.key}</code>" in text
    for code in spec.code_lists["local_authorities"].codes if "local_authorities" in spec.code_lists else ():
        assert f"<code>{code.code}</code>" in text


def test_the_methods_show_the_thresholds_in_force(nobody: Browser) -> None:
    text = " ".join(nobody.get("/methods").text.split())
    assert DEFAULT_POLICY.digest in text
    assert "match rate is at least 95%" in text
    assert "match rate below 80%" in text
    assert "size coverage below 75%" in text


def test_help_names_whom_to_ask_when_the_settings_do(nobody: Browser, platform: Platform) -> None:
    assert "reaches the census team" in nobody.get("/help").text
    named = Browser(platform, contact_email="help@census.example", contact_phone="0300 1")
    text = named.get("/help").text
    assert 'href="mailto:help@census.example"' in text
    assert "0300 1" in text
    assert "help@census.example" in named.get("/privacy").text
