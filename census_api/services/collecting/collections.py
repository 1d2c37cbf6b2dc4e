"""The collections: one for each year that has a spec."""

from __future__ import annotations

from census_api.domain.collecting.collection import CollectionStatus, Window, window_of
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import InvalidRequest, NotFound
from census_api.questionnaire.model import Spec
from census_api.services.kit.platform import Platform
from census_api.store.collecting import collections as stored
from census_api.store.collecting.collections import StoredCollection
from census_api.store.kit import audit


def ensure_collections(platform: Platform, actor: Actor) -> list[int]:
    """Makes the collection of every year that has a spec, and returns the years that were new.

    New ones get the dates of their spec; existing ones keep theirs, and take note of a spec that has changed.
    """
    authorise(actor, "register.manage")
    new = []
    with platform.database.transaction(actor) as session:
        for year in platform.specs.years:
            spec = platform.spec(year)
            dates = spec.collection
            window = window_of(dates.opens, dates.closes, dates.late_until)
            before = stored.find_collection(session, year)
            if before is not None and before.spec_digest == spec.digest:
                continue
            if stored.add_collection(session, year, spec.digest, window):
                new.append(year)
            stored.set_digest(session, year, spec.digest)
            audit.record(
                session,
                actor,
                "collection.prepared",
                subject=f"collection {year}",
                at=platform.clock(),
                collection=year,
                before=before.spec_digest if before else None,
                after=spec.digest,
            )
    return new


def list_collections(platform: Platform, actor: Actor) -> list[CollectionStatus]:
    """All collections, in order of year."""
    authorise(actor, "collection.read")
    with platform.database.snapshot(actor) as session:
        rows = stored.all_collections(session)
    # a database may be older or newer than the specs at hand
    return [_status(row, platform.spec(row.year)) for row in rows if row.year in platform.specs.years]


def get_collection(platform: Platform, actor: Actor, year: int) -> CollectionStatus:
    """One collection. Raises NotFound."""
    authorise(actor, "collection.read")
    spec = platform.spec(year)
    with platform.database.snapshot(actor) as session:
        row = stored.find_collection(session, year)
    if row is None:
        raise NotFound(f"The census of {year} has not been set up here.")
    return _status(row, spec)


def set_window(platform: Platform, actor: Actor, year: int, window: Window) -> None:
    """Moves the dates of a collection. Raises NotFound, or InvalidRequest when they are not in order."""
    authorise(actor, "register.manage")
    if not window.opens < window.closes <= window.late_until:
        raise InvalidRequest("A census opens before it closes, and its late window ends no earlier than that.")
    before = get_collection(platform, actor, year).window
    with platform.database.transaction(actor) as session:
        stored.set_window(session, year, window)
        audit.record(
            session,
            actor,
            "collection.dates_set",
            subject=f"collection {year}",
            at=platform.clock(),
            collection=year,
            detail={"before": _instants(before), "after": _instants(window)},
        )


def _instants(window: Window) -> list[str]:
    return [moment.isoformat() for moment in (window.opens, window.closes, window.late_until)]


def _status(row: StoredCollection, spec: Spec) -> CollectionStatus:
    return CollectionStatus(
        year=row.year,
        title=spec.collection.title,
        reference_date=spec.collection.reference_date,
        spec_digest=row.spec_digest,
        window=row.window,
        state=row.state,
    )
