"""Runs the worked examples of the methods through the functions that the platform itself uses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from census_api.domain.kit.errors import CensusError, InvalidRequest
from census_api.statistics.examples.ops import Operation, list_operations

DEFAULT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: an operation, what it is given and, where `judged`, what it should return."""

    id: str
    op: str
    given: Mapping[str, Any]
    expected: Any
    judged: bool
    tolerance: float


@dataclass(frozen=True, slots=True)
class Result:
    """What an example returned, or the problem that kept it from returning; `passed` is None where nothing is judged."""

    example: Example
    output: Any
    problem: str | None
    passed: bool | None

    def line(self) -> str:
        """A failure in one line."""
        if self.problem is not None:
            return f"{self.example.id} ({self.example.op}): {self.problem}"
        expected, got = _compact(self.example.expected), _compact(self.output)
        return f"{self.example.id} ({self.example.op}): expected {expected}, got {got}"


def run_vectors(path: Path) -> list[Result]:
    """Every example of the file, in order. Raises InvalidRequest where the file does not hold examples."""
    known = list_operations()
    return [_result(example, known) for example in _examples(path)]


def as_report(results: list[Result]) -> str:
    """`N passed, N failed`, after the failures. An example without an expected answer counts as neither."""
    failures = [result.line() for result in results if result.passed is False]
    passed = sum(1 for result in results if result.passed)
    return "\n".join([*failures, f"{passed} passed, {len(failures)} failed"])


def as_outputs(results: list[Result]) -> str:
    """JSON `[{"id", "output"}]` with no judgement; `problem` says why there is no output."""
    rows = [
        {"id": result.example.id, "output": result.output}
        | ({} if result.problem is None else {"problem": result.problem})
        for result in results
    ]
    return json.dumps(rows, ensure_ascii=False)


def outputs_agree(expected: Any, got: Any, tolerance: float) -> bool:
    """Whether two outputs say the same: numbers to `tolerance`, relative above 1 and absolute below, all else exactly."""
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return expected.keys() == got.keys() and all(
            outputs_agree(expected[key], got[key], tolerance) for key in expected
        )
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(
            outputs_agree(one, other, tolerance) for one, other in zip(expected, got, strict=True)
        )
    if _is_number(expected) and _is_number(got):
        return math.isfinite(got) and abs(expected - got) <= tolerance * max(1.0, abs(expected))
    return type(expected) is type(got) and bool(expected == got)


def _result(example: Example, known: Mapping[str, Operation]) -> Result:
    operation = known.get(example.op)
    if operation is None:
        return _failed(example, f"there is no operation named {example.op!r}")
    try:
        # through JSON and back: what counts is what a reader of the file would see
        output = json.loads(json.dumps(dict(operation(example.given)), allow_nan=False))
    except CensusError as refused:
        return _failed(example, refused.message)
    except Exception as problem:  # noqa: BLE001 - one example that cannot be run must not hide the others
        return _failed(example, f"could not be run ({type(problem).__name__}). Check what the example gives.")
    passed = outputs_agree(example.expected, output, example.tolerance) if example.judged else None
    return Result(example, output, None, passed)


def _failed(example: Example, problem: str) -> Result:
    return Result(example, None, problem, passed=False)


def _examples(path: Path) -> list[Example]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{path.name} is not JSON. Give a file of worked examples.") from None
    if not isinstance(tree, list):
        raise InvalidRequest(f"{path.name} does not hold a list of worked examples.")
    return [_example(path.name, place, row) for place, row in enumerate(tree, start=1)]


def _example(file: str, place: int, row: Any) -> Example:
    if not isinstance(row, dict) or not isinstance(row.get("input"), dict) or not {"id", "op"} <= row.keys():
        raise InvalidRequest(f"{file}: number {place} is not a worked example. Each has an id, an op and an input.")
    tolerance = row.get("tol", DEFAULT_TOLERANCE)
    if not _is_number(tolerance):
        raise InvalidRequest(f"{file}: number {place} has a tol that is not a number.")
    return Example(str(row["id"]), str(row["op"]), row["input"], row.get("expected"), "expected" in row, tolerance)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
