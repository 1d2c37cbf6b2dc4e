"""Aggregates of frozen snapshots, in every format that tables are served in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from census_api.api.kit.dependencies import Caller, SnapshotText, ThePlatform, may
from census_api.api.kit.problems import document_problems
from census_api.api.kit.served_tables import IN_EVERY_FORMAT, Format, chosen_kind, not_modified, stream_table
from census_api.domain.aggregates import DIMENSIONS
from census_api.domain.kit.measures import MEASURES
from census_api.services.aggregates import asking as service
from census_api.services.aggregates.question import MOST_DIMENSIONS, Wanted
from census_api.services.aggregates.tables import iterate_pieces, tag_of

router = APIRouter(prefix="/snapshots", tags=["aggregates"])

_MOST_VALUES = 200
_Codes = list[str] | None
Many = Annotated[
    _Codes,
    Query(max_length=_MOST_VALUES, description="Only these codes of it, with commas between them or given repeatedly."),
]


def wanted_of(
    by: Annotated[
        _Codes,
        Query(
            max_length=_MOST_VALUES,
            description=f"Up to {MOST_DIMENSIONS} of {', '.join(DIMENSIONS)}, with commas between them.",
            examples=[["sector,role_group"]],
        ),
    ] = None,
    measure: Annotated[
        _Codes,
        Query(
            max_length=_MOST_VALUES,
            description=f"Any of {', '.join(MEASURES)}. Without it wte, or paid_headcount by a breakdown of people.",
            examples=[["wte,vacancy_rate"]],
        ),
    ] = None,
    region: Many = None,
    local_authority: Many = None,
    sector: Many = None,
    service_type: Many = None,
    organisation_type: Many = None,
    role: Many = None,
    role_group: Many = None,
    regulated: Many = None,
    profession_group: Many = None,
    paid: Many = None,
    pay: Many = None,
    contract: Many = None,
    hours: Many = None,
    length_of_service: Many = None,
    age: Many = None,
    gender: Many = None,
    ethnicity: Many = None,
    disability: Many = None,
) -> Wanted:
    """The question that the query parameters ask."""
    filters = {
        "region": region, "local_authority": local_authority, "sector": sector, "service_type": service_type,
        "organisation_type": organisation_type, "role": role, "role_group": role_group, "regulated": regulated,
        "profession_group": profession_group, "paid": paid, "pay": pay, "contract": contract, "hours": hours,
        "length_of_service": length_of_service, "age": age, "gender": gender, "ethnicity": ethnicity,
        "disability": disability,
    }  # fmt: skip
    return Wanted(by or (), measure or (), {name: codes for name, codes in filters.items() if codes})


TheQuestion = Annotated[Wanted, Depends(wanted_of)]


@router.get(
    "/{snapshot}/aggregates",
    dependencies=[may("aggregate.read")],
    response_class=Response,
    responses=document_problems() | IN_EVERY_FORMAT,
)
def get_aggregates(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    snapshot: SnapshotText,
    wanted: TheQuestion,
    format: Format = None,
) -> Response:
    """Measures of a frozen snapshot by up to four dimensions, of the rows that pass every filter.

    Every figure comes with its numerator, denominator, base and definition, with how much it rests on, and with how many
    rows gave which answer. What is not known is null with a reason, never 0.
    """
    kind = chosen_kind(request, format)
    asked = service.resolve_question(platform, caller, snapshot, wanted)
    tag = tag_of(asked.snapshot, asked.query, kind)
    known = not_modified(request, tag)
    if known is not None:
        return known
    found = service.answer_question(platform, caller, asked)
    return stream_table(
        iterate_pieces(found, kind), kind, f"census-{found.name}-{'-'.join(found.query.by) or 'total'}", tag
    )
