"""The demonstration's past returns are taken by the moves that people make, once, however often it is loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from census_api.cli.demo import _freezing
from census_api.demo.loading import Course, freeze_past, load_returns, prepare_register, take_answer, take_if_signable
from census_api.domain.collecting.collection import Window
from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import Conflict
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting.explanations import list_explanations
from census_api.services.collecting.sign_off import SignOffRefused
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import get_organisation
from census_api.services.snapshots.revisions import list_snapshots
from tests.factories.frozen import accepted, tree_for
from tests.factories.life import YEAR, asking_upload, now, wrong_upload

LOADER = Actor("demonstration", kind="system")
ANSWERED = {2023: "ALPHA", 2024: "BETA"}


def test_a_return_with_queries_is_explained_signed_and_accepted_and_not_again(platform: Platform) -> None:
    for _ in range(2):
        (answer,) = load_returns(platform, LOADER, YEAR, [("ALPHA", asking_upload(platform))])
        take_answer(platform, LOADER, answer)
    found = now(platform)
    assert (found.state, found.latest, found.accepted) == ("accepted", 1, 1)
    explained = list_explanations(platform, LOADER, YEAR, "ALPHA", 1)
    assert len(explained.given) == 1
    assert explained.missing == ()


def test_a_load_that_ended_between_two_moves_goes_on_from_there(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("census_api.demo.loading.accept_return", cut)
        (answer,) = load_returns(platform, LOADER, YEAR, [("ALPHA", asking_upload(platform))])
        with pytest.raises(KeyboardInterrupt):
            take_answer(platform, LOADER, answer)
    assert now(platform).state == "signed_off"
    (answer,) = load_returns(platform, LOADER, YEAR, [("ALPHA", asking_upload(platform))])
    take_answer(platform, LOADER, answer)
    assert now(platform).state == "accepted"


def test_what_has_errors_is_not_signed_for_anybody(platform: Platform) -> None:
    (answer,) = load_returns(platform, LOADER, YEAR, [("ALPHA", wrong_upload(platform))])
    with pytest.raises(SignOffRefused):
        take_answer(platform, LOADER, answer)
    assert not take_if_signable(platform, LOADER, answer)
    assert now(platform).state == "in_progress"
    (again,) = load_returns(platform, LOADER, YEAR, [("ALPHA", wrong_upload(platform))])
    assert not take_if_signable(platform, LOADER, again)
    (right,) = load_returns(platform, LOADER, YEAR, [("ALPHA", asking_upload(platform))])
    assert take_if_signable(platform, LOADER, right)
    assert now(platform).state == "accepted"


def test_the_register_begins_with_everybody_open(platform: Platform) -> None:
    merged = Organisation("OLD", "Old Trust", "nhs", "merged", merged_into="NEW")
    frame = [FrameLine(YEAR, "OLD", "E06000001", "adult_community")]
    prepare_register(platform, LOADER, [merged, Organisation("NEW", "New Trust", "nhs")], {YEAR: frame})
    found = get_organisation(platform, LOADER, "OLD")
    assert found == replace(merged, status="open", merged_into=None)


def test_a_year_is_frozen_before_the_next_is_there(platform: Platform) -> None:
    def arriving() -> Iterator[int]:
        for year, code in ANSWERED.items():
            accepted(platform, code, year, tree_for(platform, code, year))
            yield year
            assert [item.name for item in list_snapshots(platform, LOADER, year).items] == [f"{year}.1"]

    assert [snapshot.state for snapshot in freeze_past(platform, LOADER, arriving(), [])] == ["frozen", "frozen"]


def test_years_are_frozen_beside_the_loading_which_waits_for_them(platform: Platform) -> None:
    with _freezing(platform, ()) as freeze_year:
        for year, code in ANSWERED.items():
            accepted(platform, code, year, tree_for(platform, code, year))
            freeze_year(year)
    assert [(item.name, item.state) for item in list_snapshots(platform, LOADER).items] == [
        ("2024.1", "frozen"),
        ("2023.1", "frozen"),
    ]


def test_a_year_that_cannot_be_frozen_ends_the_loading(platform: Platform) -> None:
    with pytest.raises(Conflict, match="nothing to freeze"), _freezing(platform, ()) as freeze_year:
        freeze_year(YEAR)


def test_moves_have_the_time_at_which_their_return_was_there() -> None:
    day = dt.timedelta(days=1)
    opens = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    course = Course(Window(opens, opens + 10 * day, opens + 20 * day), opens + 100 * day)
    course.go(0.5)
    then, half_way = course.stop(), course()
    course.go(1)
    assert then() == half_way < course()
