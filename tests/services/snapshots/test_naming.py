"""Which snapshot is meant: one answer, and one refusal, whoever asks."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from census_api.domain.kit.errors import NotFound
from census_api.services.aggregates.asking import what_can_be_asked
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.comparing.estimates import estimate_snapshot
from census_api.services.comparing.series import chain_series
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.services.margins.making import get_margins
from census_api.services.snapshots.revisions import freeze_collection, get_snapshot
from census_api.store.kit.snapshots import find_year_before
from tests.factories.actors import TEAM
from tests.factories.frozen import HERE, accepted, corrected, framed, tree_for

ADULT = "adult_community"
CODES = {2023: "ALPHA", 2024: "BETA"}
"""Another organisation each year, so that no rule compares their returns."""
FACES: dict[str, Callable[[Platform, str], object]] = {
    "the snapshot": lambda platform, name: get_snapshot(platform, TEAM, name),
    "aggregates": lambda platform, name: what_can_be_asked(platform, TEAM, name),
    "the first of a comparison": lambda platform, name: compare_snapshots(
        platform, TEAM, name, "2024", measure="wte", by="sector"
    ),
    "the second of a comparison": lambda platform, name: compare_snapshots(
        platform, TEAM, "2023", name, measure="wte", by="sector"
    ),
    "a series": lambda platform, name: chain_series(platform, TEAM, [name, "2024"], measure="wte"),
    "estimates": lambda platform, name: estimate_snapshot(platform, TEAM, name, measure="wte"),
    "margins": lambda platform, name: get_margins(platform, TEAM, name),
}


def sent_again(platform: Platform, year: int) -> dict[str, Any]:
    """The same answers with a comment: other content, so that there is something to freeze again."""
    tree = tree_for(platform, CODES[year], year)
    tree["organisation"]["comments"] = "Sent again with a comment."
    return tree


def an_hour_on(platform: Platform) -> Platform:
    now = platform.clock() + dt.timedelta(hours=1)
    return dataclasses.replace(platform, clock=lambda: now)


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """2023 has two revisions, the second of them made after 2024 was frozen."""
    for year, code in CODES.items():
        framed(platform, year, (code, HERE, ADULT))
        accepted(platform, code, year, tree_for(platform, code, year))
        freeze_collection(platform, TEAM, year)
    corrected(platform, CODES[2023], 2023, sent_again(platform, 2023))
    freeze_collection(an_hour_on(platform), TEAM, 2023)
    return platform


def test_a_name_means_the_same_snapshot_in_any_spelling(platform: Platform) -> None:
    with platform.database.snapshot(TEAM) as session:
        first = resolve_snapshot(session, "2023.1")
        key = str(first.id)
        assert resolve_snapshot(session, "2023").name == "2023.2"
        for spelling in (key, key.upper(), key.title(), key.replace("-", ""), f"{{{key}}}"):
            assert resolve_snapshot(session, spelling) == first


def test_every_face_refuses_a_name_that_is_not_there_in_the_same_words(platform: Platform) -> None:
    for name in ("2022", "2023.3", "latest", "", str(uuid.UUID(int=1)), "2023.1.1"):
        sentence = (
            f"snapshot {name!r}. Give its id, a year (its latest frozen revision), or a year and a revision, such as "
            "2024.2. Frozen are: 2023.1, 2023.2, 2024.1."
        )
        for face, ask in FACES.items():
            with pytest.raises(NotFound) as caught:
                ask(platform, name)
            assert caught.value.message.removeprefix("There is no ").removeprefix("frozen ") == sentence, face


def test_the_year_before_is_what_was_frozen_then_and_its_latest_revision(platform: Platform) -> None:
    with platform.database.snapshot(TEAM) as session:
        frozen_first = find_year_before(session, resolve_snapshot(session, "2024.1"))
        assert frozen_first is not None
        assert frozen_first.name == "2023.1"
        assert find_year_before(session, resolve_snapshot(session, "2023.2")) is None
    corrected(platform, CODES[2024], 2024, sent_again(platform, 2024))
    freeze_collection(an_hour_on(an_hour_on(platform)), TEAM, 2024)
    with platform.database.snapshot(TEAM) as session:
        later = find_year_before(session, resolve_snapshot(session, "2024"))
        assert later is not None
        assert (later.name, later.frozen_at is not None) == ("2023.2", True)


def test_what_is_being_built_has_no_year_before(platform: Platform) -> None:
    with platform.database.snapshot(TEAM) as session:
        snapshot = resolve_snapshot(session, "2024.1")
        assert isinstance(snapshot.frozen_at, dt.datetime)
        assert find_year_before(session, dataclasses.replace(snapshot, frozen_at=None)) is None
