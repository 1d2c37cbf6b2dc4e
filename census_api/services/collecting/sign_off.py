"""Sign-off: a named person declares one submission correct. Everything in the way is said at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from census_api.domain.collecting.deadlines import Deadline, Timing
from census_api.domain.collecting.explanations import checked_text, sha256_of
from census_api.domain.collecting.signoff import Candidate, Gate, Newer, Receipt, list_gates
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict
from census_api.services.collecting.explanations import Explained, find_explained
from census_api.services.collecting.life import Done, LockedReturn, change_return
from census_api.services.collecting.receipts import receipt_of
from census_api.services.collecting.receiving import timing_of
from census_api.services.collecting.submissions import reading_checked
from census_api.services.kit.platform import Platform
from census_api.store.collecting import extensions, return_queries, returns, signoffs
from census_api.store.kit import tables
from census_api.store.kit.session import Session


class SignOffRefused(Conflict):
    """Something stands in the way of sign-off; `gates` are all of it."""

    def __init__(self, failing: tuple[Gate, ...]) -> None:
        sentences = " ".join(gate.message for gate in failing)
        super().__init__(f"This return cannot be signed off yet. {sentences}")
        self.gates = failing


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a submission can be signed now, and what stands in the way."""

    submission: int
    content_sha256: str
    gates: tuple[Gate, ...]


def get_readiness(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Readiness:
    """What stands in the way of signing a submission. Raises NotFound, Conflict while it is still being checked."""
    with reading_checked(platform, actor, year, organisation, number, "the sign-off") as (session, row):
        of = signoffs.return_of(session, row.collection_year, row.return_id)
        closed = _closed(extensions.deadline_of(session, of.collection_year, of.organisation_id), platform.clock())
        gates = list_gates(_candidate(session, of, row, find_explained(session, row), closed))
        return Readiness(number, row.content_sha256 or "", gates)


def sign_off(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, *,
    role: str, content_sha256: str | None = None, expected: int | None = None,
) -> Done[Receipt]:  # fmt: skip
    """Declares a submission correct, in the actor's name and `role` (the post they hold), and gives its receipt.

    `content_sha256` is the content they have seen: another is a Conflict. Raises NotFound, Forbidden, InvalidRequest,
    Stale, and SignOffRefused with all that stands in the way.
    """
    authorise(actor, "return.sign_off", organisation)
    post = checked_text(role, "The role of who signs", shortest=2, longest=100)
    with change_return(platform, actor, "return.sign_off", year, organisation, expected) as change:
        row = change.submission(number)
        explained = find_explained(change.session, row)
        deadline = extensions.deadline_of(change.session, year, change.organisation_id)
        failing = list_gates(_candidate(change.session, change.row, row, explained, _closed(deadline, change.now)))
        if actor.kind == "system":
            # past collections are loaded long after they have closed
            failing = tuple(gate for gate in failing if gate.code != "closed")
        if failing:
            raise SignOffRefused(failing)
        if content_sha256 is not None and content_sha256 != row.content_sha256:
            raise Conflict(f"Submission {number} has another content than the one that you have seen. Read it again.")
        bound = sha256_of(explained.given)
        return Done(_signed(change, row, post, timing_of(actor, deadline, change.now), bound), change.row.version)


def _signed(change: LockedReturn, row: tables.SubmissionRecord, role: str, timing: Timing, bound: str) -> Receipt:
    """`bound` is the hash of the explanations that are signed with the content."""
    session = change.session
    before = signoffs.find_standing(session, change.row)
    added = signoffs.add_sign_off(
        session, row, change.actor, role=role, at=change.now, timing=timing, explanations_sha256=bound
    )
    returns.mark_signed(change.row, row)
    session.flush()
    change.record(
        "return.signed_off",
        detail={
            "number": row.number,
            "role": role,
            "reference": added.reference,
            "timing": timing,
            "explanations_sha256": bound,
        },
        before=None if before is None else before.content_sha256,
        after=row.content_sha256,
    )
    change.tell_employer("receipt", reference=added.reference)
    return receipt_of(session, added, change.organisation)


def _candidate(
    session: Session, of: tables.ReturnRow, row: tables.SubmissionRecord, explained: Explained, closed: str | None
) -> Candidate:
    counts, rules = row.counts or {}, row.rules or {}
    newer = returns.newer_than(session, of, row.number or 0)
    return Candidate(
        number=row.number or 0,
        state=returns.state_of(of),
        signed=of.signed_submission_id == row.id,
        errors=counts.get("error", 0),
        failed_rules=sorted(code for code, status in rules.items() if status == "failed"),
        unexplained=explained.missing,
        unanswered=return_queries.count_open(session, of),
        newer=None if newer is None else _newer(newer),
        closed=closed,
    )


def _newer(row: tables.SubmissionRecord) -> Newer:
    return Newer(row.number or 0, row.received_by, row.received_at, pending=row.status != "checked")


def _closed(deadline: Deadline, now: dt.datetime) -> str | None:
    try:
        deadline.timing(now)
    except Conflict as problem:
        return problem.message
    return None
