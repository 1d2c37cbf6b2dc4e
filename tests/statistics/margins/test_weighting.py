"""Weights for a survey, and every misuse that tools let pass."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.margins.totals import MarginPolicy, MarginsRefused
from census_api.statistics.margins.weighting import AnswerMap, Weighting, default_maps, weigh_answers
from tests.factories.surveys import make_document, published_answers, published_document

ANSWERS = {"kind": ["a"] * 60 + ["b"] * 40, "place": ["x", "y"] * 50}
MARGINS = {"kind": {"a": 50, "b": 50}, "place": {"x": 30, "y": 70}}


def refused(margins: dict[str, dict[str, int]], answers: dict[str, list[str]], *, join: bool = True) -> MarginsRefused:
    document = make_document(margins)
    with pytest.raises(MarginsRefused) as caught:
        weigh_answers(document, answers, default_maps(document), join=join)
    return caught.value


def test_the_published_case() -> None:
    document = published_document()

    found = weigh_answers(document, published_answers(), default_maps(document))

    assert (found.after.n, found.exempt, found.cut, found.joined, found.thin) == (2141, 0, 0, (), ())
    assert found.after.deff == pytest.approx(1.076805, abs=5e-7)
    assert found.after.n_eff == pytest.approx(1988.29, abs=5e-3)
    assert (found.lightest, found.heaviest) == pytest.approx((0.3212, 2.1638), abs=5e-5)
    assert found.margins_id == document.id
    shares = {one.category: one.weighted for one in found.achieved}
    assert shares["voluntary"] == pytest.approx(0.78, abs=1e-9)


def test_labels_and_codes_are_answers_in_any_writing() -> None:
    document = make_document(MARGINS, labels={"kind": {"a": "First kind"}})
    answers = {"kind": ["  first   KIND "] * 60 + ["B"] * 40, "place": ANSWERS["place"]}
    assert weigh_answers(document, answers, default_maps(document)).after.n == 100


def test_answers_that_no_category_takes_are_named_and_counted() -> None:
    problem = refused(MARGINS, {**ANSWERS, "kind": ["a"] * 60 + ["other"] * 30 + [""] * 10})
    assert problem.reason == "unmapped_answers"
    assert "'other' (30)" in problem.message
    assert "(blank) (10)" in problem.message


def test_people_of_the_census_whom_nobody_answers_for_are_named() -> None:
    margins = {"kind": {"a": 50, "b": 40, "c": 10}, "place": {"x": 30, "y": 70}}
    problem = refused(margins, ANSWERS)
    assert (problem.reason, "kind c" in problem.message) == ("empty_category", True)


def test_answers_where_the_census_has_nobody_are_named() -> None:
    margins = {"kind": {"a": 100, "b": 0}, "place": {"x": 30, "y": 70}}
    problem = refused(margins, ANSWERS)
    assert (problem.reason, "40 answers are in kind b" in problem.message) == ("empty_target", True)


def test_a_category_empty_on_both_sides_is_no_matter() -> None:
    document = make_document({**MARGINS, "kind": {"a": 50, "b": 50, "c": 0}})
    assert weigh_answers(document, ANSWERS, default_maps(document)).after.n == 100


def test_combinations_that_cannot_be_reached_are_refused() -> None:
    answers = {"kind": ["a"] * 50 + ["b"] * 50, "place": ["x"] * 50 + ["y"] * 50}
    assert refused({"kind": {"a": 50, "b": 50}, "place": {"x": 30, "y": 70}}, answers).reason == "not_reached"


def test_thin_categories_join_their_parent_and_it_is_recorded() -> None:
    document = make_document({"kind": {"a": 50, "b": 45, "c": 5}}, collapse={"parents": {"kind": {"c": "b"}}})
    answers = {"kind": ["a"] * 60 + ["b"] * 36 + ["c"] * 4}

    found = weigh_answers(document, answers, default_maps(document))

    assert found.joined == (("kind", "c", "b"),)
    assert found.weights[-1] == found.weights[-10] == pytest.approx(50 / 40)
    kept = weigh_answers(document, answers, default_maps(document), join=False)
    assert (kept.joined, kept.thin) == ((), (("kind", "c"),))
    assert kept.weights[-1] == pytest.approx(5 / 4)


def test_exempt_answers_weigh_what_the_mean_does() -> None:
    document = make_document(MARGINS)
    maps = default_maps(document)
    maps["kind"] = replace(maps["kind"], categories={**maps["kind"].categories, "rather not say": None})
    answers = {"kind": [*ANSWERS["kind"], "Rather not say"], "place": [*ANSWERS["place"], "x"]}

    found = weigh_answers(document, answers, maps)

    assert (found.exempt, found.after.n, found.weights[-1]) == (1, 100, 1.0)
    assert np.mean(found.weights) == pytest.approx(1)


def test_a_survey_in_which_everybody_is_exempt_is_refused() -> None:
    document = make_document({"kind": {"a": 1}})
    with pytest.raises(MarginsRefused, match="No answer"):
        weigh_answers(document, {"kind": ["?"]}, {"kind": AnswerMap("kind", {"?": None})})


def test_heavy_weights_are_trimmed_and_both_design_effects_reported() -> None:
    document = make_document({"kind": {"a": 80, "b": 20}, "place": {"x": 50, "y": 50}})
    answers = {"kind": ["a"] * 100 + ["b"] * 900, "place": (["x"] + ["y"] * 9) * 100}
    policy = MarginPolicy(max_ratio=Decimal(20))

    found = weigh_answers(document, answers, default_maps(document), policy)

    assert found.cut > 0
    assert found.before.deff > 1
    assert found.missed < 1e-9


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=40, max_size=120),
    st.tuples(*[st.integers(20, 60)] * 2),
    st.tuples(*[st.integers(20, 60)] * 2),
)
def test_weights_reach_the_margins_or_are_refused(
    people: list[tuple[str, str]], kinds: tuple[int, int], places: tuple[int, int]
) -> None:
    document = make_document(
        {
            "kind": {"a": kinds[0], "b": kinds[1], "c": 200 - sum(kinds)},
            "place": {"x": places[0], "y": places[1], "z": 200 - sum(places)},
        }
    )
    answers = {"kind": [kind for kind, _ in people], "place": [place for _, place in people]}
    refusal = ""
    try:
        found: Weighting | None = weigh_answers(document, answers, default_maps(document))
    except MarginsRefused as problem:
        found, refusal = None, problem.reason
    if found is None:
        assert refusal in ("empty_category", "not_reached")
        return
    weights = np.array(found.weights)
    assert weights.mean() == pytest.approx(1)
    for dimension in document.dimensions:
        given_answers = np.array(answers[dimension])
        for category, share in document.shares(dimension).items():
            assert weights[given_answers == category].sum() / weights.sum() == pytest.approx(float(share), abs=1e-6)
