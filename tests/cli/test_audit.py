"""`census audit`, as whoever runs the platform types it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from census_api.cli.run import run_command
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform, open_platform
from census_api.services.register.organisations import load_organisations
from census_api.settings import read_settings
from tests.factories.actors import ANN
from tests.factories.uploads import make_upload

Census = Callable[..., tuple[int, str, str]]


@pytest.fixture
def census(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Census:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    with open_platform(read_settings(), fresh_database_url) as platform:
        prepare(platform)

    def call(*words: str) -> tuple[int, str, str]:
        code = run_command(["audit", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def prepare(platform: Platform) -> None:
    ensure_collections(platform, ANN)
    load_organisations(platform, ANN, [Organisation("ALPHA", "Alpha Recovery", "voluntary")])
    submit_return(platform, ANN, 2025, "ALPHA", make_upload(year=2025))


def behind_its_back(url: str, statement: str) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))


def test_a_whole_audit_gives_zero_and_its_ends(census: Census) -> None:
    code, out, err = census("verify")
    assert (code, err) == (0, "")
    assert "The audit is whole" in out
    ends = [line.rsplit(" ", 1)[1] for line in out.splitlines() if line.startswith("Events of")]
    assert ends[-1].startswith("2025:2:")
    assert census("verify", *(word for end in ends for word in ("--noted", end)))[0] == 0


def test_an_edit_gives_one_and_its_place(census: Census, fresh_database_url: str) -> None:
    behind_its_back(fresh_database_url, "UPDATE audit_event SET actor = 'x' WHERE action = 'submission.checked'")
    code, out, _ = census("verify")
    assert code == 1
    assert "Events of the census of 2025, place 2: event" in out
    assert "(submission.checked) is not what was written." in out
    assert "The audit is whole" not in out


def test_an_end_that_is_none_is_refused(census: Census) -> None:
    code, _, err = census("verify", "--noted", "yesterday")
    assert (code, "as the command prints it" in err) == (2, True)


def test_what_is_stored_gives_zero_and_what_is_lost_one(census: Census, fresh_database_url: str) -> None:
    code, out, _ = census("reconcile")
    assert (code, out) == (0, "All is stored: 1 acknowledgements compared.\n")
    behind_its_back(fresh_database_url, "DELETE FROM submission_original")
    code, out, _ = census("reconcile")
    assert code == 1
    assert "is not as it should be: its file is not there." in out
