"""The content hash of a snapshot: what it was made of, and nothing that differs from one database to the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import chain

ReturnFacts = tuple[str, str, str, str]
"""Organisation, sector, parent organisation, and the content hash of its accepted return."""
FrameFacts = tuple[str, str, str, str | None]
"""Organisation, local authority, service type, and the size of the line as the shortest decimal, None if not known."""


def content_hash(
    collection: int, spec_digest: str, policy_digest: str, returns: Iterable[ReturnFacts], frame: Iterable[FrameFacts]
) -> str:
    """SHA-256 of the canonical JSON of `{collection, frame, policy_digest, returns, spec_digest}`, 64 hex digits.

    Keys sorted, no spaces, UTF-8. Returns and frame lines are given in ascending order of code points, each once, so
    that no list of them is ever held. Raises ValueError when they are not.
    """
    digest = hashlib.sha256()
    pieces = chain(
        (f'{{"collection":{collection},"frame":[',),
        _listed(frame, 3),
        (f'],"policy_digest":"{policy_digest}","returns":[',),
        _listed(returns, 1),
        (f'],"spec_digest":"{spec_digest}"}}',),
    )
    for piece in pieces:
        digest.update(piece.encode())
    return digest.hexdigest()


def _listed(rows: Iterable[ReturnFacts] | Iterable[FrameFacts], key_length: int) -> Iterator[str]:
    before: tuple[str | None, ...] = ()
    for row in rows:
        key = row[:key_length]
        if before and not before < key:
            raise ValueError("returns and frame lines have to come in order, each once")
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        yield f",{text}" if before else text
        before = key
