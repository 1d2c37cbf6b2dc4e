"""The audit as it is read: its events, and whether their chains are whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from census_api.domain.kit.errors import InvalidRequest

NO_COLLECTION = 0
"""The chain of the events that belong to no collection."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What happened, by whom, to what. `organisation` is a code; `before` and `after` are hashes."""

    id: int
    at: dt.datetime
    actor: str
    actor_kind: str
    action: str
    organisation: str | None
    collection: int | None
    subject: str
    detail: Mapping[str, Any]
    before: str | None
    after: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events; None is all. `action` may end in a point and a star: `return.*`."""

    collection: int | None = None
    organisation: str | None = None
    action: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """Where a chain of events ends. Noted elsewhere, it shows later that nothing was cut off."""

    collection: int
    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.collection}:{self.position}:{self.hash}"


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What the verification found. `problems` are sentences; there are none when all is as it was written."""

    events: int
    ends: tuple[ChainEnd, ...]
    problems: tuple[str, ...]


def noted_end(text: str) -> ChainEnd:
    """A chain's end as `audit verify` prints it. Raises InvalidRequest."""
    parts = text.strip().split(":")
    if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal() and len(parts[2]) == 64):
        raise InvalidRequest(
            "An end that was noted looks like 2024:312:<64 hexadecimal digits>, as the command prints it."
        )
    return ChainEnd(int(parts[0]), int(parts[1]), parts[2])


def link_hash(position: int, earlier: str, facts: tuple[object, ...]) -> str:
    """The hash of one link: SHA-256 of the JSON list of its position, the hash before it, and the event's facts.

    Computed here again, apart from the database, in the very form that the database writes.
    """
    text = json.dumps([position, earlier, *facts], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_name(collection: int) -> str:
    return f"the census of {collection}" if collection != NO_COLLECTION else "no collection"
