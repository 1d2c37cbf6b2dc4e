"""The frozen years of the demonstration say exactly what the population's returns say, and so the published figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from census_api.demo.facts import YearFacts, year_facts
from census_api.demo.loading import freeze_past, load_returns, prepare_register, take_answer
from census_api.demo.parameters import OPEN_YEAR, YEARS
from census_api.demo.population import (
    DemoPopulation,
    frame_rows,
    iterate_returns,
    lineage_rows,
    make_population,
    register_rows,
)
from census_api.domain.collecting.content import Content
from census_api.domain.collecting.submission import Upload
from census_api.domain.snapshots.revisions import Snapshot
from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.intake.sandbox import Sandbox
from census_api.questionnaire.load import load_spec
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.factories.actors import ANN, NOW

PAST = tuple(year for year in YEARS if year != OPEN_YEAR)
DATABASE = "census_demo_frozen"


@pytest.fixture(scope="module")
def people() -> DemoPopulation:
    return make_population(organisations=100)


@pytest.fixture(scope="module")
def platform(postgres_server: RunningPostgres, migrated_template: str, people: DemoPopulation) -> Iterator[Platform]:
    """With the register, frames and accepted returns of the past years of a small population."""
    postgres_server.create_database(DATABASE, template=migrated_template)
    database = connect_database(postgres_server.url(DATABASE))
    with Sandbox(workers=2) as sandbox:
        platform = Platform(database, sandbox, Settings(), clock=lambda: NOW)
        prepare_register(platform, ANN, register_rows(people), {year: frame_rows(people, year) for year in YEARS})
        for year in PAST:
            files = (
                (code, Upload(json.dumps(content.as_json()).encode(), "r.json"))
                for code, content in iterate_returns(people, year)
            )
            for answer in load_returns(platform, ANN, year, files):
                take_answer(platform, ANN, answer)
        yield platform
    database.close()


@pytest.fixture(scope="module")
def frozen(platform: Platform, people: DemoPopulation) -> dict[int, Snapshot]:
    made = list(freeze_past(platform, ANN, PAST, lineage_rows(people)))
    # loaded again, nothing is new
    assert list(freeze_past(platform, ANN, PAST, lineage_rows(people))) == made
    return {snapshot.collection: snapshot for snapshot in made}


def contents(people: DemoPopulation, year: int) -> list[Content]:
    return [content for _, content in iterate_returns(people, year)]


def facts_of(people: DemoPopulation, year: int) -> YearFacts:
    return year_facts(load_spec(year), contents(people, year), len(people.asked(year)))


@pytest.mark.parametrize("year", PAST)
def test_the_sums_of_a_snapshot_are_those_of_the_population_to_the_last_hundredth(
    platform: Platform, people: DemoPopulation, frozen: dict[int, Snapshot], year: int
) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for fact in facts_of(people, year).staff:
        for item, value in (
            ("paid_headcount", fact.paid * 100), ("paid_wte", fact.paid_wte), ("unpaid_headcount", fact.unpaid * 100),
            ("unpaid_wte", fact.unpaid_wte), ("leavers", (fact.leavers or 0) * 100),
            ("vacant_wte", fact.vacant_wte or 0),
        ):  # fmt: skip
            expected[fact.sector, fact.role, item] += value
    items = ("paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "leavers", "vacant_wte")
    sums = ", ".join(f"coalesce(round(sum({item}::numeric) * 100), 0)" for item in items)
    with platform.database.transaction() as session:
        found = session.execute(
            text(f"SELECT sector, role, {sums} FROM snapshot_staff JOIN snapshot_line USING (snapshot_id, line_no) "
                 "WHERE snapshot_id = :id GROUP BY sector, role"), {"id": frozen[year].id},
        ).all()  # fmt: skip
    got = {
        (sector, role, item): int(value)
        for sector, role, *values in found
        for item, value in zip(items, values, strict=True)
    }
    assert got == dict(expected)
    assert frozen[year].facts == len(facts_of(people, year).staff)


@pytest.mark.parametrize("year", PAST)
def test_breakdowns_are_those_of_the_population(
    platform: Platform, people: DemoPopulation, frozen: dict[int, Snapshot], year: int
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for fact in facts_of(people, year).breakdowns:
        expected[fact.sheet, fact.category] += fact.people
    with platform.database.transaction() as session:
        found = session.execute(
            text("SELECT sheet, category, sum(value) FROM snapshot_breakdown WHERE snapshot_id = :id GROUP BY 1, 2"),
            {"id": frozen[year].id},
        ).all()
    assert {(sheet, category): int(value) for sheet, category, value in found} == dict(expected)


@pytest.mark.parametrize("year", PAST)
def test_lines_are_the_frame_and_reported_where_somebody_answered(
    platform: Platform, people: DemoPopulation, frozen: dict[int, Snapshot], year: int
) -> None:
    answered, reported = set(people.answered(year)), set()
    for content in contents(people, year):
        code = str(content.organisation["organisation_code"])
        nil = content.organisation["nil_return"] == "yes"
        for row in content.table("services"):
            if row["data_available"] != "none":
                reported.add((code, str(row["local_authority_code"]), str(row["service_type"])))
        if nil:
            framed = [line for line in frame_rows(people, year) if line.organisation == code]
            reported |= {(code, line.local_authority_code, line.service_type) for line in framed}
    with platform.database.transaction() as session:
        rows = session.execute(
            text("SELECT organisation, local_authority_code, service_type, in_frame, reported FROM snapshot_line "
                 "WHERE snapshot_id = :id"), {"id": frozen[year].id},
        ).all()  # fmt: skip
    assert {tuple(row[:3]) for row in rows if row.reported} == reported
    expected = {(line.organisation, line.local_authority_code, line.service_type) for line in frame_rows(people, year)}
    assert {tuple(row[:3]) for row in rows if row.in_frame} == expected
    assert frozen[year].returns == len(answered)


def test_lines_that_moved_take_their_size_with_them(
    platform: Platform, people: DemoPopulation, frozen: dict[int, Snapshot]
) -> None:
    with platform.database.transaction() as session:
        rows = session.execute(
            text("SELECT collection_year, count(size) AS sized FROM snapshot_line WHERE in_frame GROUP BY 1")
        ).all()
        moved = session.scalar(
            text("SELECT count(*) FROM lineage_edge JOIN snapshot_line ON collection_year = to_year "
                 "AND organisation = to_organisation AND local_authority_code = to_local_authority "
                 "AND service_type = to_service_type WHERE in_frame AND size IS NOT NULL")
        )  # fmt: skip
    known = {row.collection_year: row.sized for row in rows}
    assert known[2022] == 0
    assert known[2023] > 0.7 * frozen[2023].lines
    assert moved is not None
    assert moved > 0
