"""The raw export: everything of one collection, from one moment, for the team alone, in little memory."""

from __future__ import annotations

import datetime as dt
import io
import json
import resource
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from census_api.domain.audit import AuditFilter
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import Forbidden, NotFound
from census_api.services.audit.reading import list_events
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.upkeep.raw_export import raw_export
from census_api.services.upkeep.retention import erase_submissions
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, NOW, OTHER_EDITOR, PIPELINE, SIGNATORY, TEAM
from tests.factories.uploads import make_upload


def exported(platform: Platform, year: int = 2024) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(raw_export(platform, TEAM, year))))


def rows(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"tables/{table}.jsonl").splitlines()]


def test_it_holds_every_row_and_every_file(platform: Platform) -> None:
    uploads = [make_upload(headcount=headcount, rows=3) for headcount in (10, 11)]
    for upload in uploads:
        submit_return(platform, EDITOR, 2024, "ALPHA", upload)
    submit_return(platform, OTHER_EDITOR, 2024, "BETA", make_upload("BETA"))
    earlier = replace(platform, clock=lambda: NOW - dt.timedelta(days=365))
    submit_return(earlier, OTHER_EDITOR, 2023, "BETA", make_upload("BETA", year=2023))
    archive = exported(platform)
    assert archive.testzip() is None
    assert [archive.read(f"files/ALPHA/{number}.json") for number in (1, 2)] == [upload.data for upload in uploads]
    assert {name for name in archive.namelist() if name.startswith("files/")} == {
        "files/ALPHA/1.json", "files/ALPHA/2.json", "files/BETA/1.json",
    }  # fmt: skip
    with platform.database.transaction() as session:
        for table in ("submission", "submission_row", "finding", "arrival", "return", "audit_event", "audit_link"):
            stored = session.scalar(text(f'SELECT count(*) FROM "{table}" WHERE collection_year = 2024'))
            assert len(rows(archive, table)) == stored, table
    assert [entry["code"] for entry in rows(archive, "organisation")] == ["ALPHA", "BETA"]
    assert "names of people" in archive.read("README.txt").decode()


def test_that_it_is_made_is_recorded_before_its_first_byte(platform: Platform) -> None:
    raw_export(platform, TEAM, 2024)
    (event,) = list_events(platform, TEAM, AuditFilter(action="export.made")).items
    assert (event.actor, event.collection) == ("tess", 2024)


def test_nobody_but_the_team_has_it(platform: Platform) -> None:
    for actor in (EDITOR, SIGNATORY, ANALYST, PIPELINE, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            raw_export(platform, actor, 2024)
    with pytest.raises(NotFound):
        raw_export(platform, TEAM, 1999)


def test_it_is_of_one_moment(platform: Platform) -> None:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    pieces = raw_export(platform, TEAM, 2024)
    begun = next(pieces)
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=99))
    erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named", number=1)
    archive = zipfile.ZipFile(io.BytesIO(begun + b"".join(pieces)))
    assert [row["number"] for row in rows(archive, "submission")] == [1]
    assert archive.read("files/ALPHA/1.json") == make_upload().data
    again = exported(platform)
    assert [row["status"] for row in rows(again, "submission") if row["number"] == 1] == ["erased"]
    assert [name for name in again.namelist() if name.startswith("files/")] == ["files/ALPHA/2.json"]


def test_one_that_is_given_up_frees_its_connection(platform: Platform) -> None:
    for _ in range(15):
        pieces = raw_export(platform, TEAM, 2024)
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]  # a generator, declared as an iterator
    assert exported(platform).testzip() is None


def test_names_of_organisations_lead_nowhere(platform: Platform) -> None:
    with platform.database.transaction() as session:
        session.execute(text("UPDATE organisation SET code = '../../ALPHA' WHERE code = 'ALPHA'"))
        session.execute(text("UPDATE organisation SET code = 'ALPHA' WHERE code = '../../ALPHA'"))
    submit_return(platform, EDITOR, 2024, "ALPHA", Upload(make_upload().data, "../../../../etc/passwd"))
    with platform.database.transaction() as session:
        session.execute(text("UPDATE organisation SET code = '../../ALPHA' WHERE code = 'ALPHA'"))
    names = exported(platform).namelist()
    assert "files/______ALPHA/1.json" in names
    assert not any(".." in name for name in names)


def test_memory_does_not_grow_with_size(platform: Platform) -> None:
    with platform.database.transaction() as session:
        answer = submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
        session.execute(text("RESET ROLE"))
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("INSERT INTO submission_row SELECT 2024, :id, 1000 + n, 'staff', n, n::text, "
                 "jsonb_build_object('paid_wte', md5(n::text)) FROM generate_series(1, 300000) AS n"),
            {"id": answer.submission.id},
        )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = sum(len(piece) for piece in raw_export(platform, TEAM, 2024))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert size > 9_000_000
    assert grown < 30_000, f"{grown} kB"
