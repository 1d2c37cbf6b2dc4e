"""Sending a return in: judged in the sandbox, then stored whole in one transaction or not at all."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import structlog

from census_api.domain.collecting.explanations import NOTHING_CARRIED, Carried
from census_api.domain.collecting.submission import Submitted, Upload, checked_key
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import IdempotencyMismatch, Overtaken, Refused
from census_api.domain.register.organisations import Organisation
from census_api.services.collecting.judging import context_for, judge_in_sandbox, log_fault, organisation_for
from census_api.services.collecting.receiving import (
    ReceivedFile,
    carried_to,
    carry_over,
    in_plain_words,
    overtaken_by,
    receive_file,
)
from census_api.services.kit.limits import refuse_too_large
from census_api.services.kit.platform import Platform
from census_api.store.collecting import contents, extensions, returns, submissions
from census_api.store.kit import audit, queue, tables
from census_api.store.kit.session import Session

if TYPE_CHECKING:
    from census_api.intake.judging.judge import Context, Judged

log = structlog.get_logger(__name__)


def submit_return(platform: Platform, actor: Actor, year: int, organisation: str, upload: Upload) -> Submitted:
    """Judges and stores an upload as the next submission of the organisation's return.

    A long file is stored at once and judged by a worker: the answer then names the job. With an idempotency key
    that was used before, the answer is the earlier one. Raises NotFound for an unknown organisation or collection,
    TooLarge, Refused (logged, nothing stored), Conflict when the return or the collection is closed to new files,
    Overtaken (stored all the same) when somebody else's file for the return came in meanwhile, IdempotencyMismatch,
    Unavailable.
    """
    authorise(actor, "return.submit", organisation)
    received_at = platform.clock()
    key = checked_key(upload.idempotency_key)
    refuse_too_large(platform, upload.data)
    platform.spec(year)
    with platform.database.snapshot(actor) as session:
        organisation_id, entry = organisation_for(session, year, organisation)
        earlier = _replay(session, year, organisation, upload) if key else None
        if earlier is not None:
            return earlier
        receipt = receive_file(session, actor, year, organisation_id, organisation, received_at)
        long = len(upload.data) > platform.settings.long_file_bytes
        context = None if long else context_for(session, year, organisation_id, entry)
    judged = _judge_or_log(platform, actor, year, organisation, upload, context)
    try:
        with platform.database.transaction(actor) as session:
            answer = _store(session, actor, year, organisation_id, entry, upload, judged, receipt)
            other = overtaken_by(session, actor, year, organisation_id, receipt)
    except _KeyUsedError:
        # somebody else's upload with the same key was stored while this one was judged
        with platform.database.snapshot(actor) as session:
            replayed = _replay(session, year, organisation, upload)
        if replayed is None:
            raise
        return replayed
    if other is not None:
        raise Overtaken(in_plain_words(other, answer.submission.number))
    return answer


def submit_many(
    platform: Platform, actor: Actor, year: int, uploads: Iterable[tuple[str, Upload]]
) -> Iterator[Submitted]:
    """Submits (organisation code, upload) pairs, judging several at a time, and yields the answers in order.

    Each is a submission like any other. At the first that is refused its error is raised; those before it stay.
    """
    workers = platform.settings.sandbox_workers
    waiting: deque[Future[Submitted]] = deque()
    source = iter(uploads)
    with ThreadPoolExecutor(workers) as pool:
        try:
            # a little more than the workers can take keeps them busy, and memory bounded
            for organisation, upload in islice(source, 2 * workers):
                waiting.append(pool.submit(submit_return, platform, actor, year, organisation, upload))
            while waiting:
                yield waiting.popleft().result()
                for organisation, upload in islice(source, 1):
                    waiting.append(pool.submit(submit_return, platform, actor, year, organisation, upload))
        finally:
            for future in waiting:
                future.cancel()


def seal_submission(session: Session, row: tables.SubmissionRecord, organisation: str, judged: Judged) -> Submitted:
    """Stores what the judge found under the submission's number and closes it."""
    report = replace(judged.report, collection=row.collection_year, organisation=organisation, submission=row.number)
    submissions.seal_checked(session, row, report, judged.content, judged.kind)
    carried = carry_over(session, row, report.findings)
    report.explanations = carried.as_json()
    return Submitted(submissions.as_domain(row, organisation), report, None, carried=carried)


def record_refusal(
    session: Session, platform: Platform, actor: Actor, year: int, organisation: str, sha256: str, size: int,
    reason: str,
) -> None:  # fmt: skip
    """The audit event of bytes that were no return."""
    audit.record(
        session,
        actor,
        "submission.refused",
        subject=f"upload {sha256[:16]}",
        at=platform.clock(),
        organisation=organisation,
        collection=year,
        detail={"reason": reason, "size": size},
        after=sha256,
    )


def facts_of(row: tables.SubmissionRecord, carried: Carried = NOTHING_CARRIED) -> dict[str, Any]:
    """What the audit says of a stored submission: enough to tell, later, whether it is still whole."""
    return {
        **carried.counts,
        "submission": str(row.id),
        "number": row.number,
        "size": row.size,
        "original_sha256": row.original_sha256,
        "outcome": row.outcome,
    }


def scope_of(year: int, organisation: str) -> str:
    """Idempotency keys are an organisation's own: the same key means nothing elsewhere."""
    return f"submissions/{year}/{organisation}"


class _KeyUsedError(IdempotencyMismatch):
    """The idempotency key was taken by another transaction. Ends ours, which then leaves nothing behind."""

    def __init__(self) -> None:
        super().__init__(_MISMATCH)


_MISMATCH = (
    "This Idempotency-Key was used before with another file. Nothing was stored. Send the new file with a new key."
)


def _judge_or_log(
    platform: Platform, actor: Actor, year: int, organisation: str, upload: Upload, context: Context | None
) -> Judged | None:
    """None without a context: long files are only looked at from outside here, and judged by a worker."""
    try:
        if context is None:
            _refuse_at_once(platform, upload.data)
            return None
        return judge_in_sandbox(platform, upload.data, year, context)
    except Refused as problem:
        size, sha256 = len(upload.data), upload.sha256
        log.warning("submission_refused", reason=problem.reason, size=size, sha256=sha256, collection=year)
        log_fault(problem)
        with platform.database.transaction(actor) as session:
            record_refusal(session, platform, actor, year, organisation, sha256, size, problem.reason)
        raise


def _refuse_at_once(platform: Platform, data: bytes) -> None:
    """A long file that can be seen to be no return is better refused now than in a job."""
    from census_api.intake.preflight.inspection import inspect_package, sniff_kind

    if platform.sandbox.run(sniff_kind, data) in ("xlsx", "ods"):
        platform.sandbox.run(inspect_package, data)


def _store(
    session: Session, actor: Actor, year: int, organisation_id: uuid.UUID,
    entry: Organisation, upload: Upload, judged: Judged | None, receipt: ReceivedFile,
) -> Submitted:  # fmt: skip
    now = receipt.at
    of = returns.lock_return(session, year, organisation_id)
    returns.apply_event(of, "submit")
    row = submissions.add_submission(
        session,
        of,
        upload,
        number=returns.next_number(of),
        status="received" if judged is None else "checking",
        received_at=now,
        received_by=actor.name,
    )
    if upload.idempotency_key and not submissions.claim_key(
        session, scope_of(year, entry.code), upload.idempotency_key, row
    ):
        raise _KeyUsedError
    extensions.add_arrival(session, row, receipt.arrival)
    if judged is None:
        answer = Submitted(submissions.as_domain(row, entry.code), None, queue.add_job(session, row, now))
    else:
        answer = seal_submission(session, row, entry.code, judged)
    audit.record(
        session,
        actor,
        "submission.received" if judged is None else "submission.checked",
        subject=f"submission {row.number} of {entry.code} for {year}",
        at=now,
        organisation=entry.code,
        collection=year,
        detail=facts_of(row, answer.carried) | receipt.facts,
        after=row.content_sha256,
    )
    return answer


def _replay(session: Session, year: int, organisation: str, upload: Upload) -> Submitted | None:
    """The earlier answer to this key, None when it is new. Raises IdempotencyMismatch for another body."""
    used = submissions.used_key(session, scope_of(year, organisation), upload.idempotency_key or "")
    if used is None:
        return None
    body, submission_id = used
    if body != upload.sha256:
        raise IdempotencyMismatch(_MISMATCH)
    row = submissions.find_row(session, year, submission_id)
    report, carried = None, NOTHING_CARRIED
    if row.status == "checked":
        report = submissions.read_report(row, organisation)
        report.findings = contents.findings_of(session, row)
        carried = carried_to(session, row, report.findings)
        report.explanations = carried.as_json()
    submission = submissions.as_domain(row, organisation)
    return Submitted(submission, report, queue.of_submission(session, row), replayed=True, carried=carried)
