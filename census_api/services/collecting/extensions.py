"""Longer time for one organisation."""

from __future__ import annotations

import datetime as dt

from census_api.domain.collecting.deadlines import end_of
from census_api.domain.collecting.questions import checked_why
from census_api.domain.collecting.returns import Return
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import InvalidRequest
from census_api.services.collecting.life import change_return
from census_api.services.kit.platform import Platform
from census_api.store.collecting import extensions


def extend_deadline(
    platform: Platform, actor: Actor, year: int, organisation: str, until: dt.date, *, reason: str,
    expected: int | None = None,
) -> Return:  # fmt: skip
    """Gives an organisation until the end of a day in England, whatever it was given before.

    An earlier day than now takes the longer time away. Raises NotFound, Forbidden, Stale, InvalidRequest for a day
    that is before the collection opens or more than a year away.
    """
    authorise(actor, "return.extend", organisation)
    why, end = checked_why(reason), end_of(until)
    with change_return(platform, actor, "return.extend", year, organisation, expected) as change:
        before = extensions.deadline_of(change.session, year, change.organisation_id)
        if not before.window.opens < end < change.now + dt.timedelta(days=366):
            raise InvalidRequest("An extension ends after the census opens and at most a year from now.")
        extensions.grant_extension(
            change.session, year, change.organisation_id, until=end, reason=why, by=actor.name, at=change.now
        )
        change.row.version += 1
        was = None if before.extension is None else before.extension.isoformat()
        change.record("return.extended", detail={"until": end.isoformat(), "reason": why, "was": was})
        return change.result()
