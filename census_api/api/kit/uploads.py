"""Request bodies: read piece by piece within limits, never spooled to disk, and no more of them at once than fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request

from census_api.api.kit.dependencies import Shared, ThePlatform
from census_api.api.kit.multipart import OneFileForm
from census_api.api.kit.problems import TooSlow, WrongMediaType
from census_api.api.kit.upload_room import UploadPlace
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import TooLarge

FORM_OVERHEAD = 64_000
"""Bytes that the form around a file may take."""
IDLE_SECONDS = 30.0
_KINDS = "Send application/json, or multipart/form-data with the file in a part named file."

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "The return; see the collection's schema.json."}
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The return as .xlsx, .ods or .json.",
                        }
                    },
                }
            },
        },
    }
}
"""What OpenAPI says about the body of an upload."""


async def receive_upload(request: Request, platform: ThePlatform, shared: Shared) -> AsyncIterator[Upload]:
    """The upload of a request; its place is kept until the request is answered.

    Raises WrongMediaType, MalformedUpload, TooLarge after at most the limit and FORM_OVERHEAD bytes, TooSlow, or
    Unavailable when too many are in hand.
    """
    kind = _kind_of(request)
    limit = platform.settings.max_upload_bytes
    with shared.room.place() as place:
        if kind == "application/json":
            pieces = [piece async for piece in pieces_of(request, limit, limit, place)]
            upload = Upload(b"".join(pieces), None, kind)
        else:
            form = OneFileForm(request.headers["content-type"])
            async for piece in pieces_of(request, limit + FORM_OVERHEAD, limit, place):
                form.feed(piece)
            upload = Upload(*form.finish())
        async with shared.room.turn():
            yield upload


TheUpload = Annotated[Upload, Depends(receive_upload)]


def _kind_of(request: Request) -> str:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise WrongMediaType(f"The body is of a kind that is not taken here. {_KINDS}")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType(f"The body is compressed, which is not taken here. {_KINDS}")
    return kind


async def pieces_of(request: Request, most: int, limit: int, place: UploadPlace) -> AsyncIterator[bytes]:
    """The body as it arrives, of at most `most` bytes; `limit` is what is said to be allowed of the file itself.

    Raises TooLarge, TooSlow, Unavailable.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > most:
        raise _too_large(limit)
    stream = request.stream().__aiter__()
    total = 0
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlow("The upload stopped before it was whole. Nothing was stored. Please send it again.") from None
        total += len(piece)
        if total > most:
            raise _too_large(limit)
        place.take(len(piece))
        yield piece


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The file has more than the {limit:,} bytes that can be sent. Remove sheets, pictures and empty formatted rows "
        "that are not part of the return, and send it again."
    )
