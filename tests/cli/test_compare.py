from __future__ import annotations

import json

import pytest

from census_api.cli.run import run_command as census
from census_api.domain.kit.access import SYSTEM
from census_api.store.kit.session import connect_database
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot


@pytest.fixture
def database(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two frozen years: comparable in the voluntary sector, too few in the NHS."""
    found = connect_database(fresh_database_url)
    for year, wte in ((2023, 10.0), (2024, 10.5)):
        lines = [LineRow(f"VOL{n}", size=10) for n in range(8)] + [LineRow("NHS1", sector="nhs", size=10)]
        staff = [
            StaffRow(n, "DAW", {"paid_wte": wte, "paid_headcount": 12, "leavers": 3, "opening_headcount": 12})
            for n in range(1, 10)
        ]
        with found.transaction(SYSTEM) as session:
            make_snapshot(session, year, lines=lines, staff=staff)
    found.close()
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)


def run(*arguments: str) -> int:
    return census(["compare", "2023", "2024", *arguments])


def test_a_table_says_what_may_be_compared_and_why_not(database: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--by", "sector", "--measure", "wte") == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["nhs", "10.0", "10.5", "BLOCKED", "-", "+0.5", "+0.5"] in lines
    assert ["voluntary", "80.0", "84.0", "COMPARABLE", "+4.0", "+4.0", "+4.0"] in lines
    assert ["all", "90.0", "94.5", "COMPARABLE", "+4.5", "+4.5", "+4.5"] in lines
    assert "SMALL_BASE: Too few services answered in both years." in out


def test_json_and_csv_are_what_the_api_serves(database: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--by", "sector", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["status"] for cell in found["cells"]] == ["BLOCKED", "COMPARABLE"]
    assert found["cells"][0]["change"] is None
    assert run("--by", "sector,role", "--format", "csv") == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.startswith("sector,role,measure,from,to,status")
    assert first.startswith("nhs,DAW,wte,10,10.5,BLOCKED,SMALL_BASE,,")


def test_a_rate_is_shown_in_points(database: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--measure", "turnover_avg") == 0
    assert "25.0%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "colour"], "You can break by region"),
        (["--measure", "people"], "The measures are wte"),
        (["--policy", "1999"], "The versions are"),
        (["--format", "xml"], "format"),
    ],
)
def test_what_is_not_there_ends_with_two(
    database: None, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_snapshot_that_is_not_there_ends_with_two(database: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert census(["compare", "2023", "2031"]) == 2
    assert "Frozen are: 2023.1, 2024.1" in capsys.readouterr().err
