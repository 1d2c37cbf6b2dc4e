from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.questionnaire.check_columns import PolarsColumn, refer_to
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS
from census_api.questionnaire.load import load_spec
from census_api.statistics.plausibility.editing import (
    Absent,
    Impact,
    Scored,
    rank_impacts,
    score_suspicion,
    selective_score,
    to_chase,
    to_query,
)
from census_api.statistics.plausibility.soft_edits import (
    Limits,
    RobustZ,
    hb_edit,
    measure_heaping,
    ratio_outside,
    robust_z,
)
from census_api.statistics.policy import PlausibilityPolicy

COUNTS = st.one_of(st.none(), st.integers(0, 300))
SPEC = load_spec(2024)
HB_RULE = next(rule for rule in SPEC.rules if rule.check == "hb_within")


def passes_rule(before: list[int | None], after: list[int | None], **params: float) -> list[bool | None]:
    """What the spec's own check says of the rows, judged however few and however small they are."""
    rule = HB_RULE.model_copy(
        update={"params": {**HB_RULE.params, "minimum": 0, "floor": 0, "before": "before", **params}}
    )
    view = pl.DataFrame({"after": after, "before": before}, schema={"after": pl.Int64, "before": pl.Int64})
    passes = CHECKS["hb_within"].passes(CheckPlace(SPEC, rule, "after", None, refer_to))
    assert isinstance(passes, PolarsColumn)
    return view.select(passes.expression).to_series().to_list()


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=25), st.sampled_from([4.0, 1.5, 7.0]))
def test_the_edit_agrees_with_the_rule_of_the_spec(rows: list[tuple[int | None, int | None]], c: float) -> None:
    before, after = [row[0] for row in rows], [row[1] for row in rows]
    edit = hb_edit(before, after, PlausibilityPolicy(hb_c=c))
    refused = [place for place, passed in enumerate(passes_rule(before, after, c=c)) if passed is False]
    assert list(edit.flagged) == _beyond_rounding(edit.effects, edit.floored, refused)


def _beyond_rounding(effects: Any, limits: Limits | None, refused: list[int]) -> list[int]:
    """A value on its limit to the last digit may fall on either side; then the edit's own word is taken."""
    if limits is None:
        return refused
    on_limit = {
        place
        for place, effect in enumerate(effects)
        if effect is not None
        and min(abs(effect - limits.low), abs(effect - limits.high)) < 1e-9 * max(1.0, abs(effect))
    }
    own = set(limits.outside(effects)) & on_limit
    return sorted(own | (set(refused) - on_limit))


def test_policy_and_rule_have_the_same_parameters() -> None:
    policy = PlausibilityPolicy()
    named = {name: HB_RULE.params[name] for name in ("a", "c", "u", "minimum", "floor")}
    assert named == {
        "a": policy.hb_a,
        "c": policy.hb_c,
        "u": policy.hb_u,
        "minimum": policy.z_min_group,
        "floor": policy.ratio_floor,
    }


def test_the_floor_spares_those_that_hardly_changed() -> None:
    edit = hb_edit([100] * 9 + [10], [100] * 8 + [101, 40])
    assert edit.classic is not None
    assert edit.classic.outside(edit.effects) == (8, 9)
    assert edit.flagged == (9,)
    assert (score_suspicion(edit, 0), score_suspicion(edit, 9)) == (0, 1)
    assert 0 < score_suspicion(edit, 8) < 1


def test_births_and_deaths_are_not_judged() -> None:
    edit = hb_edit([0, 10, None, 10, 10], [9, 0, 5, 10, None])
    assert list(edit.effects) == [None, None, None, 0, None]
    assert edit.flagged == ()
    assert score_suspicion(edit, 0) == 0
    assert hb_edit([], []).floored is None


@pytest.mark.parametrize(
    ("before", "after", "outside"),
    [(10, 21, True), (10, 20, False), (10, 5, False), (10, 4, True), (4, 9, False), (0, 50, False), (None, 50, False)],
)
def test_ratios_are_judged_from_a_size_on(before: float | None, after: float, outside: bool) -> None:
    assert ratio_outside(before, after, Limits(0.5, 2.0)) is outside


def test_small_groups_are_judged_by_their_parent() -> None:
    few, many = [1.0, 2.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert robust_z(9.0, few, many).z == pytest.approx(4 / (1.4826 * 2))
    assert robust_z(9.0, few) == robust_z(9.0, [*few, None])
    assert robust_z(None, many) == RobustZ(None, flag=False)
    assert robust_z(7.0, [5.0] * 8) == RobustZ(None, True)


def test_the_limit_of_a_peer_score_is_inside() -> None:
    peers = [-2.0, -1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0, 2.0]
    assert not robust_z(3.5 * 1.4826, peers).flag
    assert robust_z(3.51 * 1.4826, peers).flag
    assert robust_z(-3.51 * 1.4826, peers).flag


def test_decimals_that_differ_in_their_last_digit_are_no_spread() -> None:
    found = robust_z(0.9, [0.3, 0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2, 0.3, 0.3, 0.9])
    assert found.z == pytest.approx(0.6 / (1.2533 * 0.6 / 8), rel=1e-6)


def test_heaping_is_the_share_of_multiples() -> None:
    assert measure_heaping([5, 10, 12, 0], 5) == pytest.approx(2 / 3)
    assert measure_heaping([0, 0], 5) is None


def test_selective_score() -> None:
    assert selective_score(120, 100, 1.2, 2400) == 1
    assert selective_score(120, 0, 1, 2400, fallback=100) == 5  # a prediction of 0 is a prediction
    assert selective_score(None, 100, 1, 2400) is None
    assert selective_score(120, 100, 1, 0) is None


TOTALS = {"wte": 1000.0, "headcount": 2000.0}


def test_units_are_ranked_by_the_total_they_move_most() -> None:
    impacts = [Impact("a", {"wte": 1, "headcount": 10}), Impact("b", {"wte": -7.0}), Impact("c", {"other": 9})]
    assert rank_impacts(impacts, TOTALS) == [Scored("b", 0.7), Scored("a", 0.5), Scored("c", 0)]


def test_only_those_are_queried_whose_errors_could_show() -> None:
    impacts = [
        Impact("big", {"wte": 50}),
        Impact("x", {"wte": 1.5}),
        Impact("y", {"wte": -0.4}),
        Impact("z", {"wte": 0.2}),
    ]
    assert [one.unit for one in to_query(impacts, TOTALS)] == ["big", "x"]
    assert to_query(impacts[2:], TOTALS) == []
    assert to_query([], TOTALS) == []


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), max_size=15))
def test_what_is_left_unqueried_moves_no_total_and_no_fewer_would_do(moves: list[tuple[float, float]]) -> None:
    impacts = [Impact(f"u{i}", {"wte": wte, "headcount": heads}) for i, (wte, heads) in enumerate(moves)]
    queried = {one.unit for one in to_query(impacts, TOTALS)}

    def worst(asked: set[str]) -> float:
        left = [impact.moves for impact in impacts if impact.unit not in asked]
        return max(sum(abs(m[key]) for m in left) / total for key, total in TOTALS.items())

    assert worst(queried) < 0.002
    if queried:
        last = to_query(impacts, TOTALS)[-1].unit
        assert worst(queried - {last}) >= 0.002


def test_the_chase_list_starts_with_whom_the_total_needs_most() -> None:
    absent = [Absent("small", 10, 1.0, ("wte",)), Absent("large", 72, 1.25, ("wte", "headcount"))]
    assert to_chase(absent, TOTALS) == [Scored("large", 9.0), Scored("small", 1.0)]


def test_a_changed_threshold_changes_who_is_queried() -> None:
    strict = replace(PlausibilityPolicy(), residual=0.0001)
    assert len(to_query([Impact("a", {"wte": 1.0})], TOTALS, strict)) == 1
