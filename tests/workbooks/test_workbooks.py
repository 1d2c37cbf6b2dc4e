"""Real workbooks: a reported file becomes a test by being dropped into should_pass or should_fail.

The year stands at the end of the name: `what-is-odd-2025.xlsx`. A file that should pass has no error (queries are
allowed); one that should fail is refused, or has at least one error.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from census_api.domain.kit.errors import Refused
from census_api.intake.judging.judge import Context, judge_return

HERE = Path(__file__).parent


def year_of(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


@pytest.mark.parametrize("path", sorted((HERE / "should_pass").iterdir()), ids=lambda path: path.name)
def test_it_passes(path: Path) -> None:
    report = judge_return(path.read_bytes(), year_of(path), Context()).report
    assert [finding for finding in report.findings if finding.severity == "error"] == []
    assert sum(report.rows_read.values()) > 0


@pytest.mark.parametrize("path", sorted((HERE / "should_fail").iterdir()), ids=lambda path: path.name)
def test_it_fails(path: Path) -> None:
    assert errors_in(path) != 0


def errors_in(path: Path) -> int | None:
    """How many errors the file has; None where it is refused."""
    try:
        return judge_return(path.read_bytes(), year_of(path), Context()).report.counts["error"]
    except Refused:
        return None
