"""Answers as bytes: JSON that always can be written, entity tags, and downloads that browsers do not open."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import BaseModel

from census_api.api.kit.conditional import has_already

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
MEDIA_TYPES = {"xlsx": XLSX, "ods": ODS, "json": JSON}
UNKNOWN = "application/octet-stream"


def json_bytes(tree: Any) -> bytes:
    """JSON in UTF-8. Half a surrogate pair, which UTF-8 cannot hold, is escaped."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(tree, allow_nan=False, separators=(",", ":")).encode()


def json_answer(tree: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer that belongs to somebody: no cache keeps it."""
    body = tree.model_dump_json().encode() if isinstance(tree, BaseModel) else json_bytes(tree)
    return Response(body, status, headers, JSON)


def answer_tagged(
    request: Request, body: bytes, media_type: str = JSON, headers: dict[str, str] | None = None
) -> Response:
    """An answer that is the same for everybody: with an entity tag, and 304 for who has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known = {"ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if has_already(request, tag):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return Response(body, 200, known, media_type)


def as_attachment(name: str) -> dict[str, str]:
    """The headers of a download under `name`, which may hold anything (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    exact = quote(name, safe="")
    extended = "" if plain == name else f"; filename*=UTF-8''{exact}"
    return {"Content-Disposition": f'attachment; filename="{plain}"{extended}'}


def answer_download(body: bytes, media_type: str, name: str) -> Response:
    """A file of somebody's return."""
    return Response(body, 200, as_attachment(name), media_type)
