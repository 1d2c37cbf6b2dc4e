"""How long submissions are kept, and the deletion of what should never have been sent."""

from __future__ import annotations

import datetime as dt

import structlog

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound
from census_api.domain.upkeep import Keeping
from census_api.services.collecting.judging import organisation_for
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.collecting import returns, submissions
from census_api.store.kit import audit, tables
from census_api.store.kit.session import Session
from census_api.store.upkeep import erasing

log = structlog.get_logger(__name__)

_LONGEST_REASON = 500
_AT_ONCE = 100


def keeping_of(settings: Settings) -> Keeping:
    """The periods of the settings."""
    days = (settings.keep_drafts_days, settings.keep_returns_days)
    drafts, whole = (None if number is None else dt.timedelta(days=number) for number in days)
    return Keeping(drafts, whole)


def erase_submissions(
    platform: Platform, actor: Actor, year: int, organisation: str, reason: str, *, number: int | None = None
) -> int:
    """Deletes one submission of a return for good, or with None all of them; says how many were deleted.

    Bytes, file name, form, rows, findings and explanations go; that there was a submission, its size and its hash
    stay, and the audit says who deleted it and why. Raises NotFound, Forbidden, InvalidRequest for an empty reason, and
    Conflict for the submission that is signed or accepted: the return has to be opened again first.
    """
    authorise(actor, "retention.delete", organisation)
    why = _checked_reason(reason)
    with platform.database.transaction(actor) as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        of = returns.lock_return(session, year, organisation_id)
        rows = [row for row in erasing.of_return(session, of) if number is None or row.number == number]
        if not rows:
            raise NotFound(_nothing(organisation, year, number))
        for row in rows:
            _refuse_standing(of, row, organisation)
            _erase(session, platform, actor, row, organisation, why)
    return len(rows)


def apply_retention(platform: Platform) -> int:
    """Deletes what is past the periods of the settings, each submission in a transaction of its own. Says how many."""
    keeping = keeping_of(platform.settings)
    erased = 0
    while True:
        now = platform.clock()
        with platform.database.snapshot(SYSTEM) as session:
            old = erasing.too_old(session, keeping, now, _AT_ONCE)
        for year, key, organisation in old:
            with platform.database.transaction(SYSTEM) as session:
                row = submissions.find_row(session, year, key, lock=True)
                _erase(session, platform, SYSTEM, row, organisation, "its time was over")
            erased += 1
        if len(old) < _AT_ONCE:
            break
    if erased:
        log.info("retention_applied", erased=erased)
    return erased


def _erase(
    session: Session, platform: Platform, actor: Actor, row: tables.SubmissionRecord, organisation: str, reason: str
) -> None:
    facts = {
        "submission": str(row.id),
        "number": row.number,
        "size": row.size,
        "original_sha256": row.original_sha256,
        "reason": reason,
    }
    year, number, content = row.collection_year, row.number, row.content_sha256
    erasing.erase_submission(session, row)
    audit.record(
        session,
        actor,
        "submission.erased",
        organisation=organisation,
        collection=year,
        subject=f"submission {number} of {organisation} for {year}",
        detail=facts,
        before=content,
        at=platform.clock(),
    )


def _refuse_standing(of: tables.ReturnRow, row: tables.SubmissionRecord, organisation: str) -> None:
    if row.id == of.accepted_submission_id:
        raise Conflict(
            f"Submission {row.number} of {organisation} is accepted, so it is not deleted. Reopen the return first."
        )
    if row.id == of.signed_submission_id:
        raise Conflict(
            f"Submission {row.number} of {organisation} is signed off, so it is not deleted. Ask a question about the "
            "return, or withdraw it, first."
        )


def _checked_reason(reason: str) -> str:
    why = " ".join(reason.split())
    if not 1 <= len(why) <= _LONGEST_REASON:
        raise InvalidRequest(
            f"Say in 1 to {_LONGEST_REASON} characters why it is deleted, without repeating what must not be kept."
        )
    return why


def _nothing(organisation: str, year: int, number: int | None) -> str:
    what = "nothing that could be deleted" if number is None else f"no submission {number} that could be deleted"
    return f"{organisation} has {what} for {year}."
