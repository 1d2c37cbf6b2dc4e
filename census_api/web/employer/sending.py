"""A file that somebody sends on a page: stored once however often the button is pressed, and where it leads."""

from __future__ import annotations

import re

from fastapi import Response

from census_api.domain.collecting.submission import Submitted, Upload
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.people import new_secret
from census_api.services.collecting.submit import submit_return
from census_api.web.employer.standing import page_of
from census_api.web.kit.forms import FileForm
from census_api.web.kit.visit import Visit

ONCE = "once"
"""The field of a form that tells one filling-in of it from another."""
_ONCE = re.compile(r"[A-Za-z0-9_-]{20,60}")


def make_once_key() -> str:
    """A value for the field ONCE of a form."""
    return new_secret()


def file_of(posted: FileForm) -> Upload:
    """The file that was chosen. Raises InvalidRequest when none was, or an empty one."""
    upload = posted.upload
    if upload is None:
        raise InvalidRequest("Choose the file that you want to send.")
    if not upload.data:
        raise InvalidRequest("The file is empty. Save your workbook, close it, and choose it again.")
    return upload


def send_posted(visit: Visit, year: int, code: str, posted: FileForm) -> Submitted:
    """Sends the file in. The same file from the same filling-in of the form is one submission. Raises what `submit_return` does."""
    upload = file_of(posted)
    typed = posted.typed[ONCE]
    # with the file in the key, a form that is used again for a corrected file sends that file
    key = f"page-{typed}-{upload.sha256[:32]}" if _ONCE.fullmatch(typed) else None
    return submit_return(
        visit.platform, visit.actor, year, code, Upload(upload.data, upload.file_name, upload.media_type, key)
    )


def lead_onwards(visit: Visit, year: int, code: str, answer: Submitted, said: str) -> Response:
    """To the page of what was stored, which waits for the check of a long file."""
    number = answer.submission.number
    if answer.report is None and answer.job is not None:
        return visit.go(f"{page_of(year, code)}/checks/{answer.job}")
    return visit.go(f"{page_of(year, code, number)}?said={said}")
