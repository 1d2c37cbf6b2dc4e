"""What is rendered from the spec and committed is what the spec renders today. To renew it: `census build`."""

from __future__ import annotations

from pathlib import Path

from census_api.intake.preflight.inspection import REFUSALS
from census_api.questionnaire.build import build_files, find_stale

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_committed_is_current() -> None:
    assert find_stale(ROOT, refusals=REFUSALS) == []


def test_what_differs_is_missing_or_left_over_is_named(tmp_path: Path) -> None:
    written = build_files(None, tmp_path, refusals=REFUSALS)
    assert {path.name for path in written} >= {"spec.json", "schema.json", "rules.md", "census-2024.xlsx", "errors.md"}
    assert find_stale(tmp_path, refusals=REFUSALS) == []

    (tmp_path / "docs/reference/2025/schema.json").write_text("{}")
    (tmp_path / "docs/reference/2025/rules.md").unlink()
    (tmp_path / "docs/reference/2025/old.md").write_text("An old page.")
    (tmp_path / "templates_xlsx/2024/census-2024.xlsx").write_bytes(b"no workbook")
    assert sorted(find_stale(tmp_path, refusals=REFUSALS)) == [
        "docs/reference/2025/old.md: left over",
        "docs/reference/2025/rules.md: missing",
        "docs/reference/2025/schema.json: differs",
        "templates_xlsx/2024/census-2024.xlsx: differs",
    ]


def test_an_earlier_year_can_be_written_whole_and_is_not_to_be_committed(tmp_path: Path) -> None:
    build_files(None, tmp_path, refusals=REFUSALS)
    assert not (tmp_path / "docs/reference/2023").exists()
    written = {str(path.relative_to(tmp_path)) for path in build_files([2023], tmp_path, refusals=REFUSALS)}
    whole = {f"docs/reference/2023/{name}" for name in ("spec.json", "schema.json", "rules.md", "data-dictionary.md")}
    assert written >= whole | {"templates_xlsx/2023/census-2023.xlsx"}
    assert find_stale(tmp_path, refusals=REFUSALS) == sorted(f"{path}: left over" for path in whole)


def test_two_renderings_are_the_same(tmp_path: Path) -> None:
    first, second = (build_files(None, tmp_path / name, refusals=REFUSALS) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
