"""Tokens of programs: made, listed and revoked by the people whose they are."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import Payload
from census_api.api.kit.dependencies import Caller, ThePlatform, may
from census_api.api.kit.problems import document_problems
from census_api.domain.kit.errors import SignInRequired
from census_api.services.people import tokens as service

router = APIRouter(prefix="/tokens", tags=["people"])

_DONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done"}}


class TokenPayload(Payload):
    """A token, without its secret."""

    id: uuid.UUID
    name: str
    scopes: list[str]
    made_at: dt.datetime
    ends_at: dt.datetime
    revoked_at: dt.datetime | None
    used_at: dt.datetime | None


class TokensPayload(Payload):
    items: list[TokenPayload]


class MadeTokenPayload(TokenPayload):
    """A new token with its secret, which is shown this once."""

    token: str


class NewToken(Body):
    """What the token is for: its scopes are actions, as `may` of the caller lists them, or those at an organisation."""

    name: str = Field(max_length=100)
    scopes: list[str] = Field(min_length=1, max_length=40)
    days: int = Field(default=90, ge=1, le=service.MOST_DAYS)


@router.get("", dependencies=[may("tokens.manage")], response_model=TokensPayload, responses=document_problems())
def list_tokens(platform: ThePlatform, caller: Caller) -> Response:
    """The caller's own tokens, the newest first."""
    items = [TokenPayload.model_validate(token) for token in service.list_tokens(platform, caller)]
    return json_answer(TokensPayload(items=items))


@router.post(
    "",
    dependencies=[may("tokens.manage")],
    status_code=201,
    response_model=MadeTokenPayload,
    responses=document_problems(413, 415),
)
def create_token(platform: ThePlatform, caller: Caller, body: BodyOf[NewToken]) -> Response:
    """A new token of the caller, who may do with it what they may do themselves, as far as its scopes go."""
    if caller.user_id is None:
        raise SignInRequired("Sign in to make a token.")
    token, secret = service.create_token(platform, caller, caller.user_id, body.name, body.scopes, body.days)
    shown = TokenPayload.model_validate(token).model_dump()
    return json_answer(MadeTokenPayload(**shown, token=secret), 201)


@router.delete(
    "/{token}",
    dependencies=[may("tokens.manage")],
    status_code=204,
    response_class=Response,
    responses=document_problems() | _DONE,
)
def revoke_token(
    platform: ThePlatform, caller: Caller, token: Annotated[uuid.UUID, Path(description="The token's number.")]
) -> Response:
    """The token opens nothing from now on."""
    service.revoke_token(platform, caller, token)
    return Response(status_code=204)
