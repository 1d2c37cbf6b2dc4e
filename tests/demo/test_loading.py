"""The demonstration's past returns are taken by the moves that people make, once, however often it is loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from census_api.demo.loading import load_returns, prepare_register, take_answer
from census_api.domain.kit.access import Actor
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting.explanations import list_explanations
from census_api.services.collecting.sign_off import SignOffRefused
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import get_organisation
from tests.factories.life import YEAR, asking_upload, now, wrong_upload

LOADER = Actor("demonstration", kind="system")


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
    assert now(platform).state == "in_progress"


def test_the_register_begins_with_everybody_open(platform: Platform) -> None:
    merged = Organisation("OLD", "Old Trust", "nhs", "merged", merged_into="NEW")
    frame = [FrameLine(YEAR, "OLD", "E06000001", "adult_community")]
    prepare_register(platform, LOADER, [merged, Organisation("NEW", "New Trust", "nhs")], {YEAR: frame})
    found = get_organisation(platform, LOADER, "OLD")
    assert found == replace(merged, status="open", merged_into=None)
