"""Recipes of the docs, followed to the letter in a copy of the project.

Of a page or a section of it, in order: a block that a line ending in `` `some/path`: `` introduces is that file, or with
`diff` a change to it; a `shell` block holds commands, run in the copy's folder. `./census` is the copy's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import SHARED_RUN
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".census", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", ".benchmarks",
    "test-results", "htmlcov",
)  # fmt: skip
_BLOCK = re.compile(
    r"(?:`(?P<path>[\w./-]+)`[^`\n]*:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE
)
_HERE = "#!/bin/sh\nexport PYTHONPATH={root}\nif [ \"$1\" = test ]; then shift; exec {python} -m pytest -n 0 \"$@\"; fi\nexec {python} -P -m census_api \"$@\"\n"  # fmt: skip


@dataclass(frozen=True)
class RecipeStep:
    """A file to write (`path`, kind its language), a change to one (`diff`), or commands (`shell`, no path)."""

    path: str | None
    kind: str
    text: str


def read_steps(page: str, heading: str | None = None) -> Iterator[RecipeStep]:
    """The steps of a page, or of the section under `heading`."""
    text = (ROOT / page).read_text("utf-8")
    if heading is not None:
        _, found, text = text.partition(f"\n## {heading}\n")
        assert found, f"{page} has no section {heading}"
        text = text.partition("\n## ")[0]
    for block in _BLOCK.finditer(text):
        if block["path"] or block["kind"] == "shell":
            yield RecipeStep(block["path"], block["kind"], block["text"])


def copy_project(target: Path) -> Path:
    """The project in a folder where nothing is lost, with a `./census` that needs no set-up."""
    shutil.copytree(ROOT, target, ignore=_LEFT_OUT, symlinks=True)
    (target / ".venv").symlink_to(sys.prefix)
    (target / "census").write_text(_HERE.format(root=target, python=sys.executable), "utf-8")
    return target


def follow_step(step: RecipeStep, project: Path, server: Path | None = None) -> str:
    """Does what the step says; what its commands printed. `server` is the folder of a server that its tests may use."""
    if step.path is None:
        return run_commands(step.text, project, server)
    file = project / step.path
    if step.kind == "diff":
        file.write_text(change_text(file.read_text("utf-8"), step.text, step.path), "utf-8")
    else:
        assert not file.exists(), f"{step.path} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.text, "utf-8")
    return ""


def change_text(text: str, diff: str, path: str) -> str:
    """The text with each part of the diff in it; `...` parts them, and lines to add alone go to the end."""
    for part in diff.split("\n...\n"):
        lines = part.rstrip("\n").splitlines()
        old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        if not old:
            text += new
            continue
        assert text.count(old) == 1, f"{path} has this {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    return text


def run_commands(commands: str, project: Path, server: Path | None) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CENSUS_", "PYTEST_", "DATABASE_URL", "PYTHONPATH", "UPDATE_"))
    }
    if server is not None:
        environment[SHARED_RUN] = str(server)
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=project, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr
