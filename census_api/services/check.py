"""The dry run: a report, and nothing stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from census_api.domain.access import Actor, authorise
from census_api.services.audit import reading
from census_api.services.judging import context_for, judge_in_sandbox, organisation_for, refuse_too_large
from census_api.services.platform import Platform

if TYPE_CHECKING:
    from census_api.intake.judge import Judged


def check(platform: Platform, actor: Actor, year: int, data: bytes, *, organisation: str | None = None) -> Judged:
    """Judges a file or JSON body as if it were sent in.

    With an organisation's code the register, its frame and its last year are held against it; without one those
    rules do not apply. Raises NotFound, TooLarge, or Refused when the bytes are no return.
    The content of the answer holds no rows.
    """
    from census_api.intake.judge import Context

    authorise(actor, "return.check", organisation)
    refuse_too_large(platform, data)
    platform.spec(year)
    context = Context()
    if organisation is not None:
        with reading(platform, actor, year, organisation, "a dry run against the returns") as session:
            key, entry = organisation_for(session, year, organisation)
            context = context_for(session, year, key, entry)
    return judge_in_sandbox(platform, data, year, context, keep_content=False)
