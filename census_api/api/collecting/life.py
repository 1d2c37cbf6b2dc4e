"""The life of a return: explanations, sign-off, questions and replies, and the census team's moves."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Response

from census_api.api.collecting.payloads import (
    AcceptancesBody,
    AcceptancesPayload,
    AcceptBody,
    AcceptedPayload,
    ExplanationBody,
    ExplanationPayload,
    ExplanationsPayload,
    ExtensionBody,
    QuestionBody,
    QuestionPayload,
    QuestionsPayload,
    ReadinessPayload,
    ReasonBody,
    ReceiptPayload,
    ReplyBody,
    SignOffBody,
    receipt_page,
)
from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import BodyOf
from census_api.api.kit.common_payloads import ReturnPayload
from census_api.api.kit.conditional import Seen, tag_of
from census_api.api.kit.dependencies import Caller, Number, OrganisationCode, ThePlatform, Year, may
from census_api.api.kit.problems import document_problems
from census_api.domain.collecting.returns import Return
from census_api.services.collecting import explanations, life, return_queries
from census_api.services.collecting.life import accept_many
from census_api.services.collecting.sign_off import get_readiness, sign_off

router = APIRouter(prefix="/collections/{year}", tags=["life of a return"])

_RETURN = "/returns/{organisation}"
_SUBMISSION = f"{_RETURN}/submissions/{{number}}"
_CHANGE = document_problems(400, 403, 408, 409, 412, 413, 415)
FindingKey = Annotated[
    str,
    Path(description="The finding's key, from the report.", pattern="^[0-9a-f]{16}$", examples=["0123456789abcdef"]),
]


@router.get(
    f"{_SUBMISSION}/explanations",
    dependencies=[may("return.read")],
    response_model=ExplanationsPayload,
    responses=document_problems(409),
)
def list_explanations(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """The explanations of a submission, the queries that still want one, and those that did not carry over."""
    found = explanations.list_explanations(platform, caller, year, organisation, number)
    return json_answer(ExplanationsPayload.of(found))


@router.put(
    f"{_SUBMISSION}/explanations/{{finding_key}}",
    dependencies=[may("return.explain")],
    response_model=ExplanationPayload,
    responses=_CHANGE,
)
def put_explanation(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    finding_key: FindingKey,
    seen: Seen,
    body: BodyOf[ExplanationBody],
) -> Response:
    """Explains one query of the newest submission. There is no explaining of all of them at once."""
    done = explanations.explain_finding(
        platform,
        caller,
        year,
        organisation,
        number,
        finding_key,
        reason=body.reason,
        text=body.text,
        expected=seen,
    )
    return json_answer(ExplanationPayload.of(done.result), headers=tag_of(done.version))


@router.get(
    f"{_SUBMISSION}/sign-off",
    dependencies=[may("return.read")],
    response_model=ReadinessPayload,
    responses=document_problems(409),
)
def readiness(
    platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode, number: Number
) -> Response:
    """Whether the submission can be signed off, and everything that stands in the way."""
    return json_answer(ReadinessPayload.of(get_readiness(platform, caller, year, organisation, number)))


@router.post(
    f"{_SUBMISSION}/sign-off",
    status_code=201,
    dependencies=[may("return.sign_off")],
    response_model=ReceiptPayload,
    responses=_CHANGE,
)
def post_sign_off(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    seen: Seen,
    body: BodyOf[SignOffBody],
) -> Response:
    """Declares this submission correct, in the caller's name. The answer is the receipt."""
    done = sign_off(
        platform,
        caller,
        year,
        organisation,
        number,
        role=body.role,
        content_sha256=body.content_sha256,
        expected=seen,
    )
    payload = ReceiptPayload.of(done.result)
    location = f"/api/v1{receipt_page(payload.reference)}"
    return json_answer(payload, 201, {"Location": location, **tag_of(done.version)})


@router.get(
    f"{_RETURN}/queries",
    dependencies=[may("return.read")],
    response_model=QuestionsPayload,
    responses=document_problems(),
)
def list_questions(platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode) -> Response:
    """The census team's questions about the return, with the replies."""
    found = return_queries.list_questions(platform, caller, year, organisation)
    return json_answer(QuestionsPayload(items=[QuestionPayload.of(question) for question in found]))


@router.post(
    f"{_RETURN}/queries",
    status_code=201,
    dependencies=[may("return.query")],
    response_model=QuestionPayload,
    responses=_CHANGE,
)
def post_question(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[QuestionBody],
) -> Response:
    """Asks about a finding, a line or the whole of the signed return, and gives it back to the employer."""
    done = return_queries.ask_query(platform, caller, year, organisation, body.subject(), body.text, expected=seen)
    return json_answer(QuestionPayload.of(done.result), 201, tag_of(done.version))


@router.post(
    f"{_RETURN}/queries/{{query}}/replies",
    status_code=201,
    dependencies=[may("return.reply")],
    response_model=QuestionPayload,
    responses=_CHANGE,
)
def post_reply(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    query: uuid.UUID,
    seen: Seen,
    body: BodyOf[ReplyBody],
) -> Response:
    """Replies to a question. The return is then the employer's again, and has to be signed again."""
    done = return_queries.reply_to_query(platform, caller, year, organisation, query, body.text, expected=seen)
    return json_answer(QuestionPayload.of(done.result), 201, tag_of(done.version))


@router.post(
    f"{_RETURN}/accept",
    dependencies=[may("return.accept")],
    response_model=ReturnPayload,
    responses=_CHANGE,
)
def post_accept(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[AcceptBody],
) -> Response:
    """Accepts the return as it is signed."""
    return _answer(life.accept_return(platform, caller, year, organisation, submission=body.submission, expected=seen))


@router.post(
    f"{_RETURN}/reopen",
    dependencies=[may("return.reopen")],
    response_model=ReturnPayload,
    responses=_CHANGE,
)
def post_reopen(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[ReasonBody],
) -> Response:
    """Gives an accepted, declined or withdrawn return back. A frozen snapshot that holds it stays as it is."""
    return _answer(life.reopen_return(platform, caller, year, organisation, reason=body.reason, expected=seen))


@router.post(
    f"{_RETURN}/decline",
    dependencies=[may("return.decline")],
    response_model=ReturnPayload,
    responses=_CHANGE,
)
def post_decline(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[ReasonBody],
) -> Response:
    """Notes that the organisation will not answer."""
    return _answer(life.decline_return(platform, caller, year, organisation, reason=body.reason, expected=seen))


@router.post(
    f"{_RETURN}/withdraw",
    dependencies=[may("return.withdraw")],
    response_model=ReturnPayload,
    responses=_CHANGE,
)
def post_withdraw(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[ReasonBody],
) -> Response:
    """Takes a return out of the collection."""
    return _answer(life.withdraw_return(platform, caller, year, organisation, reason=body.reason, expected=seen))


@router.put(
    f"{_RETURN}/extension",
    dependencies=[may("return.extend")],
    response_model=ReturnPayload,
    responses=_CHANGE,
)
def put_extension(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    seen: Seen,
    body: BodyOf[ExtensionBody],
) -> Response:
    """Gives the organisation until the end of a day, whatever it was given before."""
    return _answer(
        life.extend_deadline(platform, caller, year, organisation, body.until, reason=body.reason, expected=seen)
    )


@router.post(
    "/acceptances",
    dependencies=[may("return.accept")],
    response_model=AcceptancesPayload,
    responses=_CHANGE,
)
def post_acceptances(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    body: BodyOf[AcceptancesBody],
) -> Response:
    """Accepts many returns; one that cannot be accepted stops no other, and the answer says why."""
    done = accept_many(platform, caller, year, body.organisations)
    return json_answer(AcceptancesPayload(items=[AcceptedPayload.of(entry) for entry in done]))


def _answer(found: Return) -> Response:
    return json_answer(ReturnPayload.of(found), headers=tag_of(found.version))
