"""The dry run: a report, and nothing stored. Programs and members of organisations use the API's; the page is for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import InvalidRequest, TooLarge
from census_api.services.audit.reading import record_reading
from census_api.services.collecting.judging import context_for, judge_in_sandbox, organisation_for
from census_api.services.collecting.submissions import annotate_in_sandbox
from census_api.services.kit import attempts
from census_api.services.kit.limits import refuse_too_large
from census_api.services.kit.platform import Platform
from census_api.settings import Settings

if TYPE_CHECKING:
    from census_api.intake.judging.judge import Judged


def check_bytes(platform: Platform, actor: Actor, year: int, data: bytes, *, organisation: str | None = None) -> Judged:
    """Judges a file or JSON body as if it were sent in.

    With an organisation's code the register, its frame and its last year are held against it; without one those
    rules do not apply. Raises NotFound, TooLarge, or Refused when the bytes are no return.
    The content of the answer holds no rows.
    """
    from census_api.intake.judging.judge import Context

    authorise(actor, "return.check", organisation)
    refuse_too_large(platform, data)
    platform.spec(year)
    context = Context()
    if organisation is not None:
        with record_reading(platform, actor, year, organisation, "a dry run against the returns") as session:
            key, entry = organisation_for(session, year, organisation)
            context = context_for(session, year, key, entry)
    return judge_in_sandbox(platform, data, year, context, keep_content=False)


def largest_in_public(settings: Settings) -> int:
    """The most bytes of a file that anybody may have checked: what is checked at once, without a worker."""
    return min(settings.long_file_bytes, settings.max_upload_bytes)


def check_in_public(platform: Platform, actor: Actor, year: int, data: bytes) -> Judged:
    """Judges a small file for anybody, signed in or not, by what the file alone can show.

    Nothing is stored and nothing of the register or of other years is held against it, so it tells nobody anything
    that is not in the file. Raises TooManyAttempts, TooLarge, NotFound, or Refused when the bytes are no return.
    """
    from census_api.intake.judging.judge import Context

    who = None if actor.user_id is None else str(actor.user_id)
    attempts.count_attempt(platform, "check", account=who, address=actor.address if who is None else None)
    _refuse_long(platform, data)
    platform.spec(year)
    return judge_in_sandbox(platform, data, year, Context(), keep_content=False)


def annotated_in_public(platform: Platform, actor: Actor, year: int, data: bytes) -> bytes:
    """The file as .xlsx with what `check_in_public` found written in. Raises what that does, and Unavailable."""
    judged = check_in_public(platform, actor, year, data)
    return annotate_in_sandbox(platform, data, judged.kind, judged.report)


def _refuse_long(platform: Platform, data: bytes) -> None:
    largest = largest_in_public(platform.settings)
    if len(data) > largest:
        raise TooLarge(
            f"The file has {len(data):,} bytes, more than the {largest:,} that are checked on this page. Check it on your "
            "own computer with the command census check, or send it as your return."
        )


_CHOOSE = "Choose the organisation in the list, and send the file again."


def organisation_in(platform: Platform, actor: Actor, year: int, data: bytes) -> str:
    """The code of the organisation that a file names, where it is one of the actor's own.

    Raises InvalidRequest when the file names none, or one that is not theirs (in the same words whether or not it
    exists) or is too long to be read twice; and Refused, TooLarge and NotFound as `check_bytes` does.
    """
    if len(data) > platform.settings.long_file_bytes:
        raise InvalidRequest(f"The file is too long to look for the organisation in it first. {_CHOOSE}")
    answer = check_bytes(platform, actor, year, data).content.organisation.get("organisation_code")
    if answer is None:
        raise InvalidRequest(f"The file does not say which organisation it is for. {_CHOOSE}")
    code = next((own for own in actor.memberships if own.casefold() == str(answer).strip().casefold()), None)
    if code is None:
        raise InvalidRequest(f"The file is for an organisation that is not one of yours. {_CHOOSE}")
    return code
