"""Mail for the census team: the outbox, when reminders go out, and reminding employers now."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import PagePayload, Payload
from census_api.api.kit.conditional import Seen, answer_once, tag_of
from census_api.api.kit.dependencies import Caller, Cursor, ThePlatform, Year, limit_up_to, may
from census_api.api.kit.problems import document_problems
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.mail import MailKind, MailState, ReminderPlan
from census_api.services.mail import outbox as service
from census_api.services.progress import reminders

router = APIRouter(tags=["mail"])

MailId = Annotated[uuid.UUID, Path(description="The mail's number.")]
if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(service.MOST_MAILS)
_DOOR = [may("mail.manage")]


class MailPayload(Payload):
    """A mail, without its words: to whom, about which return, and what became of it."""

    id: uuid.UUID
    kind: MailKind
    state: MailState = Field(
        description="waiting, sending, sent; returned: it did not arrive; held: this platform sends no mail; failed: it "
        "needs a person, see `problem`."
    )
    to: str
    organisation: str | None
    collection: int | None
    created_at: dt.datetime
    next_try: dt.datetime
    attempts: int
    sent_at: dt.datetime | None
    problem: str | None = Field(description="Why it was not sent.")


class OutboxPayload(PagePayload[MailPayload]):
    """A page of the outbox, newest first. `states` counts all mails by their state."""

    states: dict[MailState, int]


class LetterPayload(MailPayload):
    """A mail with its words. A link that would let its holder in is left out."""

    subject: str
    body: str


class PlanPayload(Payload):
    """When employers hear from us by themselves. Days left: 0 is the last day, below zero is after it."""

    collection: int
    opening: bool
    days_left: list[int]


class PlanBody(Body):
    """The whole plan, in place of the present one."""

    opening: bool = True
    days_left: list[int] = Field(max_length=20)


class RemindBody(Body):
    """Whom to remind: everybody whose return is not signed yet, narrowed by each field that is given."""

    states: list[ReturnState] | None = Field(default=None, min_length=1, max_length=8)
    days_left_at_most: int | None = Field(default=None, ge=-400, le=400)
    organisations: list[str] | None = Field(default=None, min_length=1, max_length=2000)
    preview: bool = Field(default=False, description="Say who would be reminded, and write nothing.")


class RemindedPayload(Payload):
    """What became of the reminders, by organisation code."""

    written: list[str] = Field(description="A reminder goes out to them.")
    before: list[str] = Field(description="They had one today already.")
    nobody: list[str] = Field(description="They have no one to write to: invite somebody.")
    people: int = Field(description="How many mails were written.")


@router.get("/outbox", dependencies=_DOOR, response_model=OutboxPayload, responses=document_problems())
def list_mails(
    platform: ThePlatform,
    caller: Caller,
    state: Annotated[MailState | None, Query(description="Only mails in this state.")] = None,
    kind: Annotated[MailKind | None, Query(description="Only mails of this kind.")] = None,
    cursor: Cursor = None,
    limit: _Limit = 50,
) -> Response:
    """The outbox, a page at a time."""
    found = service.list_mails(platform, caller, state=state, kind=kind, cursor=cursor, limit=limit)
    items = [MailPayload.model_validate(mail) for mail in found.items]
    states = service.count_mails(platform, caller)
    return json_answer(OutboxPayload(items=items, next=found.next, total=found.total, states=states))


@router.get("/outbox/{mail}", dependencies=_DOOR, response_model=LetterPayload, responses=document_problems())
def read_mail(platform: ThePlatform, caller: Caller, mail: MailId) -> Response:
    """One mail with its words."""
    found, letter = service.read_mail(platform, caller, mail)
    shown: dict[str, Any] = MailPayload.model_validate(found).model_dump()
    return json_answer(LetterPayload(**shown, subject=letter.subject, body=letter.body))


@router.post(
    "/outbox/{mail}/send-again", dependencies=_DOOR, response_model=MailPayload, responses=document_problems(409)
)
def send_again(platform: ThePlatform, caller: Caller, mail: MailId) -> Response:
    """Puts a mail that failed or was held back on the way."""
    return json_answer(MailPayload.model_validate(service.send_again(platform, caller, mail)))


@router.get(
    "/collections/{year}/reminder-plan", dependencies=_DOOR, response_model=PlanPayload, responses=document_problems()
)
def get_plan(request: Request, platform: ThePlatform, caller: Caller, year: Year) -> Response:
    """When reminders of the collection go out by themselves."""
    return answer_once(request, _plan(reminders.get_plan(platform, caller, year)))


@router.put(
    "/collections/{year}/reminder-plan",
    dependencies=_DOOR,
    response_model=PlanPayload,
    responses=document_problems(409, 412, 413, 415),
)
def put_plan(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    seen: Seen,
    body: BodyOf[PlanBody],
) -> Response:
    """Replaces the plan. If-Match takes the ETag of the plan as it was read."""
    changed = reminders.set_plan(platform, caller, year, opening=body.opening, days_left=body.days_left, expected=seen)
    return _plan(changed)


@router.post(
    "/collections/{year}/reminders",
    dependencies=_DOOR,
    response_model=RemindedPayload,
    responses=document_problems(409, 413, 415),
)
def remind(platform: ThePlatform, caller: Caller, year: Year, body: BodyOf[RemindBody]) -> Response:
    """Reminds employers whose return is not signed yet. Nobody is reminded of one return twice a day."""
    answer = reminders.remind_employers(
        platform,
        caller,
        year,
        states=body.states or reminders.UNFINISHED,
        days_left_at_most=body.days_left_at_most,
        organisations=body.organisations,
        preview=body.preview,
    )
    return json_answer(RemindedPayload.model_validate(answer))


def _plan(plan: ReminderPlan) -> Response:
    return json_answer(PlanPayload.model_validate(plan), headers=tag_of(plan.version))
