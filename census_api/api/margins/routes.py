"""Margins for survey pipelines: one call, one id that never changes, in the shape that the pipeline's tool takes."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from census_api.api.kit.answers import as_attachment
from census_api.api.kit.conditional import has_already
from census_api.api.kit.dependencies import Caller, ThePlatform, may
from census_api.api.kit.problems import Responses, document_problems
from census_api.domain.kit.errors import NotFound
from census_api.questionnaire.survey import Grouping
from census_api.services.margins import making as service
from census_api.services.margins.content import Estimator
from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.shapes import FORMATS, MEDIA, SUFFIXES, MarginFormat, shape_document

router = APIRouter(tags=["margins"])

FOR_EVER = "private, max-age=31536000, immutable"
_NAME = re.compile(r"([0-9A-Fa-f]{64})(?:\.([a-z]{1,20}))?")
_FORMAT_WORDS = (
    "Who it is for: `json` the whole document, `csv` a row a category, or exactly what `balance`, `weightipy`, "
    "`samplics`, `ipfn` or `r` (the survey package) takes. Without it the ending of the address and then Accept decide."
)

_Snapshot = Annotated[
    str,
    Path(
        max_length=40,
        description="A snapshot's id, or its name: 2024 (the latest revision) or 2024.2.",
        examples=["2024"],
    ),
]
_Format = Annotated[MarginFormat | None, Query(alias="format", description=_FORMAT_WORDS)]
_Estimator = Annotated[Estimator, Query(description="What was reported, or that and an estimate of what was not.")]
_Grouping = Annotated[Grouping, Query(description="Profession groups as the survey makes them, or the strategic plan.")]

_ANSWER: Responses = {
    200: {
        "description": "The margins. `Margins-Id` is their id, `Content-Location` where they stay for ever.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    },
    304: {"description": "Not modified since the answer with that entity tag"},
}


@router.get(
    "/snapshots/{snapshot}/margins",
    dependencies=[may("margins.read")],
    response_class=Response,
    responses=document_problems() | _ANSWER,
)
def get_margins(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    snapshot: _Snapshot,
    estimator: _Estimator = "reported",
    grouping: _Grouping = "survey",
    wanted: _Format = None,
) -> Response:
    """The margins that a survey is weighted to: region, profession group and organisation type, from one table."""
    document = service.get_margins(platform, caller, snapshot, estimator=estimator, grouping=grouping)
    return _answer(request, document, wanted or _accepted(request), "private, no-cache")


@router.get(
    "/snapshots/{snapshot}/margins.{ending}",
    dependencies=[may("margins.read")],
    response_class=Response,
    responses=document_problems() | _ANSWER,
)
def get_margins_as(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    snapshot: _Snapshot,
    ending: Annotated[Literal["json", "csv"], Path(description="json or csv.")],
    estimator: _Estimator = "reported",
    grouping: _Grouping = "survey",
) -> Response:
    """The same, with the format in the address."""
    document = service.get_margins(platform, caller, snapshot, estimator=estimator, grouping=grouping)
    return _answer(request, document, ending, "private, no-cache")


@router.get(
    "/margins/{identity}",
    dependencies=[may("margins.read")],
    response_class=Response,
    responses=document_problems() | _ANSWER,
)
def get_margin(
    request: Request,
    platform: ThePlatform,
    caller: Caller,
    identity: Annotated[
        str, Path(max_length=90, description="The id, 64 hexadecimal digits; .json, .csv or another format may follow.")
    ],
    wanted: _Format = None,
) -> Response:
    """Margins by their id. What this address says never changes."""
    named = _NAME.fullmatch(identity)
    if named is None or (named[2] is not None and named[2] not in FORMATS):
        raise NotFound(f"An id of margins has 64 hexadecimal digits; what may follow is .{' .'.join(FORMATS)}.")
    document = service.get_margin(platform, caller, named[1])
    return _answer(request, document, wanted or _ending(named[2]) or _accepted(request), FOR_EVER)


def _ending(text: str | None) -> MarginFormat | None:
    return next((known for known in FORMATS if known == text), None)


def _accepted(request: Request) -> MarginFormat:
    """CSV for who asks for it and not for JSON."""
    accepted = request.headers.get("accept", "")
    return "csv" if "text/csv" in accepted and "json" not in accepted else "json"


def _answer(request: Request, document: MarginDocument, wanted: MarginFormat, caching: str) -> Response:
    tag = f'"{document.id}.{wanted}"'
    headers = {
        "ETag": tag,
        "Cache-Control": caching,
        "Vary": "Accept",
        "Margins-Id": document.id,
        "Content-Location": f"/api/v1/margins/{document.id}.{wanted}",
    }
    if has_already(request, tag):
        return Response(status_code=304, headers=headers)
    if wanted != "json":
        headers |= as_attachment(f"margins-{document.id[:12]}-{wanted}.{SUFFIXES[wanted]}")
    return Response(shape_document(document, wanted), 200, headers, MEDIA[wanted])
