"""The census team's look at one return, and at what waits for them."""

from __future__ import annotations

import pytest

from census_api.domain.audit import AuditFilter
from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.kit.errors import Forbidden, NotFound
from census_api.services.audit.reading import list_events
from census_api.services.collecting.review import lines_of, review_return, since_last_year
from census_api.services.kit.platform import Platform
from census_api.services.progress.attention import read_upkeep
from census_api.services.upkeep.reconcile import reconcile_record
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, TEAM
from tests.factories.life import BECAUSE, BRING_TO, YEAR, asking_upload, explain_all, send, wrong_upload


@pytest.mark.parametrize("state", RETURN_STATES)
def test_a_return_in_any_state_can_be_looked_at(platform: Platform, state: ReturnState) -> None:
    BRING_TO[state](platform)
    found = review_return(platform, TEAM, YEAR, "ALPHA")
    assert found.found.state == state
    assert (found.reviewed is None) == (state in ("not_started", "declined"))
    assert (found.sign_off is None) == (state not in ("signed_off", "accepted"))


def test_queries_come_with_their_explanations(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    before = review_return(platform, TEAM, YEAR, "ALPHA").reviewed
    assert before is not None
    assert (before.unexplained, before.queries.total) == (1, 1)
    key = explain_all(platform)[0]
    after = review_return(platform, TEAM, YEAR, "ALPHA").reviewed
    assert after is not None
    assert after.unexplained == 0
    assert after.explanations[key].text == BECAUSE


def test_the_signed_submission_is_shown_unless_another_is_asked_for(platform: Platform) -> None:
    BRING_TO["signed_off"](platform)
    send(platform, wrong_upload(platform))
    found = review_return(platform, TEAM, YEAR, "ALPHA")
    assert found.reviewed is not None
    assert (found.reviewed.submission.number, found.found.latest) == (1, 2)
    other = review_return(platform, TEAM, YEAR, "ALPHA", 2)
    assert other.reviewed is not None
    assert {group.severity for group in other.reviewed.groups} == {"error"}
    for number in (3, 2**31, 2**40):
        with pytest.raises(NotFound):
            review_return(platform, TEAM, YEAR, "ALPHA", number)


def test_a_look_is_recorded_once(platform: Platform) -> None:
    BRING_TO["queried"](platform)
    wanted = AuditFilter(action="return.read")
    before = list_events(platform, TEAM, wanted).total
    review_return(platform, TEAM, YEAR, "ALPHA")
    assert list_events(platform, TEAM, wanted).total == before + 1


def test_the_lines_that_can_be_asked_about(platform: Platform) -> None:
    assert lines_of(platform, TEAM, YEAR, "ALPHA") == []
    send(platform)
    lines = lines_of(platform, TEAM, YEAR, "ALPHA")
    assert lines
    assert len(set(lines)) == len(lines)


def test_without_a_return_last_year_there_is_nothing_to_compare_with(platform: Platform) -> None:
    send(platform)
    assert since_last_year(platform, TEAM, YEAR, "ALPHA", 1) is None


def test_it_is_the_census_teams_alone(platform: Platform) -> None:
    send(platform)
    for actor in (EDITOR, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            review_return(platform, actor, YEAR, "ALPHA")
    with pytest.raises(NotFound):
        review_return(platform, ANALYST, YEAR, "ALPHA")


def test_upkeep_says_when_it_was_last_compared(platform: Platform) -> None:
    assert read_upkeep(platform, ADMINISTRATOR).compared_at is None
    reconcile_record(platform)
    found = read_upkeep(platform, TEAM)
    assert found.compared_at == platform.clock()
    assert (found.is_alarm, found.failed_jobs) == (False, 0)
    with pytest.raises(Forbidden):
        read_upkeep(platform, ANALYST)
