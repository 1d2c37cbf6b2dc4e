from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.margins.collapse import collapse_categories

NAMES = "abcdef"
counts = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 300), min_size=1)
parents = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES))


@given(counts, counts, parents)
def test_nobody_is_lost_whatever_the_parents(
    target: dict[str, int], sample: dict[str, int], parent: dict[str, str]
) -> None:
    found = collapse_categories(target, sample, parent)

    assert sum(found.target.values()) == sum(target.values())
    assert sum(found.sample.values()) == sum(sample.values())
    assert found.target.keys() == found.sample.keys()
    assert set(found.unresolved) <= found.target.keys()
    left = {name for name, _ in found.merged}
    assert left.isdisjoint(found.target)
    assert len(left) == len(found.merged)


def test_values_on_a_threshold_stay() -> None:
    target = {"a": 0.99, "b": 0.01}
    found = collapse_categories(target, {"a": 980, "b": 20}, {"b": "a"})
    assert found.merged == ()

    found = collapse_categories(target, {"a": 981, "b": 19}, {"b": "a"})
    assert found.merged == (("b", "a"),)
    assert found.target == {"a": 1}


def test_a_target_below_one_per_cent_is_joined() -> None:
    assert collapse_categories({"a": 0.9901, "b": 0.0099}, {"a": 900, "b": 30}, {"b": "a"}).merged == (("b", "a"),)


def test_a_ratio_beyond_five_is_joined_both_ways() -> None:
    assert collapse_categories({"a": 0.5, "b": 0.5}, {"a": 180, "b": 20}, {"b": "a"}).merged == ()
    assert collapse_categories({"a": 0.49, "b": 0.51}, {"a": 180, "b": 20}, {"b": "a"}).merged == (("b", "a"),)
    assert collapse_categories({"a": 0.9, "b": 0.1}, {"a": 100, "b": 100}, {"b": "a"}).merged == ()
    assert collapse_categories({"a": 0.91, "b": 0.09}, {"a": 100, "b": 100}, {"b": "a"}).merged == (("b", "a"),)


def test_people_without_any_answer_are_joined_even_where_no_minimum_is_asked() -> None:
    found = collapse_categories({"a": 0.5, "b": 0.4, "c": 0.1}, {"a": 200, "b": 150}, {"c": "b"})
    assert found.merged == (("c", "b"),)
    assert found.target["b"] == Fraction("0.5")
    assert found.sample["b"] == 150


def test_a_thin_parent_waits_for_its_thin_children() -> None:
    filled = collapse_categories({"a": 90, "b": 5, "c": 5}, {"a": 200, "b": 17, "c": 4}, {"b": "a", "c": "b"})
    assert filled.merged == (("c", "b"),)

    chained = collapse_categories({"a": 90, "b": 5, "c": 5}, {"a": 200, "b": 10, "c": 4}, {"b": "a", "c": "b"})
    assert chained.merged == (("c", "b"), ("b", "a"))
    assert chained.target == {"a": 100}


def test_a_thin_category_without_parent_is_named() -> None:
    found = collapse_categories({"a": 50, "b": 50}, {"a": 300, "b": 3}, {})
    assert found.unresolved == ("b",)
    assert found.target == {"a": 50, "b": 50}


def test_a_parent_that_was_no_category_becomes_one() -> None:
    found = collapse_categories({"a": 90, "b": 5, "c": 5}, {"a": 200, "b": 12, "c": 12}, {"b": "other", "c": "other"})
    assert found.target == {"a": 90, "other": 10}
    assert found.sample == {"a": 200, "other": 24}
