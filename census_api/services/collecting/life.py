"""Changes to a return: one at a time, along the table of states, each with its event in the audit.

And the moves that the census team makes: accept, reopen, decline, withdraw.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from census_api.domain.collecting.deadlines import answer_by, end_of
from census_api.domain.collecting.questions import checked_why
from census_api.domain.collecting.returns import Return, ReturnEvent
from census_api.domain.kit.access import Action, Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound, Stale
from census_api.domain.mail import MailKind
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting.history import last_change
from census_api.services.collecting.judging import organisation_for
from census_api.services.kit.platform import Platform
from census_api.services.mail.writing import enqueue_to_members, return_page
from census_api.store.collecting import extensions, returns, submissions
from census_api.store.kit import audit, tables
from census_api.store.kit.session import Session
from census_api.store.people.addressees import Named

_STALE = "This return has changed since you read it, so nothing was done. Read it again, and repeat what still applies."


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """What came of a change, and the version that the return has now."""

    result: Result
    version: int


@dataclass(frozen=True, slots=True)
class LockedReturn:
    """A return that is locked for one change, with who makes it and when."""

    session: Session
    actor: Actor
    now: dt.datetime
    year: int
    organisation: Organisation
    organisation_id: uuid.UUID
    row: tables.ReturnRow

    def happened(self, event: ReturnEvent) -> None:
        """Moves the return. Raises Conflict for a move that is not in the table."""
        returns.apply_event(self.row, event)
        self.session.flush()

    def submission(self, number: int) -> tables.SubmissionRecord:
        """A checked submission of the return. Raises NotFound, Conflict while it is still being checked."""
        code = self.organisation.code
        found = (
            submissions.find_submission(self.session, self.year, self.organisation_id, number)
            if 0 < number < 2**31
            else None
        )
        if found is None:
            raise NotFound(f"{code} has no submission {number} for {self.year}.")
        if found.status in ("received", "checking"):
            raise Conflict(f"Submission {number} is still being checked. Wait until it is, then try again.")
        if found.status != "checked":
            raise Conflict(f"Submission {number} was never checked, or its content was deleted. Send the file again.")
        return found

    def record(
        self, action: str, *, detail: Mapping[str, Any], before: str | None = None, after: str | None = None
    ) -> None:
        """The event of this change."""
        audit.record(
            self.session,
            self.actor,
            action,
            organisation=self.organisation.code,
            collection=self.year,
            subject=f"return of {self.organisation.code} for {self.year}",
            detail=detail,
            before=before,
            after=after,
            at=self.now,
        )

    def allow_answer(self) -> dt.datetime:
        """Sees to it that the employer may still answer when the collection has closed; says until when."""
        deadline = extensions.deadline_of(self.session, self.year, self.organisation_id)
        until = answer_by(self.now)
        if not deadline.ended and deadline.last_moment >= until:
            return deadline.last_moment
        if deadline.extension is not None and deadline.extension >= until:
            return deadline.extension
        reason = "Time to answer the census team."
        extensions.grant_extension(
            self.session, self.year, self.organisation_id, until=until, reason=reason, by=self.actor.name, at=self.now
        )
        self.record("return.extended", detail={"until": until.isoformat(), "reason": reason})
        return until

    def tell_employer(self, kind: MailKind, *, about: str | None = None, reference: str | None = None) -> None:
        """Writes to the people of the organisation that something happened to their return."""
        facts = {} if reference is None else {"reference": reference}
        code = self.organisation.code
        of = Named(self.organisation_id, code, self.organisation.name)
        event = about or f"{code}/{self.year}/{self.row.version}"
        links = {"page": return_page(self.year, code) if reference is None else f"/receipts/{reference}"}
        enqueue_to_members(
            self.session, kind, of, self.year, links=links, facts=facts, about=reference or event, at=self.now
        )

    def signed(self) -> tables.SubmissionRecord | None:
        """The submission whose sign-off stands, None when none does."""
        wanted = self.row.signed_submission_id
        return None if wanted is None else submissions.find_row(self.session, self.year, wanted)

    def result(self) -> Return:
        """The return as it is after the change."""
        found = returns.as_domain(self.session, self.row, self.organisation.code)
        return with_deadline(self.session, found, self.organisation_id)


@contextmanager
def change_return(
    platform: Platform, actor: Actor, action: Action, year: int, organisation: str, expected: int | None = None
) -> Iterator[LockedReturn]:
    """Locks a return for one change by an actor who may make it. `expected` is the version that they have seen.

    Raises what `authorise` does, NotFound, Stale when the return has another version, and adds to every Conflict who
    changed the return last, and when.
    """
    authorise(actor, action, organisation)
    try:
        with platform.database.transaction(actor) as session:
            organisation_id, entry = organisation_for(session, year, organisation)
            row = returns.lock_return(session, year, organisation_id)
            if expected is not None and row.version != expected:
                raise Stale(_STALE)
            yield LockedReturn(session, actor, platform.clock(), year, entry, organisation_id, row)
    except Conflict as problem:
        _say_who_and_when(platform, actor, year, organisation, problem)
        raise


def with_deadline(session: Session, found: Return, organisation_id: uuid.UUID) -> Return:
    """The return with the organisation's time in it."""
    deadline = extensions.deadline_of(session, found.collection, organisation_id)
    return replace(found, deadline=deadline.last_moment, extended_to=deadline.extension)


def accept_return(
    platform: Platform, actor: Actor, year: int, organisation: str, *,
    submission: int | None = None, expected: int | None = None,
) -> Return:  # fmt: skip
    """Takes the signed submission of a return. With `submission`, only if that is the one whose sign-off stands.

    Raises NotFound, Forbidden, Stale, Conflict.
    """
    with change_return(platform, actor, "return.accept", year, organisation, expected) as change:
        signed = change.signed()
        if submission is not None and signed is not None and submission != signed.number:
            raise Conflict(f"Submission {signed.number} is the one that is signed off, not submission {submission}.")
        change.happened("accept")
        if signed is None:
            raise LookupError("an accepted return without its submission")
        change.record("return.accepted", detail={"number": signed.number}, after=signed.content_sha256)
        change.tell_employer("accepted")
        return change.result()


def reopen_return(
    platform: Platform, actor: Actor, year: int, organisation: str, *, reason: str, expected: int | None = None
) -> Return:
    """Gives an accepted, declined or withdrawn return back to the employer, with time to answer.

    A snapshot that holds the return stays as it is. Raises NotFound, Forbidden, InvalidRequest, Stale, Conflict.
    """
    why = checked_why(reason)
    with change_return(platform, actor, "return.reopen", year, organisation, expected) as change:
        was = change.result()
        change.happened("reopen")
        frozen = None if was.frozen_in is None else str(was.frozen_in)
        change.record("return.reopened", detail={"reason": why, "number": was.accepted, "frozen_in": frozen})
        change.allow_answer()
        change.tell_employer("reopened")
        return change.result()


def decline_return(
    platform: Platform, actor: Actor, year: int, organisation: str, *, reason: str, expected: int | None = None
) -> Return:
    """Notes that the organisation will not answer. Raises NotFound, Forbidden, InvalidRequest, Stale, Conflict."""
    return _end(platform, actor, year, organisation, "decline", reason, expected)


def withdraw_return(
    platform: Platform, actor: Actor, year: int, organisation: str, *, reason: str, expected: int | None = None
) -> Return:
    """Takes a return out of the collection. Raises NotFound, Forbidden, InvalidRequest, Stale, Conflict."""
    return _end(platform, actor, year, organisation, "withdraw", reason, expected)


def _end(
    platform: Platform, actor: Actor, year: int, organisation: str, event: Literal["decline", "withdraw"], reason: str,
    expected: int | None,
) -> Return:  # fmt: skip
    why = checked_why(reason)
    action: Action = "return.decline" if event == "decline" else "return.withdraw"
    with change_return(platform, actor, action, year, organisation, expected) as change:
        signed = change.signed()
        change.happened(event)
        done = "return.declined" if event == "decline" else "return.withdrawn"
        change.record(done, detail={"reason": why, "number": None if signed is None else signed.number})
        change.tell_employer("declined" if event == "decline" else "withdrawn")
        return change.result()


def _say_who_and_when(platform: Platform, actor: Actor, year: int, organisation: str, problem: Conflict) -> None:
    with platform.database.snapshot(actor) as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        said = last_change(session, year, organisation_id)
    if said is not None:
        problem.message = f"{problem.message} {said}"
        problem.args = (problem.message,)


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
            raise InvalidRequest("An extension ends after the census opens and at most a year from now.", field="until")
        extensions.grant_extension(
            change.session, year, change.organisation_id, until=end, reason=why, by=actor.name, at=change.now
        )
        change.row.version += 1
        was = None if before.extension is None else before.extension.isoformat()
        change.record("return.extended", detail={"until": end.isoformat(), "reason": why, "was": was})
        return change.result()


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
