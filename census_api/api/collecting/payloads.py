"""Bodies and answers of the life of a return."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import Field

from census_api.api.kit.bodies import Body
from census_api.api.kit.common_payloads import FindingPayload, Payload
from census_api.domain.collecting.deadlines import Timing
from census_api.domain.collecting.diff import CellChange, ChangeKind
from census_api.domain.collecting.explanations import REASON_LABELS, DropReason, Explanation, ReasonCode
from census_api.domain.collecting.history import HistoryEntry
from census_api.domain.collecting.questions import About, ReturnQuestion, Subject
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.collecting.signoff import DECLARATION, GateCode, Receipt, Standing
from census_api.services.collecting.diffs import Diff
from census_api.services.collecting.explanations import Explained
from census_api.services.collecting.life import MOST_AT_ONCE, Accepted
from census_api.services.collecting.sign_off import Readiness

_Text = Annotated[str, Field(max_length=4000)]


class ExplanationBody(Body):
    reason: ReasonCode = Field(description="; ".join(f"{code}: {label}" for code, label in REASON_LABELS.items()))
    text: _Text = Field(description="Why the figure is right, 10 to 1,000 characters.")


class SignOffBody(Body):
    role: str = Field(description="The post of who signs, for example Director of Workforce.", max_length=200)
    declared: Literal[True] = Field(description=DECLARATION)
    content_sha256: str | None = Field(
        None, description="The content that was seen: another is refused.", max_length=64
    )


class QuestionBody(Body):
    about: About = Field(description="finding, line or return")
    text: _Text
    finding_key: str | None = Field(None, max_length=16)
    local_authority_code: str | None = Field(None, max_length=20)
    service_type: str | None = Field(None, max_length=60)

    def subject(self) -> Subject:
        return Subject(self.about, self.finding_key, self.local_authority_code, self.service_type)


class ReplyBody(Body):
    text: _Text


class ReasonBody(Body):
    reason: _Text = Field(description="Why, 10 to 1,000 characters. The employer reads it.")


class AcceptBody(Body):
    submission: int | None = Field(
        None, ge=1, le=999_999_999, description="Only if this is the one that is signed off."
    )


class ExtensionBody(Body):
    until: dt.date = Field(description="The last day, in England.")
    reason: _Text


class AcceptancesBody(Body):
    organisations: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ExplanationPayload(Payload):
    """Why one finding stands. `carried_from` is the number of the submission that it was first given for."""

    finding_key: str
    value: str | None
    reason: ReasonCode
    text: str
    given_by: str
    given_at: dt.datetime
    carried_from: int | None

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationPayload:
        return cls.model_validate(explanation)


class DroppedPayload(Payload):
    """An explanation of the submission before that did not carry over."""

    explanation: ExplanationPayload
    reason: DropReason = Field(
        description="value_changed: the figure is another; resolved: nothing asks for it any more"
    )


class ExplanationsPayload(Payload):
    """`missing` are the queries that still want an explanation; `reasons` the codes that one can have."""

    given: list[ExplanationPayload]
    missing: list[FindingPayload]
    dropped: list[DroppedPayload]
    reasons: dict[str, str]

    @classmethod
    def of(cls, found: Explained) -> ExplanationsPayload:
        return cls(
            given=[ExplanationPayload.of(entry) for entry in found.given],
            missing=[FindingPayload.model_validate(finding) for finding in found.missing],
            dropped=[DroppedPayload.model_validate(entry) for entry in found.dropped],
            reasons={str(code): label for code, label in REASON_LABELS.items()},
        )


class GatePayload(Payload):
    """One thing that stands in the way. `keys` are those of the findings it is about, if any."""

    code: GateCode
    message: str
    count: int
    keys: list[str]


class ReadinessPayload(Payload):
    """Whether a submission can be signed off now, and everything that stands in the way."""

    submission: int
    ready: bool
    content_sha256: str
    declaration: str
    gates: list[GatePayload]

    @classmethod
    def of(cls, found: Readiness) -> ReadinessPayload:
        gates = [GatePayload(code=g.code, message=g.message, count=g.count, keys=list(g.keys)) for g in found.gates]
        return cls(
            submission=found.submission,
            ready=not gates,
            content_sha256=found.content_sha256,
            declaration=DECLARATION,
            gates=gates,
        )


class ReceiptPayload(Payload):
    """A sign-off. `standing` says what has become of it: stands, replaced by a later one, or set aside.

    `intact` is false when the stored return is not what was signed.
    """

    reference: str
    collection: int
    organisation: str
    organisation_name: str
    submission: int
    name: str
    role: str
    signed_at: dt.datetime
    received_at: dt.datetime
    timing: Timing
    declaration: str
    nil_return: bool
    content_sha256: str
    explanations_sha256: str
    original_sha256: str
    state: ReturnState
    standing: Standing
    intact: bool
    page: str = Field(description="The receipt as a page that can be printed.")

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptPayload:
        signed = receipt.sign_off
        return cls(
            reference=signed.reference,
            collection=signed.collection,
            organisation=signed.organisation,
            organisation_name=receipt.organisation_name,
            submission=signed.submission,
            name=signed.name,
            role=signed.role,
            signed_at=signed.signed_at,
            received_at=receipt.received_at,
            timing=signed.timing,
            declaration=DECLARATION,
            nil_return=receipt.nil_return,
            content_sha256=signed.content_sha256,
            explanations_sha256=signed.explanations_sha256,
            original_sha256=receipt.original_sha256,
            state=receipt.state,
            standing=receipt.standing,
            intact=receipt.intact,
            page=receipt_page(signed.reference),
        )


class ReplyPayload(Payload):
    text: str
    replied_by: str
    replied_at: dt.datetime


class QuestionPayload(Payload):
    """A question of the census team, with its replies in order; open while there is none."""

    id: uuid.UUID
    submission: int
    about: About
    finding_key: str | None
    local_authority_code: str | None
    service_type: str | None
    text: str
    asked_by: str
    asked_at: dt.datetime
    open: bool
    replies: list[ReplyPayload]

    @classmethod
    def of(cls, question: ReturnQuestion) -> QuestionPayload:
        return cls(
            id=question.id,
            submission=question.submission,
            about=question.subject.about,
            finding_key=question.subject.finding_key,
            local_authority_code=question.subject.local_authority_code,
            service_type=question.subject.service_type,
            text=question.text,
            asked_by=question.asked_by,
            asked_at=question.asked_at,
            open=question.is_open,
            replies=[ReplyPayload.model_validate(reply) for reply in question.replies],
        )


class QuestionsPayload(Payload):
    items: list[QuestionPayload]


class SidePayload(Payload):
    """One side of a comparison of submissions."""

    collection: int
    submission: int


class CellChangePayload(Payload):
    """One cell that differs. `row` is its business key, empty for the Organisation sheet."""

    kind: ChangeKind
    sheet: str
    row: str
    column: str
    before: int | str | None
    after: int | str | None
    difference: str | None = Field(description="After minus before, where both are numbers.")

    @classmethod
    def of(cls, change: CellChange) -> CellChangePayload:
        return cls.model_validate(change)


class DiffPayload(Payload):
    """The cells that differ between two submissions. `counts` and `total` are of all of them."""

    before: SidePayload
    after: SidePayload
    counts: dict[str, int]
    items: list[CellChangePayload]
    next: str | None
    total: int

    @classmethod
    def of(cls, found: Diff) -> DiffPayload:
        before, after = (
            SidePayload(collection=year, submission=number) for year, number in (found.before, found.after)
        )
        items = [CellChangePayload.of(change) for change in found.changes.items]
        return cls(
            before=before,
            after=after,
            counts=found.counts,
            items=items,
            next=found.changes.next,
            total=found.changes.total,
        )


class HistoryPayload(Payload):
    """One thing that happened to a return, as a sentence."""

    at: dt.datetime
    actor: str
    action: str
    sentence: str

    @classmethod
    def of(cls, entry: HistoryEntry) -> HistoryPayload:
        return cls.model_validate(entry)


class AcceptedPayload(Payload):
    """What became of one return. `problem` says why it was not accepted, null when it was."""

    organisation: str
    problem: str | None

    @classmethod
    def of(cls, accepted: Accepted) -> AcceptedPayload:
        return cls.model_validate(accepted)


class AcceptancesPayload(Payload):
    items: list[AcceptedPayload]


def receipt_page(reference: str) -> str:
    """Where the receipt is a page."""
    return f"/receipts/{reference}"
