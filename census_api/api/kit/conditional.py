"""Conditional requests: what a caller has seen or has already, by the entity tags of RFC 9110, for every route alike.

`If-None-Match` and `If-Match` take one tag, several with commas between them, or `*`. A proxy that compresses an answer
makes its tag weak (`W/"7"`), so a weak tag counts as the tag that it was made of.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from census_api.domain.kit.errors import InvalidRequest

_TAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_LONGEST = 4000
_OF_A_304 = ("ETag", "Cache-Control", "Content-Location", "Expires", "Vary")


def read_tags(header: str | None) -> frozenset[str] | None:
    """What stands in the quotation marks of each tag of a header; None for `*` or no header at all.

    Raises InvalidRequest for anything that is not a list of tags.
    """
    if header is None or header.strip() == "*":
        return None
    tags, position = set(), 0
    text = header.strip()
    while position < len(text) <= _LONGEST:
        match = _TAG.match(text, position)
        if match is None:
            break
        tags.add(match[1])
        position = match.end()
    if not tags or position < len(text) or text.endswith(","):
        raise InvalidRequest('This header takes entity tags as they were given, in their quotation marks, such as "7".')
    return frozenset(tags)


def has_already(request: Request, tag: str) -> bool:
    """Whether If-None-Match says that the caller has the answer of this entity tag, given in its quotation marks.

    A header that cannot be read says nothing: the caller gets the whole answer.
    """
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    try:
        tags = read_tags(header)
    except InvalidRequest:
        return False
    return tags is None or tag.strip('"') in tags


def answer_once(request: Request, answer: Response) -> Response:
    """The answer, or 304 without a body where the caller has it already. Headers of a 304 stay (RFC 9110)."""
    tag = answer.headers.get("etag")
    if tag is None or answer.status_code != 200 or not has_already(request, tag.removeprefix("W/")):
        return answer
    kept = {name: answer.headers[name] for name in _OF_A_304 if name in answer.headers}
    return Response(status_code=304, headers=kept)


def tag_of(version: int) -> dict[str, str]:
    """The header that names a version of a return."""
    return {"ETag": f'"{version}"'}


def seen_version(if_match: str | None = None) -> int | None:
    """The newest version that an If-Match header names; None without one and for `*`. Raises InvalidRequest.

    Versions only grow, so of several that a caller has seen only the newest can still be the present one.
    """
    tags = read_tags(if_match)
    if tags is None:
        return None
    if not all(re.fullmatch("[0-9]{1,9}", tag) for tag in tags):
        raise InvalidRequest("If-Match takes the ETag of the return as it was given, in its quotation marks.")
    return max(map(int, tags))


def _from_header(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of the return as you have read it. When it has changed since, nothing is done and the "
            "answer says who changed it and when.",
            examples=['"7"'],
            json_schema_extra={"pattern": r'^(\*|(W/)?"[0-9]{1,9}"(\s*,\s*(W/)?"[0-9]{1,9}")*)$'},
        ),
    ] = None,
) -> int | None:
    return seen_version(if_match)


Seen = Annotated[int | None, Depends(_from_header)]
