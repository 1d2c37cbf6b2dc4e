"""Freezing: what a snapshot holds, when there is a new revision, and what never changes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from census_api.domain.kit.access import ANONYMOUS
from census_api.domain.kit.errors import CensusError, Conflict, Forbidden, NotFound, SignInRequired
from census_api.domain.register.organisations import Organisation
from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.services.collecting import life
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.history import get_history
from census_api.services.collecting.submissions import get_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.services.snapshots.revisions import (
    freeze_collection,
    get_snapshot,
    list_policies,
    list_snapshots,
    stored_policy,
)
from census_api.statistics.policy import DEFAULT_POLICY, Policy
from census_api.store.kit.session import connect_database
from tests.factories.actors import ADMINISTRATOR, ANALYST, ANN, EDITOR, EVE, NOW, PIPELINE, TEAM
from tests.factories.frozen import HERE, NAMES, THERE, accepted, corrected, framed, tree_for
from tests.factories.life import nil_upload

YEAR = 2024
ADULT, YOUNG = "adult_community", "young_people"


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """ALPHA's clean return of two lines is accepted; BETA is expected to answer for one line and has not."""
    framed(platform, YEAR, ("ALPHA", HERE, ADULT), ("ALPHA", THERE, YOUNG), ("BETA", HERE, ADULT))
    accepted(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR))
    return platform


def rows(platform: Platform, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with platform.database.transaction() as session:
        return [tuple(row) for row in session.execute(text(query), values)]


def test_a_snapshot_holds_the_accepted_returns_and_the_lines_expected_or_reported(platform: Platform) -> None:
    seen: list[tuple[int, int]] = []
    done = freeze_collection(platform, TEAM, YEAR, progress=lambda done, total: seen.append((done, total)))
    snapshot = done.snapshot
    assert done.created
    assert seen == [(2, 2)]
    assert (snapshot.name, snapshot.state, snapshot.share) == ("2024.1", "frozen", 1)
    assert (snapshot.returns, snapshot.lines, snapshot.facts) == (1, 4, 7)
    assert (snapshot.started_by, snapshot.previous, snapshot.changes) == ("tess", None, ())
    assert rows(platform, "SELECT line_no, organisation, local_authority_code, service_type, region, sector, in_frame, "
                "reported, size, data_available FROM snapshot_line ORDER BY line_no") == [
        (1, "ALPHA", HERE, ADULT, "E12000001", "voluntary", True, True, None, "full"),
        (2, "ALPHA", THERE, ADULT, "E12000001", "voluntary", False, True, None, "full"),
        (3, "ALPHA", THERE, YOUNG, "E12000001", "voluntary", True, False, None, None),
        (4, "BETA", HERE, ADULT, "E12000001", "nhs", True, False, None, None),
    ]  # fmt: skip
    assert rows(platform, "SELECT organisation, name, sector, organisation_type, parent, number, nil_return "
                "FROM snapshot_return") == [("ALPHA", "Alpha Recovery", "voluntary", "voluntary", "ALPHA", 1, False)]  # fmt: skip
    assert len(rows(platform, "SELECT role FROM snapshot_role")) == len(platform.spec(YEAR).code_lists["roles"].codes)
    assert get_return(platform, TEAM, YEAR, "ALPHA").frozen_in == snapshot.id


def test_five_answers_stay_five(platform: Platform) -> None:
    tree = tree_for(platform, "ALPHA", YEAR, {"starters": "REFUSED", "leavers": "NK", "establishment_wte": "NA"})
    del tree["staff"][0]["unpaid_wte"], tree["staff"][0]["vacant_wte"]
    tree["staff"][0]["unpaid_headcount"] = None
    corrected(platform, "ALPHA", YEAR, tree)
    freeze_collection(platform, TEAM, YEAR)
    first = rows(platform, "SELECT paid_headcount, paid_wte, unpaid_headcount, starters, leavers, vacant_wte, "
                 "establishment_wte, transfers_in, states FROM snapshot_staff WHERE line_no = 1 AND role = 'DAW'")  # fmt: skip
    # the role is a paid one, so what is blank of unpaid people does not apply
    assert first == [(9, 8.4, None, None, None, None, None, 0, "VVAAVRNVVBA")]
    volunteers = rows(platform, "SELECT states FROM snapshot_staff WHERE role = 'VOL'")
    assert volunteers == [("VVVVVVVVVVA",)]


def test_breakdowns_keep_every_category(platform: Platform) -> None:
    freeze_collection(platform, TEAM, YEAR)
    held = rows(platform, "SELECT category, value, state FROM snapshot_breakdown WHERE sheet = 'age' "
                "AND row_key = 'nursing' AND organisation = 'ALPHA' ORDER BY category")  # fmt: skip
    expected = {"U20": 0, "20_29": 2, "30_39": 1, "40_49": 0, "50_59": 0, "60_69": 0, "70P": 0, "NK": 0}
    assert {category: value for category, value, _ in held} == expected
    assert {state for _, _, state in held} == {"V"}
    sheets = {sheet for (sheet,) in rows(platform, "SELECT DISTINCT sheet FROM snapshot_breakdown")}
    assert sheets <= {sheet.key for sheet in platform.spec(YEAR).breakdowns}


def test_a_nil_return_reports_every_line_that_was_expected(platform: Platform) -> None:
    accepted(platform, "BETA", YEAR, json.loads(nil_upload("BETA").data))
    freeze_collection(platform, TEAM, YEAR)
    assert rows(platform, "SELECT reported, in_frame FROM snapshot_line WHERE organisation = 'BETA'") == [(True, True)]
    assert rows(platform, "SELECT nil_return FROM snapshot_return WHERE organisation = 'BETA'") == [(True,)]
    assert (
        rows(platform, "SELECT * FROM snapshot_staff JOIN snapshot_line USING (line_no) WHERE organisation = 'BETA'")
        == []
    )


def test_a_line_without_data_is_not_reported(platform: Platform) -> None:
    tree = tree_for(platform, "ALPHA", YEAR)
    tree["services"].append(
        {"local_authority_code": THERE, "service_type": YOUNG, "commissioning_route": "la_commissioned",
         "data_available": "none", "note": "On another payroll until August."}
    )  # fmt: skip
    corrected(platform, "ALPHA", YEAR, tree)
    freeze_collection(platform, TEAM, YEAR)
    assert rows(platform, "SELECT in_frame, reported, data_available FROM snapshot_line WHERE service_type = :young",
                young=YOUNG) == [(True, False, "none")]  # fmt: skip


def test_freezing_again_gives_the_same_snapshot_until_something_changes(platform: Platform) -> None:
    first = freeze_collection(platform, TEAM, YEAR)
    again = freeze_collection(platform, TEAM, YEAR)
    assert (again.created, again.snapshot) == (False, first.snapshot)
    # sent anew, signed and accepted anew, and the same content
    corrected(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR))
    assert freeze_collection(platform, TEAM, YEAR).snapshot == first.snapshot
    framed(platform, YEAR, ("ALPHA", HERE, ADULT))
    assert freeze_collection(platform, TEAM, YEAR).snapshot.name == "2024.2"
    stricter = freeze_collection(platform, TEAM, YEAR, Policy.from_dict({"level": {"min_matched": 9}})).snapshot
    assert (stricter.name, stricter.changes) == ("2024.3", ())
    assert stored_policy(platform, stricter.policy_digest).level.min_matched == 9
    assert [snapshot.name for snapshot in list_snapshots(platform, ANALYST).items] == ["2024.3", "2024.2", "2024.1"]


def test_a_correction_is_a_new_revision_with_its_changes(platform: Platform) -> None:
    first = freeze_collection(platform, TEAM, YEAR).snapshot
    corrected(platform, "ALPHA", YEAR, tree_for(platform, "ALPHA", YEAR, {"vacant_wte": "2"}))
    assert get_return(platform, TEAM, YEAR, "ALPHA").frozen_in == first.id
    accepted(platform, "BETA", YEAR, json.loads(nil_upload("BETA").data))
    second = freeze_collection(platform, TEAM, YEAR).snapshot
    assert (second.name, second.previous) == ("2024.2", first.id)
    assert [(change.kind, change.organisation) for change in second.changes] == [
        ("changed", "ALPHA"), ("added", "BETA"),
    ]  # fmt: skip
    assert second.changes[0].before_sha256 != second.changes[0].after_sha256
    assert second.changes[1].before_sha256 is None
    vacant = "SELECT vacant_wte FROM snapshot_staff WHERE snapshot_id = :id AND line_no = 1 AND role = 'DAW'"
    assert rows(platform, vacant, id=first.id) == [(1.0,)]
    assert rows(platform, vacant, id=second.id) == [(2.0,)]
    assert get_snapshot(platform, TEAM, "2024") == second
    assert get_snapshot(platform, TEAM, "2024.1") == get_snapshot(platform, TEAM, str(first.id)) == first


def test_the_hash_follows_from_returns_frame_spec_and_policy_alone(platform: Platform) -> None:
    snapshot = freeze_collection(platform, TEAM, YEAR).snapshot
    held = rows(platform, "SELECT organisation, sector, parent, content_sha256 FROM snapshot_return")
    document = {
        "collection": YEAR, "spec_digest": platform.spec(YEAR).digest, "policy_digest": DEFAULT_POLICY.digest,
        "returns": sorted(map(list, held)),
        "frame": sorted([["ALPHA", HERE, ADULT, None], ["ALPHA", THERE, YOUNG, None], ["BETA", HERE, ADULT, None]]),
    }  # fmt: skip
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert snapshot.content_hash == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_hash_is_the_same_in_another_database_whatever_came_first(
    platform: Platform, postgres_server: RunningPostgres, migrated_template: str
) -> None:
    accepted(platform, "BETA", YEAR, tree_for(platform, "BETA", YEAR))
    here = freeze_collection(platform, TEAM, YEAR).snapshot
    name = f"census_elsewhere_{uuid.uuid4().hex}"
    postgres_server.create_database(name, template=migrated_template)
    other = Platform(
        connect_database(postgres_server.url(name)), platform.sandbox, platform.settings, clock=lambda: NOW
    )
    try:
        ensure_collections(other, ANN)
        for code, (title, sector) in reversed(NAMES.items()):
            load_organisations(other, ANN, [Organisation(code, title, sector)])
        for code in ("BETA", "ALPHA"):
            tree = tree_for(other, code, YEAR)
            accepted(other, code, YEAR, {**tree, "staff": tree["staff"][::-1], "services": tree["services"][::-1]})
        framed(other, YEAR, ("BETA", HERE, ADULT), ("ALPHA", THERE, YOUNG), ("ALPHA", HERE, ADULT))
        there = freeze_collection(other, ANN, YEAR).snapshot
    finally:
        other.database.close()
    assert there.id != here.id
    assert there.content_hash == here.content_hash


def test_who_may(platform: Platform) -> None:
    for actor in (ANALYST, PIPELINE, ADMINISTRATOR, EDITOR, EVE):
        with pytest.raises(Forbidden):
            freeze_collection(platform, actor, YEAR)
    with pytest.raises(SignInRequired):
        freeze_collection(platform, ANONYMOUS, YEAR)
    freeze_collection(platform, TEAM, YEAR)
    for reader in (ANALYST, PIPELINE, TEAM):
        assert get_snapshot(platform, reader, "2024").name == "2024.1"
        assert list_policies(platform, reader)[0].policy == DEFAULT_POLICY
    for other in (EDITOR, EVE, ADMINISTRATOR):
        for refused in (lambda: get_snapshot(platform, other, "2024"), lambda: list_snapshots(platform, other)):  # noqa: B023 - called in the same pass of the loop
            with pytest.raises(Forbidden):
                refused()


@pytest.mark.parametrize(
    "wanted", ["2023", "2024.7", "latest", "", "2024.1 ", "00000000-0000-0000-0000-000000000000", "x" * 500]
)
def test_a_snapshot_that_is_not_there_is_not_found_and_says_what_can_be_asked_for(
    platform: Platform, wanted: str
) -> None:
    freeze_collection(platform, TEAM, YEAR)
    with pytest.raises(NotFound, match=r"2024\.2"):
        get_snapshot(platform, TEAM, wanted)


def test_there_is_nothing_to_freeze_without_an_accepted_return(platform: Platform) -> None:
    with pytest.raises(Conflict, match="No return of 2023 is accepted"):
        freeze_collection(platform, TEAM, 2023)
    with pytest.raises(NotFound):
        freeze_collection(platform, TEAM, 1999)
    assert list_snapshots(platform, TEAM, 2023).items == ()


def test_every_change_is_an_event(platform: Platform) -> None:
    snapshot = freeze_collection(platform, TEAM, YEAR).snapshot
    events = rows(platform, "SELECT action, actor, subject, after_hash, detail ->> 'returns' FROM audit_event "
                  "WHERE action LIKE 'snapshot.%' ORDER BY id")  # fmt: skip
    assert events == [
        ("snapshot.started", "tess", "snapshot 2024.1", None, None),
        ("snapshot.frozen", "tess", "snapshot 2024.1", snapshot.content_hash, "1"),
    ]


CHANGES = (
    "UPDATE snapshot SET message = 'x'",
    "UPDATE snapshot SET state = 'building', content_hash = NULL, frozen_at = NULL",
    "DELETE FROM snapshot",
    "TRUNCATE snapshot CASCADE",
    *(f"DELETE FROM {table}" for table in ("snapshot_return", "snapshot_line", "snapshot_role", "snapshot_staff", "snapshot_breakdown")),
    *(f"TRUNCATE {table}" for table in ("snapshot_return", "snapshot_line", "snapshot_role", "snapshot_staff", "snapshot_breakdown")),
    "UPDATE snapshot_staff SET paid_wte = 1",
    "UPDATE snapshot_line SET reported = true",
    "UPDATE snapshot_return SET sector = 'nhs'",
    "UPDATE snapshot_breakdown SET value = 1",
    (
        "INSERT INTO snapshot_staff (collection_year, snapshot_id, line_no, role, states) "
        "SELECT collection_year, id, 999, 'DAW', 'BBBBBBBBBBB' FROM snapshot"
    ),
    (
        "INSERT INTO snapshot_line SELECT collection_year, snapshot_id, 999, organisation, parent, local_authority_code, "
        "service_type, region, sector, organisation_type, commissioning_route, data_available, in_frame, reported, size "
        "FROM snapshot_line LIMIT 1"
    ),
    "DELETE FROM policy",
    "UPDATE policy SET version = 'x'",
)  # fmt: skip


def run_as(platform: Platform, statement: str, *, as_owner: bool) -> None:
    with platform.database.transaction() as session:
        if as_owner:
            session.execute(text("RESET ROLE"))
        session.execute(text(statement))


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_changes_what_is_frozen_not_even_its_owner(platform: Platform, change: str) -> None:
    freeze_collection(platform, TEAM, YEAR)
    tables = (
        "snapshot",
        "snapshot_return",
        "snapshot_line",
        "snapshot_role",
        "snapshot_staff",
        "snapshot_breakdown",
        "policy",
    )

    def everything() -> list[Sequence[Any]]:
        return [rows(platform, f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1") for table in tables]

    before = everything()
    for as_owner in (False, True):
        with pytest.raises(DBAPIError, match=r"never|permission denied|nothing is added|only ever added"):
            run_as(platform, change, as_owner=as_owner)
    assert everything() == before


def test_nothing_of_a_return_is_shown_to_an_analysts_own_session(platform: Platform) -> None:
    freeze_collection(platform, TEAM, YEAR)
    for table in ("snapshot_return", "snapshot_line", "snapshot_staff", "snapshot_breakdown"):
        with platform.database.snapshot(ANALYST) as session:
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_a_return_reopened_after_it_was_frozen_says_that_the_snapshot_stays(platform: Platform) -> None:
    freeze_collection(platform, TEAM, YEAR)
    reopened = life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason="A mistake.")
    assert reopened.frozen_in is not None
    sentences = [entry.sentence for entry in get_history(platform, TEAM, YEAR, "ALPHA").items]
    assert any("changes count in its next revision only" in sentence for sentence in sentences)
    with pytest.raises(CensusError, match="No return of 2024 is accepted"):
        freeze_collection(platform, TEAM, YEAR)
