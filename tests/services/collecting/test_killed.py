"""kill -9 in the middle: what was not acknowledged is not there, and what is there is whole."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from sqlalchemy import text

from census_api.questionnaire.resources import find_folder
from census_api.services.collecting.background_checks import check_received, get_job
from census_api.services.collecting.submissions import get_report, list_submissions
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANN
from tests.factories.uploads import make_upload
from tests.patience import PATIENCE

PROGRAM = """
import os, signal, sys
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.access import Actor
from census_api.services.collecting import background_checks, submit
from census_api.services.kit.platform import open_platform
from census_api.settings import Settings
from census_api.store.collecting import submissions
from census_api.store.kit import audit

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

url, where, long_file = sys.argv[1], sys.argv[2], int(sys.argv[3])
platform = open_platform(Settings(long_file_bytes=long_file), url)
upload = Upload(sys.stdin.buffer.read(), "return.json", None, "the key")
steps = {"rows": (submissions, "add_findings"), "audit": (audit, "record")}
module, step = steps.get(where, (background_checks, where))
if where in steps:
    setattr(module, step, die)
answer = submit.submit_return(platform, Actor("killed", kind="system"), 2024, "ALPHA", upload)
setattr(module, step, die)
background_checks.check_received(platform, answer.job)
"""


def run_until_killed(platform: Platform, where: str, long_file_bytes: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, platform.database.url(), where, str(long_file_bytes)],
        input=make_upload().data,
        cwd=find_folder("tests").parent,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize("where", ["rows", "audit"])
def test_a_web_process_killed_before_the_commit_leaves_nothing(platform: Platform, where: str) -> None:
    run_until_killed(platform, where, 1_000_000)
    with platform.database.transaction() as session:
        for table in ("submission", "submission_row", "finding", "idempotency", "return"):
            assert session.scalar(text(f'SELECT count(*) FROM "{table}"')) == 0
    answer = submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="the key"))
    assert (answer.submission.number, answer.replayed) == (1, False)


@pytest.mark.parametrize(
    "step", ["context_for", "_progress", "judge_in_sandbox", "_store", "seal_submission", "facts_of"]
)
def test_a_worker_killed_before_the_commit_is_made_good_by_the_next(platform: Platform, step: str) -> None:
    run_until_killed(platform, step, 10)
    (entry,) = list_submissions(platform, ANN, 2024, "ALPHA").items
    begun = step != "context_for"
    assert (entry.number, entry.status) == (1, "checking" if begun else "received")
    again = submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="the key"))
    assert again.replayed
    assert again.job is not None
    assert get_job(platform, ANN, again.job).state == ("running" if begun else "waiting")
    check_received(platform, again.job)
    assert get_job(platform, ANN, again.job).state == "done"
    report = get_report(platform, ANN, 2024, "ALPHA", 1)
    with platform.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM finding")) == len(report.findings) > 0
