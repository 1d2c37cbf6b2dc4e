"""Where the returns of a collection stand, for the census team alone."""

from __future__ import annotations

import pytest

from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.collecting.standing import ReturnFilter
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting.return_lists import count_returns, list_returns
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame, load_organisations
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, TEAM
from tests.factories.life import BRING_TO, YEAR, send, wrong_upload


@pytest.mark.parametrize("state", RETURN_STATES)
def test_every_state_is_listed_and_counted(platform: Platform, state: ReturnState) -> None:
    BRING_TO[state](platform)
    found = list_returns(platform, TEAM, YEAR)
    assert [entry.organisation for entry in found.items] == ["ALPHA", "BETA"]
    assert found.items[0].state == state
    assert count_returns(platform, TEAM, YEAR)[state] == (2 if state == "not_started" else 1)
    listed = list_returns(platform, TEAM, YEAR, ReturnFilter(state=state))
    assert listed.total == len(listed.items) == (2 if state == "not_started" else 1)


def test_the_newest_submission_and_what_waits_are_there(platform: Platform) -> None:
    BRING_TO["queried"](platform)
    entry = list_returns(platform, TEAM, YEAR).items[0]
    assert (entry.latest, entry.signed, entry.unanswered, entry.outcome) == (1, None, 1, "queries")
    assert entry.counts["query"] == 1
    send(platform, wrong_upload(platform))
    entry = list_returns(platform, TEAM, YEAR).items[0]
    assert (entry.latest, entry.outcome) == (2, "errors")
    assert entry.received_at is not None


def test_nothing_was_sent_is_not_nought(platform: Platform) -> None:
    entry = list_returns(platform, TEAM, YEAR).items[1]
    assert (entry.latest, entry.outcome, entry.received_at, entry.signed) == (None, None, None, None)


def test_search_takes_code_and_name_in_any_letters_and_no_pattern(platform: Platform) -> None:
    assert [e.organisation for e in list_returns(platform, TEAM, YEAR, ReturnFilter(search=" hEALth ")).items] == [
        "BETA"
    ]
    assert [e.organisation for e in list_returns(platform, TEAM, YEAR, ReturnFilter(search="alph")).items] == ["ALPHA"]
    for nothing in ("%", "_", "zz\x00", "' OR 1=1 --"):
        assert list_returns(platform, TEAM, YEAR, ReturnFilter(search=nothing)).items == ()


def test_who_is_not_in_the_frame_is_listed_once_it_has_answered(platform: Platform) -> None:
    load_organisations(platform, SYSTEM, [Organisation("GAMMA", "Gamma Trust", "nhs")])
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, "BETA", "E06000001", "adult_community")])
    assert [entry.organisation for entry in list_returns(platform, TEAM, YEAR).items] == ["BETA"]
    send(platform)
    assert [entry.organisation for entry in list_returns(platform, TEAM, YEAR).items] == ["ALPHA", "BETA"]


def test_pages_follow_each_other(platform: Platform) -> None:
    first = list_returns(platform, TEAM, YEAR, limit=1)
    assert (first.total, len(first.items)) == (2, 1)
    second = list_returns(platform, TEAM, YEAR, limit=1, cursor=first.next)
    assert [entry.organisation for entry in second.items] == ["BETA"]
    assert second.next is None
    with pytest.raises(InvalidRequest):
        list_returns(platform, TEAM, YEAR, cursor="x")


def test_only_the_census_team_sees_them(platform: Platform) -> None:
    for actor in (EDITOR, ANALYST, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            list_returns(platform, actor, YEAR)
        with pytest.raises(Forbidden):
            count_returns(platform, actor, YEAR)
    with pytest.raises(NotFound):
        list_returns(platform, TEAM, 2001)
