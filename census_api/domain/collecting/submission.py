"""Submissions: the numbered, immutable versions of a return, and the jobs that check the long ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from census_api.domain.collecting.deadlines import Timing
from census_api.domain.collecting.explanations import NOTHING_CARRIED, Carried
from census_api.domain.collecting.findings import Outcome, Report
from census_api.domain.kit.errors import InvalidRequest

SubmissionStatus = Literal["received", "checking", "checked", "refused", "failed", "erased"]
SUBMISSION_STATUSES: tuple[SubmissionStatus, ...] = get_args(SubmissionStatus)
Kind = Literal["xlsx", "ods", "json", "csv"]
KINDS: tuple[Kind, ...] = get_args(Kind)
JobState = Literal["waiting", "running", "done", "refused", "failed"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)

_LONGEST_NAME = 150
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes that came in and what was said about them. `file_name` is only ever shown."""

    data: bytes
    file_name: str | None = None
    media_type: str | None = None
    idempotency_key: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Submission:
    """One version of a return, without its bytes, rows and findings.

    `number` is None once the bytes were refused; `kind`, the hashes of the content and of the spec, `outcome` and
    the counts are there once it is checked; `refusal` is the sentence that says why it was refused. `timing` and
    `on_behalf` (sent by somebody who is no member of the organisation) were decided at its receipt.
    """

    id: uuid.UUID
    collection: int
    organisation: str
    number: int | None
    status: SubmissionStatus
    received_at: dt.datetime
    received_by: str
    file_name: str | None
    media_type: str | None
    size: int
    original_sha256: str
    kind: Kind | None
    content_sha256: str | None
    spec_digest: str | None
    outcome: Outcome | None
    rows_read: Mapping[str, int]
    counts: Mapping[str, int]
    refusal: str | None
    timing: Timing | None = None
    on_behalf: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to an upload: the report, or for a long file the job that will write it.

    `replayed` is True when this is the answer to an earlier upload with the same idempotency key. `carried` says what
    became of the explanations of the submission before.
    """

    submission: Submission
    report: Report | None
    job: uuid.UUID | None
    replayed: bool = False
    carried: Carried = NOTHING_CARRIED


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes as they came in."""

    data: bytes
    sha256: str
    file_name: str | None
    media_type: str | None
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Job:
    """Work in the background. `share` goes from 0 to 1; `message` says for people why it was refused or failed."""

    id: uuid.UUID
    state: JobState
    stage: str
    share: float
    collection: int
    organisation: str
    submission: int | None
    reason: str | None
    message: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None


def display_name(name: str | None) -> str | None:
    """A file name fit to be shown: its last part, without control characters, at most 150 characters."""
    if name is None:
        return None
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip()
    return shown[:_LONGEST_NAME] or None


def checked_key(key: str | None) -> str | None:
    """The idempotency key itself. Raises InvalidRequest unless it is 1 to 200 printable ASCII characters."""
    if key is not None and not (1 <= len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"An Idempotency-Key is 1 to {_LONGEST_KEY} letters, digits or signs. Use a random UUID, for example."
        )
    return key
