"""Explaining queries: one at a time, on the newest submission, until it is signed."""

from __future__ import annotations

from dataclasses import dataclass

from census_api.domain.collecting.explanations import Dropped, Explanation, checked_reason, checked_text, sha256_of
from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound
from census_api.services.collecting.life import Done, LockedReturn, change_return
from census_api.services.collecting.receiving import carried_to
from census_api.services.collecting.submissions import reading_checked
from census_api.services.kit.platform import Platform
from census_api.store.collecting import contents, explanations, returns
from census_api.store.kit import tables
from census_api.store.kit.session import Session

_SIGNED = (
    "Submission {number} has been signed off with its explanations, so they cannot be changed. Send a new file, or ask "
    "the census team to send the return back to you."
)


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanations of a submission: those given or carried over, the queries that still want one, and those of the
    submission before that were dropped."""

    given: tuple[Explanation, ...]
    missing: tuple[Finding, ...]
    dropped: tuple[Dropped, ...]


def list_explanations(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> Explained:
    """Where a submission's explanations stand. Raises NotFound, Conflict while it is still being checked."""
    with reading_checked(platform, actor, year, organisation, number, "the explanations") as (session, row):
        return find_explained(session, row)


def explain_finding(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, finding_key: str, *,
    reason: str, text: str, expected: int | None = None,
) -> Done[Explanation]:  # fmt: skip
    """Gives, or replaces, the explanation of one query of the newest submission.

    `reason` is one of `domain.explanations.REASONS`. Raises NotFound, Forbidden, InvalidRequest, Stale, and Conflict
    for a submission that is signed or not the newest.
    """
    authorise(actor, "return.explain", organisation)
    code, words = checked_reason(reason), checked_text(text, "An explanation")
    with change_return(platform, actor, "return.explain", year, organisation, expected) as change:
        row = change.submission(number)
        _refuse_settled(change, row, number)
        finding = _query(change.session, row, finding_key)
        before = explanations.find_explanation(change.session, row, finding_key)
        after = Explanation(finding_key, finding.value, code, words, actor.name, change.now, None)
        change.happened("explain")
        explanations.put_explanations(change.session, row, [after])
        change.record(
            "return.explained",
            detail={"number": number, "finding": finding_key, "rule": finding.rule, "reason": code},
            before=None if before is None else sha256_of([before]),
            after=sha256_of([after]),
        )
        return Done(after, change.row.version)


def find_explained(session: Session, row: tables.SubmissionRecord) -> Explained:
    """Where the explanations of a checked submission stand."""
    queries = explanations.queries_of(session, row)
    given = explanations.of_submission(session, row)
    dropped = carried_to(session, row, queries).dropped
    keys = {explanation.finding_key for explanation in given}
    return Explained(tuple(given), tuple(finding for finding in queries if finding.key not in keys), dropped)


def _refuse_settled(change: LockedReturn, row: tables.SubmissionRecord, number: int) -> None:
    if change.row.signed_submission_id == row.id:
        raise Conflict(_SIGNED.format(number=number))
    newer = returns.newer_than(change.session, change.row, number)
    if newer is not None:
        raise Conflict(f"Submission {newer.number} has come in since. Explain that one instead of submission {number}.")


def _query(session: Session, row: tables.SubmissionRecord, key: str) -> Finding:
    found = contents.finding_of_key(session, row, key)
    if found is None:
        raise NotFound(f"Submission {row.number} has no finding of that key. Its list of findings shows the keys.")
    if found.severity == "error":
        raise InvalidRequest("An error cannot be explained. Correct it and send the file again.")
    if found.severity == "note":
        raise InvalidRequest("A note needs no explanation: it only informs.")
    return found
