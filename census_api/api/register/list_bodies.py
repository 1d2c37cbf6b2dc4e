"""Lists in and out: what the routes of the register and of the frame have in common."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BeforeValidator

from census_api.api.kit.answers import JSON, XLSX, as_attachment, json_answer, json_bytes
from census_api.api.kit.problems import PROBLEM_TYPE, Problem, Responses, reference_of
from census_api.api.register.payloads import ListReportPayload
from census_api.domain.register.lists import ListFormat, ListReport

MEDIA: dict[ListFormat, str] = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "json": "application/json"}
CODE = "list_has_errors"


def _true_or_false(value: object) -> bool:
    """What JSON calls a boolean: the framework's own reading would take yes, on and 1 as well."""
    if value not in (True, False, "true", "false"):
        raise ValueError("must be true or false")
    return value in (True, "true")


Preview = Annotated[
    bool,
    BeforeValidator(_true_or_false, json_schema_input_type=bool),
    Query(description="Say what is wrong and what would change, and change nothing."),
]

_KINDS = [media.split(";")[0] for media in MEDIA.values()]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
DOWNLOAD: Responses = {
    200: {"description": "The list", "content": {kind: {"schema": {}} if kind == JSON else _BINARY for kind in _KINDS}}
}


def described_list(name: str, keys: list[str]) -> dict[str, Any]:
    """What OpenAPI says about the body that holds a list."""
    entry = {
        "type": "object",
        "properties": {key: {"type": ["string", "null"]} for key in keys},
        "additionalProperties": False,
    }
    tree = {
        "type": "object",
        "required": [name],
        "additionalProperties": False,
        "properties": {name: {"type": "array", "items": entry}},
    }
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The list as .xlsx, .ods, .csv or .json."}
        },
    }
    content = {"application/json": {"schema": tree}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def file_of(data: bytes, kind: ListFormat, name: str, headers: dict[str, str] | None = None) -> Response:
    """A list as a download."""
    return Response(data, 200, {**as_attachment(f"{name}.{kind}"), **(headers or {})}, MEDIA[kind])


def answer_report(request: Request, report: ListReport, *, preview: bool) -> Response:
    """The report; a problem that carries it where a list was to be taken and has errors."""
    payload = ListReportPayload.of(report)
    if preview or not report.errors:
        return json_answer(payload)
    count = "1 error" if report.errors == 1 else f"{report.errors:,} errors"
    problem = Problem(
        type="about:blank",
        title="Unprocessable Content",
        status=422,
        detail=f"The list has {count}, so nothing was changed. Correct what `report` names and send the whole list again.",
        code=CODE,
        reference=reference_of(request),
    )
    body = problem.model_dump() | {"report": payload.model_dump(mode="json")}
    return Response(json_bytes(body), 422, None, PROBLEM_TYPE)
