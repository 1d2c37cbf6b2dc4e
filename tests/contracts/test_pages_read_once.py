"""A page is read in one transaction, so that it never shows two states of the platform."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from census_api.domain.kit.access import SYSTEM, Actor
from census_api.domain.kit.errors import NotFound
from census_api.services.collecting import submit
from census_api.services.collecting.submissions import get_report
from census_api.services.kit.platform import Platform, end_view, open_view
from census_api.store.kit import tables
from census_api.store.kit.session import Database, Session
from tests.contracts.test_routes_and_roles import OWN, Route, World, written
from tests.factories.actors import EDITOR, OTHER_EDITOR, TEAM
from tests.factories.snapshots import LineRow, make_snapshot
from tests.factories.uploads import make_upload

ROLES = ("census_team", "administrator", "signatory", "analyst", "nobody")
AT_THE_DOOR = frozenset({"actor_of_session", "find_reachable"})
"""Who comes is found out before the page is begun, and seeing them is written down."""
PAGES_THERE_ARE = 40
SUBMISSIONS = select(func.count()).select_from(tables.SubmissionRecord)


class Begun:
    """Counts the transactions that are begun, by what each is for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reasons: Counter[str] = Counter()
        for name in ("transaction", "snapshot"):
            patch.setattr(Database, name, self._counted(name, getattr(Database, name)))

    def _counted(self, kind: str, real: Any) -> Any:
        @contextmanager
        def count(database: Database, actor: Actor | None = None) -> Iterator[Session]:
            self.reasons[self._reason(kind)] += 1
            with real(database, actor) as session:
                yield session

        return count

    @staticmethod
    def _reason(kind: str) -> str:
        names = {frame.name for frame in traceback.extract_stack() if "/census_api/" in frame.filename}
        if names & AT_THE_DOOR:
            return "door"
        if "finish" in names:
            return "note"
        return "read" if kind == "snapshot" else "change"


@pytest.fixture
def world(platform: Platform) -> Iterator[World]:
    submit.submit_return(platform, SYSTEM, 2024, OWN, make_upload())
    with platform.database.transaction(SYSTEM) as session:
        make_snapshot(session, 2024, lines=[LineRow(OWN, "E06000001", "adult_community")], staff=[])
    world = World(platform)
    with world.client:
        yield world


def pages(world: World) -> list[Route]:
    return [route for route in world.routes() if route.method == "GET" and not route.path.startswith("/api/")]


def test_a_page_is_read_in_one_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {(row["path"], row["role"]) for row in written() if row["method"] == "GET" and row["own"] == "ok"}
    begun = Begun(monkeypatch)
    seen, wrong = set(), []
    for route in pages(world):
        for role in ROLES:
            if (route.path, role) not in allowed:
                continue
            world.browser(role, lasting=True)
            begun.reasons.clear()
            if world.call(route, role, OWN).status_code == 200:
                seen.add(route.path)
                if begun.reasons["read"] > 1 or begun.reasons["note"] > 1 or begun.reasons["change"]:
                    wrong.append((route.path, role, dict(begun.reasons)))
    assert wrong == []
    assert len(seen) >= PAGES_THERE_ARE


def noted(platform: Platform) -> int:
    with platform.database.transaction() as session:
        query = select(func.count()).where(tables.AuditEventRow.action == "return.read")
        return session.scalar(query) or 0


def test_what_is_noted_of_a_view_is_stored_when_it_ends_and_not_when_it_fails(platform: Platform) -> None:
    submit.submit_return(platform, EDITOR, 2024, OWN, make_upload())
    with open_view(platform) as seen:
        get_report(seen, TEAM, 2024, OWN, 1)
        assert noted(platform) == 0
        end_view(seen)
        assert noted(platform) == 1
        get_report(seen, TEAM, 2024, OWN, 1)
    assert noted(platform) == 2
    with pytest.raises(LookupError):
        fail_in_view(platform)
    assert noted(platform) == 2


def fail_in_view(platform: Platform) -> None:
    with open_view(platform) as seen:
        get_report(seen, TEAM, 2024, OWN, 1)
        raise LookupError


def test_a_view_shows_one_moment(platform: Platform) -> None:
    submit.submit_return(platform, EDITOR, 2024, OWN, make_upload())
    with open_view(platform) as seen:
        before = get_report(seen, EDITOR, 2024, OWN, 1)
        submit.submit_return(platform, EDITOR, 2024, OWN, make_upload(headcount=11))
        with pytest.raises(NotFound):
            get_report(seen, EDITOR, 2024, OWN, 2)
        assert get_report(seen, EDITOR, 2024, OWN, 1) == before
        end_view(seen)
        assert get_report(seen, EDITOR, 2024, OWN, 2) != before


def test_each_reader_in_a_view_sees_their_own(platform: Platform) -> None:
    submit.submit_return(platform, SYSTEM, 2024, OWN, make_upload())
    with open_view(platform) as seen:
        for actor, number in ((EDITOR, 1), (OTHER_EDITOR, 0), (SYSTEM, 1), (OTHER_EDITOR, 0)):
            with seen.database.snapshot(actor) as session:
                assert session.scalar(SUBMISSIONS) == number
        with seen.database.snapshot(EDITOR) as outer:
            with seen.database.snapshot(OTHER_EDITOR) as inner:
                assert inner.scalar(SUBMISSIONS) == 0
            assert outer.scalar(SUBMISSIONS) == 1


def test_what_is_read_in_a_view_cannot_be_changed_in_it(platform: Platform) -> None:
    rename = update(tables.SubmissionRecord).values(number=7)
    with (
        open_view(platform) as seen,
        seen.database.snapshot(EDITOR) as session,
        pytest.raises(DBAPIError, match="read-only"),
    ):
        session.execute(rename)
