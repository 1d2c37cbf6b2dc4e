"""The audit: what is read by people outside is recorded as it is read, and the whole can be verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from census_api.domain.audit import AuditEvent, AuditFilter, ChainEnd, ChainVerdict, chain_name, link_hash
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.paging import Page, page_size, position_of
from census_api.services.kit.platform import Platform
from census_api.store.audit import queries as audit_reading
from census_api.store.audit.queries import ChainLink
from census_api.store.kit import audit
from census_api.store.kit.session import Session

MOST_EVENTS = 500
_MOST_NAMED = 100


@contextmanager
def record_reading(platform: Platform, actor: Actor, year: int, organisation: str, what: str) -> Iterator[Session]:
    """A session to read a return in. `what` is read: "the report of submission 3", for example.

    When the reader does not belong to the organisation, the event is stored before anything is shown. What is sealed
    never changes, so such a reader sees one state of a submission as well.
    """
    if not is_outside(actor, organisation):
        with platform.database.snapshot(actor) as session:
            yield session
        return

    def note(session: Session) -> None:
        audit.record(
            session,
            actor,
            "return.read",
            organisation=organisation,
            collection=year,
            subject=f"{what} of {organisation} for {year}",
            at=platform.clock(),
        )

    with platform.database.reading(actor, note) as session:
        yield session


def is_outside(actor: Actor, organisation: str) -> bool:
    """True for a person or token that does not belong to the organisation. The platform itself is no reader."""
    return actor.kind != "system" and organisation not in actor.memberships


def list_events(
    platform: Platform, actor: Actor, wanted: AuditFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[AuditEvent]:
    """A page of events, newest first. Raises Forbidden, InvalidRequest."""
    authorise(actor, "audit.read")
    before, size = position_of(cursor), page_size(limit, MOST_EVENTS)
    with platform.database.snapshot(actor) as session:
        return audit_reading.page_events(session, wanted, before, size)


def verify_chains(platform: Platform, actor: Actor, noted: Sequence[ChainEnd] = ()) -> ChainVerdict:
    """Whether every event is in its chain as it was written, with none missing and none added.

    The hashes are computed here again. Who can write everywhere in the database could cut off the end of a chain and
    write its end anew: `noted` ends, kept elsewhere, show that too.
    """
    authorise(actor, "audit.read")
    with platform.database.snapshot(actor) as session:
        walk = _ChainWalk(noted)
        for link in audit_reading.iterate_links(session):
            walk.take(link)
        expected = audit_reading.list_ends(session)
        loose = audit_reading.count_unchained(session)
    problems = walk.finish(expected)
    if loose:
        problems.append(f"{loose} {'event is' if loose == 1 else 'events are'} in no chain, as if added by hand.")
    return ChainVerdict(walk.events, tuple(walk.ends.values()), tuple(problems))


class _ChainWalk:
    """Goes along the chains and notes what does not fit. At most the first hundred places are named one by one."""

    def __init__(self, noted: Sequence[ChainEnd]) -> None:
        self.events = 0
        self.ends: dict[int, ChainEnd] = {}
        self._noted = {(end.collection, end.position): end for end in noted}
        self._problems: list[str] = []
        self._unnamed = 0

    def take(self, link: ChainLink) -> None:
        self.events += 1
        before = self.ends.get(link.collection, ChainEnd(link.collection, 0, ""))
        if link.position != before.position + 1:
            self._say(before.position + 1, link.collection, f"a gap: the next event is at place {link.position}")
        if link.facts is None:
            self._say(link.position, link.collection, f"event {link.event_id} is missing")
        elif link_hash(link.position, before.hash, link.facts) != link.hash and link.position == before.position + 1:
            self._say(link.position, link.collection, f"event {link.event_id} ({link.action}) is not what was written")
        noted = self._noted.pop((link.collection, link.position), None)
        if noted is not None and noted.hash != link.hash:
            self._say(link.position, link.collection, "the chain is not the one whose end was noted")
        self.ends[link.collection] = ChainEnd(link.collection, link.position, link.hash)

    def finish(self, expected: Sequence[ChainEnd]) -> list[str]:
        """All problems, with those at the ends."""
        for end in expected:
            found = self.ends.get(end.collection, ChainEnd(end.collection, 0, ""))
            if found != end:
                self._say(
                    found.position, end.collection, f"the chain ends here, and should end at place {end.position}"
                )
        for collection, position in sorted(self._noted):
            self._say(position, collection, "this place was noted, and the chain no longer reaches it")
        if self._unnamed:
            self._problems.append(f"And {self._unnamed} more places.")
        return self._problems

    def _say(self, position: int, collection: int, what: str) -> None:
        if len(self._problems) < _MOST_NAMED:
            self._problems.append(f"Events of {chain_name(collection)}, place {position}: {what}.")
        else:
            self._unnamed += 1
