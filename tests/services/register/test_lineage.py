"""Lineage as people and the spec make it: loaded, suggested, decided, and never a year that is rewritten."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from census_api.domain.register.lineage import EdgeFilter, LineageEdge, LineKey
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.kit.platform import Platform
from census_api.services.register import lineage
from census_api.services.register.organisations import load_frame, load_organisations
from census_api.store.register import lineage as stored
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, NOW, TEAM
from tests.factories.snapshots import LineRow, make_snapshot

HERE, ADULT = "E06000001", "adult_community"
CUMBRIA, CUMBERLAND, WESTMORLAND = "E10000006", "E06000063", "E06000064"
SOMERSET_BEFORE, SOMERSET = "E10000027", "E06000066"


def line(organisation: str, place: str = HERE) -> LineKey:
    return LineKey(organisation, place, ADULT)


def frame(platform: Platform, year: int, *lines: LineKey) -> None:
    load_frame(platform, TEAM, year, [FrameLine(year, *vars_of(key)) for key in lines])


def vars_of(key: LineKey) -> tuple[str, str, str]:
    return (key.organisation, key.local_authority_code, key.service_type)


def edge(source: LineKey, target: LineKey) -> LineageEdge:
    return LineageEdge(
        2023, source, 2024, target, "contract_transfer", dt.date(2024, 4, 1), "Award notice of March 2024", "confirmed"
    )


def all_edges(platform: Platform, **wanted: object) -> list[LineageEdge]:
    return list(lineage.list_edges(platform, TEAM, EdgeFilter(**wanted)).items)  # type: ignore[arg-type]  # the filters are pytest's parameters


def actions(platform: Platform) -> list[str]:
    with platform.database.snapshot(SYSTEM) as session:
        return list(session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'lineage.%' ORDER BY id")))


def test_loaded_edges_say_who_decided_and_loading_them_again_changes_nothing(platform: Platform) -> None:
    given = edge(line("ALPHA"), line("BETA"))
    assert lineage.load_edges(platform, TEAM, [given]) == 1
    assert lineage.load_edges(platform, TEAM, [replace(given, evidence="Something else")]) == 0
    (found,) = all_edges(platform)
    assert (found.evidence, found.decided_by, found.decided_at) == ("Award notice of March 2024", "tess", NOW)
    assert actions(platform) == ["lineage.loaded", "lineage.loaded"]


def test_everything_that_is_wrong_with_edges_is_said_and_none_is_loaded(platform: Platform) -> None:
    good = edge(line("ALPHA"), line("BETA"))
    wrong = [
        replace(good, source=line("NOBODY")),
        replace(good, target=line("BETA", CUMBRIA)),
        replace(good, source=replace(line("ALPHA"), service_type="golf")),
        replace(good, effective=dt.date(2024, 7, 1)),
        replace(good, evidence=" "),
        replace(good, to_year=2023),
    ]
    with pytest.raises(InvalidRequest) as problem:
        lineage.load_edges(platform, TEAM, [good, *wrong])
    for said in (
        "NOBODY is not in the register",
        f"{CUMBRIA} is not a local",
        "golf is not a service",
        "date lies outside",
    ):
        assert said in problem.value.message
    assert "And 1 more" in problem.value.message
    assert all_edges(platform) == []


def test_an_edge_between_the_same_lines_is_decided_not_added_twice(platform: Platform) -> None:
    added = lineage.add_edge(platform, TEAM, edge(line("ALPHA"), line("BETA")))
    assert added.id is not None
    with pytest.raises(Conflict, match="an edge between these two lines already"):
        lineage.add_edge(platform, TEAM, edge(line("ALPHA"), line("BETA")))
    with pytest.raises(Conflict, match="confirmed by tess on 15 July 2024"):
        lineage.settle_edge(platform, TEAM, added.id, "confirmed", "The same again")
    refused = lineage.settle_edge(platform, TEAM, added.id, "refused", "The notice was withdrawn")
    assert all_edges(platform, state="refused") == [refused]
    assert (refused.decided_by, refused.evidence) == ("tess", "The notice was withdrawn")
    assert actions(platform) == ["lineage.added", "lineage.refused"]
    with pytest.raises(NotFound):
        lineage.settle_edge(platform, TEAM, uuid.uuid4(), "refused", "No such edge")
    with pytest.raises(InvalidRequest):
        lineage.settle_edge(platform, TEAM, added.id, "confirmed", "  ")


def test_suggestions_wait_for_a_decision_and_are_made_once(platform: Platform) -> None:
    frame(platform, 2023, line("ALPHA"))
    frame(platform, 2024, line("BETA"))
    (found,) = lineage.store_suggestions(platform, TEAM, 2023, 2024)
    assert (found.state, found.source, found.target) == ("suggested", line("ALPHA"), line("BETA"))
    assert found.suggested_by is not None
    assert "Likeness 0." in found.suggested_by
    assert found.decided_by is None
    assert lineage.store_suggestions(platform, TEAM, 2023, 2024) == []
    assert found.id is not None
    assert (
        lineage.settle_edge(platform, TEAM, found.id, "confirmed", "Both confirmed by telephone").state == "confirmed"
    )
    assert lineage.store_suggestions(platform, TEAM, 2023, 2024) == []


def test_suggestions_need_two_frames_in_order(platform: Platform) -> None:
    frame(platform, 2023, line("ALPHA"))
    with pytest.raises(Conflict, match="the frame of 2024"):
        lineage.store_suggestions(platform, TEAM, 2023, 2024)
    with pytest.raises(InvalidRequest, match="earlier year to a later"):
        lineage.store_suggestions(platform, TEAM, 2024, 2023)
    with pytest.raises(NotFound):
        lineage.store_suggestions(platform, TEAM, 1999, 2024)


def test_a_loaded_edge_takes_the_place_of_its_suggestion(platform: Platform) -> None:
    frame(platform, 2023, line("ALPHA"))
    frame(platform, 2024, line("BETA"))
    lineage.store_suggestions(platform, TEAM, 2023, 2024)
    assert lineage.load_edges(platform, TEAM, [edge(line("ALPHA"), line("BETA"))]) == 1
    (found,) = all_edges(platform)
    assert (found.state, found.decided_by) == ("confirmed", "tess")


def test_local_authorities_that_changed_make_confirmed_edges(platform: Platform) -> None:
    frame(platform, 2022, line("ALPHA", CUMBRIA), line("BETA", SOMERSET_BEFORE), line("BETA"))
    assert all_edges(platform) == []
    frame(platform, 2023, line("ALPHA", CUMBERLAND), line("ALPHA", WESTMORLAND), line("BETA", SOMERSET), line("BETA"))
    kinds = {(one.source, one.target): one.kind for one in all_edges(platform)}
    assert kinds == {
        (line("ALPHA", CUMBRIA), line("ALPHA", CUMBERLAND)): "split",
        (line("ALPHA", CUMBRIA), line("ALPHA", WESTMORLAND)): "split",
        (line("BETA", SOMERSET_BEFORE), line("BETA", SOMERSET)): "renamed",
    }
    for one in all_edges(platform):
        assert (one.state, one.decided_by, one.effective) == ("confirmed", "the platform", dt.date(2023, 4, 1))
        assert one.evidence.startswith("Change of local authorities: ")


def test_edges_of_local_authorities_follow_the_frame_and_what_people_decided_stays(platform: Platform) -> None:
    frame(platform, 2022, line("ALPHA", CUMBRIA))
    frame(platform, 2023, line("ALPHA", CUMBERLAND), line("ALPHA", WESTMORLAND))
    first = next(one for one in all_edges(platform) if one.target == line("ALPHA", CUMBERLAND))
    assert first.id is not None
    lineage.settle_edge(platform, TEAM, first.id, "refused", "The team of Cumberland is a new one")
    frame(platform, 2023, line("ALPHA", CUMBERLAND))
    (left,) = all_edges(platform)
    assert (left.target, left.state, left.decided_by) == (line("ALPHA", CUMBERLAND), "refused", "tess")


def test_a_merger_never_rewrites_a_year_that_is_over(platform: Platform) -> None:
    frame(platform, 2023, line("ALPHA"), line("BETA"))
    with platform.database.transaction() as session:
        made = make_snapshot(session, 2023, lines=[LineRow("ALPHA"), LineRow("BETA")])
    facts = text("SELECT to_jsonb(l)::text FROM snapshot_line AS l WHERE snapshot_id = :id ORDER BY line_no")
    framed = text("SELECT to_jsonb(l)::text FROM frame_line AS l WHERE collection_year = 2023 ORDER BY 1")

    def year_over() -> tuple[list[str], list[str]]:
        with platform.database.snapshot(SYSTEM) as session:
            return list(session.scalars(facts, {"id": made})), list(session.scalars(framed))

    before = year_over()
    frame(platform, 2024, line("BETA"))
    merged = Organisation("ALPHA", "Alpha Recovery", "voluntary", status="merged", merged_into="BETA")
    load_organisations(platform, TEAM, [merged])
    lineage.load_edges(platform, TEAM, [replace(edge(line("ALPHA"), line("BETA")), kind="merged")])
    assert year_over() == before
    assert len(before[0]) == len(before[1]) == 2


def test_who_may_see_and_who_may_change(platform: Platform) -> None:
    given = edge(line("ALPHA"), line("BETA"))
    for actor in (ANALYST, EDITOR):
        with pytest.raises(Forbidden):
            lineage.load_edges(platform, actor, [given])
        with pytest.raises(Forbidden):
            lineage.store_suggestions(platform, actor, 2023, 2024)
        with pytest.raises(Forbidden):
            lineage.settle_edge(platform, actor, uuid.uuid4(), "refused", "Because")
    lineage.load_edges(platform, ADMINISTRATOR, [given])
    assert lineage.list_edges(platform, ANALYST, EdgeFilter()).total == 1
    with pytest.raises(Forbidden):
        lineage.list_edges(platform, EDITOR, EdgeFilter())


def test_the_database_shows_no_edge_to_those_of_one_organisation(platform: Platform) -> None:
    lineage.load_edges(platform, TEAM, [edge(line("ALPHA"), line("BETA"))])
    for actor in (EDITOR, ANALYST):
        with platform.database.snapshot(actor) as session:
            assert stored.edges_between(session, 2022, 2025) == []


def test_pages_and_filters(platform: Platform) -> None:
    places = ["E06000001", "E06000002", "E06000003"]
    lineage.load_edges(platform, TEAM, [edge(line("ALPHA", place), line("BETA", place)) for place in places])
    first = lineage.list_edges(platform, TEAM, EdgeFilter(), limit=2)
    second = lineage.list_edges(platform, TEAM, EdgeFilter(), limit=2, cursor=first.next)
    assert [one.source.local_authority_code for one in (*first.items, *second.items)] == places
    assert (first.total, second.next) == (3, None)
    assert len(all_edges(platform, organisation="BETA", from_year=2023, to_year=2024, state="confirmed")) == 3
    assert all_edges(platform, organisation="GAMMA") == all_edges(platform, from_year=2022) == []
