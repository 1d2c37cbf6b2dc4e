"""Every exception from lint, format or types says why it is one, beside it.

`# noqa: CODE - why`, `# type: ignore[code]  # why`; in pyproject.toml a comment on the line, or above the entry.
"""

from __future__ import annotations

import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("census_api", "migrations", "tests", ".ci")
EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore|ruff:\s*noqa|mypy:)", re.IGNORECASE)
WITH_REASON = re.compile(
    r"# (ruff: )?noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \w.{9,}|# type: ignore\[[a-z, -]+\]  # \w.{9,}", re.DOTALL
)
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def comments(file: Path) -> Iterator[tuple[int, str]]:
    """Line number and comment, of everything that is a comment and not text in quotes."""
    with tokenize.open(file) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def without_reason(file: Path) -> list[str]:
    return [
        f"{file.name}:{line}: {comment}"
        for line, comment in comments(file)
        if EXCEPTION.search(comment) and not WITH_REASON.fullmatch(comment)
    ]


def test_every_exception_in_the_code_says_why() -> None:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 400
    assert [line for file in files for line in without_reason(file)] == []


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# noqa: S105", "# noqa: S105 - it is", "# type: ignore", "# type: ignore[misc]", "# ruff: noqa: S105"],
)
def test_one_without_a_reason_is_found(comment: str, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"WORD = 'quoted # noqa'  {comment}\n", "utf-8")
    assert without_reason(file) == [f"module.py:1: {comment}"]


def test_one_with_a_reason_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "A = 1  # noqa: S105 - the name of a field\nB = 2  # type: ignore[misc]  # a lambda with a default\n", "utf-8"
    )
    assert without_reason(file) == []


def test_every_rule_that_is_off_says_why_on_its_line() -> None:
    lint = tomllib.loads(PROJECT)["tool"]["ruff"]["lint"]
    for rule in lint["ignore"]:
        assert re.search(rf'^    "{rule}", # \w.{{9,}}$', PROJECT, re.MULTILINE), f"{rule} is off without a reason"


def test_every_file_that_is_spared_says_why() -> None:
    lint = tomllib.loads(PROJECT)["tool"]["ruff"]["lint"]
    for pattern in lint["per-file-ignores"]:
        entry = re.escape(f'"{pattern}" = [')
        assert re.search(rf"^# \w.{{9,}}\n{entry}|^{entry}[^\]]*\] # \w.{{9,}}$", PROJECT, re.MULTILINE), pattern
