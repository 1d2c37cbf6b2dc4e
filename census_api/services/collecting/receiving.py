"""What is decided when a file comes in: whether it is in time, on whose behalf, and who else sent one meanwhile."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from census_api.domain.collecting.deadlines import Deadline, Timing, in_words
from census_api.domain.collecting.explanations import NOTHING_CARRIED, Carried, carry_explanations
from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import Conflict
from census_api.store.collecting import explanations, extensions, returns
from census_api.store.collecting.extensions import SubmissionArrival
from census_api.store.kit import tables
from census_api.store.kit.session import Session


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as it came in. `seen` is the highest submission number that there was then."""

    at: dt.datetime
    arrival: SubmissionArrival
    seen: int

    @property
    def facts(self) -> dict[str, Any]:
        """What the audit says of it."""
        return {"timing": self.arrival.timing, "on_behalf": self.arrival.on_behalf}


def receive_file(
    session: Session, actor: Actor, year: int, organisation_id: uuid.UUID, organisation: str, at: dt.datetime
) -> ReceivedFile:
    """Notes the receipt of a whole file. Raises Conflict before the collection opens and after its end."""
    on_behalf = actor.kind != "system" and organisation not in actor.memberships
    timing = timing_of(actor, extensions.deadline_of(session, year, organisation_id), at)
    return ReceivedFile(at, SubmissionArrival(timing, on_behalf), returns.last_number(session, year, organisation_id))


def timing_of(actor: Actor, deadline: Deadline, now: dt.datetime) -> Timing:
    """How what comes in now counts. The platform itself loads past collections, and is never late.

    Raises Conflict before the collection opens and after its end.
    """
    try:
        return deadline.timing(now)
    except Conflict:
        if actor.kind != "system":
            raise
        return "on_time"


def overtaken_by(
    session: Session, actor: Actor, year: int, organisation_id: uuid.UUID, receipt: ReceivedFile
) -> tables.SubmissionRecord | None:
    """Somebody else's submission of the same return that was stored between the receipt of ours and now."""
    return returns.submission_by_others(session, year, organisation_id, actor.name, receipt.seen)


def in_plain_words(other: tables.SubmissionRecord, number: int | None) -> str:
    """What to tell the second of two people who sent a file at once."""
    return (
        f"{other.received_by} sent a file for this return on {in_words(other.received_at)}, while you were sending "
        f"yours. Both are kept: theirs is submission {other.number}, yours submission {number}. Agree with them which "
        "is right; only the newest can be signed off."
    )


def carry_over(session: Session, submission: tables.SubmissionRecord, findings: Sequence[Finding]) -> Carried:
    """Copies what stands of the explanations of the submission before to one that has just been checked."""
    carried = carried_to(session, submission, findings)
    explanations.put_explanations(session, submission, carried.kept)
    return carried


def carried_to(session: Session, submission: tables.SubmissionRecord, findings: Sequence[Finding]) -> Carried:
    """What stands of the explanations of the submission before this one, and what does not."""
    before = find_previous(session, submission)
    if before is None:
        return NOTHING_CARRIED
    return carry_explanations(explanations.of_submission(session, before), before.number or 0, findings)


def find_previous(session: Session, submission: tables.SubmissionRecord) -> tables.SubmissionRecord | None:
    """The newest checked submission of the return before this one."""
    of = session.get_one(tables.ReturnRow, (submission.collection_year, submission.return_id))
    return returns.find_newest(session, of, below=submission.number)
