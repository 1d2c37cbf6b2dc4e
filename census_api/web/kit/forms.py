"""Forms of our own pages that send a file: within the limits of every upload, and with the page's token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from census_api.api.kit.auth import require_form_token
from census_api.api.kit.dependencies import Shared, ThePlatform
from census_api.api.kit.multipart import OneFileForm
from census_api.api.kit.problems import WrongMediaType
from census_api.api.kit.uploads import FORM_OVERHEAD, pieces_of
from census_api.domain.collecting.submission import Upload
from census_api.settings import Settings
from census_api.web.kit.visit import TOKEN_FIELD, PostedForm


@dataclass(frozen=True, slots=True)
class FileForm:
    """A file, and what was typed beside it. `upload` is None when no file was chosen."""

    upload: Upload | None
    typed: PostedForm


def whole_file(settings: Settings) -> int:
    """The largest file that is taken anywhere, in bytes."""
    return settings.max_upload_bytes


def file_form(*fields: str, largest: Callable[[Settings], int] = whole_file) -> Any:
    """The dependency that reads a form with a file in its field `file`, after the named fields.

    It raises FormTokenMissing for a form that is not ours, and what every upload does: WrongMediaType, MalformedUpload,
    TooLarge, TooSlow, Unavailable. The place of the upload is kept until the request is answered.
    """

    async def posted(request: Request, platform: ThePlatform, shared: Shared) -> AsyncIterator[FileForm]:
        limit = largest(platform.settings)
        if not request.headers.get("content-type", "").strip().lower().startswith("multipart/form-data"):
            raise WrongMediaType("This page takes its own form only. Go back and use the form.")
        with shared.room.place() as place:
            form = OneFileForm(request.headers["content-type"], (TOKEN_FIELD, *fields))
            async for piece in pieces_of(request, limit + FORM_OVERHEAD, limit, place):
                form.feed(piece)
            data, name, kind = form.finish()
            require_form_token(request, platform.settings, form.values.pop(TOKEN_FIELD, ""))
            async with shared.room.turn():
                upload = Upload(data, name, kind) if data or name else None
                yield FileForm(upload, PostedForm(form.values))

    return Depends(posted)
