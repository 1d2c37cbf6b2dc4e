"""`census margins`, as whoever runs the platform types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from census_api.cli.margins_commands import Estimator, Grouping, Shape
from census_api.cli.run import run_command
from census_api.questionnaire.survey import GROUPINGS
from census_api.services.kit.platform import open_platform
from census_api.services.margins.content import ESTIMATORS
from census_api.settings import read_settings
from census_api.statistics.margins.document import read_document
from census_api.statistics.margins.shapes import FORMATS
from tests.factories.counted import freeze, many


@pytest.fixture
def frozen(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    with open_platform(read_settings(), fresh_database_url) as platform:
        freeze(platform, *many())


@pytest.mark.usefixtures("frozen")
def test_margins_are_printed_and_their_id_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["margins", "2024"]) == 0
    said = capsys.readouterr()
    assert read_document(said.out).id in said.err


@pytest.mark.usefixtures("frozen")
def test_every_format_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"margins.{shape.value}" for shape in Shape]
    for shape, file in zip(Shape, files, strict=True):
        assert run_command(["margins", "2024.1", "--format", shape.value, "-o", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(files[0].read_text())["snapshot_name"] == "2024.1"
    assert len({file.read_text() for file in files}) == len(files) - 1  # balance and samplics take the same


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("words", [["2023"], ["2024", "--format", "spss"], ["2024", "--estimator", "guessed"]])
def test_what_cannot_be_had_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["margins", *words]) == 2
    assert capsys.readouterr().out == ""


def test_the_words_of_the_command_are_those_of_the_platform() -> None:
    assert tuple(map(str, Shape)) == FORMATS
    assert tuple(map(str, Estimator)) == ESTIMATORS
    assert tuple(map(str, Grouping)) == GROUPINGS
