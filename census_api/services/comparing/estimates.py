"""Totals of one snapshot adjusted for non-response: reported beside estimated, with what the estimate rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from census_api.domain.comparing import ComparisonQuestion, Place, make_question
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.measures import MEASURES
from census_api.domain.register.lineage import LineageEdge
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.comparing.cells import NOBODY, Answered, count_answered, tidy_number
from census_api.services.comparing.comparisons import (
    METHOD,
    describe_snapshot,
    digest_parts,
    interval_of,
    lineage_digest,
    policy_named,
    round_published,
)
from census_api.services.comparing.estimating import KnownSizes, estimate_places
from census_api.services.comparing.level_cells import Around, measure_surroundings
from census_api.services.comparing.panel_loading import breakdowns_of, edges_of, load_one
from census_api.services.comparing.panels import Side
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.statistics.nonresponse.estimates import Estimate
from census_api.statistics.policy import Policy
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import find_year_before, list_frozen


@dataclass(frozen=True, slots=True)
class _Plan:
    asked: ComparisonQuestion
    snapshot: Snapshot
    near: tuple[Snapshot | None, Snapshot | None]
    edges: tuple[LineageEdge, ...]
    policy: Policy
    key: str


def estimate_snapshot(
    platform: Platform,
    actor: Actor,
    snapshot: str,
    *,
    measure: str,
    by: str | Sequence[str] = (),
    policy: str | None = None,
) -> dict[str, Any]:
    """Reported and estimated totals of a level, by cell and of the whole country (methods.md 2).

    An estimate that would rest on too little is None, with the advice "suppress"; what was reported always stands
    beside it. `bounds` are what the total can be, given what those that answered the year before reported then.

    Raises:
        Forbidden: for who may not read aggregates.
        NotFound: a snapshot that is not there.
        InvalidRequest: an unknown measure, breakdown or policy, or a rate.
    """
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        plan = _plan(session, platform, snapshot, measure, by, policy)
        side, known = load_one(session, platform, plan.asked, plan.snapshot, plan.near, plan.edges)
    cells = _cells(side, known, plan.asked.by, plan.policy) if plan.asked.by else []
    return {
        "id": plan.key,
        "snapshot": describe_snapshot(plan.snapshot),
        "measure": plan.asked.measure.key,
        "label": plan.asked.measure.label,
        "base": plan.asked.measure.base,
        "definition": plan.asked.measure.definition,
        "by": list(plan.asked.by),
        "policy": plan.policy.digest,
        "policy_version": plan.policy.version,
        "total": _cells(side, known, (), plan.policy)[0],
        "cells": cells,
    }


def estimate_key(
    platform: Platform,
    actor: Actor,
    snapshot: str,
    *,
    measure: str,
    by: str | Sequence[str] = (),
    policy: str | None = None,
) -> str:
    """The key of estimates, without working them out: their entity tag. Raises what `estimate_snapshot` raises."""
    authorise(actor, "aggregate.read")
    with platform.database.snapshot(SYSTEM) as session:
        return _plan(session, platform, snapshot, measure, by, policy).key


def _plan(
    session: Session, platform: Platform, text: str, measure: str, by: str | Sequence[str], policy: str | None
) -> _Plan:
    snapshot = resolve_snapshot(session, text)
    year = snapshot.collection
    asked = make_question(measure, by, breakdowns_of([platform.spec(year)]))
    if asked.measure.is_rate:
        levels = ", ".join(key for key, one in MEASURES.items() if not one.is_rate)
        raise InvalidRequest(f"Estimates are of totals, not of rates. The measures that are totals are {levels}.")
    chosen = policy_named(session, policy)
    near = _near(session, snapshot)
    edges = tuple(edges_of(session, [year, *(one.collection for one in near if one)]))
    key = digest_parts(
        {
            "method": METHOD,
            "estimates": snapshot.content_hash,
            "near": [one.content_hash if one else None for one in near],
            "spec": platform.spec(year).digest,
            "policy": chosen.digest,
            "lineage": lineage_digest(edges),
            "measure": asked.measure.definition,
            "by": asked.by,
        }
    )
    return _Plan(asked, snapshot, near, edges, chosen, key)


def _near(session: Session, snapshot: Snapshot) -> tuple[Snapshot | None, Snapshot | None]:
    """The snapshot of the year before; of a first year, for the sizes of its lines, that of the year after."""
    if snapshot.frozen_at is None:
        return None, None
    before = find_year_before(session, snapshot)
    if before is not None:
        return before, None
    later = [one for one in list_frozen(session) if one.collection == snapshot.collection + 1]
    return None, later[-1] if later else None


def _cells(side: Side, known: KnownSizes, by: Sequence[str], policy: Policy) -> list[dict[str, Any]]:
    found = estimate_places(side, by, known, policy.estimate)
    coverage = count_answered(side, by)
    before = {} if known.previous is None else measure_surroundings(known.previous, by, policy.bounds)
    order = sorted(found, key=lambda place: tuple((value is None, value or "") for value in place))
    return [_cell(place, by, found[place], coverage.get(place, NOBODY), before) for place in order]


def _cell(
    place: Place, by: Sequence[str], one: Estimate, coverage: Answered, before: Mapping[Place, Around]
) -> dict[str, Any]:
    shown = coverage.as_dict(None)
    del shown["match_rate"]
    return {
        "by": dict(zip(by, place, strict=True)),
        "reported": tidy_number(one.reported),
        "estimated": round_published(one),
        "interval": interval_of(one),
        "standard_error": None if one.variance is None else tidy_number(math.sqrt(one.variance)),
        "cv": tidy_number(one.cv),
        "imputed_share": tidy_number(one.imputed_share),
        "advice": one.advice.value,
        "bounds": _bounds(one, before.get(place)),
        "coverage": shown,
    }


def _bounds(one: Estimate, before: Around | None) -> list[float | None] | None:
    """What was reported, and what those that answered the year before can have now."""
    if before is None or before.growth is None:
        return None
    lost = before.identity.lost
    return [tidy_number(one.reported + lost * before.growth.low), tidy_number(one.reported + lost * before.growth.high)]
