"""What a margins document says: figures with their provenance, and the rules that they were made under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from census_api.domain.snapshots.revisions import Snapshot
from census_api.questionnaire.model import Spec
from census_api.questionnaire.survey import CollapseRules, Grouping, SurveyGroups, survey_professions
from census_api.statistics.comparability.coverage import ExpectedUnit, measure_coverage
from census_api.statistics.disclosure.thresholds import DEFAULT_POLICY as DISCLOSURE
from census_api.statistics.margins.canonical import decimal_text
from census_api.statistics.margins.document import exact_text
from census_api.statistics.margins.estimated_totals import DIMENSIONS, SIZE_BANDS, EligibleLine, JointTotals, MarginCell
from census_api.statistics.margins.protection import is_sensitive
from census_api.statistics.margins.totals import DEFAULT_MARGIN_POLICY, IN_SCOPE_ROUTES
from census_api.statistics.nonresponse.estimates import Advice, give_advice
from census_api.statistics.policy import EstimatePolicy

Estimator = Literal["reported", "adjusted"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)
POPULATION = "eligible_paid_headcount"
METHOD = "2026-1"
"""The version of how margins are made: raise it when the same snapshot would give other figures."""
_STATUS: Mapping[Advice, str] = {Advice.PUBLISH: "good", Advice.CAUTION: "caution", Advice.SUPPRESS: "weak"}
_SHARE_PLACES = 6


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was worked out. `adjusted` is None where it cannot be; `withheld` None withholds the joint table.

    `joins` are the categories of each dimension that may not be shown, and what they were joined with.
    """

    lines: Sequence[EligibleLine]
    reported: JointTotals
    adjusted: JointTotals | None
    joins: Mapping[str, Mapping[str, str]]
    withheld: frozenset[MarginCell] | None
    left_out: Mapping[str, Mapping[str, float]]
    unknown_rows: int

    def population(self, estimator: Estimator) -> JointTotals | None:
        return self.reported if estimator == "reported" else self.adjusted


def describe_method(
    spec: Spec, snapshot: Snapshot, before: Snapshot | None, groups: SurveyGroups, rules: CollapseRules
) -> dict[str, Any]:
    """What decides the figures beside the snapshot. Margins with the same method of one snapshot are the same."""
    return {
        "version": METHOD,
        "disclosure_policy": DISCLOSURE.version,
        "margin_policy": DEFAULT_MARGIN_POLICY.version,
        "estimate_policy": snapshot.policy_digest,
        "spec_digest": spec.digest,
        "profession_map": {"grouping": groups.grouping, "year": groups.year, "sha256": groups.sha256},
        "organisation_type_map": {"year": spec.year, "column": "sectors.organisation_type"},
        "collapse_rules_sha256": rules.sha256,
        "size_bands": list(SIZE_BANDS),
        "snapshot_before": None if before is None else {"name": before.name, "content_hash": before.content_hash},
    }


def build_content(
    spec: Spec,
    snapshot: Snapshot,
    figures: Figures,
    estimator: Estimator,
    grouping: Grouping,
    made_by: Mapping[str, Any],
    rules: CollapseRules,
    policy: EstimatePolicy,
) -> dict[str, Any]:
    """The document without its id and without what it supersedes. `population` must be there."""
    found = figures.population(estimator)
    if found is None:
        raise ValueError("nothing was estimated")
    margins = {name: found.margin(axis) for axis, name in enumerate(DIMENSIONS)}
    return {
        "collection": snapshot.collection,
        "snapshot": str(snapshot.id),
        "snapshot_name": snapshot.name,
        "snapshot_content_hash": snapshot.content_hash,
        "population": POPULATION,
        "base": {
            "unit": "people",
            "paid": True,
            "head_office": False,
            "commissioning_routes": sorted(IN_SCOPE_ROUTES),
        },
        "estimator": estimator,
        "grouping": grouping,
        "reference_date": spec.collection.reference_date.isoformat(),
        "total": exact_text(found.total),
        "dimensions": list(DIMENSIONS),
        "labels": list_labels(spec),
        "margins": {name: {key: exact_text(value) for key, value in part.items()} for name, part in margins.items()},
        "joint": _joint(found, figures.withheld),
        "standard_error": {name: _errors(part) for name, part in found.standard_error.items()},
        "coverage": _coverage(figures),
        "status": _status(figures, found, policy),
        "disclosure": {
            "joint": "withheld" if figures.withheld is None else "shown",
            "cells_withheld": None if figures.withheld is None else len(figures.withheld),
            "joined": {name: dict(joins) for name, joins in figures.joins.items()},
        },
        "reconciliation": {"source": "one joint table", "factors": {}},
        "collapse": {
            "parents": {name: dict(parents) for name, parents in rules.parents.items()},
            **{key: _plain(value) for key, value in asdict(DEFAULT_MARGIN_POLICY).items() if key != "version"},
        },
        "left_out": {
            **{reason: _left_out(cell) for reason, cell in figures.left_out.items()},
            "staff_rows_without_a_number": figures.unknown_rows,
        },
        "method": dict(made_by),
    }


def list_labels(spec: Spec) -> dict[str, dict[str, str]]:
    """Dimension -> category -> what people call it."""
    covered = set(survey_professions(spec))
    return {
        "region": {code.code: code.label for code in spec.code_lists["regions"].codes},
        "profession_group": {
            code.code: code.label for code in spec.code_lists["profession_groups"].codes if code.code in covered
        },
        "organisation_type": {code.code: code.label for code in spec.code_lists["organisation_types"].codes},
    }


def list_categories(spec: Spec) -> tuple[tuple[str, ...], ...]:
    """The categories of each dimension, in order."""
    return tuple(tuple(known) for known in list_labels(spec).values())


def _joint(population: JointTotals, withheld: frozenset[MarginCell] | None) -> list[dict[str, str | None]]:
    if withheld is None:
        return []
    return [
        {**dict(zip(DIMENSIONS, cell, strict=True)), "value": None if cell in withheld else exact_text(value)}
        for cell, value in population.joint.items()
    ]


def _errors(part: Mapping[str, float | None]) -> dict[str, str | None]:
    return {name: None if error is None else decimal_text(round(error, _SHARE_PLACES)) for name, error in part.items()}


def _coverage(figures: Figures) -> dict[str, Any]:
    """Of expected lines, by number and by size, and the reported people as a share of reported and estimated ones."""
    framed = [line for line in figures.lines if line.in_frame]
    found: dict[str, Any] = {"total": _answered(framed) | {"people": _reported_share(figures, None, "")}}
    for axis, dimension in enumerate(DIMENSIONS):
        found[dimension] = {}
        for category in figures.reported.margin(axis):
            # a form that did not come in does not say which professions it would have held
            here = [line for line in framed if category in (line.region, line.organisation_type)]
            of_lines = _answered([] if dimension == "profession_group" else here)
            found[dimension][category] = of_lines | {"people": _reported_share(figures, axis, category)}
    return found


def _answered(lines: Sequence[EligibleLine]) -> dict[str, str | None]:
    found = measure_coverage([ExpectedUnit(line.unit, line.size, line.counts is not None) for line in lines])
    return {"lines": _share(found.unit), "size": _share(found.size)}


def _reported_share(figures: Figures, axis: int | None, category: str) -> str | None:
    if figures.adjusted is None:
        return None
    counted, estimated = (
        population.total if axis is None else population.margin(axis)[category]
        for population in (figures.reported, figures.adjusted)
    )
    return _share(float(counted / estimated)) if estimated else None


def _status(figures: Figures, found: JointTotals, policy: EstimatePolicy) -> dict[str, dict[str, str]]:
    """good, caution or weak, by the share of people that was not reported and by the standard error."""
    return {
        dimension: {
            category: _STATUS[_advice(figures, found, axis, category, policy)] for category in found.margin(axis)
        }
        for axis, dimension in enumerate(DIMENSIONS)
    }


def _advice(figures: Figures, found: JointTotals, axis: int, category: str, policy: EstimatePolicy) -> Advice:
    error = found.standard_error[DIMENSIONS[axis]][category]
    value = found.margin(axis)[category]
    missing: float | None = None
    if figures.adjusted is not None:
        estimated = figures.adjusted.margin(axis)[category]
        counted = figures.reported.margin(axis)[category]
        missing = float(max(Fraction(0), 1 - counted / estimated)) if estimated else 0.0
    return give_advice(float(value), None if error is None else error**2, missing, policy)


def _left_out(cell: Mapping[str, float]) -> str | None:
    """None where so few people or organisations are left out that they could be known."""
    people = sum((Fraction(repr(count)) for count in cell.values()), Fraction(0))
    return None if is_sensitive(cell) else exact_text(people)


def _share(value: float | None) -> str | None:
    return None if value is None else decimal_text(round(value, _SHARE_PLACES))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else decimal_text(value)
