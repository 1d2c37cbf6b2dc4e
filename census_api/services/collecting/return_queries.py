"""Questions of the census team about a signed return, and the employer's replies."""

from __future__ import annotations

import uuid

from census_api.domain.collecting.questions import ReturnQuestion, Subject, checked_question, checked_reply
from census_api.domain.collecting.returns import state_after
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import organisation_for
from census_api.services.collecting.life import Done, LockedReturn, change_return
from census_api.services.kit.platform import Platform
from census_api.services.mail.writing import enqueue_to_team, return_page
from census_api.store.collecting import contents, return_queries, returns, submissions
from census_api.store.kit import tables


def ask_query(
    platform: Platform, actor: Actor, year: int, organisation: str, subject: Subject, text: str, *,
    expected: int | None = None,
) -> Done[ReturnQuestion]:  # fmt: skip
    """Asks a question about the return as it was signed, and gives the return back to the employer.

    The employer has time to answer even after the collection has closed. Raises NotFound, Forbidden, InvalidRequest,
    Stale, Conflict.
    """
    authorise(actor, "return.query", organisation)
    subject, words = subject.checked(), checked_question(text)
    with change_return(platform, actor, "return.query", year, organisation, expected) as change:
        row = _asked_about(change)
        change.happened("query")
        _refuse_unknown(change, row, subject)
        key = return_queries.add_query(change.session, row, subject, words, by=actor.name, at=change.now)
        change.record(
            "return.queried",
            detail={"number": row.number, "query": str(key), "about": subject.about, "finding": subject.finding_key},
        )
        change.allow_answer()
        change.tell_employer("query", about=str(key))
        asked = ReturnQuestion(key, row.number or 0, subject, words, actor.name, change.now, ())
        return Done(asked, change.row.version)


def reply_to_query(
    platform: Platform, actor: Actor, year: int, organisation: str, query_id: uuid.UUID, text: str, *,
    expected: int | None = None,
) -> Done[ReturnQuestion]:  # fmt: skip
    """Replies to a question. Raises NotFound, Forbidden, InvalidRequest, Stale, Conflict."""
    authorise(actor, "return.reply", organisation)
    words = checked_reply(text)
    with change_return(platform, actor, "return.reply", year, organisation, expected) as change:
        row = return_queries.find_query(change.session, change.row, query_id)
        if row is None:
            raise NotFound(f"{organisation} has not been asked a question of that number for {year}.")
        change.happened("reply")
        return_queries.add_reply(change.session, row, words, by=actor.name, at=change.now)
        about = submissions.find_row(change.session, year, row.submission_id)
        change.record("return.replied", detail={"number": about.number, "query": str(query_id)})
        links = {"return": return_page(year, organisation)}
        event = f"{query_id}/{change.row.version}"
        enqueue_to_team(change.session, "reply", organisation, year, links=links, about=event, at=change.now)
        answered = next(entry for entry in return_queries.all_of(change.session, change.row) if entry.id == query_id)
        return Done(answered, change.row.version)


def list_questions(platform: Platform, actor: Actor, year: int, organisation: str) -> list[ReturnQuestion]:
    """All questions about a return with their replies, in the order in which they were asked. Raises NotFound."""
    authorise(actor, "return.read", organisation)
    with record_reading(platform, actor, year, organisation, "the questions") as session:
        organisation_id, _ = organisation_for(session, year, organisation)
        of = returns.row_of(session, year, organisation_id)
        return [] if of is None else return_queries.all_of(session, of)


def _asked_about(change: LockedReturn) -> tables.SubmissionRecord:
    """The signed submission; in a return that has questions already, the one that those are about."""
    if change.row.signed_submission_id is not None:
        return submissions.find_row(change.session, change.year, change.row.signed_submission_id)
    state_after(returns.state_of(change.row), "query")
    asked = return_queries.all_of(change.session, change.row)
    return change.submission(asked[-1].submission)


def _refuse_unknown(change: LockedReturn, row: tables.SubmissionRecord, subject: Subject) -> None:
    """A question about something that is not in the submission would have no answer."""
    if subject.about == "finding" and contents.finding_of_key(change.session, row, subject.finding_key or "") is None:
        raise NotFound(f"Submission {row.number} has no finding of that key. Its list of findings shows the keys.")
    if subject.about == "line":
        line = f"{subject.local_authority_code}|{subject.service_type}"
        if not contents.has_line(change.session, row, line):
            raise NotFound(f"Submission {row.number} has no such line. Its Services sheet lists the lines.")
