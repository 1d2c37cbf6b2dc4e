"""What to ask about first: a figure that changed as nobody else's did stands at the top, and everything says why."""

from __future__ import annotations

import math

import pytest

from census_api.domain.kit.errors import Forbidden, NotFound
from census_api.services.kit.platform import Platform
from census_api.services.progress.plausibility import COMPARED, rank_doubts
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, TEAM
from tests.factories.answered_twice import YEAR, expect, send, tree_of

CODES = {f"ORG-{letter}": "voluntary" for letter in "ABCDEFGHIJ"}


@pytest.fixture
def ten(platform: Platform) -> Platform:
    """Ten organisations that answered twice, of which the first now has five times the people on one line."""
    expect(platform, CODES, 2023, YEAR)
    for number, (code, sector) in enumerate(CODES.items()):
        send(platform, code, tree_of(platform, code, sector, 2023), accepted=True)
        people = 8 + number % 3 if number else 45
        tree = tree_of(platform, code, sector, paid_headcount=people, paid_wte=str(people))
        send(platform, code, tree, accepted=False)
    return platform


def test_the_figure_that_changed_most_is_asked_about_first(ten: Platform) -> None:
    found = rank_doubts(ten, TEAM, YEAR)
    assert [(one.organisation, one.line.local_authority_code) for one in found.doubts[:2]] == [
        ("ORG-A", "E06000001")
    ] * 2
    assert {one.item for one in found.doubts[:2]} == {"paid_headcount", "paid_wte"}
    worst = next(one for one in found.doubts if one.item == "paid_headcount")
    assert (worst.reported, worst.last_year, worst.suspicion, worst.first) == (52.0, 14.0, 1.0, True)
    # 14 people a year before, grown as the lines did that the edit does not flag
    assert 14 < worst.predicted < 20
    total = 52 + sum(8 + number % 3 + 7 for number in range(1, 10)) + 10 * 8
    assert worst.score == pytest.approx(100 * (52 - worst.predicted) / total)
    assert worst.sentence.startswith("Paid headcount: 52 reported, 14 last year, about 1")
    assert "because it changed far more than others of its class" in worst.sentence


def test_scores_fall_and_what_is_left_moves_no_total_beyond_the_tolerance(ten: Platform) -> None:
    found = rank_doubts(ten, TEAM, YEAR)
    scores = [one.score for one in found.doubts]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < one.suspicion <= 1 and one.score > 0 for one in found.doubts)
    assert found.first == sum(one.first for one in found.doubts) < found.judged
    for item in COMPARED:
        left = math.fsum(one.score for one in found.doubts if one.item == item and not one.first)
        # all of them are in the same cells, so the scores of one item are shares of one total
        assert left < 100 * found.residual


def test_a_new_organisation_is_held_against_its_peers(ten: Platform) -> None:
    expect(ten, {"NEW": "voluntary", **CODES}, YEAR)
    tree = tree_of(ten, "NEW", "voluntary", leavers=60, opening_headcount=66)
    send(ten, "NEW", tree, accepted=False)
    found = rank_doubts(ten, TEAM, YEAR)
    leavers = next(one for one in found.doubts if (one.organisation, one.item) == ("NEW", "leavers"))
    assert leavers.last_year is None
    assert leavers.suspicion == 1.0
    assert "nothing to compare with last year" in leavers.sentence
    assert "far from that of others of its class" in leavers.sentence
    assert dict(found.unjudged) == {"paid_headcount": 2}


def test_the_first_year_has_nothing_to_compare_headcounts_with(platform: Platform) -> None:
    expect(platform, {"ALPHA": "voluntary"}, YEAR)
    send(platform, "ALPHA", tree_of(platform, "ALPHA", "voluntary"), accepted=False)
    found = rank_doubts(platform, TEAM, YEAR)
    assert found.unjudged["paid_headcount"] == 2
    assert all(one.item != "paid_headcount" for one in found.doubts)


def test_only_the_team_sees_it_and_only_of_years_there_are(ten: Platform) -> None:
    for actor in (ANALYST, EDITOR, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            rank_doubts(ten, actor, YEAR)
    with pytest.raises(NotFound):
        rank_doubts(ten, TEAM, 1999)
    assert len(rank_doubts(ten, TEAM, YEAR, limit=3).doubts) == 3
