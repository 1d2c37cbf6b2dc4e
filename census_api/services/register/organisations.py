"""The register of organisations and the frame of a collection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import InvalidRequest, NotFound, Stale
from census_api.domain.kit.paging import Page, key_of, page_size
from census_api.domain.register.organisations import FrameLine, Organisation, OrganisationFilter, SectorSpell
from census_api.services.kit.platform import Platform, no_such_organisation
from census_api.services.register.lineage import follow_areas
from census_api.store.collecting import collections as stored_collections
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.register import queries as stored

MOST_ORGANISATIONS = 500
_MOST_NAMED = 5
_NO_DATES: Mapping[str, dt.date] = MappingProxyType({})


def load_organisations(
    platform: Platform, actor: Actor, organisations: Sequence[Organisation], since: Mapping[str, dt.date] = _NO_DATES
) -> None:
    """Adds organisations, or replaces those of the same code, all or none.

    A sector that changes is remembered with the day of the change: that of `since` by code, or today. Raises InvalidRequest naming what is wrong: a code twice, an unknown parent or successor, a merger without one.
    """
    authorise(actor, "register.manage")
    codes = {entry.code for entry in organisations}
    if len(codes) != len(organisations):
        raise InvalidRequest("An organisation code stands twice in the list. Give each organisation one entry.")
    for entry in organisations:
        if (entry.status == "merged") != (entry.merged_into is not None):
            raise InvalidRequest(f"{entry.code}: a merged organisation, and only one, names its successor.")
    named = {code for entry in organisations for code in (entry.parent, entry.merged_into) if code is not None}
    with platform.database.transaction(actor) as session:
        _refuse_unknown(stored.unknown_codes(session, named - codes), "parent or successor")
        before = stored.sectors_of(session, codes)
        stored.upsert_organisations(session, organisations)
        _remember_sectors(session, before, organisations, since, platform.clock().date())
        audit.record(
            session,
            actor,
            "register.loaded",
            subject="register",
            at=platform.clock(),
            detail={"organisations": len(organisations)},
        )


def load_frame(
    platform: Platform, actor: Actor, year: int, lines: Iterable[FrameLine],
    seen: Collection[FrameLine] | None = None,
) -> None:  # fmt: skip
    """Makes these lines the whole frame of the collection, all or none. A line given twice counts once.

    `seen` is the frame that the lines were made from. Raises NotFound for a collection that is not set up,
    InvalidRequest for unknown organisations or another year, Stale when the frame is not what was seen.
    """
    authorise(actor, "frame.manage")
    frame = list(dict.fromkeys(lines))
    if any(line.collection != year for line in frame):
        raise InvalidRequest(f"The list holds lines of another census than {year}. Load each year by itself.")
    with platform.database.transaction(actor) as session:
        if stored_collections.find_collection(session, year) is None:
            raise NotFound(f"The census of {year} has not been set up here.")
        _refuse_unknown(stored.unknown_codes(session, {line.organisation for line in frame}), "organisation")
        stored.lock_frame(session, year)
        if seen is not None and frozenset(seen) != frozenset(stored.whole_frame(session, year)):
            raise Stale("Somebody else has changed this frame meanwhile. Look at it again, then send yours.")
        stored.replace_frame(session, year, frame)
        follow_areas(platform, session, year)
        audit.record(
            session,
            actor,
            "frame.loaded",
            subject=f"frame {year}",
            at=platform.clock(),
            collection=year,
            detail={"lines": len(frame)},
        )


def get_organisation(platform: Platform, actor: Actor, code: str) -> Organisation:
    """One organisation. Raises NotFound."""
    authorise(actor, "organisation.read", code)
    with platform.database.snapshot(actor) as session:
        found = stored.find_organisation(session, code)
    if found is None:
        raise no_such_organisation(code)
    return found[1]


def list_organisations(
    platform: Platform, actor: Actor, wanted: OrganisationFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[Organisation]:
    """A page of the register in order of code. Raises InvalidRequest."""
    authorise(actor, "register.manage")
    after, size = key_of(cursor, str), page_size(limit, MOST_ORGANISATIONS)
    with platform.database.snapshot(actor) as session:
        return stored.page_organisations(session, wanted, after, size)


def sector_history(platform: Platform, actor: Actor, code: str) -> tuple[SectorSpell, ...]:
    """The sectors of an organisation in order of time, the present one last. Raises NotFound."""
    authorise(actor, "organisation.read", code)
    with platform.database.snapshot(actor) as session:
        found = stored.sector_spells(session, [code])
    if code not in found:
        raise no_such_organisation(code)
    return found[code]


def list_organisation_codes(platform: Platform, actor: Actor) -> list[str]:
    """The codes of all organisations, in order."""
    authorise(actor, "register.manage")
    with platform.database.snapshot(actor) as session:
        return stored.all_codes(session)


def get_frame(platform: Platform, actor: Actor, year: int, organisation: str) -> tuple[tuple[str, str], ...]:
    """The lines expected of an organisation, as (local authority code, service type). Raises NotFound."""
    authorise(actor, "organisation.read", organisation)
    with platform.database.snapshot(actor) as session:
        found = stored.find_organisation(session, organisation)
        if found is None:
            raise no_such_organisation(organisation)
        return stored.frame_of(session, year, found[0])


def _remember_sectors(
    session: Session, before: Mapping[str, str | None], after: Sequence[Organisation], since: Mapping[str, dt.date],
    today: dt.date,
) -> None:  # fmt: skip
    for entry in after:
        known, day = entry.code in before, since.get(entry.code)
        if known and before[entry.code] != entry.sector:
            stored.remember_sector(session, entry.code, before[entry.code], day or today)
        elif day is not None:
            stored.move_last_change(session, entry.code, day)


def _refuse_unknown(unknown: Sequence[str], role: str) -> None:
    if unknown:
        shown = ", ".join(unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        raise InvalidRequest(f"Not in the register: {role} {shown}{more}. Add them first; nothing was changed.")
