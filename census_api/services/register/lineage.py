"""Lineage: which line goes on as which, who says so, and on what evidence. No year is ever rewritten by it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal
from uuid import UUID

from census_api.domain.collecting.deadlines import in_words
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound
from census_api.domain.kit.paging import Page, key_of, page_size
from census_api.domain.register.lineage import EdgeFilter, EdgeState, LineageEdge, LineKey
from census_api.domain.register.suggestions import suggest_edges
from census_api.questionnaire.areas import AREAS, area_began, areas_after
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.register import lineage
from census_api.store.register import queries as register

MOST_EDGES = 500
LONGEST_EVIDENCE = 1000
_MOST_NAMED = 5
_AREA_CHANGE = "Change of local authorities"
"""How the evidence of the edges begins that follow from the code lists alone."""


def load_edges(platform: Platform, actor: Actor, edges: Iterable[LineageEdge]) -> int:
    """Adds edges, all or none, and says how many were new. An edge whose ends have a decided one already changes nothing.

    A confirmed or refused edge that does not say who decided it was decided by the actor, now. Raises InvalidRequest
    naming everything that is wrong: organisations, local authorities and services that are not there, dates outside the
    two collections, evidence that is missing.
    """
    authorise(actor, "frame.manage")
    now = platform.clock()
    given = [_with_decision(edge, actor, now) for edge in edges]
    with platform.database.transaction(actor) as session:
        _refuse_wrong(platform, session, given)
        changed = lineage.add_edges(session, given)
        audit.record(
            session,
            actor,
            "lineage.loaded",
            subject="lineage",
            at=now,
            detail={"edges": len(given), "changed": changed},
        )
    return changed


def add_edge(platform: Platform, actor: Actor, edge: LineageEdge) -> LineageEdge:
    """Adds one edge and gives it as it is stored. Raises InvalidRequest, or Conflict when its ends have one already."""
    authorise(actor, "frame.manage")
    now = platform.clock()
    wanted = _with_decision(edge, actor, now)
    with platform.database.transaction(actor) as session:
        _refuse_wrong(platform, session, [wanted])
        if not lineage.add_edges(session, [wanted]):
            raise Conflict("There is an edge between these two lines already. Look it up and decide that one.")
        between = lineage.edges_between(session, edge.from_year, edge.to_year)
        stored = next(one for one in between if _ends(one) == _ends(edge))
        _record(session, actor, "lineage.added", stored, now)
    return stored


def list_edges(
    platform: Platform, actor: Actor, wanted: EdgeFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[LineageEdge]:
    """A page of edges, in order of year, date and ends. Raises InvalidRequest."""
    authorise(actor, "progress.read")
    after, size = key_of(cursor, *lineage.EDGE_KEY), page_size(limit, MOST_EDGES)
    with platform.database.snapshot(SYSTEM) as session:
        return lineage.page_edges(session, wanted, after, size)


def settle_edge(
    platform: Platform, actor: Actor, edge_id: UUID, decision: Literal["confirmed", "refused"], evidence: str
) -> LineageEdge:
    """Confirms or refuses an edge, with what shows it. A decision can be replaced by the other one, never repeated.

    Raises NotFound, InvalidRequest without evidence, Conflict when that is how it was decided before.
    """
    authorise(actor, "frame.manage")
    now, reason = platform.clock(), _evidence(evidence)
    with platform.database.transaction(actor) as session:
        before = lineage.find_edge(session, edge_id, lock=True)
        if before is None:
            raise NotFound("There is no edge of that number. Look it up in the list of lineage.")
        if before.state == decision:
            when = f" on {in_words(before.decided_at)}" if before.decided_at else ""
            raise Conflict(f"This edge was {decision} by {before.decided_by}{when} already.")
        lineage.decide_edge(session, edge_id, decision, reason, actor.name, now)
        after = replace(before, state=decision, evidence=reason, decided_by=actor.name, decided_at=now)
        _record(session, actor, f"lineage.{decision}", after, now, before=before.state)
    return after


def store_suggestions(platform: Platform, actor: Actor, from_year: int, to_year: int) -> list[LineageEdge]:
    """Finds likely edges between the frames of two collections, stores them as suggested, and gives the new ones.

    They join nothing: the cells that they touch stay capped at CAUTION until somebody decides. What was suggested or
    decided before is not suggested again. Raises NotFound, InvalidRequest for years in the wrong order, Conflict without frames.
    """
    authorise(actor, "frame.manage")
    spec, now = _later_spec(platform, from_year, to_year), platform.clock()
    effective = platform.spec(to_year).collection.flow_from
    with platform.database.transaction(actor) as session:
        framed = lineage.framed_years(session)
        missing = [str(year) for year in (from_year, to_year) if year not in framed]
        if missing:
            raise Conflict(f"Nobody has loaded the frame of {' and '.join(missing)}. Load it first.")
        known = lineage.edges_between(session, from_year, to_year)
        found = suggest_edges(
            lineage.framed_lines(session, from_year),
            lineage.framed_lines(session, to_year),
            {entry.code: entry for entry in register.all_organisations(session)},
            lambda area: areas_after(spec, area),
            [(edge.source, edge.target) for edge in known if (edge.from_year, edge.to_year) == (from_year, to_year)],
        )
        edges = [
            LineageEdge(
                from_year, one.source, to_year, one.target, one.kind, effective,
                "Not decided: see what suggested it.", suggested_by=f"Likeness {one.score:.2f}: {one.why}.",
            )
            for one in found
        ]  # fmt: skip
        lineage.add_edges(session, edges)
        detail = {"from": from_year, "to": to_year, "suggested": len(edges)}
        audit.record(session, actor, "lineage.suggested", subject="lineage", at=now, detail=detail)
        fresh = {(one.source, one.target) for one in found}
        stored = lineage.edges_between(session, from_year, to_year)
    # the likeliest first, as they were found
    order = {pair: place for place, pair in enumerate((one.source, one.target) for one in found)}
    new = [edge for edge in stored if edge.state == "suggested" and (edge.source, edge.target) in fresh]
    return sorted(new, key=lambda edge: order[edge.source, edge.target])


def follow_areas(platform: Platform, session: Session, year: int) -> int:
    """Makes the edges of local authorities that changed between this frame and those of the years beside it.

    Confirmed by the platform, since the spec declares the change. Those that no longer follow from the frames are
    taken away; what people decided about the same lines stands. Says how many edges there are now.
    """
    framed = lineage.framed_years(session)
    pairs = [pair for pair in pairwise(framed) if year in pair]
    count = 0
    for from_year, to_year in pairs:
        wanted = _area_edges(platform, session, from_year, to_year)
        ends = {_ends(edge) for edge in wanted}
        stored = [edge for edge in lineage.edges_between(session, from_year, to_year) if edge.decided_by == SYSTEM.name]
        gone = [edge.id for edge in stored if edge.id and _is_of_areas(edge) and _ends(edge) not in ends]
        lineage.forget_edges(session, gone)
        lineage.add_edges(session, wanted)
        count += len(wanted)
    return count


def _area_edges(platform: Platform, session: Session, from_year: int, to_year: int) -> list[LineageEdge]:
    spec, now = platform.spec(to_year), platform.clock()
    after = frozenset(lineage.framed_lines(session, to_year))
    pairs = []
    for source in lineage.framed_lines(session, from_year):
        areas = areas_after(spec, source.local_authority_code)
        targets = [LineKey(source.organisation, area, source.service_type) for area in areas]
        pairs += [(source, target) for target in targets if target in after and target != source]
    leaving, arriving = Counter(source for source, _ in pairs), Counter(target for _, target in pairs)
    return [
        LineageEdge(
            from_year,
            source,
            to_year,
            target,
            "split" if leaving[source] > 1 else "merged" if arriving[target] > 1 else "renamed",
            area_began(spec, target.local_authority_code) or spec.collection.flow_from,
            f"{_AREA_CHANGE}: {_named(spec, source)} became {_named(spec, target)}, in the code list of {to_year}.",
            "confirmed",
            decided_by=SYSTEM.name,
            decided_at=now,
        )
        for source, target in pairs
    ]


def _is_of_areas(edge: LineageEdge) -> bool:
    return edge.evidence.startswith(_AREA_CHANGE)


def _named(spec: Spec, line: LineKey) -> str:
    code = line.local_authority_code
    areas = spec.code_lists[AREAS]
    known = areas.by_code.get(code) or next(entry for entry in areas.former if entry.code == code)
    return f"{known.label} ({code})"


def _ends(edge: LineageEdge) -> tuple[int, LineKey, int, LineKey]:
    return (edge.from_year, edge.source, edge.to_year, edge.target)


def _with_decision(edge: LineageEdge, actor: Actor, now: dt.datetime) -> LineageEdge:
    if edge.state == "suggested":
        return replace(edge, decided_by=None, decided_at=None)
    return replace(edge, decided_by=edge.decided_by or actor.name, decided_at=edge.decided_at or now)


def _record(
    session: Session, actor: Actor, action: str, edge: LineageEdge, at: dt.datetime, before: EdgeState | None = None
) -> None:
    detail = {
        "kind": edge.kind, "from_year": edge.from_year, "source": str(edge.source), "to_year": edge.to_year,
        "target": str(edge.target), "state": edge.state, "before": before,
    }  # fmt: skip
    audit.record(session, actor, action, subject=f"edge {edge.id}", at=at, detail=detail)


def _later_spec(platform: Platform, from_year: int, to_year: int) -> Spec:
    platform.spec(from_year)
    spec = platform.spec(to_year)
    if from_year >= to_year:
        raise InvalidRequest("Lineage goes from an earlier year to a later one. Swap the two years.")
    return spec


def _evidence(text: str) -> str:
    shown = text.strip()
    if not 1 <= len(shown) <= LONGEST_EVIDENCE:
        raise InvalidRequest(
            f"Say what shows it: the evidence of an edge has from 1 to {LONGEST_EVIDENCE:,} characters."
        )
    return shown


def _refuse_wrong(platform: Platform, session: Session, edges: Sequence[LineageEdge]) -> None:
    codes = {end.organisation for edge in edges for end in (edge.source, edge.target)}
    unknown = frozenset(register.unknown_codes(session, codes))
    problems = [
        f"{edge.source} of {edge.from_year} to {edge.target} of {edge.to_year}: {problem}"
        for edge in edges
        for problem in _problems(platform, edge, unknown)
    ]
    if problems:
        more = f" And {len(problems) - _MOST_NAMED} more." if len(problems) > _MOST_NAMED else ""
        raise InvalidRequest(f"{' '.join(problems[:_MOST_NAMED])}{more} Nothing was changed.")


def _problems(platform: Platform, edge: LineageEdge, unknown: frozenset[str]) -> list[str]:
    if edge.from_year >= edge.to_year:
        return ["an edge goes from an earlier year to a later one."]
    problems = []
    for year, end in ((edge.from_year, edge.source), (edge.to_year, edge.target)):
        spec = platform.spec(year)
        if end.organisation in unknown:
            problems.append(f"{end.organisation} is not in the register.")
        if end.local_authority_code not in spec.code_lists[AREAS].by_code:
            problems.append(f"{end.local_authority_code} is not a local authority of {year}.")
        if end.service_type not in spec.code_lists["service_types"].by_code:
            problems.append(f"{end.service_type} is not a service type of {year}.")
    first, last = (platform.spec(year).collection.reference_date for year in (edge.from_year, edge.to_year))
    if not first < edge.effective <= last:
        problems.append(f"its date lies outside {first} to {last}.")
    if not 1 <= len(edge.evidence.strip()) <= LONGEST_EVIDENCE:
        problems.append(f"its evidence has from 1 to {LONGEST_EVIDENCE:,} characters.")
    return problems
