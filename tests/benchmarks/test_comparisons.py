"""Comparisons of two large frozen years: small by itself.

CENSUS_BENCHMARK_ORGANISATIONS=10000 makes ten lines of sixty rows each for as many organisations, six million rows a year
as far as they answered. Nothing fails for being slow: figures are printed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.intake.sandbox import Sandbox
from census_api.questionnaire.load import load_spec
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.session import Session, connect_database
from tests.benchmarks.large_snapshot import large_snapshot
from tests.factories.actors import NOW
from tests.factories.snapshots import begin_snapshot, finish_snapshot

ORGANISATIONS = int(os.environ.get("CENSUS_BENCHMARK_ORGANISATIONS", "150"))
QUESTIONS = (
    ("wte", ""),
    ("wte", "sector"),
    ("wte", "sector,region"),
    ("vacancy_rate", "sector"),
    ("wte", "local_authority"),
    ("wte", "role_group"),
    ("wte", "sector,role"),
)

# the year before: every seventh organisation silent as well, everybody a little smaller
_LINES = text(
    """
    INSERT INTO snapshot_line
        (collection_year, snapshot_id, line_no, organisation, parent, local_authority_code, service_type, region,
         sector, organisation_type, commissioning_route, data_available, in_frame, reported, size)
    SELECT :year, :before, line_no, organisation, parent, local_authority_code, service_type, region, sector,
           organisation_type, commissioning_route, data_available, in_frame,
           reported AND (line_no - 1) / 10 % 7 <> 0, size
    FROM snapshot_line WHERE snapshot_id = :after
    """
)
_STAFF = text(
    """
    INSERT INTO snapshot_staff
        (collection_year, snapshot_id, line_no, role, paid_headcount, paid_wte, opening_headcount, starters, leavers,
         transfers_in, transfers_out, vacant_wte, unpaid_headcount, unpaid_wte, establishment_wte, states)
    SELECT :year, :before, staff.line_no, role, paid_headcount, round(paid_wte::numeric * 0.97, 2), opening_headcount,
           starters, leavers, transfers_in, transfers_out, vacant_wte, unpaid_headcount, unpaid_wte,
           establishment_wte, states
    FROM snapshot_staff AS staff JOIN snapshot_line AS line USING (collection_year, snapshot_id, line_no)
    WHERE snapshot_id = :after AND (line_no - 1) / 10 % 7 <> 0
    """
)
_ROLES = text(
    """
    INSERT INTO snapshot_role
    SELECT :year, :before, role, label, role_group, regulated, profession_group, pay_basis
    FROM snapshot_role WHERE snapshot_id = :after
    """
)


@pytest.fixture(scope="module")
def platform(
    postgres_server: RunningPostgres, migrated_template: str, sandbox: Sandbox, worker_id: str
) -> Iterator[Platform]:
    """Two frozen years in a database of their own."""
    name = f"census_comparing_{worker_id}"
    postgres_server.create_database(name, template=migrated_template)
    database = connect_database(postgres_server.url(name), statement_seconds=1200)
    with database.transaction(SYSTEM) as session:
        facts = two_years(session)
    print(f"\n{ORGANISATIONS:,} organisations, {facts:,} staff rows in two years")
    yield Platform(database, sandbox, Settings(), clock=lambda: NOW)
    database.close()


def two_years(session: Session) -> int:
    after = large_snapshot(session, ORGANISATIONS)
    before = begin_snapshot(session, load_spec(2023))
    key = {"year": 2023, "before": before, "after": after}
    for statement in (_ROLES, _LINES, _STAFF):
        session.execute(statement, key)
    count = session.execute(text("SELECT count(*) FROM snapshot_staff")).scalar_one()
    finish_snapshot(session, 2023, before, lines=ORGANISATIONS * 10, facts=0)
    return int(count)


@pytest.mark.parametrize(("measure", "by"), QUESTIONS)
def test_a_comparison_of_two_large_years(platform: Platform, measure: str, by: str) -> None:
    start = time.perf_counter()
    found = compare_snapshots(platform, SYSTEM, "2023", "2024", measure=measure, by=by)
    made = time.perf_counter() - start
    start = time.perf_counter()
    assert compare_snapshots(platform, SYSTEM, "2023", "2024", measure=measure, by=by) == found
    again = time.perf_counter() - start
    print(f"{measure} by {by or 'nothing'}: {len(found['cells'])} cells, {made:.2f} s; kept: {again * 1000:.0f} ms")
    if found["total"]["terms"]:
        assert sum(found["total"]["terms"].values()) == pytest.approx(found["total"]["to"] - found["total"]["from"])
