"""The thresholds of methods.md as one versioned value, kept with every result that used them.

The defaults are those that methods.md proposes. A policy read from a stored configuration names only what differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from census_api.domain.kit.errors import InvalidRequest

SLACK = 1e-9
"""Limits are inclusive (methods.md 1.4), so a share that misses one by rounding alone has met it."""


def is_below(value: float, limit: float) -> bool:
    """value < limit by more than rounding."""
    return value < limit - SLACK


def is_above(value: float, limit: float) -> bool:
    """value > limit by more than rounding."""
    return value > limit + SLACK


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """Status of a comparison of two levels (methods.md 1.4). Shares of 1, not per cent."""

    min_matched: int = 5
    blocked_match_rate: float = 0.80
    blocked_coverage: float = 0.75
    blocked_artefact: float = 0.10
    negligible_artefact: float = 0.005
    comparable_match_rate: float = 0.95
    comparable_coverage: float = 0.90
    comparable_artefact: float = 0.02
    growth_difference: float = 0.20
    """How far the growth of organisations outside the panel is thought to differ from that inside it (delta)."""

    def tolerance(self, match_rate: float) -> float:
        """The largest error of panel growth at this match rate (tau), published with the thresholds."""
        return (1 - match_rate) * self.growth_difference


@dataclass(frozen=True, slots=True)
class BoundsPolicy:
    """Bounds of a change (methods.md 1.5): percentiles of growth, and the fewest units to read them from."""

    low_percentile: float = 10
    high_percentile: float = 90
    min_units: int = 20


@dataclass(frozen=True, slots=True)
class RateChangePolicy:
    """Status of a change in a rate (methods.md 1.6). Effects are differences of rates: 0.005 is half a point."""

    min_units: int = 5
    min_matched_share: float = 0.50
    comparable_effect: float = 0.005
    caution_effect: float = 0.01
    caution_fraction: float = 0.5


@dataclass(frozen=True, slots=True)
class EstimatePolicy:
    """Estimates adjusted for non-response (methods.md 2). Size bands are of the headcount of a line."""

    medium_from: float = 10
    large_from: float = 50
    min_respondents: int = 5
    max_factor: float = 2.0
    interval_z: float = 1.96
    widen_below_coverage: float = 0.90
    widen_by: float = 1.25
    suppress_imputed: float = 0.50
    suppress_cv: float = 0.33
    caution_imputed: float = 0.25
    caution_cv: float = 0.20
    bootstrap_draws: int = 1000


@dataclass(frozen=True, slots=True)
class RatesPolicy:
    """Rates (methods.md 3): organisations open for fewer months are left out."""

    min_months: float = 3


@dataclass(frozen=True, slots=True)
class PlausibilityPolicy:
    """Soft edits and selective editing (methods.md 6)."""

    ratio_floor: float = 10
    hb_u: float = 0.5
    hb_a: float = 0.05
    hb_c: float = 4.0
    z_limit: float = 3.5
    z_min_group: int = 8
    residual: float = 0.002


@dataclass(frozen=True, slots=True)
class Policy:
    """All thresholds. Two policies with equal numbers have equal digests, whatever order they were written in."""

    version: str = "2026-1"
    level: LevelPolicy = field(default_factory=LevelPolicy)
    bounds: BoundsPolicy = field(default_factory=BoundsPolicy)
    rate_change: RateChangePolicy = field(default_factory=RateChangePolicy)
    estimate: EstimatePolicy = field(default_factory=EstimatePolicy)
    rates: RatesPolicy = field(default_factory=RatesPolicy)
    plausibility: PlausibilityPolicy = field(default_factory=PlausibilityPolicy)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the policy, 64 hex digits."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Policy:
        """The default policy with what `values` changes.

        Raises:
            InvalidRequest: a section or threshold that does not exist, or one that is not a number.
        """
        policy = cls()
        _known("the policy", values, policy)
        changes: dict[str, Any] = {}
        for name, value in values.items():
            if name == "version":
                changes[name] = str(value)
            elif isinstance(value, Mapping):
                changes[name] = _changed(name, getattr(policy, name), value)
            else:
                raise InvalidRequest(f"The policy's section {name} must hold named thresholds.")
        return replace(policy, **changes)


_Section = TypeVar(
    "_Section", LevelPolicy, BoundsPolicy, RateChangePolicy, EstimatePolicy, RatesPolicy, PlausibilityPolicy
)


def _changed(name: str, section: _Section, values: Mapping[str, Any]) -> _Section:
    _known(f"the policy's section {name}", values, section)
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise InvalidRequest(f"The policy's threshold {name}.{key} must be a number that is not negative.")
        # a whole number and the same decimal are one threshold, and have one digest
        changes[key] = type(getattr(section, key))(value)
        if changes[key] != value:
            raise InvalidRequest(f"The policy's threshold {name}.{key} must be a whole number.")
    return replace(section, **changes)


def _known(where: str, values: Mapping[str, Any], holder: Policy | _Section) -> None:
    allowed = [item.name for item in fields(holder)]
    for name in values:
        if name not in allowed:
            raise InvalidRequest(f"There is no {name} in {where}. It can hold: {', '.join(allowed)}.")


DEFAULT_POLICY = Policy()
