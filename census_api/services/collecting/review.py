"""What the census team needs to decide about one return, read together and recorded as one reading."""

from __future__ import annotations

from dataclasses import dataclass

from census_api.domain.collecting.diff import compare_contents
from census_api.domain.collecting.explanations import Explanation
from census_api.domain.collecting.findings import Finding, FindingGroup
from census_api.domain.collecting.history import ACTIONS, HistoryEntry
from census_api.domain.collecting.questions import ReturnQuestion
from census_api.domain.collecting.returns import Return
from census_api.domain.collecting.signoff import SignOff
from census_api.domain.collecting.submission import Submission
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound
from census_api.domain.kit.paging import Page, page_size, position_of
from census_api.domain.register.organisations import Organisation
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import organisation_for
from census_api.services.collecting.life import with_deadline
from census_api.services.kit.platform import Platform
from census_api.store.audit import history
from census_api.store.collecting import (
    contents,
    explanations,
    extensions,
    finding_groups,
    return_queries,
    returns,
    signoffs,
    submissions,
)
from census_api.store.collecting.contents import FindingFilter
from census_api.store.kit import tables
from census_api.store.kit.session import Session

_SUBMISSIONS = 20
_HISTORY = 10
_MOST_FINDINGS = 200
_WHAT = "the return to review it"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The submission that is looked at. `queries` is a page of them, each with its explanation or None."""

    submission: Submission
    groups: tuple[FindingGroup, ...]
    queries: Page[Finding]
    explanations: dict[str, Explanation]
    unexplained: int


@dataclass(frozen=True, slots=True)
class LastYearReview:
    """What changed since last year's return: that submission's number, and how many cells."""

    year: int
    number: int
    changes: int


@dataclass(frozen=True, slots=True)
class Review:
    """One return as the census team looks at it. `reviewed` is None while nothing readable was sent.

    `sign_off` is the one that stands; `history` holds its latest entries, the newest first.
    """

    organisation: Organisation
    found: Return
    submissions: Page[Submission]
    reviewed: Reviewed | None
    questions: tuple[ReturnQuestion, ...]
    sign_off: SignOff | None
    history: Page[HistoryEntry]


def review_return(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int | None = None, *,
    cursor: str | None = None, limit: int = 50,
) -> Review:  # fmt: skip
    """The return with one submission in full: `number`, else the signed one, else the newest that was checked.

    Raises Forbidden, NotFound for an unknown organisation or a submission that was never checked, InvalidRequest.
    """
    authorise(actor, "return.query", organisation)
    after, size = position_of(cursor), page_size(limit, _MOST_FINDINGS)
    with record_reading(platform, actor, year, organisation, _WHAT) as session:
        key, entry = organisation_for(session, year, organisation)
        found = with_deadline(session, returns.find_return(session, year, key, entry.code), key)
        of = returns.row_of(session, year, key)
        sent = submissions.page_submissions(session, year, key, entry.code, None, _SUBMISSIONS)
        row = None
        wanted = number if number is not None else found.signed or found.latest
        # no number is larger than the database can hold
        if wanted is not None and 0 < wanted < 2**31:
            row = submissions.find_submission(session, year, key, wanted)
        if number is not None and (row is None or row.status != "checked"):
            raise NotFound(f"{organisation} has no submission {number} for {year} that was checked.")
        return Review(
            entry,
            found,
            Page(extensions.with_arrivals(session, sent.items), sent.next, sent.total),
            None if row is None else _reviewed(session, row, entry.code, after, size),
            () if of is None else tuple(return_queries.all_of(session, of)),
            None if of is None else _standing(session, of, entry.code, found.signed),
            history.page_history(session, year, key, ACTIONS, before=None, limit=_HISTORY),
        )


def since_last_year(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int
) -> LastYearReview | None:
    """How much a submission differs from last year's return; None where there is none. Raises NotFound."""
    authorise(actor, "return.query", organisation)
    with record_reading(platform, actor, year, organisation, f"submission {number} against last year's") as session:
        key, _ = organisation_for(session, year, organisation)
        row = submissions.find_submission(session, year, key, number) if 0 < number < 2**31 else None
        standing = returns.standing_submission(session, year - 1, key)
        if row is None or row.status != "checked" or standing is None:
            return None
        before = submissions.find_row(session, year - 1, standing)
        if before.status != "checked":
            return None
        changes = compare_contents(contents.content_of(session, before), contents.content_of(session, row))
        return LastYearReview(year - 1, before.number or 0, len(changes))


def lines_of(platform: Platform, actor: Actor, year: int, organisation: str) -> list[tuple[str, str]]:
    """The lines of the signed submission, as (local authority code, service type), for asking about one of them."""
    authorise(actor, "return.query", organisation)
    with record_reading(platform, actor, year, organisation, "the lines") as session:
        key, entry = organisation_for(session, year, organisation)
        signed = returns.find_return(session, year, key, entry.code)
        row = submissions.find_submission(session, year, key, signed.signed or signed.latest or 0)
        if row is None or row.status != "checked":
            return []
        return contents.lines_of(session, row)


def _reviewed(session: Session, row: tables.SubmissionRecord, code: str, after: int | None, size: int) -> Reviewed:
    given = {entry.finding_key: entry for entry in explanations.of_submission(session, row)}
    queries = contents.findings_page(session, row, FindingFilter("query"), after, size)
    return Reviewed(
        extensions.with_arrivals(session, [submissions.as_domain(row, code)])[0],
        tuple(finding_groups.groups_of(session, row)),
        queries,
        given,
        queries.total - len(given),
    )


def _standing(session: Session, of: tables.ReturnRow, code: str, number: int | None) -> SignOff | None:
    row = signoffs.find_standing(session, of)
    return None if row is None or number is None else signoffs.as_domain(row, code, number)
