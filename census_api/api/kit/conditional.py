"""Entity tags of returns: what a caller has seen, so that nobody changes what somebody else has changed meanwhile."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

from census_api.domain.kit.errors import InvalidRequest


def tag_of(version: int) -> dict[str, str]:
    """The header that names a version of a return."""
    return {"ETag": f'"{version}"'}


def seen_version(if_match: str | None = None) -> int | None:
    """The version that an If-Match header names; None without one and for `*`. Raises InvalidRequest."""
    if if_match is None or if_match.strip() == "*":
        return None
    named = re.fullmatch(r'\s*(?:W/)?"([0-9]{1,9})"\s*', if_match)
    if named is None:
        raise InvalidRequest("If-Match takes the ETag of the return as it was given, in its quotation marks.")
    return int(named[1])


def _from_header(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of the return as you have read it. When it has changed since, nothing is done and the "
            "answer says who changed it and when.",
            examples=['"7"'],
            json_schema_extra={"pattern": r'^(\*|(W/)?"[0-9]{1,9}")$'},
        ),
    ] = None,
) -> int | None:
    return seen_version(if_match)


Seen = Annotated[int | None, Depends(_from_header)]
