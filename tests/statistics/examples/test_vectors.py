from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.examples.vectors import as_outputs, as_report, outputs_agree, run_vectors

PUBLIC = Path(__file__).parents[2] / "vectors" / "vectors_public.json"


def file_of(folder: Path, *rows: Any) -> Path:
    file = folder / "examples.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


def example(name: str = "A", op: str = "freq_rule", **more: Any) -> dict[str, Any]:
    return {"id": name, "op": op, "input": {"counts": [0, 4, 5], "f": 5}, **more}


def test_every_public_example_holds() -> None:
    results = run_vectors(PUBLIC)
    assert as_report(results) == f"{len(json.loads(PUBLIC.read_text(encoding='utf-8')))} passed, 0 failed"


def test_failures_say_what_was_expected_and_what_came(tmp_path: Path) -> None:
    good = example("A", expected={"sensitive": [False, True, False]})
    wrong = example("B", expected={"sensitive": [False, True, True]})
    unknown = example("C", op="no_such_thing", expected={})
    broken = {"id": "D", "op": "freq_rule", "input": {}, "expected": {}}
    refused = {"id": "E", "op": "freq_rule", "input": {"counts": [-1], "f": 5}, "expected": {}}

    lines = as_report(run_vectors(file_of(tmp_path, good, wrong, unknown, broken, refused))).splitlines()
    assert lines[0] == (
        'B (freq_rule): expected {"sensitive": [false, true, true]}, got {"sensitive": [false, true, false]}'
    )
    assert "no operation named 'no_such_thing'" in lines[1]
    assert lines[2].startswith("D (freq_rule): could not be run")
    assert "below zero" in lines[3]
    assert lines[4] == "1 passed, 4 failed"


def test_outputs_are_given_without_judgement(tmp_path: Path) -> None:
    results = run_vectors(file_of(tmp_path, example("A"), example("B", op="no_such_thing")))
    rows = json.loads(as_outputs(results))
    assert rows[0] == {"id": "A", "output": {"sensitive": [False, True, False]}}
    assert (rows[1]["id"], rows[1]["output"]) == ("B", None)
    assert results[0].passed is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"id": "A"}]', '[{"id":"A","op":"x","input":{},"tol":"y"}]', "\ud800"]
)
def test_a_file_that_holds_no_examples_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "examples.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InvalidRequest, match=r"examples\.json"):
        run_vectors(file)


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (1000, 1000.0009, True),
        (1000, 1000.002, False),
        (0.5, 0.5000009, True),
        (0.5, 0.500002, False),
        (0, 0.0, True),
        (1, True, False),
        (None, 0, False),
        (None, None, True),
        ("c", "c", True),
        ([1, 2], [1], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [1, None]}, {"a": [1.0, None]}, True),
        (1.0, float("nan"), False),
    ],
)
def test_numbers_agree_to_the_tolerance_and_all_else_exactly(expected: Any, got: Any, same: bool) -> None:
    assert outputs_agree(expected, got, 1e-6) is same
