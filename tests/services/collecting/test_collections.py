"""Collections: one for each spec, with dates of its own."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from census_api.domain.collecting.collection import Window
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound
from census_api.services.collecting.collections import ensure_collections, get_collection, list_collections, set_window
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANN, EVE, NOW

DAY = dt.timedelta(days=1)


def test_every_year_with_a_spec_is_set_up_once(bare: Platform) -> None:
    assert ensure_collections(bare, ANN) == list(bare.specs.years)
    assert ensure_collections(bare, ANN) == []
    assert [entry.year for entry in list_collections(bare, ANN)] == [2022, 2023, 2024, 2025]
    with bare.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_event")) == 4


def test_dates_are_midnights_in_england_and_the_last_day_counts(platform: Platform) -> None:
    collection = get_collection(platform, ANN, 2022)
    assert collection.spec_digest == platform.spec(2022).digest
    opens, closes = collection.window.opens, collection.window.closes
    assert opens == dt.datetime(2022, 7, 3, 23, tzinfo=dt.UTC)
    assert closes == dt.datetime(2022, 9, 16, 23, tzinfo=dt.UTC)
    second = dt.timedelta(seconds=1)
    assert [collection.phase(at) for at in (opens - second, opens, closes - second, closes)] == [
        "upcoming", "open", "open", "late",
    ]  # fmt: skip
    assert collection.phase(collection.window.late_until) == "closed"


def test_dates_can_be_moved_and_stay_moved(platform: Platform) -> None:
    window = Window(NOW - 30 * DAY, NOW + 30 * DAY, NOW + 44 * DAY)
    set_window(platform, ANN, 2025, window)
    ensure_collections(platform, ANN)
    collection = get_collection(platform, ANN, 2025)
    assert collection.window == window
    assert collection.phase(NOW) == "open"


def test_dates_out_of_order_are_refused(platform: Platform) -> None:
    with pytest.raises(InvalidRequest):
        set_window(platform, ANN, 2025, Window(NOW, NOW, NOW))
    with pytest.raises(NotFound):
        set_window(platform, ANN, 1999, Window(NOW, NOW + DAY, NOW + DAY))


def test_a_changed_spec_is_noted_and_the_dates_stay(platform: Platform) -> None:
    with platform.database.transaction() as session:
        session.execute(text("UPDATE collection SET spec_digest = 'old' WHERE year = 2024"))
    before = get_collection(platform, ANN, 2024).window
    assert ensure_collections(platform, ANN) == []
    after = get_collection(platform, ANN, 2024)
    assert (after.spec_digest, after.window) == (platform.spec(2024).digest, before)


def test_who_has_no_role_manages_nothing(bare: Platform) -> None:
    with pytest.raises(Forbidden):
        ensure_collections(bare, EVE)
    with pytest.raises(NotFound):
        get_collection(bare, ANN, 2024)
