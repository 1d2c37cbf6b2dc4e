"""`census snapshot` on a real database."""

from __future__ import annotations

import pytest

from census_api.cli.run import run_command
from census_api.services.kit.platform import Platform
from tests.factories.frozen import HERE, accepted, corrected, framed, tree_for


@pytest.fixture
def here(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("DATABASE_URL", platform.database.url())
    framed(platform, 2024, ("ALPHA", HERE, "adult_community"))
    return platform


def test_it_freezes_says_when_nothing_changed_and_lists(here: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["snapshot", "list"]) == 0
    assert "There is no snapshot yet" in capsys.readouterr().out
    accepted(here, "ALPHA", 2024, tree_for(here, "ALPHA", 2024))
    assert run_command(["snapshot", "freeze", "2024"]) == 0
    said = capsys.readouterr().out
    assert "Frozen as 2024.1: 1 returns, 2 lines, 7 staff rows." in said
    assert run_command(["snapshot", "freeze", "2024"]) == 0
    assert "Nothing has changed since 2024.1" in capsys.readouterr().out
    corrected(here, "ALPHA", 2024, tree_for(here, "ALPHA", 2024, {"vacant_wte": "2"}))
    assert run_command(["snapshot", "freeze", "2024"]) == 0
    said = capsys.readouterr().out
    assert "Frozen as 2024.2" in said
    assert "changed: ALPHA" in said
    assert run_command(["snapshot", "list", "2024"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["2024.2", "2024.1"]


def test_without_accepted_returns_it_is_refused(here: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["snapshot", "freeze", "2024"]) == 2
    assert "No return of 2024 is accepted" in capsys.readouterr().err
