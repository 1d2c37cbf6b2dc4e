"""Deleting for good: nothing of it is left anywhere in the database but the fact."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from census_api.domain.audit import AuditFilter
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from census_api.services.audit.reading import list_events, verify_chains
from census_api.services.collecting import life
from census_api.services.collecting import submissions as reading
from census_api.services.collecting.background_checks import check_received, get_job
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.upkeep.reconcile import reconcile_record
from census_api.services.upkeep.retention import apply_retention, erase_submissions
from census_api.settings import Settings
from tests.factories.actors import ADMINISTRATOR, ANN, EDITOR, NOW, OTHER_EDITOR, SIGNATORY, TEAM
from tests.factories.life import BECAUSE, WHY, asking_upload, explain_all, send, sign
from tests.factories.uploads import make_tree, make_upload

MARKER = "QQ123456C Jane Roe"


def with_marker(key: str | None = None) -> Upload:
    tree = make_tree()
    tree["organisation"]["comments"] = MARKER
    tree["services"][0]["note"] = MARKER
    tree["staff"][0]["paid_wte"] = MARKER
    return Upload(json.dumps(tree).encode(), f"{MARKER}.json", "application/json", key)


def everything(platform: Platform) -> str:
    with create_engine(platform.database.url()).connect() as connection:
        names = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200")
        ).all()
        rows = [
            str(row) for name in names for row in connection.scalars(text(f'SELECT to_jsonb(t) FROM "{name}" AS t'))
        ]
        data = connection.scalars(text("SELECT encode(data, 'escape') FROM submission_original")).all()
    return "\n".join([*rows, *data])


def test_what_should_never_have_been_sent_is_gone_and_the_audit_keeps_the_fact(platform: Platform) -> None:
    answer = submit_return(platform, EDITOR, 2024, "ALPHA", with_marker())
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    assert everything(platform).count(MARKER) > 4
    assert erase_submissions(platform, TEAM, 2024, "ALPHA", "it named a person", number=1) == 1
    assert MARKER not in everything(platform)
    (event,) = list_events(platform, TEAM, AuditFilter(action="submission.erased")).items
    assert (event.actor, event.organisation, event.subject) == ("tess", "ALPHA", "submission 1 of ALPHA for 2024")
    assert event.detail["reason"] == "it named a person"
    assert event.detail["original_sha256"] == answer.submission.original_sha256
    assert verify_chains(platform, ANN).problems == ()
    assert not reconcile_record(platform).is_alarm


def test_an_erased_submission_says_so_and_the_others_stand(platform: Platform) -> None:
    upload = with_marker("k")
    submit_return(platform, EDITOR, 2024, "ALPHA", upload)
    kept = submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    erase_submissions(platform, TEAM, 2024, "ALPHA", "it named a person", number=1)
    entry = reading.get_submission(platform, EDITOR, 2024, "ALPHA", 1)
    assert (entry.status, entry.file_name, entry.outcome) == ("erased", None, None)
    for read in (reading.get_report, reading.get_original, reading.get_content, reading.annotated_workbook):
        with pytest.raises(NotFound, match="deleted for good"):
            read(platform, EDITOR, 2024, "ALPHA", 1)
    assert [entry.number for entry in reading.list_submissions(platform, EDITOR, 2024, "ALPHA").items] == [2, 1]
    assert reading.get_return(platform, EDITOR, 2024, "ALPHA").latest == 2
    assert reading.get_report(platform, EDITOR, 2024, "ALPHA", 2) == kept.report
    again = submit_return(platform, EDITOR, 2024, "ALPHA", upload)
    assert (again.replayed, again.submission.number, again.report) == (True, 1, None)
    assert submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=12)).submission.number == 3


def test_all_of_a_return_goes_refused_files_and_those_on_the_queue_included(platform: Platform) -> None:
    slow = replace(platform, settings=Settings(long_file_bytes=10))
    refused = submit_return(slow, EDITOR, 2024, "ALPHA", Upload(f'{{"{MARKER}": 1, "{MARKER}": 2}}'.encode(), MARKER))
    assert refused.job is not None
    check_received(slow, refused.job)
    waiting = submit_return(slow, EDITOR, 2024, "ALPHA", with_marker())
    assert waiting.job is not None
    submit_return(platform, EDITOR, 2024, "ALPHA", with_marker())
    submit_return(platform, OTHER_EDITOR, 2024, "BETA", make_upload("BETA"))
    assert erase_submissions(platform, TEAM, 2024, "ALPHA", "wrong file") == 3
    assert MARKER not in everything(platform)
    job = get_job(platform, EDITOR, waiting.job)
    assert (job.state, job.reason) == ("failed", "erased")
    check_received(slow, waiting.job)
    assert reading.get_report(platform, OTHER_EDITOR, 2024, "BETA", 1).findings
    with pytest.raises(NotFound, match="nothing that could be deleted"):
        erase_submissions(platform, TEAM, 2024, "ALPHA", "wrong file")


def test_what_is_signed_or_accepted_stays_until_the_return_is_opened_again(platform: Platform) -> None:
    send(platform)
    sign(platform)
    with pytest.raises(Conflict, match="signed off"):
        erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named", number=1)
    with pytest.raises(Conflict, match="signed off"):
        erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named")
    life.accept_return(platform, TEAM, 2024, "ALPHA")
    with pytest.raises(Conflict, match="Reopen the return first"):
        erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named", number=1)
    assert reading.get_original(platform, EDITOR, 2024, "ALPHA", 1).data
    life.reopen_return(platform, TEAM, 2024, "ALPHA", reason=WHY)
    assert erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named", number=1) == 1
    assert not reconcile_record(platform).is_alarm


def test_explanations_go_with_what_they_explain(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    explain_all(platform)
    assert BECAUSE in everything(platform)
    erase_submissions(platform, TEAM, 2024, "ALPHA", "a person is named")
    assert BECAUSE not in everything(platform)


def test_only_the_team_deletes_and_says_why(platform: Platform) -> None:
    submit_return(platform, EDITOR, 2024, "ALPHA", make_upload())
    for actor in (EDITOR, SIGNATORY, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            erase_submissions(platform, actor, 2024, "ALPHA", "because", number=1)
    with pytest.raises(NotFound):
        erase_submissions(platform, OTHER_EDITOR, 2024, "ALPHA", "because", number=1)
    for reason in ("", "  \n ", "x" * 501):
        with pytest.raises(InvalidRequest, match="why it is deleted"):
            erase_submissions(platform, TEAM, 2024, "ALPHA", reason, number=1)
    with pytest.raises(NotFound):
        erase_submissions(platform, TEAM, 2024, "ALPHA", "because", number=2)
    assert reading.get_original(platform, EDITOR, 2024, "ALPHA", 1).data


@pytest.mark.parametrize(
    ("drafts", "whole", "days", "left"),
    [
        (30, None, 29, [1, 2]),
        (30, None, 31, [2]),
        (None, 60, 31, [1, 2]),
        (None, 60, 61, []),
        (None, None, 10_000, [1, 2]),
    ],
)
def test_what_is_past_its_period_goes(
    platform: Platform, drafts: int | None, whole: int | None, days: int, left: list[int]
) -> None:
    for headcount in (10, 11):
        submit_return(platform, EDITOR, 2024, "ALPHA", make_upload(headcount=headcount))
    with platform.database.transaction() as session:
        late_until = session.scalar(text("SELECT late_until FROM collection WHERE year = 2024"))
    assert isinstance(late_until, dt.datetime)
    settings = Settings(keep_drafts_days=drafts, keep_returns_days=whole)
    later = replace(platform, settings=settings, clock=lambda: late_until + dt.timedelta(days=days))
    assert apply_retention(later) == 2 - len(left)
    kept = reading.list_submissions(platform, EDITOR, 2024, "ALPHA").items
    assert [entry.number for entry in reversed(kept) if entry.status == "checked"] == left
    assert apply_retention(later) == 0
    assert not reconcile_record(platform).is_alarm


def test_the_default_periods_are_those_that_are_documented() -> None:
    assert (Settings().keep_drafts_days, Settings().keep_returns_days) == (1095, 3650)
    assert NOW.year == 2024
