"""The worked examples of methods.md sections 1, 2, 3 and 6, to their tolerance and with nothing beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from census_api.statistics.examples.ops_comparability import OPS

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "vectors_public.json").read_text())


def agrees(expected: Any, found: Any, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return expected.keys() == found.keys() and all(agrees(expected[k], found[k], tolerance) for k in expected)
    if isinstance(expected, list):
        return len(expected) == len(found) and all(
            agrees(one, other, tolerance) for one, other in zip(expected, found, strict=True)
        )
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return bool(abs(expected - found) <= tolerance * max(1.0, abs(expected)))
    return type(expected) is type(found) and bool(expected == found)


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in VECTORS if v["op"] in OPS])
def test_vector(vector: dict[str, Any]) -> None:
    found = OPS[vector["op"]](vector["input"])
    assert agrees(vector["expected"], found, vector["tol"]), found


def test_every_operation_has_an_example() -> None:
    assert OPS.keys() <= {vector["op"] for vector in VECTORS}
    assert len(OPS) == 20


def test_a_merger_with_a_silent_member_is_a_partial_component() -> None:
    found = OPS["decompose_lineage"](
        {
            "year0": {"P": 60, "K": 30},
            "year1": {"PQ": 100, "K": 31},
            "frame0": ["P", "Q", "K"],
            "frame1": ["PQ", "K"],
            "edges": [["P", "PQ"], ["Q", "PQ"], ["K", "K"]],
        }
    )
    assert found["terms"]["partial_component"] == 40
    assert found["terms"]["continuing"] == 1
    assert found["components"] == [["K", "|", "K"], ["P", "Q", "|", "PQ"]]
    assert found["naive_without_mapping"] == {"exit": -60, "entrant": 100, "continuing": 1}


def test_a_reported_zero_is_an_answer_and_a_blank_is_not() -> None:
    lines = [
        {"line": "zero", "cluster": "A", "f0": 1, "r0": 1, "y0": 10, "f1": 1, "r1": 1, "y1": 0},
        {"line": "blank", "cluster": "B", "f0": 1, "r0": 1, "y0": 10, "f1": 1, "r1": 1, "y1": None},
    ]
    found = OPS["decompose_total"]({"lines": lines})
    assert found["terms"]["continuing"] == -10
    assert found["terms"]["nonresponse_lost"] == -10
    assert found["m1"] is None


def test_lines_of_one_component_are_compared_together() -> None:
    lines = [
        {"line": "A", "cluster": "A", "component": "AB", "f0": 1, "r0": 1, "y0": 10, "f1": 0, "r1": 0, "y1": None},
        {"line": "B", "cluster": "B", "component": "AB", "f0": 0, "r0": 0, "y0": None, "f1": 1, "r1": 1, "y1": 12},
    ]
    found = OPS["decompose_total"]({"lines": lines})
    assert found["terms"]["continuing"] == 2
    assert found["n_matched"] == 1


EMPTY_OR_ZERO: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("coverage", {"frame": [], "responded": []}, {"unit": None, "size": None}),
    ("coverage", {"frame": [["a", None], ["b", 30], ["c", 10]], "responded": ["a", "x"]}, {"unit": 1 / 3, "size": 1 / 3}),
    ("ratio_adjust", {"y": [], "z": [], "z_frame": 9, "N": 2},
     {"factor": None, "total": None, "var_linear": None, "var_jackknife": None}),
    ("ratio_adjust", {"y": [4], "z": [2], "z_frame": 6, "N": 3},
     {"factor": 3, "total": 12, "var_linear": None, "var_jackknife": None}),
    ("ratio_adjust", {"y": [4], "z": [2], "z_frame": 2, "N": 1},
     {"factor": 1, "total": 4, "var_linear": 0, "var_jackknife": 0}),
    ("roll_forward", {"matched0": 0, "matched1": 0, "resp_y1": 5, "resp_z": 0, "missing_prev": [3], "never_z": []},
     {"link": None, "imputed": [None], "total": None, "imputed_share": None}),
    ("vacancy_rate", {"vacancies": 0, "in_post": 0}, {"rate": None, "reason": "zero_denominator"}),
    ("vacancy_rate", {"vacancies": None, "in_post": 9}, {"rate": None, "reason": "not_reported"}),
    ("turnover", {"leavers": 3, "starters": 3, "open": 0, "close": 0},
     {"turnover_avg": None, "turnover_yearend": None, "starters_rate_avg": None, "flow_gap": 0,
      "reason": "numerator_without_denominator"}),
    ("turnover", {"leavers": 4, "starters": 6, "open": 20, "close": 25, "transfers_in": 5, "transfers_out": 2},
     {"turnover_avg": 4 / 22.5, "turnover_yearend": 0.16, "starters_rate_avg": 6 / 22.5, "flow_gap": 0}),
    ("stability", {"open": 0, "cohort_leavers": 0, "leavers": 0, "starters": 0},
     {"index": None, "lower": None, "upper": None, "reason": "zero_denominator"}),
    ("stability", {"open": 10, "cohort_leavers": None, "leavers": 12, "starters": 4},
     {"index": None, "lower": 0, "upper": 0.2}),
    ("regulated_ratio", {"regulated": 0, "unregulated": 0}, {"ratio": None, "share": None}),
    ("part_year", {"leavers": 1, "open": 10, "close": 10, "months": 2},
     {"raw": 0.1, "exposure": None, "annualised": None, "reason": "too_few_months"}),
    ("pooled", {"num": [1, 2, None, 0], "den": [10, 0, 5, 0]},
     {"pooled": 0.1, "mean_of_ratios": 0.1, "excluded": [1]}),
    ("pooled", {"num": [0], "den": [0]}, {"pooled": None, "mean_of_ratios": None, "reason": "zero_denominator"}),
    ("hb", {"y0": [0, None], "y1": [5, 5], "U": 0.5, "A": 0.05, "C": 4},
     {"E": [None, None], "classic": {"lo": None, "hi": None, "flagged": []},
      "floored": {"lo": None, "hi": None, "flagged": []}}),
    ("robust_z", {"x": [5, 5, 5, 5, 9], "i": 4}, {"z": 4 / (1.2533 * 0.8), "flag": True}),
    ("robust_z", {"x": [5, 5, 5], "i": 0}, {"z": 0, "flag": False}),
    ("selective_score", {"ar": 80, "pv": None, "apv": 100, "w": 1, "sf": 1000, "threshold": 2.5},
     {"score": 2, "query": False}),
    ("selective_score", {"ar": 80, "pv": None, "apv": None, "w": 1, "sf": 1000, "threshold": 2.5},
     {"score": None, "query": False}),
    ("ratio_collapse", {"classes": [{"y": [], "z": [], "z_frame": 30}]}, {"collapsed": False, "total": None}),
    ("ratio_collapse", {"classes": [{"y": [2] * 5, "z": [1] * 5, "z_frame": 8}, {"y": [9] * 5, "z": [3] * 5, "z_frame": 30}]},
     {"collapsed": False, "total": 106}),
    ("dominant_nonrespondent",
     {"y": [8, 12], "y0": [10, 10], "z": [10, 10], "z_frame": 30, "N": 3, "missing": [{"z": 10, "y0": 9}], "factor_cap": 2},
     {"plain_factor": 1.5, "plain_total": 30, "used": "weighting", "total": 30, "imputed_share": 1 / 3}),
    ("dominant_nonrespondent",
     {"y": [8, 12], "y0": [10, 10], "z": [10, 10], "z_frame": 100, "N": 3, "missing": [{"z": 80, "y0": None}], "factor_cap": 2},
     {"plain_factor": 5, "plain_total": 100, "used": "individual_construction", "total": 100, "imputed_share": 0.8}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "given", "expected"), EMPTY_OR_ZERO)
def test_empty_zero_and_unknown(op: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = OPS[op](given)
    assert agrees(expected, found, 1e-9), found
