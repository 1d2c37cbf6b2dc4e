"""The server's CPU time for each page, on the demonstration: its own process alone, without Postgres and the browser.

Small by itself; CENSUS_BENCHMARK_DEMONSTRATION=200 takes the demonstration as people see it, as docs/benchmarks.md has
it. Nothing fails for being slow: figures are printed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from census_api.app import create_app
from census_api.cli.demo import _load
from census_api.demo.inventing import start_inventing
from census_api.demo.loading import open_now
from census_api.domain.kit.access import SYSTEM
from census_api.embedded_postgres.launcher import RunningPostgres
from census_api.intake.sandbox import Sandbox
from census_api.logging import configure_logging
from census_api.services.collecting.collections import ensure_collections
from census_api.services.kit.platform import Platform
from census_api.services.people import demo_accounts
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.conftest import _drop
from tests.factories.calling import SITE, make_client

ORGANISATIONS = int(os.environ.get("CENSUS_BENCHMARK_DEMONSTRATION", "100"))
RUNS = 3
ERRORS = "/collections/2025/returns/DEMO-ERRORS"
PAGES = {
    None: ("/", "/about", "/rules/2025", "/dictionary/2025", "/methods", "/check", "/help"),
    "edith": (
        "/", "/returns", ERRORS, f"{ERRORS}/history", f"{ERRORS}/submissions/1", f"{ERRORS}/submissions/1/changes",
        "/collections/2025/returns/DEMO-QUERIES/submissions/1",
        "/organisations/DEMO-ERRORS/members",
    ),
    "tess": (
        "/team", "/team/2025", "/team/2025/chase", "/team/2025/returns", "/team/2025/returns/DEMO-LARGE",
        "/team/register", "/team/lineage", "/team/2025/frame", "/team/2024/snapshots", "/team/jobs", "/team/audit",
    ),
    "adam": ("/team/people", "/team/tokens"),
    "anna": (
        "/explore", "/explore/2024?by=sector&measure=wte", "/explore/2024?by=region&by=role_group&measure=wte",
        "/compare?from=2023&to=2024&measure=wte&by=sector", "/compare?from=2023&to=2024&measure=vacancy_rate&by=region",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def demonstration(
    postgres_server: RunningPostgres, migrated_template: str, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    name = "census_pages"
    postgres_server.create_database(name, template=migrated_template)
    folder: Path = tmp_path_factory.mktemp("pages")
    database = connect_database(postgres_server.url(name))
    platform = Platform(database, sandbox, Settings(mode="demo", data_dir=folder))
    configure_logging("warning", "auto")
    ensure_collections(platform, SYSTEM)
    with start_inventing(ORGANISATIONS) as inventor:
        _load(platform, inventor)
    open_now(platform, SYSTEM, 2025)
    demo_accounts.ensure_accounts(platform)
    yield platform
    database.close()
    _drop(postgres_server, name)


def test_pages_and_their_cpu_time(demonstration: Platform) -> None:
    measured: list[tuple[float, int, str]] = []
    with make_client(create_app(demonstration)) as client:
        for who, paths in PAGES.items():
            client.cookies.clear()
            if who is not None:
                _sign_in(client, who)
            for path in paths:
                assert client.get(path).status_code == 200, (who, path)
                began = time.process_time()
                for _ in range(RUNS):
                    answer = client.get(path)
                measured.append(
                    (1000 * (time.process_time() - began) / RUNS, len(answer.content), f"{who or '-'} {path}")
                )
    print(f"\nCPU of pages, {ORGANISATIONS} organisations, mean of {RUNS}")
    for spent, size, page in sorted(measured, reverse=True):
        print(f"  {spent:7.1f} ms {size / 1000:8.1f} kB  {page}")
    assert max(size for _, size, _ in measured) < 1_000_000


def _sign_in(client: httpx.Client, who: str) -> None:
    account = next(one for one in demo_accounts.DEMO_ACCOUNTS if who in one.token)
    client.get("/sign-in")
    token = client.get("/sign-in").text.split('name="form_token" value="')[1].split('"')[0]
    answer = client.post(
        "/sign-in",
        data={"form_token": token, "email": account.email or "", "password": demo_accounts.PASSWORD, "next": "/"},
        headers={"Origin": SITE},
    )
    assert answer.status_code == 200
