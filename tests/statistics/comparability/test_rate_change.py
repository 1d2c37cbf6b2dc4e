from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.comparability.identity import Term
from census_api.statistics.comparability.mixes import Key, crossed_mixes
from census_api.statistics.comparability.rate_change import RateUnit, Share, make_share, rate_change

DENOMINATORS = st.one_of(st.just(0.0), st.integers(1, 400).map(float))


@st.composite
def shares(draw: st.DrawFn) -> Share | None:
    denominator = draw(DENOMINATORS)
    numerator = draw(st.floats(0, denominator)) if denominator else draw(st.sampled_from([0.0, 0.0, 3.0]))
    return draw(st.sampled_from([None, Share(numerator, denominator), Share(numerator, denominator)]))


@st.composite
def units(draw: st.DrawFn) -> list[RateUnit]:
    pairs = draw(st.lists(st.tuples(shares(), shares()), max_size=12))
    terms = [Term.ENTRANT, Term.NONRESPONSE_RECOVERED, Term.EXIT, Term.NONRESPONSE_LOST]
    return [RateUnit(f"u{i}", *pair, draw(st.sampled_from(terms))) for i, pair in enumerate(pairs)]


def known(value: float | None) -> float:
    assert value is not None
    return value


@given(units())
def test_the_parts_add_up_to_the_change(panel: list[RateUnit]) -> None:
    found = rate_change(panel)
    if found.reason:
        assert found.reason == "no_continuing_units"
        assert {found.within, found.mix, found.joiners, found.leavers, found.matched_change} == {None}
        return
    joiners, leavers, matched = known(found.joiners), known(found.leavers), known(found.matched_change)
    assert math.isclose(known(found.within) + known(found.mix), matched, abs_tol=1e-9)
    assert math.isclose(matched + joiners + leavers, known(found.change), abs_tol=1e-9)
    assert math.isclose(math.fsum(found.joiners_by.values()), joiners, abs_tol=1e-9)
    assert math.isclose(math.fsum(found.leavers_by.values()), leavers, abs_tol=1e-9)


@given(units())
def test_names_and_order_do_not_matter(panel: list[RateUnit]) -> None:
    other = [RateUnit(f"x{unit.unit}", unit.before, unit.after, unit.term) for unit in reversed(panel)]
    one, two = rate_change(panel), rate_change(other)
    assert (one.before, one.after, one.within, one.mix) == (two.before, two.after, two.within, two.mix)
    assert (one.joiners, one.leavers, one.leave_one_out) == (two.joiners, two.leavers, two.leave_one_out)


def test_an_empty_year_of_a_continuing_unit_is_all_mix() -> None:
    found = rate_change([RateUnit("A", Share(10, 100), Share(10, 100)), RateUnit("B", Share(0, 0), Share(50, 100))])
    assert found.within == 0
    assert found.mix == pytest.approx(0.2)
    assert found.change == pytest.approx(0.2)


def test_something_of_nothing_is_out_of_the_rate_in_both_years() -> None:
    found = rate_change([RateUnit("A", Share(10, 100), Share(12, 100)), RateUnit("B", Share(50, 100), Share(4, 0))])
    assert found.edit_failures == ("B",)
    assert found.before == 0.1
    assert found.leavers == 0


def test_empty_joiners_and_leavers_move_nothing() -> None:
    continuing = RateUnit("A", Share(10, 100), Share(12, 100))
    found = rate_change([continuing, RateUnit("E", None, Share(0, 0)), RateUnit("X", Share(0, 0), None)])
    assert (found.joiners, found.leavers, found.participation_effect) == (0, 0, 0)


@pytest.mark.parametrize("pair", [(Share(0, 0), Share(5, 50)), (Share(5, 50), Share(0, 0))])
def test_continuing_units_without_a_denominator_are_no_panel(pair: tuple[Share, Share]) -> None:
    found = rate_change([RateUnit("A", *pair), RateUnit("X", Share(4, 40), None), RateUnit("E", None, Share(6, 60))])
    assert found.reason == "no_continuing_units"
    assert found.participation_effect is None
    assert found.n_matched == 0


def test_joiners_are_booked_by_how_they_took_part() -> None:
    found = rate_change(
        [
            RateUnit("A", Share(10, 100), Share(10, 100)),
            RateUnit("new", None, Share(30, 100), Term.ENTRANT),
            RateUnit("back", None, Share(0, 100), Term.NONRESPONSE_RECOVERED),
        ]
    )
    assert found.joiners_by[Term.ENTRANT] == pytest.approx(0.2 / 3)
    assert found.joiners_by[Term.NONRESPONSE_RECOVERED] == pytest.approx(-0.1 / 3)


def test_one_large_changing_unit_shows_in_the_leave_one_out_range() -> None:
    steady = [RateUnit(f"u{i}", Share(10, 100), Share(10, 100)) for i in range(4)]
    found = rate_change([*steady, RateUnit("big", Share(100, 1000), Share(300, 1000))])
    low, high = found.leave_one_out or (0.0, 0.0)
    assert low == 0
    assert high == pytest.approx(330 / 1300 - 130 / 1300)


def test_an_answer_needs_both_items() -> None:
    assert make_share(None, 5) is None
    assert make_share(5, None) is None
    assert make_share(0, 5) == Share(0, 5)


CELLS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")),
    st.tuples(
        st.builds(lambda d, r: Share(d * r, d), DENOMINATORS, st.floats(0, 1)),
        st.builds(lambda d, r: Share(d * r, d), DENOMINATORS, st.floats(0, 1)),
    ),
    max_size=9,
)


@given(CELLS)
def test_crossed_mixes_add_up_to_the_change(cells: dict[tuple[str, ...], tuple[Share, Share]]) -> None:
    found = crossed_mixes(cells)
    totals = [sum(pair[year].denominator for pair in cells.values()) for year in (0, 1)]
    if not all(totals):
        assert found is None
        return
    assert found is not None
    rates = [sum(pair[year].numerator for pair in cells.values()) / totals[year] for year in (0, 1)]
    within, mixes = found
    assert len(mixes) == 2
    assert math.isclose(within + sum(mixes), rates[1] - rates[0], abs_tol=1e-9)


@given(units())
def test_one_mix_is_the_mix_of_the_continuing(panel: list[RateUnit]) -> None:
    found = rate_change(panel)
    good = [unit for unit in panel if unit.unit not in found.edit_failures]
    cells: dict[Key, tuple[Share, Share]] = {
        (unit.unit,): (unit.before, unit.after) for unit in good if unit.before and unit.after
    }
    single = crossed_mixes(cells)
    if found.reason:
        assert single is None
        return
    assert single is not None
    assert math.isclose(single[0], known(found.within), abs_tol=1e-9)
    assert math.isclose(single[1][0], known(found.mix), abs_tol=1e-9)


def test_a_mix_that_did_not_move_has_no_effect() -> None:
    before = {"a": 60, "b": 40}
    after = {"a": 20, "b": 80}
    rates = {"a": 0.1, "b": 0.3}
    cells: dict[Key, tuple[Share, Share]] = {
        (sector, role): (Share(before[sector] * rates[sector] / 2, before[sector] / 2),
                         Share(after[sector] * rates[sector] / 2, after[sector] / 2))
        for sector in "ab" for role in "xy"
    }  # fmt: skip
    within, (sector_mix, role_mix) = crossed_mixes(cells) or (0.0, [0.0, 0.0])
    assert within == pytest.approx(0)
    assert sector_mix == pytest.approx(0.08)
    assert role_mix == pytest.approx(0)


def test_cells_with_different_dimensions_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="same dimensions"):
        crossed_mixes({("a",): (Share(1, 2), Share(1, 2)), ("a", "b"): (Share(1, 2), Share(1, 2))})
