"""Two snapshots compared, cell by cell: what may be compared, why not where not, and what is valid instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from census_api.domain.comparing import ComparisonQuestion, Place, make_question
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.register.lineage import LineageEdge
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.comparing.cells import ComparisonCell, Work, tidy_number
from census_api.services.comparing.estimating import KnownSizes, estimate_places
from census_api.services.comparing.level_cells import level_cells
from census_api.services.comparing.panel_loading import breakdowns_of, edges_of, load_panel
from census_api.services.comparing.panels import Side
from census_api.services.comparing.rate_cells import rate_cells, show_composition
from census_api.services.comparing.shares import add_shares
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.statistics.nonresponse.estimates import Advice, Estimate
from census_api.statistics.policy import DEFAULT_POLICY, EstimatePolicy, Policy
from census_api.store.comparing import queries as stored
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import find_year_before, list_frozen
from census_api.store.snapshots import queries as snapshots

METHOD = 1
"""Counts up whenever a comparison of the same snapshots under the same policy would come out otherwise than before."""


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """What a comparison follows from. `key` is the SHA-256 of it: the same key always has the same answer."""

    asked: ComparisonQuestion
    snapshots: tuple[Snapshot, Snapshot]
    earlier: Snapshot | None
    edges: tuple[LineageEdge, ...]
    policy: Policy
    lineage: str
    key: str


def compare_snapshots(
    platform: Platform,
    actor: Actor,
    before: str,
    after: str,
    *,
    measure: str,
    by: str | Sequence[str] = (),
    policy: str | None = None,
) -> dict[str, Any]:
    """The comparison of two snapshots, each named by its id, its year or its year and revision (design.md 5).

    `total` is the cell of the whole country, `cells` those of the breakdown. Changes are None wherever a cell is
    blocked. What was worked out once is kept and read again.

    Raises:
        Forbidden: for who may not read aggregates.
        NotFound: a snapshot that is not there.
        InvalidRequest: an unknown measure, breakdown or policy, or snapshots that are not in order of their years.
    """
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        plan = _plan(session, platform, before, after, measure, by, policy)
        kept = stored.kept_result(session, plan.key)
        document = kept or _answer(session, platform, plan)
    if kept is None:
        with platform.database.transaction(SYSTEM) as session:
            stored.keep_result(session, plan.key, document, platform.clock())
    return document


def comparison_key(
    platform: Platform,
    actor: Actor,
    before: str,
    after: str,
    *,
    measure: str,
    by: str | Sequence[str] = (),
    policy: str | None = None,
) -> str:
    """The key of a comparison, without working it out: its entity tag. Raises what `compare_snapshots` raises."""
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        return _plan(session, platform, before, after, measure, by, policy).key


def list_choices(platform: Platform, actor: Actor) -> tuple[list[Snapshot], list[str]]:
    """What can be compared: the frozen snapshots in order of year and revision, and the keys of the breakdowns."""
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        frozen = list_frozen(session)
    years = sorted({snapshot.collection for snapshot in frozen})
    return frozen, list(breakdowns_of([platform.spec(year) for year in years])) if years else []


def policy_named(session: Session, name: str | None) -> Policy:
    """The policy of a version or digest; without a name the latest, which is the platform's own.

    Raises InvalidRequest, and says which there are.
    """
    if name in (None, DEFAULT_POLICY.digest, DEFAULT_POLICY.version):
        return DEFAULT_POLICY
    known = snapshots.list_policies(session)
    for digest_, version, document, _ in known:
        if name in (digest_, version):
            return Policy.from_dict(document)
    versions = dict.fromkeys([DEFAULT_POLICY.version, *(version for _, version, _, _ in known)])
    raise InvalidRequest(f"There is no policy of that version or digest. The versions are {', '.join(versions)}.")


def _plan(
    session: Session,
    platform: Platform,
    before: str,
    after: str,
    measure: str,
    by: str | Sequence[str],
    policy: str | None,
) -> ComparisonPlan:
    pair = (resolve_snapshot(session, before), resolve_snapshot(session, after))
    years = (pair[0].collection, pair[1].collection)
    if years[0] >= years[1]:
        raise InvalidRequest("The first snapshot must be of an earlier year than the second. Exchange them.")
    specs = [platform.spec(year) for year in years]
    asked = make_question(measure, by, breakdowns_of(specs))
    chosen = policy_named(session, policy)
    earlier = find_year_before(session, pair[0])
    edges = tuple(edges_of(session, (*years, *([earlier.collection] if earlier else []))))
    lineage = lineage_digest(edges)
    parts: dict[str, Any] = {
        "method": METHOD,
        "snapshots": [one.content_hash for one in pair],
        "earlier": earlier.content_hash if earlier else None,
        "specs": [spec.digest for spec in specs],
        "policy": chosen.digest,
        "lineage": lineage,
        "measure": asked.measure.definition,
        "by": asked.by,
    }
    return ComparisonPlan(asked, pair, earlier, edges, chosen, lineage, digest_parts(parts))


def digest_parts(parts: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def lineage_digest(edges: Sequence[LineageEdge]) -> str:
    """Of everything about edges that a comparison depends on, whatever their order."""
    rows = sorted(
        [edge.from_year, str(edge.source), edge.to_year, str(edge.target), edge.kind, edge.state] for edge in edges
    )
    return digest_parts({"edges": rows})


def _answer(session: Session, platform: Platform, plan: ComparisonPlan) -> dict[str, Any]:
    loaded = load_panel(session, platform, plan.asked, plan.snapshots, plan.earlier, plan.edges)
    work = Work(plan.asked, loaded.panel, loaded.definitions, plan.policy)
    total, cells = _cells(work, (), loaded.known), _cells(work, plan.asked.by, loaded.known) if plan.asked.by else []
    if not plan.asked.measure.is_rate:
        add_shares(work, total[0], cells)
    level = plan.policy.level
    return {
        "id": plan.key,
        "from": describe_snapshot(plan.snapshots[0]),
        "to": describe_snapshot(plan.snapshots[1]),
        "measure": plan.asked.measure.key,
        "label": plan.asked.measure.label,
        "base": plan.asked.measure.base,
        "by": list(plan.asked.by),
        "policy": plan.policy.digest,
        "policy_version": plan.policy.version,
        "tolerance": {
            "growth_difference": level.growth_difference,
            "comparable": tidy_number(level.tolerance(level.comparable_match_rate)),
            "caution": tidy_number(level.tolerance(level.blocked_match_rate)),
        },
        "lineage": plan.lineage,
        "total": total[0],
        "cells": cells,
        "composition": show_composition(loaded.panel, plan.asked.by) if plan.asked.measure.is_rate else None,
    }


def describe_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as answers name it."""
    return {
        "id": str(snapshot.id), "name": snapshot.name, "collection": snapshot.collection,
        "revision": snapshot.revision, "content_hash": snapshot.content_hash,
    }  # fmt: skip


def _cells(work: Work, by: Sequence[str], known: tuple[KnownSizes, KnownSizes]) -> list[ComparisonCell]:
    if work.asked.measure.is_rate:
        return rate_cells(work, by)
    return level_cells(work, by, _estimates(work.panel.sides, by, known, work.policy.estimate))


def _estimates(
    sides: tuple[Side, Side], by: Sequence[str], known: tuple[KnownSizes, KnownSizes], policy: EstimatePolicy
) -> dict[Place, ComparisonCell]:
    """Estimates of both years by cell."""
    before, after = (estimate_places(side, by, of, policy) for side, of in zip(sides, known, strict=True))
    return {place: _both(before.get(place), after.get(place)) for place in before.keys() | after.keys()}


def _both(before: Estimate | None, after: Estimate | None) -> ComparisonCell:
    """What is published of the estimates of two years. One that is to be suppressed is not there."""
    years = {"from": before, "to": after}
    return {
        **{name: round_published(one) for name, one in years.items()},
        "intervals": {name: interval_of(one) for name, one in years.items()},
        "imputed": {name: None if one is None else tidy_number(one.imputed_share) for name, one in years.items()},
        "advice": {name: None if one is None else one.advice.value for name, one in years.items()},
    }


def round_published(one: Estimate | None) -> float | None:
    """The estimate, unless it rests on too little."""
    return None if one is None or one.advice is Advice.SUPPRESS else tidy_number(one.estimated)


def interval_of(one: Estimate | None) -> list[float | None] | None:
    """Its non-response interval, unless it rests on too little."""
    if one is None or one.interval is None or one.advice is Advice.SUPPRESS:
        return None
    return [tidy_number(end) for end in one.interval]
