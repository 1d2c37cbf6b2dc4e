"""The audit, for those who run the census."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.common_payloads import PagePayload, Payload
from census_api.api.kit.dependencies import Caller, Cursor, OrganisationQuery, ThePlatform, limit_up_to, may
from census_api.api.kit.problems import document_problems
from census_api.domain.audit import AuditFilter
from census_api.services.audit import reading as service

router = APIRouter(prefix="/audit", tags=["audit"])

if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(service.MOST_EVENTS)


class AuditEventPayload(Payload):
    """One thing that happened. `before` and `after` are hashes of what was changed."""

    id: int
    at: dt.datetime
    actor: str
    actor_kind: str = Field(description="person, token or system")
    action: str
    organisation: str | None
    collection: int | None
    subject: str
    detail: dict[str, Any]
    before: str | None
    after: str | None
    address: str | None


@router.get(
    "",
    dependencies=[may("audit.read")],
    response_model=PagePayload[AuditEventPayload],
    responses=document_problems(401, 403),
)
def list_events(
    platform: ThePlatform,
    caller: Caller,
    collection: Annotated[int | None, Query(ge=2000, le=2999, description="Only events of this census.")] = None,
    organisation: OrganisationQuery = None,
    action: Annotated[
        str | None, Query(max_length=60, description="Only events of this action; return.* for all of returns.")
    ] = None,
    actor: Annotated[str | None, Query(max_length=200, description="Only events of this actor, by name.")] = None,
    cursor: Cursor = None,
    limit: _Limit = 100,
) -> Response:
    """Events that pass all filters, newest first."""
    wanted = AuditFilter(collection, organisation, action, actor)
    page = service.list_events(platform, caller, wanted, cursor=cursor, limit=limit)
    items = [AuditEventPayload.model_validate(event) for event in page.items]
    return json_answer(PagePayload[AuditEventPayload](items=items, next=page.next, total=page.total))
