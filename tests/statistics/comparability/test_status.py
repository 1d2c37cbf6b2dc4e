from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.statistics.comparability.bounds import Growth, cell_bounds
from census_api.statistics.comparability.components import LineYear
from census_api.statistics.comparability.coverage import ExpectedUnit, measure_coverage
from census_api.statistics.comparability.rate_change import RateChange, RateUnit, Share, rate_change
from census_api.statistics.comparability.status import (
    GateVerdict,
    LevelEvidence,
    Reason,
    Status,
    level_evidence,
    level_status,
    rate_status,
)
from census_api.statistics.policy import LevelPolicy
from tests.statistics.comparability.panels import Panel, panels

SOUND = LevelEvidence(
    n_matched=40,
    match_rates=(0.97, 0.96),
    size_coverages=(0.93, 0.95),
    totals=(1000.0, 1020.0),
    artefact_gross=15.0,
    artefact_net=5.0,
    real=15.0,
)


@pytest.mark.parametrize(
    ("change", "status", "reasons"),
    [
        ({}, Status.COMPARABLE, []),
        ({"match_rates": (0.95, 0.95), "size_coverages": (0.9, 0.9), "artefact_gross": 20.2}, Status.COMPARABLE, []),
        ({"n_matched": 5}, Status.COMPARABLE, []),
        ({"n_matched": 4}, Status.BLOCKED, [Reason.SMALL_BASE]),
        ({"match_rates": (0.97, 0.9499)}, Status.CAUTION, [Reason.MATCH_RATE]),
        ({"match_rates": (0.8, 0.97)}, Status.CAUTION, [Reason.MATCH_RATE]),
        ({"match_rates": (0.7999, 0.97)}, Status.BLOCKED, [Reason.MATCH_RATE]),
        ({"match_rates": (None, 0.97)}, Status.COMPARABLE, []),
        ({"size_coverages": (0.75, 0.95)}, Status.CAUTION, [Reason.COVERAGE]),
        ({"size_coverages": (0.7499, 0.95)}, Status.BLOCKED, [Reason.COVERAGE]),
        ({"size_coverages": (None, 0.95)}, Status.BLOCKED, [Reason.COVERAGE]),
        ({"artefact_gross": 101.0}, Status.CAUTION, [Reason.ARTEFACT_GROSS]),
        ({"artefact_gross": 101.1}, Status.BLOCKED, [Reason.ARTEFACT_GROSS]),
        ({"artefact_net": -15.0}, Status.COMPARABLE, []),
        ({"artefact_net": -15.1}, Status.BLOCKED, [Reason.ARTEFACT_EXCEEDS_CHANGE]),
        ({"artefact_net": 5.05, "real": 0.0}, Status.COMPARABLE, []),
        ({"artefact_net": 5.06, "real": 0.0}, Status.BLOCKED, [Reason.ARTEFACT_EXCEEDS_CHANGE]),
        ({"definition_change": True}, Status.BLOCKED, [Reason.DEFINITION_CHANGE]),
        ({"outside_bounds": True}, Status.BLOCKED, [Reason.OUTSIDE_BOUNDS]),
        ({"lineage_resolved": False}, Status.CAUTION, [Reason.LINEAGE_UNRESOLVED]),
        ({"totals": (0.0, 0.0), "definition_change": True}, Status.NOT_APPLICABLE, []),
        (
            {"n_matched": 1, "match_rates": (0.5, 0.5), "size_coverages": (0.8, 0.8), "lineage_resolved": False},
            Status.BLOCKED,
            [Reason.MATCH_RATE, Reason.SMALL_BASE],
        ),
    ],
)
def test_level_at_and_beside_every_limit(change: dict[str, object], status: Status, reasons: list[Reason]) -> None:
    verdict = level_status(replace(SOUND, **change))  # type: ignore[arg-type]  # the fields are pytest's parameters
    assert verdict == GateVerdict(status, tuple(reasons))
    assert verdict.shows_change == (status in (Status.COMPARABLE, Status.CAUTION))


def test_a_share_that_misses_its_limit_by_rounding_has_met_it() -> None:
    assert sum([0.1] * 8) < 0.8
    verdict = level_status(replace(SOUND, match_rates=(sum([0.1] * 8), 0.97)))
    assert verdict.status is Status.CAUTION


RANK = {Status.BLOCKED: 0, Status.CAUTION: 1, Status.COMPARABLE: 2, Status.NOT_APPLICABLE: 3}


def verdict_of(panel: Panel, sizes: dict[str, float]) -> GateVerdict:
    covered = [
        measure_coverage([ExpectedUnit(x.line, sizes[x.line], x.reported) for x in lines if x.exists]).size
        for lines in (panel.before, panel.after)
    ]
    cell = panel.decomposed()
    bounds = cell_bounds(cell, Growth(0.9, 1.2))
    policy = LevelPolicy(min_matched=1)  # the panels are small
    return level_status(level_evidence(cell, (covered[0], covered[1]), bounds), policy)


def steadied(panel: Panel, steady: int) -> Panel:
    """With lines that answered twice and hardly changed, so that other statuses than BLOCKED come up."""
    names = [f"steady{i}" for i in range(steady)]
    before = [LineYear(name, name, True, 100.0) for name in names]
    after = [LineYear(name, name, True, 103.0) for name in names]
    return Panel((*panel.before, *before), (*panel.after, *after), panel.edges)


@given(st.builds(steadied, panels(), st.sampled_from([0, 10, 40, 150])), st.data())
def test_adding_a_non_respondent_never_raises_a_status(panel: Panel, data: st.DataObject) -> None:
    lines = {x.line for x in (*panel.before, *panel.after)}
    sizes = {
        line: 90.0 if line.startswith("steady") else float(data.draw(st.integers(0, 50))) for line in sorted(lines)
    }
    silent = LineYear("silent", data.draw(st.sampled_from(["org0", "org1", "newcomer"])), True, None)
    years = data.draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    grown = Panel(
        (*panel.before, silent) if years[0] else panel.before,
        (*panel.after, silent) if years[1] else panel.after,
        panel.edges,
    )
    grown_sizes = sizes | {"silent": float(data.draw(st.integers(0, 2000)))}
    assert RANK[verdict_of(grown, grown_sizes).status] <= RANK[verdict_of(panel, sizes).status]


def change(
    effect: float | None, matched: float | None, n: int = 9, shares: tuple[float, float] = (0.8, 0.9)
) -> RateChange:
    return RateChange(0.2, 0.2, n, shares, joiners=effect, leavers=0.0, matched_change=matched)


@pytest.mark.parametrize(
    ("given_change", "status", "reasons"),
    [
        (change(0.005, 0.0), Status.COMPARABLE, []),
        (change(-0.0051, 0.0), Status.CAUTION, [Reason.PARTICIPATION]),
        (change(0.01, 0.0), Status.CAUTION, [Reason.PARTICIPATION]),
        (change(0.0101, 0.0), Status.BLOCKED, [Reason.PARTICIPATION]),
        (change(0.03, -0.06), Status.CAUTION, [Reason.PARTICIPATION]),
        (change(0.0301, -0.06), Status.BLOCKED, [Reason.PARTICIPATION]),
        (change(0.0, 0.0, n=4), Status.CAUTION, [Reason.SMALL_BASE]),
        (change(0.0, 0.0, shares=(0.5, 0.5)), Status.COMPARABLE, []),
        (change(0.0, 0.0, shares=(0.9, 0.49)), Status.CAUTION, [Reason.MATCHED_SHARE]),
        (change(None, None, n=0, shares=(0, 0)), Status.BLOCKED,
         [Reason.MATCHED_SHARE, Reason.PARTICIPATION, Reason.SMALL_BASE]),
    ],
)  # fmt: skip
def test_rate_at_and_beside_every_limit(given_change: RateChange, status: Status, reasons: list[Reason]) -> None:
    assert rate_status(given_change) == GateVerdict(status, tuple(reasons))


def test_a_rate_with_another_definition_is_blocked_and_one_with_open_lineage_is_doubtful() -> None:
    sound = change(0.0, 0.01)
    assert rate_status(sound, definition_change=True) == GateVerdict(Status.BLOCKED, (Reason.DEFINITION_CHANGE,))
    assert rate_status(sound, lineage_resolved=False) == GateVerdict(Status.CAUTION, (Reason.LINEAGE_UNRESOLVED,))


def test_the_published_see_saw_is_blocked() -> None:
    """A rate that falls from 20% to 6% because of who answered shows no change, only that of the continuing."""
    units = [
        RateUnit("A", Share(10, 100), Share(10, 100)),
        RateUnit("X", Share(30, 100), None),
        RateUnit("E", None, Share(15, 300)),
    ]
    found = rate_change(units)
    assert rate_status(found).status is Status.BLOCKED
    assert found.matched_change == 0
    assert rate_status(rate_change([])).status is Status.NOT_APPLICABLE


def test_the_price_of_a_match_rate_is_published_with_it() -> None:
    policy = LevelPolicy()
    assert math.isclose(policy.tolerance(policy.comparable_match_rate), 0.01)
    assert math.isclose(policy.tolerance(policy.blocked_match_rate), 0.04)
