"""Filled returns on disk: workbook and JSON of one content, with as many rows and mistakes as were asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from census_api.demo.files import row_limits, write_files
from census_api.demo.mistakes import ERRORS, QUERIES, spoil_content
from census_api.demo.parameters import OPEN_YEAR, YEARS
from census_api.demo.population import make_population
from census_api.demo.structure import FIXED
from census_api.domain.kit.errors import InvalidRequest, Unavailable
from census_api.intake.judging.judge import Context, judge_return
from census_api.questionnaire.load import load_spec


@pytest.mark.parametrize("year", [2022, 2023, 2024, 2025])
def test_workbook_and_json_are_one_content(year: int, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    files = write_files(year, tmp_path, organisations=9, progress=lambda done, total: steps.append((done, total)))
    assert len(files) == 18
    assert steps == [(done, 9) for done in range(1, 10)]
    assert {file.stem for file in files} >= set(FIXED)
    for file in files:
        if file.suffix == ".xlsx" and file.stem not in ("DEMO-LARGE", "DEMO-ERRORS"):
            book = judge_return(file.read_bytes(), None, Context()).report
            tree = judge_return(file.with_suffix(".json").read_bytes(), None, Context()).report
            assert book.collection == tree.collection == year
            assert book.content_sha256 == tree.content_sha256
            assert sorted(one.key for one in book.findings) == sorted(one.key for one in tree.findings)


def test_returns_hold_the_rows_asked_for_and_are_without_errors(tmp_path: Path) -> None:
    write_files(2024, tmp_path, organisations=8, rows_per_return=300)
    for file in tmp_path.glob("*.json"):
        report = judge_return(file.read_bytes(), 2024, Context()).report
        if file.stem != "DEMO-ERRORS":
            assert report.rows_read["Staff"] == (0 if file.stem == "DEMO-NIL" else 300)
            assert report.counts["error"] == 0, file.stem


def test_every_key_of_a_very_large_return_is_different(tmp_path: Path) -> None:
    limits = row_limits(2024)
    assert limits["voluntary"] >= 50_000
    [file] = [
        file
        for file in write_files(2024, tmp_path, organisations=1, rows_per_return=3000)
        if file.name == "DEMO-CLEAN.json"
    ]
    staff = json.loads(file.read_text("utf-8"))["staff"]
    assert len({(row["local_authority_code"], row["service_type"], row["role_code"]) for row in staff}) == 3000


@pytest.mark.parametrize("year", YEARS)
def test_the_fixed_mistakes_are_in_the_files_of_every_year(year: int, tmp_path: Path) -> None:
    write_files(year, tmp_path, organisations=1)
    counts = {
        file.stem: judge_return(file.read_bytes(), year, Context()).report.counts for file in tmp_path.glob("*.json")
    }
    assert counts["DEMO-ERRORS"]["error"] == len(ERRORS)
    assert counts["DEMO-ERRORS"]["query"] > 0
    assert counts["DEMO-QUERIES"]["error"] == 0
    assert counts["DEMO-QUERIES"]["query"] >= len(QUERIES)
    assert all(not any(counts[code].values()) for code in FIXED if code not in ("DEMO-ERRORS", "DEMO-QUERIES"))


@pytest.mark.parametrize("year", YEARS)
def test_the_demonstration_loads_the_fixed_mistakes_of_the_open_year_only(year: int) -> None:
    people = make_population()
    for code in ("DEMO-ERRORS", "DEMO-QUERIES"):
        corrected = people.content(year, code) == people.clean_content(year, code)
        assert corrected == (year != OPEN_YEAR)


def test_the_share_of_bad_returns_has_errors_beside_the_fixed_ones(tmp_path: Path) -> None:
    write_files(2023, tmp_path, organisations=25, bad=0.5, seed=20260630)
    errors = {
        file.stem: judge_return(file.read_bytes(), 2023, Context()).report.counts["error"]
        for file in tmp_path.glob("*.json")
    }
    others = {code: count for code, count in errors.items() if code not in FIXED}
    assert sum(count > 0 for count in others.values()) == 10
    assert {code for code in FIXED if errors[code]} == {"DEMO-ERRORS"}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first = write_files(2025, tmp_path / "one", organisations=6, bad=1)
    second = write_files(2025, tmp_path / "two", organisations=6, bad=1)
    json_files = [(a, b) for a, b in zip(first, second, strict=True) if a.suffix == ".json"]
    assert all(a.read_bytes() == b.read_bytes() for a, b in json_files)


@pytest.mark.parametrize("name", ERRORS)
def test_every_mistake_is_found_as_an_error(name: str) -> None:
    assert "error" in _severities(name)


@pytest.mark.parametrize("name", QUERIES)
def test_every_doubtful_thing_is_found_as_a_query_alone(name: str) -> None:
    assert _severities(name) == {"query"}


def _severities(name: str) -> set[str]:
    spec = load_spec(2024)
    content = make_population().content(2024, "DEMO-CLEAN")
    changed = spoil_content(content, spec, 0, only=name)
    report = judge_return(json.dumps(changed.as_json()).encode(), 2024, Context()).report
    assert judge_return(json.dumps(content.as_json()).encode(), 2024, Context()).report.findings == []
    return {str(one.severity) for one in report.findings if one.severity != "note"}


@pytest.mark.parametrize(
    ("year", "settings", "words"),
    [
        (2024, {"organisations": 0}, "1 or more"),
        (2024, {"bad": 1.5}, "between 0 and 1"),
        (2024, {"rows_per_return": 0}, "1 or more"),
        (2024, {"rows_per_return": 60_000}, "no more combinations"),
        (2024, {"organisations": 50_000}, "At most"),
        (2019, {}, "2022, 2023, 2024, 2025"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    year: int, settings: dict[str, float], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        write_files(year, tmp_path, **settings)  # type: ignore[arg-type]  # the settings are pytest's parameters
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(Unavailable, match="could not be written"):
        write_files(2024, tmp_path / "taken", organisations=1)
