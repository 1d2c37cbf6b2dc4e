"""The history of a return, as its organisation and the census team read it."""

from __future__ import annotations

import uuid

from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.history import ACTIONS, CHANGES, HistoryEntry
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.paging import Page, page_size, position_of
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import organisation_for
from census_api.services.kit.platform import Platform
from census_api.store.audit import history
from census_api.store.kit.session import Session

MOST_ENTRIES = 200


def get_history(
    platform: Platform, actor: Actor, year: int, organisation: str, *, cursor: str | None = None, limit: int = 50
) -> Page[HistoryEntry]:
    """What happened to the return, newest first, a sentence each. Raises NotFound, InvalidRequest."""
    authorise(actor, "return.history", organisation)
    before, size = position_of(cursor), page_size(limit, MOST_ENTRIES)
    with record_reading(platform, actor, year, organisation, "the history") as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        return history.page_history(session, year, organisation_id, ACTIONS, before=before, limit=size)


def last_change(session: Session, year: int, organisation_id: uuid.UUID) -> str | None:
    """Who changed the return last, how and when, in one sentence; None when nobody has."""
    found = history.page_history(session, year, organisation_id, CHANGES, before=None, limit=1).items
    if not found:
        return None
    return f"The last change was on {in_words(found[0].at)}: {found[0].sentence}"
