"""The return that every case starts from: nothing to say about it, with everything at hand."""

from __future__ import annotations

import pytest

from census_api.questionnaire.load import load_library, load_spec
from tests.factories.returns import clean_draft


@pytest.mark.parametrize("year", load_library().years)
def test_no_rule_has_anything_to_say_about_the_clean_return(year: int) -> None:
    draft = clean_draft(load_spec(year))
    report = draft.judged()
    assert [(finding.rule, finding.message) for finding in report.findings] == []
    assert report.outcome == "clean"
    assert set(report.rules_by_status.values()) == {"ran"}
