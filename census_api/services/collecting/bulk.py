"""One decision about many returns: each in a transaction of its own, each with its own event in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound
from census_api.services.collecting.life import accept_return
from census_api.services.kit.platform import Platform

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one return. `problem` says why it was not accepted, None when it was."""

    organisation: str
    problem: str | None


def accept_many(platform: Platform, actor: Actor, year: int, organisations: Sequence[str]) -> list[Accepted]:
    """Accepts the signed returns of these organisations, in order; one that cannot be accepted stops no other.

    Raises Forbidden, InvalidRequest for none, too many, or an organisation given twice.
    """
    authorise(actor, "return.accept")
    if not 1 <= len(organisations) <= MOST_AT_ONCE or len(set(organisations)) != len(organisations):
        raise InvalidRequest(f"Name 1 to {MOST_AT_ONCE} organisations, each once.")
    return [_one(platform, actor, year, organisation) for organisation in organisations]


def _one(platform: Platform, actor: Actor, year: int, organisation: str) -> Accepted:
    try:
        accept_return(platform, actor, year, organisation)
    except (Conflict, NotFound) as problem:
        return Accepted(organisation, problem.message)
    return Accepted(organisation, None)
