"""docs/developing.md: each recipe is followed to the letter in a copy of the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contracts.recipes import ROOT, change_text, copy_project, follow_step, read_steps

PAGE = "docs/developing.md"
RECIPES = ("The first hour", "Add a page", "Add an endpoint", "Add a measure", "Add a migration", "Add an e-mail")


@pytest.mark.parametrize("heading", RECIPES)
def test_a_recipe_works_as_it_is_written(heading: str, tmp_path: Path, server_folder: Path) -> None:
    project = copy_project(tmp_path / "project")
    steps = list(read_steps(PAGE, heading))
    assert any(step.kind == "shell" for step in steps)
    for step in steps:
        printed = follow_step(step, project, server_folder)
        assert "no tests ran" not in printed


def test_every_section_is_followed_or_leads_to_one_that_is() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / PAGE).read_text("utf-8"), re.MULTILINE)
    # a rule is added with a year: tests/contracts/test_new_year.py follows that page; locks are compiled with uv and the
    # network, neither of which tests have: tests/contracts/test_dependencies.py judges what comes out
    assert [heading for heading in headings if heading not in RECIPES] == ["Add a rule", "Change a dependency"]


def test_every_file_that_is_named_is_there() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    made = {step.path for step in read_steps(PAGE) if step.path}
    for path in set(re.findall(r"`((?:[\w-]+/)+[\w-]+\.\w+)`", text)) - made:
        assert (ROOT / path).exists() or (ROOT / "census_api" / path).exists(), path


def test_a_change_that_fits_nowhere_or_twice_is_no_recipe() -> None:
    assert change_text("a\nb\n", " a\n+c\n", "x") == "a\nc\nb\n"
    assert change_text("a\nb\n", "-b\n+c\n...\n+d\n", "x") == "a\nc\nd\n"
    for text in ("b\n", "a\na\n"):
        with pytest.raises(AssertionError, match="x has this"):
            change_text(text, " a\n+c\n", "x")
