"""What the worked examples do not show: boundaries, blanks and refusals of each operation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from census_api.statistics.examples.ops_margins import OPS
from census_api.statistics.examples.vectors import outputs_agree

EXAMPLES = json.loads((Path(__file__).parents[2] / "vectors" / "vectors_public.json").read_text(encoding="utf-8"))
CLASSIC = [[20, 50, 10], [8, 19, 22], [17, 32, 12]]


@pytest.mark.parametrize("example", [row for row in EXAMPLES if row["op"] in OPS], ids=lambda row: row["id"])
def test_worked_examples(example: dict[str, Any]) -> None:
    got = json.loads(json.dumps(OPS[example["op"]](example["input"]), allow_nan=False))
    assert outputs_agree(example["expected"], got, example["tol"]), got


def test_every_operation_has_an_example() -> None:
    assert OPS.keys() <= {row["op"] for row in EXAMPLES}


@pytest.mark.parametrize(
    ("op", "given", "expected"),
    [
        (
            "oneway_weights",
            {"n": [10, 0], "target": [0.5, 0.5]},
            {"n": 10, "deff": None, "n_eff": None, "weights": None, "reason": "empty_category"},
        ),
        (
            "rake2",
            {"n": [[5, 5], [5, 5]], "rows": [0.5, 0.5], "cols": [0.5, 0.4]},
            {"weights": None, "deff": None, "reason": "unequal_totals"},
        ),
        (
            "rake2",
            {"n": [[10, 0], [5, 5]], "rows": [0.4, 0.6], "cols": [0.6, 0.4]},
            {"weights": [[0.8, None], [0.8, 1.6]], "deff": 1.12},
        ),
        (
            "rescale_margin",
            {"master_total": 110, "margin": [50, 50]},
            {"margin": None, "factor": 1.1, "reason": "rescale_factor"},
        ),
        (
            "rescale_margin",
            {"master_total": 110, "margin": [0]},
            {"margin": None, "factor": None, "reason": "zero_denominator"},
        ),
        ("largest_remainder", {"shares": {"b": 1, "a": 1}, "total": 3}, {"ints": {"a": 2, "b": 1}}),
        (
            "eligible_margin",
            {"rows": [{"role": "a", "paid": None, "head_office": False, "n": 5}]},
            {"total": None, "shares": None, "reason": "eligibility_unknown"},
        ),
        ("eligible_margin", {"rows": []}, {"total": 0, "shares": {}}),
        (
            "collapse",
            {"target": {"a": 0.9, "b": 0.1}, "sample": {"a": 200}, "parent": {"b": "a"}, "min_n": 0},
            {"target": {"a": 1}, "collapsed": ["b->a"]},
        ),
        (
            "collapse",
            {"target": {"a": 0.9, "b": 0.1}, "sample": {"a": 200, "b": 2}, "parent": {}, "min_n": 20},
            {"target": {"a": 0.9, "b": 0.1}, "collapsed": [], "unresolved": ["b"]},
        ),
        (
            "dominance",
            {"contrib": [], "p": 10, "nk": [2, 85], "min_org": 3},
            {"p_fail": False, "nk_fail": False, "org_fail": True, "p_need": 0},
        ),
        ("dominance", {"contrib": [5, 5, 5], "p": 10, "min_org": 3}, {"p_fail": False, "org_fail": False, "p_need": 0}),
        ("interval", {"table": CLASSIC, "suppressed": [[1, 2]], "cell": [0, 0]}, {"lo": 20, "hi": 20}),
        (
            "optimal_secondary",
            {"table": [[5, 0], [0, 7]], "primary": [[0, 0]], "need_up": 1, "need_down": 1, "cost": "value"},
            {"cost": None, "cells": None, "reason": "unattainable"},
        ),
        (
            "optimal_secondary",
            {"table": CLASSIC, "primary": [[1, 2]], "need_up": 0, "need_down": 0, "cost": "unit"},
            {"cost": 0, "cells": []},
        ),
        ("round5", {"values": [None, -12.5, 4], "f": 5, "base": 5}, {"out": [None, -15, "c"]}),
        (
            "insider",
            {"row": [15, 20, 7], "contributors": [["a"], ["b"], ["c"]], "total": 42, "insider": "a", "target": 1},
            {"outsider": [0, 42], "insider": [0, 27], "breach": False},
        ),
        (
            "insider",
            {"row": [15, 20], "contributors": [["a"], ["b"]], "total": 35, "insider": "a", "target": 0},
            {"outsider": [0, 35], "insider": [15, 15], "breach": False},
        ),
        (
            "insider",
            {"row": [15, 20], "contributors": [["a", "b"], ["b"]], "total": 35, "insider": "a", "target": 1},
            {"outsider": [0, 35], "insider": [0, 35], "breach": False},
        ),
        (
            "insider",
            {"row": [15, 20], "contributors": [["a"], ["b"]], "total": None, "insider": "a", "target": 1},
            {"outsider": [0, None], "insider": [0, None], "breach": False},
        ),
        (
            "differencing",
            {"v1": {"total": 80, "orgs": ["a"]}, "v2": {"total": 75, "orgs": ["a"]}, "min_org": 3},
            {"diff": -5, "n_orgs": 0, "blocked": False},
        ),
        (
            "content_hash",
            {"v": 0.5},
            {"canonical": '{"v":"0.5"}', "sha256": "14e279f85bf5ab7c1c600d7cc5d73ebaebabbbd5399295643b7670b5188b2de3"},
        ),
    ],
)
def test_boundaries(op: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    got = json.loads(json.dumps(OPS[op](given), allow_nan=False))
    assert outputs_agree(expected, got, 1e-6), got
