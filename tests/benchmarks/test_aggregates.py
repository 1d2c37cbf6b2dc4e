"""Aggregates of a large frozen snapshot, beside DuckDB on the same rows in the same run.

Small by itself; CENSUS_BENCHMARK_ORGANISATIONS=10000 makes ten lines of sixty rows each for as many organisations (a
fifth of which did not answer), as docs/benchmarks.md has them. Nothing fails for being slow: figures are printed.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.intake.sandbox import Sandbox
from census_api.services.aggregates.asking import compute_aggregates
from census_api.services.aggregates.question import Wanted
from census_api.services.aggregates.tables import iterate_pieces
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.kit.copy import driver_of
from census_api.store.kit.session import connect_database
from tests.benchmarks.large_snapshot import YEAR, large_snapshot
from tests.factories.actors import NOW

ORGANISATIONS = int(os.environ.get("CENSUS_BENCHMARK_ORGANISATIONS", "150"))
RUNS = int(os.environ.get("CENSUS_BENCHMARK_RUNS", "7"))
TABLES = ("snapshot_staff", "snapshot_line", "snapshot_role")


@dataclass(frozen=True)
class Question:
    by: str
    measures: str
    filters: dict[str, list[str]]
    sql: str
    """What DuckDB is asked: as much as the platform works out for its cells, and no more."""


def _sql(by: str, sums: str, where: str = "true") -> str:
    dimensions = ", ".join(
        "local_authority_code" if name == "local_authority" else name for name in by.split(",") if name
    )
    listed = f"{dimensions}, " if dimensions else ""
    group = f"GROUP BY {dimensions}" if dimensions else ""
    return (
        f"SELECT {listed} {sums}, count(*), count(DISTINCT organisation), count(DISTINCT parent) "
        f"FROM snapshot_staff JOIN snapshot_line USING (line_no) JOIN snapshot_role USING (role) WHERE {where} {group}"
    )


_WTE = (
    "sum(paid_wte) FILTER (WHERE states[2] = 'V'), count(*) FILTER (WHERE states[2] IN ('B', 'N', 'R')), "
    "sum(paid_headcount) FILTER (WHERE states[2] = 'V')"
)
_VACANCY = (
    "sum(vacant_wte) FILTER (WHERE states[10] = 'V' AND states[2] = 'V'), "
    "sum(vacant_wte + paid_wte) FILTER (WHERE states[10] = 'V' AND states[2] = 'V'), "
    "count(*) FILTER (WHERE states[10] = 'B'), count(*) FILTER (WHERE states[10] = 'R')"
)
_TURNOVER = (
    "sum(leavers) FILTER (WHERE states[7] = 'V'), "
    "sum((opening_headcount + paid_headcount) / 2) FILTER (WHERE states[7] = 'V'), "
    "count(*) FILTER (WHERE states[7] = 'N')"
)
MIX = [
    Question("", "wte", {}, _sql("", _WTE)),
    Question("sector", "wte,vacancy_rate", {}, _sql("sector", f"{_WTE}, {_VACANCY}")),
    Question("region", "turnover_avg", {}, _sql("region", _TURNOVER)),
    Question("role_group", "wte,turnover_avg", {}, _sql("role_group", f"{_WTE}, {_TURNOVER}")),
    Question("role", "vacancy_rate", {}, _sql("role", _VACANCY)),
    Question("sector,role_group", "wte,vacancy_rate", {}, _sql("sector,role_group", f"{_WTE}, {_VACANCY}")),
    Question("region,role", "paid_wte", {}, _sql("region,role", _WTE)),
    Question("local_authority", "wte", {}, _sql("local_authority", _WTE)),
    Question("local_authority,role_group", "wte", {}, _sql("local_authority,role_group", _WTE)),
    Question("region,sector,profession_group", "turnover_avg", {}, _sql("region,sector,profession_group", _TURNOVER)),
    Question("service_type", "wte", {"region": ["E12000007"]}, _sql("service_type", _WTE, "region = 'E12000007'")),
    Question("role", "wte", {"sector": ["nhs"]}, _sql("role", _WTE, "sector = 'nhs'")),
]  # fmt: skip


@pytest.fixture(scope="module")
def large(postgres_server: RunningPostgres, migrated_template: str, sandbox: Sandbox) -> Iterator[Platform]:
    name = "census_benchmark_aggregates"
    postgres_server.create_database(name, template=migrated_template)
    database = connect_database(postgres_server.url(name), statement_seconds=1800)
    platform = Platform(database, sandbox, Settings(), clock=lambda: NOW)
    began = time.perf_counter()
    with database.transaction(SYSTEM) as session:
        large_snapshot(session, ORGANISATIONS)
    print(f"\nmade in {time.perf_counter() - began:.1f} s")
    yield platform
    database.close()


@pytest.fixture(scope="module")
def duck(large: Platform, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The facts as DuckDB's own tables, in memory."""
    folder = tmp_path_factory.mktemp("facts")
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    with large.database.snapshot(SYSTEM) as session:
        for table in TABLES:
            path = folder / f"{table}.csv"
            _export(driver_of(session), table, path)
            connection.execute(f"CREATE TABLE {table} AS SELECT * EXCLUDE (collection_year, snapshot_id) FROM '{path}'")
            path.unlink()
    return connection


def _export(driver: psycopg.Connection[Any], table: str, path: Path) -> None:
    query = f"COPY (SELECT * FROM {table}) TO STDOUT WITH (FORMAT csv, HEADER)"
    with path.open("wb") as file, driver.cursor() as cursor, cursor.copy(query) as copy:
        for piece in copy:
            file.write(piece)


def _ms(work: Callable[[], object], runs: int = RUNS) -> list[float]:
    work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _ask(platform: Platform, question: Question) -> bytes:
    wanted = Wanted([question.by], [question.measures], question.filters)
    return b"".join(iterate_pieces(compute_aggregates(platform, SYSTEM, str(YEAR), wanted), "json"))


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def test_a_mix_of_questions(
    large: Platform, duck: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    lines = []
    for question in MIX:
        answer = json.loads(_ask(large, question))
        rows = duck.execute(question.sql).fetchall()
        assert len(answer["cells"]) == len(rows)
        here = _ms(lambda question=question: _ask(large, question))  # type: ignore[misc]  # mypy has no type for a lambda with a default
        there = _ms(lambda question=question: duck.execute(question.sql).fetchall())  # type: ignore[misc]  # mypy has no type for a lambda with a default
        ours += here
        theirs += there
        mine, other = statistics.median(here), statistics.median(there)
        lines.append(
            f"{question.by or 'total':32} {len(rows):6} cells {mine:8.1f} ms {other:8.1f} ms {mine / other:6.2f}"
        )
    with large.database.snapshot(SYSTEM) as session:
        facts = session.scalar(text("SELECT count(*) FROM snapshot_staff"))
        cells = session.scalar(text("SELECT count(*) FROM snapshot_cell"))
    with capsys.disabled():
        print(
            f"\n{facts:,} facts in {cells:,} cells of the cube; wall time, platform (question to JSON), DuckDB, ratio"
        )
        print("\n".join(lines))
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            mine, other = _percentile(ours, share), _percentile(theirs, share)
            print(f"{name} of the mix: {mine:.1f} ms, DuckDB {other:.1f} ms, ratio {mine / other:.2f}")


def test_sums_agree_with_duckdb(large: Platform, duck: duckdb.DuckDBPyConnection) -> None:
    wanted = Wanted(["sector,role_group"], ["paid_wte"])
    found = {
        cell.by: (cell.figures[0].value, cell.contributors.organisations, cell.contributors.parents)
        for cell in compute_aggregates(large, SYSTEM, str(YEAR), wanted).cells
    }
    rows = duck.execute(_sql("sector,role_group", "sum(paid_wte)")).fetchall()
    assert len(rows) == len(found)
    for sector, group, total, _, organisations, parents in rows:
        value, *who = found[sector, group]
        assert value == pytest.approx(total, rel=1e-9)
        assert who == [organisations, parents]


def test_the_cube_beside_the_facts(large: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    """What the same sums cost without the cube, and the plan of either."""
    live = (
        "SELECT region, role_group, states, count(*), sum(paid_wte), sum(paid_headcount) FROM snapshot_staff "
        "JOIN snapshot_line USING (collection_year, snapshot_id, line_no) "
        "JOIN snapshot_role USING (collection_year, snapshot_id, role) GROUP BY 1, 2, 3"
    )
    cube = (
        "SELECT region, role_group, states, sum(rows), sum(paid_wte), sum(paid_headcount) FROM snapshot_cell "
        "JOIN snapshot_role USING (collection_year, snapshot_id, role) GROUP BY 1, 2, 3"
    )
    with large.database.snapshot(SYSTEM) as session:
        session.execute(text("SET LOCAL jit = off"))
        session.execute(text("SET LOCAL enable_nestloop = off"))
        taken = {}
        plans = {}
        for name, query in (("facts", live), ("cube", cube)):
            taken[name] = statistics.median(_ms(lambda query=query: session.execute(text(query)).all(), 3))  # type: ignore[misc]  # mypy has no type for a lambda with a default
            plans[name] = [row[0] for row in session.execute(text(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS) {query}"))]
    assert taken["cube"] > 0
    with capsys.disabled():
        print(f"\nregion by role group: from the facts {taken['facts']:.0f} ms, from the cube {taken['cube']:.1f} ms")
        for name, plan in plans.items():
            print(f"\n{name}:\n" + "\n".join(line for line in plan if "InitPlan" not in line))
