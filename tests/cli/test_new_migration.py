"""`census db new-migration` in a checkout, and where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from census_api.cli import migrations
from census_api.cli.run import run_command
from census_api.questionnaire.resources import find_folder
from census_api.store.kit import migrate


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of the test's own: a second head in the real one would fail the tests beside this one."""
    shutil.copytree(find_folder("migrations"), tmp_path / "migrations")
    (tmp_path / "pyproject.toml").touch()
    for module in (migrations, migrate):
        monkeypatch.setattr(module, "find_folder", lambda name: tmp_path / name)
    return tmp_path


def test_the_next_file_is_written_and_says_nothing_of_what_the_tables_hold_already(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(checkout.glob("migrations/versions/*.py"))
    assert run_command(["db", "new-migration", "Add the phone of a contact"]) == 0
    (file,) = set(checkout.glob("migrations/versions/*.py")) - before
    assert file.name == f"{len(before) + 1:04d}_add_the_phone_of_a_contact.py"
    assert "op.add" not in file.read_text("utf-8")
    assert "op.create" not in file.read_text("utf-8")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Written: migrations/versions/{file.name}. ")


def test_what_it_does_must_be_said(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["db", "new-migration", " "]) == 2
    assert "Say in one line" in capsys.readouterr().err


def test_an_installed_copy_writes_none(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "pyproject.toml").unlink()
    assert run_command(["db", "new-migration", "add a column"]) == 2
    assert "checkout" in capsys.readouterr().err
