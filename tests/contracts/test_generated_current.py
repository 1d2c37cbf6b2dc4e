"""What is rendered from the spec and committed is what the spec renders today. To renew it: `census build`."""

from __future__ import annotations

from pathlib import Path

from census_api.intake.preflight.inspection import REFUSALS
from census_api.questionnaire.build import build_files, find_stale

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_committed_is_current() -> None:
    assert find_stale(ROOT, refusals=REFUSALS) == []


def test_what_differs_is_missing_or_left_over_is_named(tmp_path: Path) -> None:
    written = build_files([2024], tmp_path, refusals=REFUSALS)
    assert {path.name for path in written} >= {"spec.json", "schema.json", "rules.md", "census-2024.xlsx", "errors.md"}
    problems = find_stale(tmp_path, refusals=REFUSALS)
    assert not [problem for problem in problems if "2024" in problem or "common" in problem]
    assert "docs/reference/2023/rules.md: missing" in problems

    (tmp_path / "docs/reference/2024/schema.json").write_text("{}")
    (tmp_path / "docs/reference/2024/old.md").write_text("An old page.")
    (tmp_path / "templates_xlsx/2024/census-2024.xlsx").write_bytes(b"no workbook")
    problems = [problem for problem in find_stale(tmp_path, refusals=REFUSALS) if "2024" in problem]
    assert sorted(problems) == [
        "docs/reference/2024/old.md: left over",
        "docs/reference/2024/schema.json: differs",
        "templates_xlsx/2024/census-2024.xlsx: differs",
    ]


def test_two_renderings_are_the_same(tmp_path: Path) -> None:
    first, second = (build_files([2025], tmp_path / name, refusals=REFUSALS) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
