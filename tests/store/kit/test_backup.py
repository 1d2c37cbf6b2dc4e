"""The runbook's backup, brought back on an empty server: every acknowledged file is there, and the audit holds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from census_api.domain.kit.access import SYSTEM
from census_api.domain.register.organisations import Organisation
from census_api.embedded_postgres.binaries import find_binaries
from census_api.embedded_postgres.launcher import start_server
from census_api.intake.sandbox import Sandbox
from census_api.services.audit.reading import verify_chains
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.submissions import get_original, get_report, list_submissions
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform, is_ready
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.kit import migrate
from census_api.store.kit.session import connect_database
from tests.factories.actors import NOW
from tests.factories.uploads import make_upload
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from census_api.embedded_postgres.launcher import RunningPostgres

SEES_ALL = {"PGOPTIONS": "-c census.tenants=*"}
CODES = ("ALPHA", "BETA", "GAMMA")


@pytest.fixture
def owned(postgres_server: RunningPostgres) -> Iterator[tuple[str, str]]:
    """A database and its owner, who is no superuser: row-level security holds for the backup too."""
    name = f"census_owned_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.conninfo("postgres"), autocommit=True) as connection:
        names = {"name": sql.Identifier(name)}
        connection.execute(sql.SQL("CREATE ROLE {name} NOLOGIN").format(**names))
        connection.execute(sql.SQL("GRANT census_app TO {name}").format(**names))
        connection.execute(sql.SQL("CREATE DATABASE {name} OWNER {name}").format(**names))
        yield name, name
        connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))
        connection.execute(sql.SQL("DROP ROLE {name}").format(**names))


def platform_on(url: str, sandbox: Sandbox) -> Platform:
    return Platform(connect_database(url), sandbox, Settings(), clock=lambda: NOW)


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_binaries().folder / program), *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def fill(platform: Platform) -> dict[tuple[str, int], str]:
    """The ledger of what was acknowledged: organisation and number, and the hash of the bytes."""
    ensure_collections(platform, SYSTEM)
    load_organisations(platform, SYSTEM, [Organisation(code, code.title(), "voluntary") for code in CODES])
    ledger = {}
    for code in CODES:
        for headcount in (10, 11):
            submission = submit_return(platform, SYSTEM, 2024, code, make_upload(code, headcount=headcount)).submission
            assert submission.number is not None
            ledger[code, submission.number] = submission.original_sha256
    return ledger


def test_a_backup_is_everything(
    postgres_server: RunningPostgres, migrated_template: str, owned: tuple[str, str], tmp_path: Path
) -> None:
    database, owner = owned
    url = postgres_server.url(database)
    migrate.upgrade_schema(f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{owner}")
    file = str(tmp_path / "census.dump")
    with Sandbox(workers=1) as sandbox:
        with platform_on(url, sandbox) as before:
            ledger = fill(before)
            events = verify_chains(before, SYSTEM).events
        of = ("--format=custom", f"--role={owner}", f"--dbname={postgres_server.conninfo(database)}", f"--file={file}")
        refused = run("pg_dump", *of)
        assert refused.returncode != 0
        assert "row-level security" in refused.stderr
        dumped = run("pg_dump", "--enable-row-security", *of, **SEES_ALL)
        assert dumped.returncode == 0, dumped.stderr

        with start_server(tmp_path / "elsewhere", durable=False) as server, Sandbox(workers=1) as other:
            with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
                for statement in (
                    "CREATE ROLE census_app NOLOGIN", "CREATE ROLE {owner} LOGIN", "GRANT census_app TO {owner}",
                    "CREATE DATABASE restored OWNER {owner}",
                ):  # fmt: skip
                    connection.execute(sql.SQL(statement).format(owner=sql.Identifier(owner)))
            conninfo = server.conninfo("restored")
            restored = run("pg_restore", "--exit-on-error", f"--role={owner}", f"--dbname={conninfo}", file)
            assert restored.returncode == 0, restored.stderr
            migrate.upgrade_schema(server.url("restored"))
            with platform_on(server.url("restored"), other) as after:
                check(after, ledger, events)


def check(platform: Platform, ledger: dict[tuple[str, int], str], events: int) -> None:
    assert is_ready(platform)
    verdict = verify_chains(platform, SYSTEM)
    assert (verdict.problems, verdict.events) == ((), events)
    found = {
        (code, entry.number): entry.original_sha256
        for code in CODES
        for entry in list_submissions(platform, SYSTEM, 2024, code).items
    }
    assert found == ledger
    for (code, number), sha256 in ledger.items():
        assert hashlib.sha256(get_original(platform, SYSTEM, 2024, code, number).data).hexdigest() == sha256
        assert get_report(platform, SYSTEM, 2024, code, number).submission == number
    # and it goes on from there
    assert submit_return(platform, SYSTEM, 2024, "ALPHA", make_upload(headcount=12)).submission.number == 3
