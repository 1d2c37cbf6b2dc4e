"""Receipts of sign-off, the differences between submissions, and the history of a return."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from census_api.api.collecting.payloads import DiffPayload, HistoryPayload, ReceiptPayload
from census_api.api.kit.answers import json_answer
from census_api.api.kit.common_payloads import PagePayload
from census_api.api.kit.dependencies import (
    Caller,
    Cursor,
    Number,
    OrganisationCode,
    ThePlatform,
    Year,
    limit_digits,
    may,
    signed_in,
)
from census_api.api.kit.problems import document_problems
from census_api.services.collecting.diffs import LAST_YEAR, MOST_CHANGES, compare_submissions
from census_api.services.collecting.history import MOST_ENTRIES, get_history
from census_api.services.collecting.receipts import get_receipt, standing_receipt

router = APIRouter(tags=["life of a return"])

_RETURN = "/collections/{year}/returns/{organisation}"
_ChangesLimit = Annotated[int, limit_digits(5), Query(ge=1, le=MOST_CHANGES, description="Items on a page.")]
_EntriesLimit = Annotated[int, limit_digits(4), Query(ge=1, le=MOST_ENTRIES, description="Items on a page.")]
Against = Annotated[
    str,
    Query(
        description="What to compare with: the number of another submission, or last_year.",
        pattern="^([1-9][0-9]{0,8}|last_year)$",
        examples=["last_year"],
    ),
]


@router.get(
    "/receipts/{reference}", dependencies=[signed_in()], response_model=ReceiptPayload, responses=document_problems()
)
def receipt(
    platform: ThePlatform,
    caller: Caller,
    reference: Annotated[str, Path(max_length=40, description="The sixteen letters and digits on the receipt.")],
) -> Response:
    """Verifies a receipt: what was signed, by whom and when, and whether it still stands and is unchanged."""
    return json_answer(ReceiptPayload.of(get_receipt(platform, caller, reference)))


@router.get(
    f"{_RETURN}/receipt",
    dependencies=[may("return.read")],
    response_model=ReceiptPayload,
    responses=document_problems(),
)
def return_receipt(platform: ThePlatform, caller: Caller, year: Year, organisation: OrganisationCode) -> Response:
    """The receipt of the sign-off that stands for the return."""
    return json_answer(ReceiptPayload.of(standing_receipt(platform, caller, year, organisation)))


@router.get(
    f"{_RETURN}/submissions/{{number}}/diff",
    dependencies=[may("return.read")],
    response_model=DiffPayload,
    responses=document_problems(409),
)
def get_diff(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    against: Against = LAST_YEAR,
    cursor: Cursor = None,
    limit: _ChangesLimit = 200,
) -> Response:
    """The cells in which the submission differs from another one, or from last year's return."""
    other: int | Literal["last_year"] = LAST_YEAR if against == LAST_YEAR else int(against)
    found = compare_submissions(platform, caller, year, organisation, number, other, cursor=cursor, limit=limit)
    return json_answer(DiffPayload.of(found))


@router.get(
    f"{_RETURN}/history",
    dependencies=[may("return.history")],
    response_model=PagePayload[HistoryPayload],
    responses=document_problems(),
)
def history(
    platform: ThePlatform,
    caller: Caller,
    year: Year,
    organisation: OrganisationCode,
    cursor: Cursor = None,
    limit: _EntriesLimit = 50,
) -> Response:
    """What happened to the return, newest first, in plain sentences."""
    page = get_history(platform, caller, year, organisation, cursor=cursor, limit=limit)
    items = [HistoryPayload.of(entry) for entry in page.items]
    return json_answer(PagePayload[HistoryPayload](items=items, next=page.next, total=page.total))
