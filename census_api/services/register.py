"""The register of organisations and the frame of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from census_api.domain.access import Actor, authorise
from census_api.domain.errors import InvalidRequest, NotFound
from census_api.domain.register import FrameLine, Organisation
from census_api.services.platform import Platform, no_such_organisation
from census_api.store import audit
from census_api.store import collections as stored_collections
from census_api.store import register as stored

_MOST_NAMED = 5


def load_organisations(platform: Platform, actor: Actor, organisations: Sequence[Organisation]) -> None:
    """Adds organisations, or replaces those of the same code, all or none.

    Raises InvalidRequest naming what is wrong: a code twice, an unknown parent or successor, a merger without one.
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
        stored.upsert_organisations(session, organisations)
        audit.record(
            session,
            actor,
            "register.loaded",
            subject="register",
            at=platform.clock(),
            detail={"organisations": len(organisations)},
        )


def load_frame(platform: Platform, actor: Actor, year: int, lines: Iterable[FrameLine]) -> None:
    """Makes these lines the whole frame of the collection, all or none. A line given twice counts once.

    Raises NotFound for a collection that is not set up, InvalidRequest for unknown organisations or another year.
    """
    authorise(actor, "frame.manage")
    frame = list(dict.fromkeys(lines))
    if any(line.collection != year for line in frame):
        raise InvalidRequest(f"The list holds lines of another census than {year}. Load each year by itself.")
    with platform.database.transaction(actor) as session:
        if stored_collections.find(session, year) is None:
            raise NotFound(f"The census of {year} has not been set up here.")
        _refuse_unknown(stored.unknown_codes(session, {line.organisation for line in frame}), "organisation")
        stored.replace_frame(session, year, frame)
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
    with platform.database.transaction(actor) as session:
        found = stored.find_organisation(session, code)
    if found is None:
        raise no_such_organisation(code)
    return found[1]


def list_organisation_codes(platform: Platform, actor: Actor) -> list[str]:
    """The codes of all organisations, in order."""
    authorise(actor, "register.manage")
    with platform.database.transaction(actor) as session:
        return stored.all_codes(session)


def get_frame(platform: Platform, actor: Actor, year: int, organisation: str) -> tuple[tuple[str, str], ...]:
    """The lines expected of an organisation, as (local authority code, service type). Raises NotFound."""
    authorise(actor, "organisation.read", organisation)
    with platform.database.transaction(actor) as session:
        found = stored.find_organisation(session, organisation)
        if found is None:
            raise no_such_organisation(organisation)
        return stored.frame_of(session, year, found[0])


def _refuse_unknown(unknown: Sequence[str], role: str) -> None:
    if unknown:
        shown = ", ".join(unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        raise InvalidRequest(f"Not in the register: {role} {shown}{more}. Add them first; nothing was changed.")
