"""Judging bytes in the sandbox, with what the database knows about the organisation."""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING

import structlog

from census_api.domain.collecting.content import Content
from census_api.domain.kit.errors import NotFound, Refused
from census_api.domain.register.organisations import Organisation
from census_api.services.kit.platform import Platform, no_such_organisation
from census_api.store.collecting import collections, contents, returns, submissions
from census_api.store.kit.session import Session
from census_api.store.register import queries as register

if TYPE_CHECKING:
    from census_api.intake.judging.judge import Context, Judged

log = structlog.get_logger(__name__)


def judge_in_sandbox(
    platform: Platform, data: bytes, year: int | None, context: Context, *, keep_content: bool = True
) -> Judged:
    """The report, content and kind of the bytes. Raises Refused when they cannot be read as a return at all.

    Without `keep_content` the rows are left behind in the sandbox: a report does not need them.
    """
    # reading and judging pull in the data frame libraries, which most commands do without
    from census_api.intake.judging.judge import judge_return

    judge_here = functools.partial(judge_return, schemas=platform.schemas, keep_content=keep_content)
    return platform.sandbox.run(judge_here, data, year, context)


def organisation_for(session: Session, year: int, code: str) -> tuple[uuid.UUID, Organisation]:
    """The organisation, once the collection is known to be set up. Raises NotFound for either."""
    if collections.find_collection(session, year) is None:
        raise NotFound(f"The census of {year} has not been set up here.")
    found = register.find_organisation(session, code)
    if found is None:
        raise no_such_organisation(code)
    return found


def context_for(session: Session, year: int, organisation_id: uuid.UUID, organisation: Organisation) -> Context:
    """What register, frame and last year say. `frame` is None until the collection has one."""
    from census_api.intake.judging.judge import Context, RegisterEntry

    frame = register.frame_of(session, year, organisation_id) if register.has_frame(session, year) else None
    return Context(
        organisation=organisation.code,
        last_year=_last_year(session, year - 1, organisation_id),
        frame=frame,
        register=RegisterEntry(
            known=True, status=organisation.status, sector=organisation.sector, successor=organisation.merged_into
        ),
    )


def _last_year(session: Session, year: int, organisation_id: uuid.UUID) -> Content | None:
    """None when there was no return: that is a state of its own, never a return of zeros."""
    standing = returns.standing_submission(session, year, organisation_id)
    if standing is None:
        return None
    row = submissions.find_row(session, year, standing)
    # one that was deleted for good says nothing, which is not zero
    return contents.content_of(session, row) if row.status == "checked" else None


def log_fault(problem: Refused) -> None:
    """Where the sandbox failed, when the fault may be ours: places in the code, nothing of the file."""
    if problem.__cause__ is not None:
        log.error("sandbox_failed", fault=str(problem.__cause__)[-450:])
