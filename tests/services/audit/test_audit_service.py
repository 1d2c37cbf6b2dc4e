"""The audit as a whole: who reads others' returns is in it, and a change behind its back is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, text

from census_api.domain.audit import AuditFilter, ChainEnd, noted_end
from census_api.domain.kit.access import SYSTEM, Actor
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound
from census_api.services.audit.reading import list_events, verify_chains
from census_api.services.collecting import submissions as reading
from census_api.services.collecting.history import get_history
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import (
    ADMINISTRATOR,
    ANALYST,
    ANN,
    EDITOR,
    EVE,
    OTHER_EDITOR,
    PIPELINE,
    SIGNATORY,
    TEAM,
    make_actor,
)
from tests.factories.uploads import make_upload


@pytest.fixture
def platform(platform: Platform) -> Platform:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    return platform


@contextmanager
def behind_its_back(platform: Platform) -> Iterator[Connection]:
    """As who may do everything in the database, with the triggers out of the way."""
    with create_engine(platform.database.url()).begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


def reads(platform: Platform) -> list[tuple[str, str]]:
    with platform.database.transaction() as session:
        query = text("SELECT actor, subject FROM audit_event WHERE action = 'return.read' ORDER BY id")
        return [(row.actor, row.subject) for row in session.execute(query)]


READS: dict[str, Callable[[Platform, Actor], object]] = {
    "the return of ALPHA for 2024": lambda p, a: reading.get_return(p, a, 2024, "ALPHA"),
    "the list of submissions of ALPHA for 2024": lambda p, a: reading.list_submissions(p, a, 2024, "ALPHA"),
    "the summary of submission 1 of ALPHA for 2024": lambda p, a: reading.get_submission(p, a, 2024, "ALPHA", 1),
    "the report of submission 1 of ALPHA for 2024": lambda p, a: reading.get_report(p, a, 2024, "ALPHA", 1),
    "the findings of submission 1 of ALPHA for 2024": lambda p, a: reading.list_findings(p, a, 2024, "ALPHA", 1),
    "the file of submission 1 of ALPHA for 2024": lambda p, a: reading.get_original(p, a, 2024, "ALPHA", 1),
    "the answers of submission 1 of ALPHA for 2024": lambda p, a: reading.get_content(p, a, 2024, "ALPHA", 1),
    "the history of ALPHA for 2024": lambda p, a: get_history(p, a, 2024, "ALPHA"),
}


@pytest.mark.parametrize("what", READS)
def test_a_read_from_outside_is_one_event_and_one_from_inside_is_none(platform: Platform, what: str) -> None:
    watcher = Actor("walter", user_id=EVE.user_id, watched=frozenset({"ALPHA"}))
    for member in (EDITOR, SIGNATORY, SYSTEM):
        READS[what](platform, member)
    assert reads(platform) == []
    for outsider in (TEAM, watcher):
        READS[what](platform, outsider)
    assert reads(platform) == [("tess", what), ("walter", what)]


def test_a_read_that_is_refused_is_none(platform: Platform) -> None:
    for stranger in (EVE, OTHER_EDITOR):
        with pytest.raises(NotFound):
            reading.get_report(platform, stranger, 2024, "ALPHA", 1)
    with pytest.raises(NotFound):
        reading.get_report(platform, TEAM, 2024, "ALPHA", 99)
    assert reads(platform) == []


def test_nothing_is_read_that_could_not_be_recorded(platform: Platform) -> None:
    with create_engine(platform.database.url()).begin() as connection:
        connection.execute(text("REVOKE INSERT ON audit_event FROM census_app"))
    with pytest.raises(Exception, match="permission denied"):
        reading.get_original(platform, TEAM, 2024, "ALPHA", 1)
    assert reading.get_original(platform, EDITOR, 2024, "ALPHA", 1).data


def test_those_who_run_the_census_read_the_audit_and_nobody_else(platform: Platform) -> None:
    for actor in (TEAM, ADMINISTRATOR):
        page = list_events(platform, actor, AuditFilter(action="submission.*"))
        assert [(event.action, event.organisation, event.collection) for event in page.items] == [
            ("submission.checked", "ALPHA", 2024)
        ]
    for actor in (EDITOR, SIGNATORY, ANALYST, PIPELINE, EVE):
        with pytest.raises(Forbidden):
            list_events(platform, actor, AuditFilter())


def test_an_untouched_audit_is_whole(platform: Platform) -> None:
    verdict = verify_chains(platform, ANN)
    assert verdict.problems == ()
    assert verdict.events == sum(end.position for end in verdict.ends) > 5
    assert [end.collection for end in verdict.ends] == [0, 2022, 2023, 2024, 2025]
    assert verify_chains(platform, ANN, verdict.ends).problems == ()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_event SET actor = 'nobody' WHERE id = {middle}", "event {middle} (thing.done) is not what was"),
        ("UPDATE audit_event SET at = at + interval '1 us' WHERE id = {middle}", "is not what was written"),
        ("UPDATE audit_event SET detail = '{{}}' WHERE id = {middle}", "is not what was written"),
        ("UPDATE audit_event SET organisation_id = NULL WHERE id = {middle}", "is not what was written"),
        ("UPDATE audit_event SET collection_year = 2023 WHERE id = {middle}", "is not what was written"),
        ("DELETE FROM audit_event WHERE id = {middle}", "event {middle} is missing"),
        ("DELETE FROM audit_link WHERE event_id = {middle}", "a gap: the next event is at place"),
        ("UPDATE audit_link SET hash = repeat('0', 64) WHERE event_id = {middle}", "is not what was written"),
        ("DELETE FROM audit_link WHERE event_id = {last}", "the chain ends here, and should end at place"),
        ("UPDATE audit_chain SET position = position + 1 WHERE collection_year = 2024", "should end at place"),
        (
            "INSERT INTO audit_event (at, actor, action, subject) VALUES (now(), 'x', 'y', 'z')",
            "1 event is in no chain, as if added by hand",
        ),
    ],
)
def test_what_was_changed_behind_its_back_is_found(platform: Platform, statement: str, told: str) -> None:
    for _ in range(3):
        with platform.database.transaction() as session:
            from census_api.store.kit import audit

            audit.record(
                session, TEAM, "thing.done", subject="x", organisation="ALPHA", collection=2024, detail={"n": 1}
            )
    with behind_its_back(platform) as connection:
        ids = connection.scalars(text("SELECT id FROM audit_event WHERE action = 'thing.done' ORDER BY id")).all()
        named = {"middle": str(ids[1]), "last": str(ids[2])}
        connection.execute(text(statement.format(**named)))
    assert any(told.format(**named) in problem for problem in verify_chains(platform, ANN).problems)


def test_an_end_cut_off_clean_is_found_with_the_end_that_was_noted(platform: Platform) -> None:
    end = next(end for end in verify_chains(platform, ANN).ends if end.collection == 2024)
    assert noted_end(str(end)) == end
    with behind_its_back(platform) as connection:
        last = connection.execute(
            text("DELETE FROM audit_link WHERE collection_year = 2024 AND position = :place RETURNING event_id"),
            {"place": end.position},
        ).scalar_one()
        connection.execute(text("DELETE FROM audit_event WHERE id = :last"), {"last": last})
        connection.execute(
            text("UPDATE audit_chain SET (position, hash) = (SELECT position, hash FROM audit_link "
                 "WHERE collection_year = 2024 ORDER BY position DESC LIMIT 1) WHERE collection_year = 2024")
        )  # fmt: skip
    assert verify_chains(platform, ANN).problems == ()
    (problem,) = verify_chains(platform, ANN, [end]).problems
    assert "the chain no longer reaches it" in problem
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=11))
    (problem,) = verify_chains(platform, ANN, [end]).problems
    assert "not the one whose end was noted" in problem


@pytest.mark.parametrize("text_of_an_end", ["", "2024", "2024:1:ff", "x:1:" + "0" * 64, "2024:1:2:" + "0" * 64])
def test_an_end_that_nobody_printed_is_refused(text_of_an_end: str) -> None:
    with pytest.raises(InvalidRequest, match="as the command prints it"):
        noted_end(text_of_an_end)
    assert str(noted_end(" 2024:3:" + "a" * 64 + "\n")) == str(ChainEnd(2024, 3, "a" * 64))


def test_many_wrong_places_are_counted_and_not_all_named(platform: Platform) -> None:
    from census_api.store.kit import audit

    with platform.database.transaction() as session:
        for number in range(150):
            audit.record(session, make_actor("mia"), "thing.done", subject=str(number), collection=2024)
    with behind_its_back(platform) as connection:
        connection.execute(text("UPDATE audit_event SET subject = 'x' WHERE action = 'thing.done'"))
    problems = verify_chains(platform, ANN).problems
    assert len(problems) == 101
    assert problems[-1] == "And 50 more places."
