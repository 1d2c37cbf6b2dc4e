"""Comparisons of two snapshots, series of several, and estimates of one, in every format that tables are served in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from census_api.api.kit.answers import json_bytes
from census_api.api.kit.dependencies import Caller, SnapshotText, ThePlatform, may
from census_api.api.kit.problems import document_problems
from census_api.api.kit.served_tables import IN_EVERY_FORMAT, OWN_CACHE, Format, chosen_kind, not_modified, sheet_answer
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, ROLE_DIMENSIONS
from census_api.services.comparing import comparisons as service
from census_api.services.comparing import tables
from census_api.services.comparing.estimates import estimate_key, estimate_snapshot
from census_api.services.comparing.series import chain_series
from census_api.services.kit.tables_out import Kind, OutputSheet

router = APIRouter(tags=["comparisons"])

_LONGEST = 400
_Name = Annotated[
    str,
    Query(
        max_length=40,
        description="A frozen snapshot: its UUID, a year (its latest frozen revision), or a year and a revision: 2024.2.",
    ),
]
_By = Annotated[
    str,
    Query(
        max_length=_LONGEST,
        description=f"Up to three of {', '.join((*LINE_DIMENSIONS, *ROLE_DIMENSIONS, PAID))} and one breakdown of people, "
        "with commas between them. Without it the whole country.",
        examples=["sector,role_group"],
    ),
]
_Measure = Annotated[str, Query(max_length=_LONGEST, description=f"One of {', '.join(MEASURES)}.", examples=["wte"])]
_Policy = Annotated[
    str | None,
    Query(
        max_length=100,
        description="The version or digest of the thresholds. Without it the latest.",
        examples=["2026-1"],
    ),
]


@router.get(
    "/comparisons",
    dependencies=[may("aggregate.read")],
    response_class=Response,
    responses=document_problems() | IN_EVERY_FORMAT,
)
def get_comparison(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    before: Annotated[_Name, Query(alias="from", examples=["2023"])],
    after: Annotated[_Name, Query(alias="to", examples=["2024"])],
    measure: _Measure = "wte",
    by: _By = "",
    policy: _Policy = None,
    format: Format = None,
) -> Response:
    """Two years compared cell by cell: what may be compared, why not where not, and what is valid instead.

    Where a cell is BLOCKED its change is null, in every format. What takes its place is there: the change of those that
    answered in both years, estimates adjusted for non-response, and the exact terms of the difference.
    """
    kind = chosen_kind(request, format)
    asked: dict[str, Any] = {"measure": measure, "by": by, "policy": policy}
    tag = _tag(service.comparison_key(platform, caller, before, after, **asked), kind)
    name = f"comparison-{before}-{after}-{measure}"
    return _answered(
        request,
        tag,
        kind,
        name,
        lambda: service.compare_snapshots(platform, caller, before, after, **asked),
        tables.comparison_sheet,
    )


@router.get(
    "/series",
    dependencies=[may("aggregate.read")],
    response_class=Response,
    responses=document_problems() | IN_EVERY_FORMAT,
)
def get_series(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    snapshots: Annotated[
        str,
        Query(
            max_length=_LONGEST,
            description="Snapshots in order of their years, with commas.",
            examples=["2022,2023,2024"],
        ),
    ],
    measure: _Measure = "wte",
    by: _By = "",
    policy: _Policy = None,
    format: Format = None,
) -> Response:
    """Several years as a chained index: each year linked to the next by those that answered in both."""
    kind = chosen_kind(request, format)
    names = [part.strip() for part in snapshots.split(",") if part.strip()]
    found = chain_series(platform, caller, names, measure=measure, by=by, policy=policy)
    tag = _tag(found["id"], kind)
    return _answered(request, tag, kind, f"series-{'-'.join(names)}-{measure}", lambda: found, tables.series_sheet)


@router.get(
    "/snapshots/{snapshot}/estimates",
    dependencies=[may("aggregate.read")],
    response_class=Response,
    responses=document_problems() | IN_EVERY_FORMAT,
)
def get_estimates(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    snapshot: SnapshotText,
    measure: _Measure = "wte",
    by: _By = "",
    policy: _Policy = None,
    format: Format = None,
) -> Response:
    """Totals adjusted for non-response, each beside what was reported, with its interval, bounds and share imputed."""
    kind = chosen_kind(request, format)
    asked: dict[str, Any] = {"measure": measure, "by": by, "policy": policy}
    tag = _tag(estimate_key(platform, caller, snapshot, **asked), kind)
    name = f"estimates-{snapshot}-{measure}"
    return _answered(
        request, tag, kind, name, lambda: estimate_snapshot(platform, caller, snapshot, **asked), tables.estimates_sheet
    )


def _tag(key: str, kind: Kind) -> str:
    return f"{key[:32]}-{kind}"


def _answered(
    request: Request,
    tag: str,
    kind: Kind,
    name: str,
    found: Callable[[], Mapping[str, Any]],
    as_sheet: Callable[[Mapping[str, Any]], OutputSheet],
) -> Response:
    """The document as JSON, or as a table; nothing where the caller has it already."""
    known = not_modified(request, tag)
    if known is not None:
        return known
    document = found()
    if kind == "json":
        return Response(json_bytes(document), 200, {"ETag": f'"{tag}"', **OWN_CACHE}, "application/json")
    return sheet_answer(as_sheet(document), kind, name, tag)
