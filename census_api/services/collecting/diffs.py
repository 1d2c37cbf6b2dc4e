"""What changed between two submissions of a return, and against last year's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from census_api.domain.collecting.diff import CellChange, compare_contents
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.domain.kit.paging import Page, cursor_after, page_size, position_of
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import organisation_for
from census_api.services.collecting.submissions import get_content
from census_api.services.kit.platform import Platform
from census_api.store.collecting import returns, submissions

MOST_CHANGES = 1000
LAST_YEAR: Literal["last_year"] = "last_year"


@dataclass(frozen=True, slots=True)
class Diff:
    """A page of changes, with the collection and submission number of both sides. `counts` are of all changes."""

    before: tuple[int, int]
    after: tuple[int, int]
    counts: dict[str, int]
    changes: Page[CellChange]


def compare_submissions(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, against: int | Literal["last_year"], *,
    cursor: str | None = None, limit: int = 200,
) -> Diff:  # fmt: skip
    """What changed from `against` to submission `number`: another submission of it, or last year's return.

    Last year's is the accepted submission, else the signed one, else the newest. Raises NotFound, Conflict while one of
    them is still being checked, InvalidRequest for cursor or limit.
    """
    # neither submission ever changes, so a place in the list of changes is as good as a key
    start, size = position_of(cursor) or 0, page_size(limit, MOST_CHANGES)
    before = _last_year(platform, actor, year, organisation) if against == LAST_YEAR else (year, int(against))
    newer = get_content(platform, actor, year, organisation, number)
    older = get_content(platform, actor, before[0], organisation, before[1])
    changes = compare_contents(older, newer)
    shown = tuple(changes[start : start + size])
    following = cursor_after(start + size) if start + size < len(changes) else None
    counts = {kind: sum(change.kind == kind for change in changes) for kind in ("added", "removed", "changed")}
    return Diff(before, (year, number), counts, Page(shown, following, len(changes)))


def _last_year(platform: Platform, actor: Actor, year: int, organisation: str) -> tuple[int, int]:
    authorise(actor, "return.read", organisation)
    with record_reading(platform, actor, year, organisation, "last year's return") as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        standing = returns.standing_submission(session, year - 1, organisation_id)
        number = None if standing is None else submissions.find_row(session, year - 1, standing).number
    if number is None:
        raise NotFound(f"{organisation} has no return for {year - 1} to compare with.")
    return year - 1, number
