"""The returns of a collection side by side, for the census team. What is in a return is read elsewhere, and recorded."""

from __future__ import annotations

from dataclasses import replace

from census_api.domain.collecting.returns import ReturnState
from census_api.domain.collecting.standing import ReturnFilter, ReturnStanding
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.domain.kit.paging import Page, cursor_after, key_of, page_size
from census_api.services.kit.platform import Platform
from census_api.store.collecting import collections, return_lists

MOST_RETURNS = 500


def list_returns(
    platform: Platform, actor: Actor, year: int, wanted: ReturnFilter | None = None, *,
    cursor: str | None = None, limit: int = 50,
) -> Page[ReturnStanding]:  # fmt: skip
    """A page of the returns of everybody who is expected or has answered, by organisation code.

    Raises Forbidden, NotFound for a collection that is not set up, InvalidRequest for cursor or limit.
    """
    authorise(actor, "return.accept")
    found = _folded(wanted or ReturnFilter())
    key, size = key_of(cursor, str), page_size(limit, MOST_RETURNS)
    with platform.database.snapshot(actor) as session:
        if collections.find_collection(session, year) is None:
            raise NotFound(f"The census of {year} has not been set up here.")
        counts = return_lists.count_states(session, year, found.search)
        items, more = return_lists.page_returns(session, year, found, None if key is None else key[0], size)
    total = sum(counts.values()) if found.state is None else counts[found.state]
    return Page(tuple(items), cursor_after(items[-1].organisation) if more else None, total)


def count_returns(platform: Platform, actor: Actor, year: int, *, search: str | None = None) -> dict[ReturnState, int]:
    """How many returns are in each state. Raises Forbidden, NotFound for a collection that is not set up."""
    authorise(actor, "return.accept")
    with platform.database.snapshot(actor) as session:
        if collections.find_collection(session, year) is None:
            raise NotFound(f"The census of {year} has not been set up here.")
        return return_lists.count_states(session, year, _folded(ReturnFilter(search=search)).search)


def _folded(wanted: ReturnFilter) -> ReturnFilter:
    """White space folded; what cannot be stored cannot be found either."""
    words = " ".join((wanted.search or "").replace("\x00", " ").split())[:100]
    return replace(wanted, search=words or None)
