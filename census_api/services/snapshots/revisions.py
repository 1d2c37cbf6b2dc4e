"""Snapshots: the accepted returns of a collection, frozen as a numbered revision that never changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, NotFound
from census_api.domain.kit.paging import Page, key_of, page_size
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.kit.platform import Platform
from census_api.services.kit.snapshots import resolve_snapshot
from census_api.services.snapshots.freezing import SILENT, Progress, build_now, meaning_of, pin_sizes
from census_api.statistics.policy import DEFAULT_POLICY, Policy
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import find_latest
from census_api.store.snapshots import freezing
from census_api.store.snapshots import queries as snapshots
from census_api.store.snapshots.freezing import Meaning
from census_api.store.snapshots.queries import Beginning

MOST_SNAPSHOTS = 200


@dataclass(frozen=True, slots=True)
class Frozen:
    """A snapshot, and whether this call made it; if not, nothing has changed since, or somebody else is making it."""

    snapshot: Snapshot
    created: bool


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy, and when a result first used it; None for one that none has used yet."""

    policy: Policy
    stored_at: dt.datetime | None


def freeze_collection(
    platform: Platform, actor: Actor, year: int, policy: Policy | None = None, progress: Progress | None = None
) -> Frozen:
    """Freezes the accepted returns of a collection now, and returns when that is done.

    Nothing happens when nothing has changed since the latest revision. Raises Forbidden, NotFound, and Conflict when no
    return is accepted or somebody else is freezing just now.
    """
    begun = _start(platform, actor, year, policy or DEFAULT_POLICY, wait=True)
    if begun.snapshot.state == "frozen":
        return begun
    build_now(platform, actor, begun.snapshot, progress)
    snapshot = get_snapshot(platform, actor, str(begun.snapshot.id))
    if snapshot.state != "frozen":
        raise Conflict(f"Somebody else has taken over freezing the census of {year}. Look at the list of snapshots.")
    return Frozen(snapshot, created=True)


def request_freeze(platform: Platform, actor: Actor, year: int, policy: Policy | None = None) -> Frozen:
    """Asks for a snapshot that a worker then builds; the answer is still `building`, unless nothing has changed.

    Raises what `freeze_collection` does. Asking while one is being built with the same policy gives that one.
    """
    return _start(platform, actor, year, policy or DEFAULT_POLICY, wait=False)


def list_snapshots(
    platform: Platform, actor: Actor, year: int | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[Snapshot]:
    """A page of snapshots, the newest year and revision first. Raises Forbidden, InvalidRequest."""
    authorise(actor, "margins.read")
    after, size = key_of(cursor, int, int), page_size(limit, MOST_SNAPSHOTS)
    with platform.database.snapshot(SYSTEM) as session:
        return snapshots.page_snapshots(session, year, after, size)


def get_snapshot(platform: Platform, actor: Actor, wanted: str) -> Snapshot:
    """A snapshot by its UUID, as "2024.2", or as "2024": the latest frozen revision. Raises Forbidden, NotFound."""
    authorise(actor, "margins.read")
    with platform.database.snapshot(SYSTEM) as session:
        return resolve_snapshot(session, wanted, frozen=False)


def stored_policy(platform: Platform, digest: str) -> Policy:
    """The thresholds of a digest: those of a snapshot or a comparison, or the latest. Raises NotFound."""
    if digest == DEFAULT_POLICY.digest:
        return DEFAULT_POLICY
    with platform.database.snapshot(SYSTEM) as session:
        document = snapshots.policy_document(session, digest)
    if document is None:
        raise NotFound(f"There is no policy {digest[:64]!r} here. The list of policies says which there are.")
    return Policy.from_dict(document)


def list_policies(platform: Platform, actor: Actor) -> list[KeptPolicy]:
    """The latest policy first, whether a result has used it or not; then those of results. Raises Forbidden."""
    authorise(actor, "margins.read")
    with platform.database.snapshot(SYSTEM) as session:
        kept = [KeptPolicy(Policy.from_dict(document), at) for _, _, document, at in snapshots.list_policies(session)]
    default = [entry for entry in kept if entry.policy.digest == DEFAULT_POLICY.digest]
    others = [entry for entry in kept if entry.policy.digest != DEFAULT_POLICY.digest]
    return [*(default or [KeptPolicy(DEFAULT_POLICY, None)]), *others]


def _start(platform: Platform, actor: Actor, year: int, policy: Policy, *, wait: bool) -> Frozen:
    """The snapshot to build, or the one that makes building unnecessary. `wait`: the caller builds it."""
    authorise(actor, "snapshot.freeze")
    spec, now = platform.spec(year), platform.clock()
    with platform.database.transaction(actor) as session:
        if not snapshots.lock_collection(session, year):
            raise NotFound(f"The census of {year} has not been set up here.")
        latest = find_latest(session, year)
        if latest is not None and latest.state == "building":
            return Frozen(_being_built(session, latest, policy, now, wait=wait), created=False)
        meaning = meaning_of(spec)
        freezing.prepare_facts(session)
        freezing.pin_returns(session, meaning)
        if not freezing.accepted_returns(session):
            raise Conflict(f"No return of {year} is accepted, so there is nothing to freeze. Accept returns first.")
        before = find_latest(session, year, frozen=True)
        if before is not None and _is_unchanged(platform, session, meaning, policy, before):
            return Frozen(before, created=False)
        beginning = Beginning(year, spec.digest, policy.digest, policy.version, policy.as_dict(), actor.name, now)
        failed = latest if latest is not None and latest.state == "failed" else None
        snapshot = snapshots.start_snapshot(session, beginning, before, failed)
        if not wait:
            snapshots.queue_building(session, year, snapshot.id)
        audit.record(
            session,
            actor,
            "snapshot.started",
            collection=year,
            subject=f"snapshot {snapshot.name}",
            detail={"id": str(snapshot.id), "policy": policy.digest, "spec": spec.digest},
            at=now,
        )
    return Frozen(snapshot, created=True)


def _being_built(session: Session, snapshot: Snapshot, policy: Policy, now: dt.datetime, *, wait: bool) -> Snapshot:
    """The snapshot that is being built, for who asked for the same. Raises Conflict."""
    said = f"{snapshot.started_by} is having the census of {snapshot.collection} frozen just now ({snapshot.share:.0%} done)."
    if snapshot.policy_digest != policy.digest:
        raise Conflict(f"{said} That is with other thresholds than these. Wait until it is done, then ask again.")
    if wait and not snapshots.is_silent(session, snapshot, now - SILENT):
        raise Conflict(f"{said} Wait until it is done; nothing was changed.")
    return snapshot


def _is_unchanged(platform: Platform, session: Session, meaning: Meaning, policy: Policy, before: Snapshot) -> bool:
    """Whether a snapshot made of what is pinned would have the content of the one before."""
    if (before.spec_digest, before.policy_digest) != (meaning.spec_digest, policy.digest):
        return False
    # the sizes of a large census take a while to work out: only when nothing else has changed
    if not freezing.returns_are_those_of(session, meaning.year, before.id):
        return False
    pin_sizes(platform, session, meaning.year)
    return freezing.pinned_hash(session, meaning, policy.digest) == before.content_hash
