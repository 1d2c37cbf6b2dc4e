"""Margins for surveys: made of a frozen snapshot once, kept for ever under the hash of what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import InvalidRequest, NotFound
from census_api.domain.snapshots.revisions import Snapshot
from census_api.questionnaire.model import Spec
from census_api.questionnaire.survey import (
    GROUPINGS,
    CollapseRules,
    Grouping,
    SurveyGroups,
    collapse_rules,
    survey_groups,
)
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.services.margins.content import (
    ESTIMATORS,
    Estimator,
    Figures,
    build_content,
    describe_method,
    list_categories,
)
from census_api.services.margins.population import (
    SurveyPopulation,
    both_groupings,
    build_population,
    count_movers,
    eligible_lines,
    join_lines,
)
from census_api.statistics.margins.document import MarginDocument, read_document, seal_document, serve_document
from census_api.statistics.margins.estimated_totals import (
    DIMENSIONS,
    EligibleLine,
    JointTotals,
    MarginCell,
    adjust_totals,
    report_totals,
    stand_ins,
)
from census_api.statistics.margins.protection import count_contributors, find_joins, is_sensitive, protect_joint
from census_api.statistics.margins.totals import MarginsRefused
from census_api.statistics.policy import EstimatePolicy, Policy
from census_api.store.kit import audit
from census_api.store.kit.snapshots import find_year_before
from census_api.store.margins import queries as margins
from census_api.store.margins.queries import StoredMargins


@dataclass(frozen=True, slots=True)
class _Source:
    """What margins are made of. `before` is the snapshot of the year before, where there is one."""

    snapshot: Snapshot
    policy: EstimatePolicy
    spec: Spec
    groups: Mapping[Grouping, SurveyGroups]
    rules: CollapseRules
    before: Snapshot | None

    def made_by(self, grouping: Grouping) -> dict[str, Any]:
        return describe_method(self.spec, self.snapshot, self.before, self.groups[grouping], self.rules)


def get_margins(
    platform: Platform, actor: Actor, snapshot: str, *, estimator: str = "reported", grouping: str = "survey"
) -> MarginDocument:
    """The margins of a snapshot (its id, `2024` or `2024.2`), made now if nobody has asked for them before.

    Raises NotFound, InvalidRequest, and MarginsRefused where the snapshot does not yield such margins.
    """
    authorise(actor, "margins.read")
    wanted = _estimator(estimator), _grouping(grouping)
    with platform.database.snapshot(SYSTEM) as session:
        found = resolve_snapshot(session, snapshot)
        before = find_year_before(session, found)
        kept = margins.of_collection(session, found.collection)
        policy = Policy.from_dict(margins.read_policy(session, found.policy_digest)).estimate
    source = _source(platform, found, policy, before)
    return _kept(kept, source, *wanted) or _made(platform, actor, source, *wanted)


def get_margin(platform: Platform, actor: Actor, identity: str) -> MarginDocument:
    """The margins with an id. They never change. Raises NotFound."""
    authorise(actor, "margins.read")
    with platform.database.snapshot(SYSTEM) as session:
        found = margins.find_margins(session, identity.lower())
    if found is None:
        raise NotFound("There are no margins with this id. An id has 64 hexadecimal digits; check that it is whole.")
    return _read(found)


def _read(stored: StoredMargins) -> MarginDocument:
    return read_document(serve_document(stored.id, stored.document))


def _source(platform: Platform, snapshot: Snapshot, policy: EstimatePolicy, before: Snapshot | None) -> _Source:
    spec = platform.spec(snapshot.collection)
    groups = {grouping: survey_groups(spec, grouping) for grouping in GROUPINGS}
    return _Source(snapshot, policy, spec, groups, collapse_rules(platform.specs.root, spec), before)


def _kept(
    kept: list[StoredMargins], source: _Source, estimator: Estimator, grouping: Grouping
) -> MarginDocument | None:
    """The margins that were made of this snapshot in the present way."""
    for stored in kept:
        tree = json.loads(stored.document)
        same = (tree["estimator"], tree["grouping"]) == (estimator, grouping)
        if stored.snapshot_id == source.snapshot.id and same and tree["method"] == source.made_by(grouping):
            return _read(stored)
    return None


def _made(
    platform: Platform, actor: Actor, source: _Source, estimator: Estimator, grouping: Grouping
) -> MarginDocument:
    pattern = None
    # what one of a snapshot's margins withholds another must not show
    if grouping == "plan":
        pattern = get_margins(platform, SYSTEM, str(source.snapshot.id), estimator=estimator)
    elif estimator == "adjusted":
        pattern = get_margins(platform, SYSTEM, str(source.snapshot.id))
    figures = _figures(platform, source, estimator, grouping, pattern)
    if figures.population(estimator) is None:
        raise MarginsRefused(
            "cannot_adjust",
            "Non-response cannot be adjusted for in this snapshot, because of some kind of service nobody answered. "
            "Use the reported figures.",
        )
    made_by = source.made_by(grouping)
    body = build_content(
        source.spec, source.snapshot, figures, estimator, grouping, made_by, source.rules, source.policy
    )
    with platform.database.transaction(SYSTEM) as session:
        margins.one_at_a_time(session, source.snapshot.collection)
        kept = margins.of_collection(session, source.snapshot.collection)
        # somebody else may have made them meanwhile
        found = _kept(kept, source, estimator, grouping)
        if found is not None:
            return found
        supersedes = _predecessor(kept, source.snapshot, estimator, grouping)
        identity, text = seal_document(body | {"supersedes": supersedes})
        margins.add_margins(session, identity, source.snapshot, text, supersedes, platform.clock())
        audit.record(
            session,
            actor,
            "margins.made",
            collection=source.snapshot.collection,
            subject=f"margins of snapshot {source.snapshot.name}",
            at=platform.clock(),
            detail={"id": identity, "estimator": estimator, "grouping": grouping, "supersedes": supersedes},
            after=identity,
        )
    return read_document(serve_document(identity, text))


def _predecessor(kept: list[StoredMargins], snapshot: Snapshot, estimator: Estimator, grouping: Grouping) -> str | None:
    """The margins of the same kind of the latest revision up to this one, whichever were asked for first."""
    same = []
    for stored in kept:
        tree = json.loads(stored.document)
        if (tree["estimator"], tree["grouping"]) == (estimator, grouping) and stored.revision <= snapshot.revision:
            same.append(stored)
    # `kept` begins with the newest, which of one revision is the one that counts
    return max(same, key=lambda stored: stored.revision).id if same else None


def _figures(
    platform: Platform, source: _Source, estimator: Estimator, grouping: Grouping, pattern: MarginDocument | None
) -> Figures:
    these, before = _populations(platform, source)
    if not any(line.people for line in these.lines):
        raise MarginsRefused("nobody", "The snapshot holds nobody of the survey's population, so it has no margins.")
    if grouping == "plan" and any(is_sensitive(cell) for cell in count_movers(these).values()):
        raise MarginsRefused(
            "grouping_discloses",
            "The two groupings differ by so few people that they could be known. Use the survey's grouping.",
        )
    lines = eligible_lines(these, before, plan=grouping == "plan")
    names = list_categories(source.spec)
    into = _joins(lines, source.rules)
    lines = join_lines(lines, list(into.values()))
    left = tuple(tuple(name for name in part if name not in into[DIMENSIONS[axis]]) for axis, part in enumerate(names))
    counted, estimated = report_totals(lines, left), _adjusted(lines, left, source.policy)
    withheld = _pattern(lines, left) if pattern is None else _same_pattern(pattern, counted, source, grouping, into)
    if (estimator, grouping) == ("adjusted", "survey") and estimated is not None:
        # beside the reported figures it would show what stands in for one organisation: its answer of last year. Those
        # who did not answer know no cell of it, so there are no insiders
        withheld = _both(withheld, _pattern(stand_ins(lines, source.policy), left, insiders=False))
    return Figures(lines, counted, estimated, into, withheld, these.left_out, these.unknown)


def _populations(platform: Platform, source: _Source) -> tuple[SurveyPopulation, SurveyPopulation | None]:
    roles = both_groupings(source.groups["survey"], source.groups["plan"])
    with platform.database.snapshot(SYSTEM) as session:
        these = build_population(
            margins.list_lines(session, source.snapshot), margins.paid_people(session, source.snapshot), roles
        )
        if source.before is None:
            return these, None
        earlier = platform.spec(source.before.collection)
        roles = both_groupings(survey_groups(earlier, "survey"), survey_groups(earlier, "plan"))
        return these, build_population(
            margins.list_lines(session, source.before), margins.paid_people(session, source.before), roles
        )


def _joins(lines: list[EligibleLine], rules: CollapseRules) -> dict[str, dict[str, str]]:
    return {
        dimension: find_joins(
            {place[0]: cell for place, cell in count_contributors(lines, [axis]).items()}, rules.parents[dimension]
        )
        for axis, dimension in enumerate(DIMENSIONS)
    }


def _adjusted(
    lines: list[EligibleLine], names: tuple[tuple[str, ...], ...], policy: EstimatePolicy
) -> JointTotals | None:
    try:
        return adjust_totals(lines, names, policy)
    except MarginsRefused:
        return None


def _pattern(
    lines: list[EligibleLine], names: tuple[tuple[str, ...], ...], *, insiders: bool = True
) -> frozenset[MarginCell] | None:
    found = protect_joint(lines, names, insiders=insiders)
    return found.withheld if found.safe else None


def _both(one: frozenset[MarginCell] | None, other: frozenset[MarginCell] | None) -> frozenset[MarginCell] | None:
    return None if one is None or other is None else one | other


def _same_pattern(
    pattern: MarginDocument,
    counted: JointTotals,
    source: _Source,
    grouping: Grouping,
    into: Mapping[str, Mapping[str, str]],
) -> frozenset[MarginCell] | None:
    """The cells that other margins of the snapshot withhold, and those of professions that the groupings put apart."""
    shown = {
        (cell["region"], cell["profession_group"], cell["organisation_type"]): cell["value"] is not None
        for cell in pattern.tree["joint"]
    }
    if not shown or pattern.tree["disclosure"]["joined"] != into:
        return None
    apart: set[str] = set()
    if grouping == "plan":
        pairs = both_groupings(source.groups["survey"], source.groups["plan"]).values()
        apart = {group for pair in pairs if pair[0] != pair[1] for group in pair}
    return frozenset(cell for cell in counted.joint if not shown.get(cell, False) or cell[1] in apart)


def _estimator(text: str) -> Estimator:
    for known in ESTIMATORS:
        if text == known:
            return known
    raise InvalidRequest(f"The estimator is {' or '.join(ESTIMATORS)}.")


def _grouping(text: str) -> Grouping:
    for known in GROUPINGS:
        if text == known:
            return known
    raise InvalidRequest(f"The grouping is {' or '.join(GROUPINGS)}.")
