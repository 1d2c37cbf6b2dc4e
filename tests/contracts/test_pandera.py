"""pandera is used by what it offers to everybody, in one place, and by nothing that judges returns."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "census_api"
DECLARATION = PACKAGE / "questionnaire" / "declaration.py"


def list_modules(tree: ast.AST) -> set[str]:
    """The modules that a file imports."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names} | {str(node.module) for node in froms}


def list_private(tree: ast.AST) -> set[str]:
    """Attributes with a leading underscore that a file reads, but those of its own objects."""
    read = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {
        node.attr for node in read
        if node.attr.startswith("_") and not node.attr.endswith("__") and ast.unparse(node.value) not in ("self", "cls")
    }  # fmt: skip


def test_the_declaration_alone_imports_pandera_and_only_its_public_face() -> None:
    modules = {path: list_modules(ast.parse(path.read_text("utf-8"))) for path in PACKAGE.rglob("*.py")}
    of_pandera = {path: {name for name in names if name.split(".")[0] == "pandera"} for path, names in modules.items()}
    assert {path: names for path, names in of_pandera.items() if names} == {DECLARATION: {"pandera.polars"}}


@pytest.mark.parametrize(
    "path", [DECLARATION, *(PACKAGE.parent / "tests" / "rules").glob("*read*.py")], ids=lambda path: path.name
)
def test_nothing_private_of_pandera_is_read(path: Path) -> None:
    assert list_private(ast.parse(path.read_text("utf-8"))) == set()


@pytest.mark.parametrize("code", ["check._check_fn", "self.check._check_fn", "schemas['staff'].checks[0]._name"])
def test_a_private_attribute_would_be_seen(code: str) -> None:
    assert list_private(ast.parse(code)) == {code.rpartition(".")[2]}
