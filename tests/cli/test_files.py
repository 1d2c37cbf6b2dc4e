"""Commands that write files: templates, rendered files, and returns to try things with."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from census_api.cli.run import run_command
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.templates.workbook import build_template
from tests.patience import PATIENCE

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("year", [2022, 2025])
def test_a_blank_template_needs_no_database(tmp_path: Path, year: int) -> None:
    target = tmp_path / "new.xlsx"
    assert run_command(["template", str(year), "-o", str(target)]) == 0
    assert target.read_bytes() == build_template(load_spec(year))


def test_a_template_is_named_after_its_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["template", "2024"]) == 0
    assert (tmp_path / "census-2024.xlsx").exists()


def test_a_template_never_replaces_another_file(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "return.xlsx"
    target.write_bytes(b"the work of a week")
    assert run_command(["template", "2025", "-o", str(target)]) == 2
    assert target.read_bytes() == b"the work of a week"
    assert "exists already" in capsys.readouterr().err
    assert run_command(["template", "2025", "-o", str(tmp_path / "return.pdf")]) == 2


def test_a_prefilled_template_says_what_it_needs(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert run_command(["template", "2025", "--organisation", "X", "--data-dir", str(tmp_path)]) == 2
    assert "Set DATABASE_URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_prefilled_template_comes_from_the_database(
    tmp_path: Path, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from census_api.domain.kit.access import SYSTEM
    from census_api.domain.register.organisations import FrameLine, Organisation
    from census_api.services.kit.platform import open_platform
    from census_api.services.register.organisations import load_frame, load_organisations
    from census_api.settings import Settings

    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    assert run_command(["db", "upgrade"]) == 0
    with open_platform(Settings(), fresh_database_url) as platform:
        load_organisations(platform, SYSTEM, [Organisation("ALPHA", "Alpha Recovery", "voluntary")])
        load_frame(platform, SYSTEM, 2025, [FrameLine(2025, "ALPHA", "E06000001", "adult_community")])
    target = tmp_path / "alpha.xlsx"
    assert run_command(["template", "2025", "--organisation", "ALPHA", "-o", str(target)]) == 0
    sheet = openpyxl.load_workbook(target)["Services"]
    assert str(sheet["A2"].value).startswith("E06000001")


def test_everything_rendered_is_current_right_after_a_build(tmp_path: Path, capsys: Captured) -> None:
    assert run_command(["build", "-o", str(tmp_path)]) == 0
    for year in load_library().years:
        assert (tmp_path / "templates_xlsx" / str(year) / f"census-{year}.xlsx").exists()
    assert run_command(["build", "--check", "-o", str(tmp_path)]) == 0
    assert "Every file is current." in capsys.readouterr().err
    page = next((tmp_path / "docs" / "reference" / "2025").glob("*.md"))
    page.write_text("edited by hand", "utf-8")
    assert run_command(["build", "--check", "-o", str(tmp_path)]) == 1
    assert f"{page.relative_to(tmp_path)}: differs" in capsys.readouterr().err


def test_one_year_is_built_alone(tmp_path: Path) -> None:
    assert run_command(["build", "2023", "-o", str(tmp_path)]) == 0
    assert [folder.name for folder in (tmp_path / "templates_xlsx").iterdir()] == ["2023"]


def test_demo_data_are_returns_in_both_forms(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "new" / "returns"
    assert (
        run_command(["demo-data", "2025", "-o", str(target), "--organisations", "7", "--bad", "1", "--seed", "5"]) == 0
    )
    assert capsys.readouterr().err == f"14 files written to {target}\n"
    names = {file.stem for file in target.glob("*.xlsx")}
    assert names == {file.stem for file in target.glob("*.json")}
    assert len(names) == 7
    other = next(name for name in names if not name.startswith("DEMO"))
    assert run_command(["check", str(target / f"{other}.xlsx")]) == 1
    assert json.loads((target / f"{other}.json").read_text("utf-8"))["census_year"] == 2025


def test_demo_data_need_a_folder(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "file"
    file.touch()
    assert run_command(["demo-data", "2025", "-o", str(file)]) == 2
    assert "Give the name of a folder" in capsys.readouterr().err


def test_a_terminal_shows_a_progress_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-P",
        "-m",
        "census_api",
        "demo-data",
        "2025",
        "-o",
        str(tmp_path),
        "--organisations",
        "6",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as running:
        os.close(theirs)
        shown = bytearray()
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # how a terminal says that the other side is closed
        assert running.wait(PATIENCE) == 0
    os.close(ours)
    assert b"Writing returns" in shown
    assert b"6/6" in shown
