"""The figures of the house: how long its files and functions are, how its names are made, how full its folders are.

`python -m tests.contracts.house` prints them beside the limit of each and exits with 1 when one is passed, naming the
places. test_house.py holds the same in every run of the tests.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PLACES_SHOWN = 12
_FRAMEWORK_NAMES = frozenset({"main"})


@dataclass(frozen=True, slots=True)
class HouseFunction:
    """One function or method of the package. `lines` counts from its first decorator to its last line."""

    name: str
    place: str
    lines: int
    is_typed: bool
    is_counted: bool
    """Whether its name counts: public, and no property, which is named as the thing that it gives."""


@dataclass(frozen=True, slots=True)
class HouseFigure:
    """One measured figure, the most that it may be, and the places that make it so."""

    name: str
    value: float
    limit: float
    places: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.value <= self.limit


def measure_house(root: Path = ROOT) -> list[HouseFigure]:
    """The figures of `census_api/` under `root`, in the order in which they are printed."""
    trees = {file: ast.parse(file.read_text("utf-8")) for file in sorted((root / "census_api").rglob("*.py"))}
    named = {str(file.relative_to(root)): tree for file, tree in trees.items()}
    lengths = {str(file.relative_to(root)): len(file.read_text("utf-8").splitlines()) for file in trees}
    functions = [function for place, tree in named.items() for function in list_functions(tree, place)]
    return [
        *_measure_lengths(lengths, functions),
        *_measure_names(named, functions),
        _measure_folders(root),
    ]


def _measure_lengths(lengths: dict[str, int], functions: list[HouseFunction]) -> list[HouseFigure]:
    files = [lines for lines in lengths.values() if lines]
    long_files = tuple(f"{place} ({lines})" for place, lines in lengths.items() if lines > 350)
    long_functions = tuple(f"{one.place} {one.name} ({one.lines})" for one in functions if one.lines > 80)
    untyped = tuple(f"{one.place} {one.name}" for one in functions if not one.is_typed)
    return [
        HouseFigure("lines of a file, 95th percentile", _percentile(files, 95), 350),
        HouseFigure("files over 350 lines", len(long_files), 0, long_files),
        HouseFigure("lines of a function, median", statistics.median(one.lines for one in functions), 10),
        HouseFigure("lines of a function, 95th percentile", _percentile([one.lines for one in functions], 95), 40),
        HouseFigure("functions over 80 lines", len(long_functions), 0, long_functions),
        HouseFigure("functions without all their types", len(untyped), 0, untyped),
    ]


def _measure_names(named: dict[str, ast.Module], functions: list[HouseFunction]) -> list[HouseFigure]:
    counted = [one for one in functions if one.is_counted]
    short = tuple(f"{one.place} {one.name}" for one in counted if "_" not in one.name)
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for place, tree in named.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(place)
    twice = tuple(f"{name}: {', '.join(places)}" for name, places in homes.items() if len(places) > 1)
    return [
        HouseFigure("public functions of one word, %", round(100 * len(short) / len(counted), 1), 20, short),
        HouseFigure("class names that are used twice", len(twice), 0, twice),
    ]


def _measure_folders(root: Path) -> HouseFigure:
    """Python files of a folder, `__init__.py` too."""
    counts: defaultdict[str, int] = defaultdict(int)
    for file in (root / "census_api").rglob("*.py"):
        counts[str(file.parent.relative_to(root))] += 1
    wide = tuple(f"{folder} ({count})" for folder, count in counts.items() if count > 20)
    return HouseFigure("files of the fullest folder", max(counts.values()), 20, wide)


def list_functions(tree: ast.Module, place: str) -> Iterator[HouseFunction]:
    """The functions and methods of a module; what is written inside a function is a part of it."""

    def visit(parent: ast.AST, *, in_class: bool) -> Iterator[HouseFunction]:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield _describe_function(node, place, in_class=in_class)
            elif isinstance(node, ast.ClassDef):
                yield from visit(node, in_class=True)
            elif not isinstance(node, ast.expr):
                yield from visit(node, in_class=in_class)

    yield from visit(tree, in_class=False)


def _describe_function(node: ast.FunctionDef | ast.AsyncFunctionDef, place: str, *, in_class: bool) -> HouseFunction:
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
    is_static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
    first = arguments[0].arg if arguments and in_class and not is_static else None
    is_property = any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
    return HouseFunction(
        name=node.name,
        place=f"{place}:{node.lineno}",
        lines=(node.end_lineno or node.lineno) - start + 1,
        is_typed=node.returns is not None and all(one.annotation is not None or one.arg == first for one in arguments),
        is_counted=not node.name.startswith("_") and not is_property and node.name not in _FRAMEWORK_NAMES,
    )


def _percentile(values: list[int], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def main() -> int:
    """Prints the figures; 1 when one of them is over its limit."""
    figures = measure_house()
    for figure in figures:
        mark = "" if figure.holds else "  OVER"
        print(f"{figure.name:44} {figure.value:8g}   at most {figure.limit:g}{mark}")
    for figure in figures:
        if not figure.holds:
            print(f"\n{figure.name}:", *figure.places[:_PLACES_SHOWN], sep="\n  ")
            if len(figure.places) > _PLACES_SHOWN:
                print(f"  and {len(figure.places) - _PLACES_SHOWN} more")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
