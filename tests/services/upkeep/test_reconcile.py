"""What was acknowledged is compared with what is stored: nothing lost or damaged stays unnoticed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from census_api.domain.audit import AuditFilter
from census_api.domain.collecting.submission import Upload
from census_api.questionnaire.templates.workbook import fill_template
from census_api.services.audit.reading import list_events
from census_api.services.collecting.background_checks import check_received
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.upkeep.reconcile import read_figures, reconcile_record
from census_api.settings import Settings
from tests.factories.actors import EDITOR, NOW, OTHER_EDITOR, TEAM
from tests.factories.uploads import make_upload
from tests.factories.whole_returns import whole_return


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """With a JSON return, a workbook, one that a worker checked, and bytes that it refused."""
    slow = replace(platform, settings=Settings(long_file_bytes=10))
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(rows=3))
    workbook = fill_template(platform.spec(2024), whole_return(platform.spec(2024)))
    submit_return(platform, OTHER_EDITOR, 2024, "BETA", Upload(workbook, "return.xlsx"))
    for upload in (make_upload(), Upload(b'{"a": 1, "a": 2}')):
        job = submit_return(slow, EDITOR, 2024, "ALPHA", upload).job
        assert job is not None
        check_received(slow, job)
    return platform


def test_what_is_whole_raises_no_alarm(platform: Platform) -> None:
    found = reconcile_record(platform)
    # received and checked by a worker are two events
    assert (found.acknowledged, found.discrepancies, found.overdue) == (5, (), 0)
    assert list_events(platform, TEAM, AuditFilter(action="reconciliation.alarm")).total == 0
    assert reconcile_record(platform, since=NOW + dt.timedelta(seconds=1)).acknowledged == 0
    shown = read_figures(platform)
    assert (shown["census_submissions_missing"], shown["census_submissions_damaged"]) == (0, 0)
    assert shown["census_reconciled_timestamp_seconds"] == NOW.timestamp()
    assert shown["census_jobs_unfinished"] == 0


@pytest.mark.parametrize(
    ("statement", "trouble", "what"),
    [
        ("DELETE FROM submission_original WHERE submission_id = '{id}'", "missing", "its file is not there"),
        ("DELETE FROM submission WHERE id = '{id}'", "missing", "it is not there"),
        (
            "UPDATE submission_original SET data = data || '\\x00' WHERE submission_id = '{id}'",
            "damaged",
            "its file is not the one that came in",
        ),
        (
            "UPDATE submission_original SET data = set_byte(data, 3, 0) WHERE submission_id = '{id}'",
            "damaged",
            "its file is not the one that came in",
        ),
        ("UPDATE submission SET original_sha256 = 'x' WHERE id = '{id}'", "damaged", "it names another file"),
        (
            "DELETE FROM submission_row WHERE submission_id = '{id}' AND ordinal = 1",
            "damaged",
            "it does not have as many rows as were read",
        ),
        (
            "DELETE FROM finding WHERE submission_id = '{id}' AND ordinal = 1",
            "damaged",
            "it does not have as many findings as were reported",
        ),
        ("UPDATE submission SET content_sha256 = 'x' WHERE id = '{id}'", "damaged", "its answers are not those"),
        (
            "UPDATE submission SET status = 'erased', form = NULL WHERE id = '{id}'",
            "missing",
            "it was deleted, and nobody",
        ),
    ],
)
def test_what_is_lost_or_damaged_raises_an_alarm(platform: Platform, statement: str, trouble: str, what: str) -> None:
    with create_engine(platform.database.url()).begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        key = connection.scalar(text("SELECT id FROM submission WHERE number = 1 AND kind = 'json'"))
        connection.execute(text(statement.replace("{id}", str(key))))
    with capture_logs() as logs:
        found = reconcile_record(platform)
    (discrepancy,) = found.discrepancies
    assert (discrepancy.trouble, discrepancy.submission_id) == (trouble, key)
    assert discrepancy.what.startswith(what)
    (event,) = list_events(platform, TEAM, AuditFilter(action="reconciliation.alarm")).items
    assert (event.detail[trouble], event.detail["acknowledged"]) == (1, 5)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["reconciliation_alarm"]
    assert read_figures(platform)[f"census_submissions_{trouble}"] == 1


def test_what_nobody_checks_raises_an_alarm_in_time(platform: Platform) -> None:
    slow = replace(platform, settings=Settings(long_file_bytes=10))
    submit_return(slow, EDITOR, 2024, "ALPHA", make_upload())
    assert reconcile_record(replace(platform, clock=lambda: NOW + dt.timedelta(minutes=9))).overdue == 0
    found = reconcile_record(replace(platform, clock=lambda: NOW + dt.timedelta(minutes=11)))
    assert (found.overdue, found.is_alarm) == (1, True)
    shown = read_figures(platform)
    assert (shown["census_submissions_overdue"], shown["census_jobs_unfinished"]) == (1, 1)
    assert shown["census_jobs_oldest_seconds"] > 0


def test_more_than_fit_in_one_go_are_all_compared(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from census_api.store.upkeep import reconciling

    monkeypatch.setattr(reconciling, "_AT_ONCE", 2)
    assert reconcile_record(platform).acknowledged == 5
