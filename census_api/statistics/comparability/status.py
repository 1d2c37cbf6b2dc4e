"""May two years be compared? The gate for levels (methods.md 1.4) and for rates (1.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from census_api.statistics.comparability.bounds import Bounds
from census_api.statistics.comparability.identity import Decomposition
from census_api.statistics.comparability.rate_change import RateChange
from census_api.statistics.policy import DEFAULT_POLICY, LevelPolicy, RateChangePolicy, is_above, is_below


class Status(StrEnum):
    COMPARABLE = "COMPARABLE"
    CAUTION = "CAUTION"
    BLOCKED = "BLOCKED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Reason(StrEnum):
    """Stable codes, shown to people with a sentence each."""

    ARTEFACT_EXCEEDS_CHANGE = "ARTEFACT_EXCEEDS_CHANGE"
    ARTEFACT_GROSS = "ARTEFACT_GROSS"
    COVERAGE = "COVERAGE"
    DEFINITION_CHANGE = "DEFINITION_CHANGE"
    LINEAGE_UNRESOLVED = "LINEAGE_UNRESOLVED"
    MATCHED_SHARE = "MATCHED_SHARE"
    MATCH_RATE = "MATCH_RATE"
    OUTSIDE_BOUNDS = "OUTSIDE_BOUNDS"
    PARTICIPATION = "PARTICIPATION"
    SMALL_BASE = "SMALL_BASE"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """A status and the codes behind it, sorted by name."""

    status: Status
    reasons: tuple[Reason, ...] = ()

    @property
    def shows_change(self) -> bool:
        """BLOCKED and NOT_APPLICABLE have no change to show."""
        return self.status in (Status.COMPARABLE, Status.CAUTION)


def _verdict(status: Status, reasons: Iterable[tuple[Reason, bool]]) -> GateVerdict | None:
    """The status with the reasons that hold; None where none does."""
    found = tuple(sorted(reason for reason, holds in reasons if holds))
    return GateVerdict(status, found) if found else None


@dataclass(frozen=True, slots=True)
class LevelEvidence:
    """What the gate for levels looks at.

    Match rates are None where that year's total is 0: nothing of it can be unmatched. Size coverages are None where
    they are unknown, which is as bad as too low.
    """

    n_matched: int
    match_rates: tuple[float | None, float | None]
    size_coverages: tuple[float | None, float | None]
    totals: tuple[float, float]
    artefact_gross: float
    artefact_net: float
    real: float
    definition_change: bool = False
    outside_bounds: bool = False
    lineage_resolved: bool = True

    @property
    def match_rate(self) -> float:
        return min((rate for rate in self.match_rates if rate is not None), default=0.0)

    @property
    def size_coverage(self) -> float:
        return min(0.0 if size is None else size for size in self.size_coverages)

    @property
    def mean_total(self) -> float:
        return sum(self.totals) / 2


def level_evidence(
    cell: Decomposition,
    size_coverages: tuple[float | None, float | None],
    bounds: Bounds | None = None,
    *,
    definition_change: bool = False,
    lineage_resolved: bool = True,
) -> LevelEvidence:
    """The evidence of a decomposed cell. Without bounds (nobody answered twice) nothing is outside them."""
    return LevelEvidence(
        n_matched=cell.n_matched,
        match_rates=(cell.match_rate_before, cell.match_rate_after),
        size_coverages=size_coverages,
        totals=(cell.before, cell.after),
        artefact_gross=cell.artefact_gross,
        artefact_net=cell.artefact_net,
        real=cell.real,
        definition_change=definition_change,
        outside_bounds=bounds is not None and not bounds.reported_inside,
        lineage_resolved=lineage_resolved,
    )


def level_status(evidence: LevelEvidence, policy: LevelPolicy = DEFAULT_POLICY.level) -> GateVerdict:
    """The status of a comparison of two levels (methods.md 1.4). Limits are inclusive."""
    if not any(evidence.totals):
        return GateVerdict(Status.NOT_APPLICABLE)
    gross = evidence.artefact_gross / evidence.mean_total
    net = abs(evidence.artefact_net)
    match_rate, size = evidence.match_rate, evidence.size_coverage
    blocking = [
        (Reason.DEFINITION_CHANGE, evidence.definition_change),
        (Reason.SMALL_BASE, evidence.n_matched < policy.min_matched),
        (Reason.MATCH_RATE, is_below(match_rate, policy.blocked_match_rate)),
        (Reason.COVERAGE, is_below(size, policy.blocked_coverage)),
        (Reason.ARTEFACT_GROSS, is_above(gross, policy.blocked_artefact)),
        (
            Reason.ARTEFACT_EXCEEDS_CHANGE,
            is_above(net, abs(evidence.real)) and is_above(net / evidence.mean_total, policy.negligible_artefact),
        ),
        (Reason.OUTSIDE_BOUNDS, evidence.outside_bounds),
    ]
    doubtful = [
        (Reason.MATCH_RATE, is_below(match_rate, policy.comparable_match_rate)),
        (Reason.COVERAGE, is_below(size, policy.comparable_coverage)),
        (Reason.ARTEFACT_GROSS, is_above(gross, policy.comparable_artefact)),
        (Reason.LINEAGE_UNRESOLVED, not evidence.lineage_resolved),
    ]
    return _verdict(Status.BLOCKED, blocking) or _verdict(Status.CAUTION, doubtful) or GateVerdict(Status.COMPARABLE)


def rate_status(
    change: RateChange,
    policy: RateChangePolicy = DEFAULT_POLICY.rate_change,
    *,
    definition_change: bool = False,
    lineage_resolved: bool = True,
) -> GateVerdict:
    """The status of a change in a rate-like indicator (methods.md 1.6).

    A small participation effect (in points, or against the matched change) keeps a change with few or thinly matched
    units at CAUTION; a large or unknown one blocks it, and only the matched change may be shown. Shares by an
    attribute of the unit itself (sector, region, size) are not for this gate: they inherit the status of the level.
    """
    if change.before is None and change.after is None:
        return GateVerdict(Status.NOT_APPLICABLE)
    thin = [
        (Reason.SMALL_BASE, change.n_matched < policy.min_units),
        (Reason.MATCHED_SHARE, is_below(min(change.matched_shares), policy.min_matched_share)),
    ]
    intolerable = not _tolerable(change, policy)
    if definition_change or intolerable:
        blocking = [(Reason.DEFINITION_CHANGE, definition_change), (Reason.PARTICIPATION, intolerable)]
        return _verdict(Status.BLOCKED, [*blocking, *thin]) or GateVerdict(Status.BLOCKED)
    effect = change.participation_effect or 0.0
    doubtful = [
        *thin,
        (Reason.PARTICIPATION, is_above(abs(effect), policy.comparable_effect)),
        (Reason.LINEAGE_UNRESOLVED, not lineage_resolved),
    ]
    return _verdict(Status.CAUTION, doubtful) or GateVerdict(Status.COMPARABLE)


def _tolerable(change: RateChange, policy: RateChangePolicy) -> bool:
    """The participation effect is known, and small in points or against the matched change."""
    effect, matched = change.participation_effect, change.matched_change
    if effect is None or matched is None:
        return False
    return not is_above(abs(effect), max(policy.caution_effect, abs(matched) * policy.caution_fraction))
