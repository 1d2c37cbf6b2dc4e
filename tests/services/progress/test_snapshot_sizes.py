"""The size of an expected line: what was last known of it, carried by lineage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pytest
from sqlalchemy import text

from census_api.domain.register.lineage import EdgeState, LineageEdge, LineKey
from census_api.services.kit.platform import Platform
from census_api.services.snapshots.revisions import freeze_collection
from census_api.store.register import lineage
from tests.factories.actors import TEAM
from tests.factories.frozen import HERE, THERE, accepted, framed, tree_for

ADULT, YOUNG = "adult_community", "young_people"
OLD, OTHER = LineKey("ALPHA", HERE, ADULT), LineKey("ALPHA", THERE, ADULT)
HEADS = {OLD: 16.0, OTHER: 8.0}
"""Paid people of the clean return, by line."""


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """ALPHA answered for its two lines in 2022, and was not heard of in 2023."""
    framed(platform, 2022, ("ALPHA", HERE, ADULT), ("ALPHA", THERE, ADULT), ("BETA", HERE, ADULT))
    framed(platform, 2023, ("ALPHA", HERE, ADULT), ("ALPHA", THERE, ADULT))
    accepted(platform, "ALPHA", 2022, tree_for(platform, "ALPHA", 2022))
    accepted(platform, "BETA", 2024, tree_for(platform, "BETA", 2024))
    return platform


def edge(source: LineKey, target: LineKey, *, state: EdgeState = "confirmed") -> LineageEdge:
    """From 2023 to 2024."""
    by, at = (None, None) if state == "suggested" else ("tess", dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
    return LineageEdge(
        2023,
        source,
        2024,
        target,
        "contract_transfer",
        dt.date(2024, 4, 1),
        "Notice",
        state,
        decided_by=by,
        decided_at=at,
    )


def sizes(
    platform: Platform, lines: Iterable[LineKey], edges: Iterable[LineageEdge] = ()
) -> dict[LineKey, float | None]:
    """Of the lines of the frame of 2024, once it is frozen."""
    framed(platform, 2024, *((line.organisation, line.local_authority_code, line.service_type) for line in lines))
    with platform.database.transaction() as session:
        lineage.add_edges(session, list(edges))
    snapshot = freeze_collection(platform, TEAM, 2024).snapshot
    with platform.database.transaction() as session:
        found = session.execute(
            text("SELECT organisation, local_authority_code, service_type, size FROM snapshot_line "
                 "WHERE snapshot_id = :id AND in_frame"), {"id": snapshot.id},
        )  # fmt: skip
        return {LineKey(*key): size for *key, size in found}


@pytest.mark.parametrize("frozen", [(), (2022,), (2022, 2023)], ids=str)
def test_a_line_keeps_the_size_it_last_had_frozen_or_not(platform: Platform, frozen: tuple[int, ...]) -> None:
    for year in frozen:
        if year == 2023:
            accepted(platform, "BETA", 2023, tree_for(platform, "BETA", 2023))
        freeze_collection(platform, TEAM, year)
    new = LineKey("ALPHA", THERE, YOUNG)
    assert sizes(platform, [OLD, OTHER, new]) == {**HEADS, new: None}


def test_what_moved_has_the_size_of_where_it_came_from(platform: Platform) -> None:
    to = LineKey("BETA", THERE, ADULT)
    assert sizes(platform, [OLD, to], [edge(OTHER, to)]) == {OLD: 16, to: 8}


def test_what_merged_has_the_sum(platform: Platform) -> None:
    assert sizes(platform, [OLD], [edge(OTHER, OLD), edge(OLD, OLD)]) == {OLD: 24}
    assert sizes(platform, [OLD], []) == {OLD: 24}


def test_what_was_split_is_divided_among_all_that_go_on(platform: Platform) -> None:
    young, to = LineKey("ALPHA", HERE, YOUNG), LineKey("BETA", THERE, YOUNG)
    assert sizes(platform, [OLD, young, to], [edge(OLD, young), edge(OLD, to)]) == {
        OLD: pytest.approx(16 / 3, abs=1e-6), young: pytest.approx(16 / 3, abs=1e-6), to: pytest.approx(16 / 3, abs=1e-6),
    }  # fmt: skip


def test_a_sum_with_something_unknown_is_not_known(platform: Platform) -> None:
    silent = LineKey("BETA", HERE, ADULT)
    assert sizes(platform, [OLD, OTHER], [edge(silent, OLD)]) == {OLD: None, OTHER: 8}


def test_what_nobody_has_confirmed_moves_nothing(platform: Platform) -> None:
    to = LineKey("BETA", THERE, ADULT)
    edges = [edge(OTHER, to, state="suggested"), edge(OLD, to, state="refused")]
    assert sizes(platform, [OLD, to], edges) == {OLD: 16, to: None}


@pytest.mark.parametrize("frozen", [False, True])
def test_a_paid_headcount_that_is_blank_is_not_zero(platform: Platform, frozen: bool) -> None:
    with platform.database.transaction() as session:
        session.execute(text("RESET ROLE"))
        # no such return is accepted today: it may have been under an older spec
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE submission_row SET cells = cells - 'paid_headcount' WHERE collection_year = 2022 "
                 "AND business_key LIKE :line"), {"line": f"{HERE}|{ADULT}|DAW%"},
        )  # fmt: skip
    if frozen:
        freeze_collection(platform, TEAM, 2022)
    assert sizes(platform, [OLD, OTHER]) == {OLD: None, OTHER: 8}


def test_sizes_are_part_of_the_hash_and_the_same_however_they_came_about(platform: Platform) -> None:
    framed(platform, 2024, ("ALPHA", HERE, ADULT))
    first = freeze_collection(platform, TEAM, 2024).snapshot
    freeze_collection(platform, TEAM, 2022)
    assert freeze_collection(platform, TEAM, 2024).snapshot == first
    with platform.database.transaction() as session:
        lineage.add_edges(session, [edge(OTHER, OLD)])
    second = freeze_collection(platform, TEAM, 2024)
    assert second.created
    assert second.snapshot.content_hash != first.content_hash
