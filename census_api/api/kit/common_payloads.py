"""What answers look like, for OpenAPI and for those that are not simply a report."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.collecting.deadlines import Timing
from census_api.domain.collecting.explanations import DropReason
from census_api.domain.collecting.findings import Outcome, Severity
from census_api.domain.collecting.returns import Return, ReturnState, note_on
from census_api.domain.collecting.submission import Job, JobState, Kind, Submission, SubmissionStatus
from census_api.domain.register.organisations import Organisation, OrganisationStatus

Item = TypeVar("Item")


class Payload(BaseModel):
    """Read from the domain object of the same field names."""

    model_config = ConfigDict(from_attributes=True)


class CollectionPayload(Payload):
    """One year's census and where in its dates it is. Each instant is the first moment of what follows it."""

    year: int
    title: str
    reference_date: dt.date
    phase: str = Field(description="upcoming, open, late or closed")
    opens: dt.datetime
    closes: dt.datetime
    late_until: dt.datetime
    spec_digest: str

    @classmethod
    def of(cls, status: CollectionStatus, now: dt.datetime) -> CollectionPayload:
        return cls(
            year=status.year,
            title=status.title,
            reference_date=status.reference_date,
            phase=status.phase(now),
            opens=status.window.opens,
            closes=status.window.closes,
            late_until=status.window.late_until,
            spec_digest=status.spec_digest,
        )


class CollectionsPayload(Payload):
    items: list[CollectionPayload]


class RulePayload(Payload):
    """One rule: a note only informs, a query needs a fix or an explanation, an error blocks sign-off."""

    code: str
    severity: Severity
    title: str
    on: str = Field(description="The part of a return that it reads.")
    columns: list[str]
    message: str
    expected: str
    fix: str
    why: str
    missing: str = Field(
        description="skip: rows with blank or unreadable inputs are left unjudged; judge: they are not."
    )
    since: int
    check: str = Field(description="The check in census_api/questionnaire/checks.py that it names.")
    source: str = Field(description="Where it comes from: a document and its section, or Ours.")
    decided_by: str = Field(description="Who may change it.")
    declared: list[str] = Field(description="Each file and line that declares or changes it, the oldest first.")
    cases: list[str] = Field(description="The files of test cases that prove it.")


class RulesPayload(Payload):
    collection: int
    spec_digest: str
    rules: list[RulePayload]


class FindingPayload(Payload):
    """One problem at one place. `cell` is for workbooks, `pointer` is the JSON pointer of the same place."""

    key: str = Field(description="The same problem has the same key in the next submission.")
    rule: str
    severity: Severity
    sheet: str | None
    cell: str | None
    pointer: str | None
    column: str | None
    value: str | None
    message: str
    expected: str
    fix: str


class GroupPayload(Payload):
    """Findings of one rule in one column."""

    rule: str
    severity: Severity
    sheet: str | None
    column: str | None
    count: int
    first: list[str | None]


class DroppedKeyPayload(Payload):
    """An explanation that was not carried over. The one given before is among the submission's explanations."""

    finding_key: str
    reason: DropReason = Field(
        description="value_changed: the figure is another; resolved: nothing asks for it any more"
    )


class CarriedPayload(Payload):
    """What became of the explanations of the submission before: how many were carried over, and which were not."""

    carried: int
    dropped: list[DroppedKeyPayload]


class ReportPayload(Payload):
    """What every rule says about a file. `findings` holds the first `findings_shown` of `findings_total`."""

    collection: int
    organisation: str | None
    submission: int | None
    outcome: Outcome
    rows_read: dict[str, int]
    counts: dict[str, int]
    rules: dict[str, int]
    rules_not_applicable: list[str]
    rules_failed: list[str]
    content_sha256: str
    spec_digest: str
    findings_total: int
    findings_shown: int
    groups: list[GroupPayload]
    findings: list[FindingPayload]
    explanations: CarriedPayload | None = Field(None, description="Of a submission; not in a dry run.")


class ReturnPayload(Payload):
    """An organisation's answer to a collection. Its version is also its ETag.

    `latest`, `signed` and `accepted` are numbers of submissions: the newest checked one, the one whose sign-off stands,
    the accepted one. From `deadline` on nothing is taken any more.
    """

    collection: int
    organisation: str
    state: ReturnState
    version: int
    latest: int | None
    signed: int | None
    accepted: int | None
    deadline: dt.datetime | None
    extended_to: dt.datetime | None
    frozen_in: uuid.UUID | None = Field(description="The newest snapshot that holds the return.")
    note: str | None

    @classmethod
    def of(cls, entry: Return) -> ReturnPayload:
        values: dict[str, Any] = {name: getattr(entry, name) for name in cls.model_fields if name != "note"}
        return cls(note=note_on(entry), **values)


class SubmissionPayload(Payload):
    """One version of a return, without its findings."""

    number: int | None
    status: SubmissionStatus
    received_at: dt.datetime
    received_by: str
    file_name: str | None
    kind: Kind | None
    size: int = Field(description="Bytes of the original.")
    original_sha256: str
    content_sha256: str | None
    spec_digest: str | None
    outcome: Outcome | None
    rows_read: dict[str, int]
    counts: dict[str, int]
    timing: Timing | None = Field(description="Whether it came in time, within a longer time, or late.")
    on_behalf: bool = Field(description="Sent by the census team for the organisation.")

    @classmethod
    def of(cls, submission: Submission) -> SubmissionPayload:
        return cls.model_validate(submission)


class PagePayload(Payload, Generic[Item]):
    """Some items of a list. `next` is the cursor of the following page, null at the end; `total` counts all."""

    items: list[Item]
    next: str | None
    total: int


class OrganisationPayload(Payload):
    """An entry of the register."""

    code: str
    name: str
    sector: str | None
    status: OrganisationStatus
    parent: str | None
    merged_into: str | None
    identifiers: dict[str, str]

    @classmethod
    def of(cls, entry: Organisation) -> OrganisationPayload:
        return cls.model_validate(entry)


class JobPayload(Payload):
    """The check of a long file. `result` is the address of the report once `state` is done."""

    id: str
    state: JobState
    stage: str
    share: float = Field(description="How far it is, from 0 to 1.")
    collection: int
    organisation: str
    submission: int | None
    reason: str | None
    message: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    result: str | None

    @classmethod
    def of(cls, job: Job) -> JobPayload:
        result = None
        if job.state == "done" and job.submission is not None:
            result = submission_address(job.collection, job.organisation, job.submission)
        values: dict[str, Any] = {name: getattr(job, name) for name in cls.model_fields if name not in ("id", "result")}
        return cls(id=str(job.id), result=result, **values)


class HealthPayload(Payload):
    status: str


def submission_address(year: int, organisation: str, number: int) -> str:
    """Where a submission's report is."""
    return f"/api/v1/collections/{year}/returns/{organisation}/submissions/{number}"


def job_address(job: object) -> str:
    """Where to ask how far a job is."""
    return f"/api/v1/jobs/{job}"


class LinePayload(Payload):
    """A line: organisation, local authority and service type, all as codes."""

    organisation: str
    local_authority_code: str
    service_type: str
