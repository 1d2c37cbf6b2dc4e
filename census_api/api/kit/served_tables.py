"""Tables that are served in several formats: which one is wanted, and the answer that carries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from census_api.api.kit.answers import JSON, XLSX, as_attachment
from census_api.api.kit.conditional import has_already
from census_api.api.kit.problems import Responses
from census_api.domain.kit.errors import InvalidRequest
from census_api.services.kit.tables_out import KINDS, Kind, OutputSheet, write_sheet

CSV = "text/csv; charset=utf-8"
PARQUET = "application/vnd.apache.parquet"
KIND_OF: Mapping[str, Kind] = {
    JSON: "json", "text/csv": "csv", XLSX: "xlsx", PARQUET: "parquet", "application/parquet": "parquet",
}  # fmt: skip
TYPE_OF: Mapping[Kind, str] = {"json": JSON, "csv": CSV, "xlsx": XLSX, "parquet": PARQUET}
IN_EVERY_FORMAT: Responses = {
    200: {
        "description": "The table. `format` or Accept says in which of the formats.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", XLSX, PARQUET)},
    },
    304: {"description": "Not modified since the answer with that entity tag"},
}
# a snapshot never changes, but who may see it does: it is asked again each time, and only the tag goes over the line
OWN_CACHE = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie"}

Format = Annotated[
    str | None,
    Query(
        description="json, csv, xlsx or parquet. Without it the Accept header decides; without either it is json.",
        json_schema_extra={"enum": list(KINDS)},
    ),
]


def chosen_kind(request: Request, named: str | None) -> Kind:
    """The format that is asked for. Raises InvalidRequest for a name that is none; an Accept that names none is json."""
    if named is not None:
        for kind in KINDS:
            if kind == named:
                return kind
        raise InvalidRequest(f"There is no format {named[:40]!r}. The formats are {', '.join(KINDS)}.")
    for part in request.headers.get("accept", "").split(","):
        media_type = part.split(";")[0].strip().lower()
        if media_type in KIND_OF:
            return KIND_OF[media_type]
    return "json"


def stream_table(pieces: Iterator[bytes], kind: Kind, name: str, tag: str) -> Response:
    """A table on its way, under a name for who keeps it as a file. `tag` names exactly this table."""
    headers = {"ETag": f'"{tag}"', **OWN_CACHE}
    if kind != "json":
        headers |= as_attachment(f"{name}.{kind}")
    return StreamingResponse(pieces, 200, headers, TYPE_OF[kind])


def sheet_answer(sheet: OutputSheet, kind: Kind, name: str, tag: str) -> Response:
    """A sheet in one of the formats. Raises InvalidRequest where it is too large for that format."""
    return stream_table(write_sheet(sheet, kind), kind, name, tag)


def not_modified(request: Request, tag: str) -> Response | None:
    """304 for who has the table of that tag already, else None."""
    if not has_already(request, f'"{tag}"'):
        return None
    return Response(status_code=304, headers={"ETag": f'"{tag}"', **OWN_CACHE})
