"""Snapshots: having a collection frozen, how far that is, and what each revision is made of. And the policies."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from census_api.api.kit.answers import json_answer
from census_api.api.kit.bodies import Body, BodyOf
from census_api.api.kit.common_payloads import PagePayload, Payload
from census_api.api.kit.dependencies import Caller, KeyCursor, ThePlatform, Year, limit_digits, limit_up_to, may
from census_api.api.kit.problems import RETRY_SECONDS, document_problems
from census_api.domain.kit.access import Actor, is_allowed
from census_api.domain.snapshots.revisions import ChangeKind, Snapshot, SnapshotState
from census_api.services.snapshots import revisions
from census_api.services.snapshots.revisions import KeptPolicy
from census_api.statistics.policy import Policy

router = APIRouter(tags=["snapshots"])

if TYPE_CHECKING:
    _Limit = int
else:
    _Limit = limit_up_to(revisions.MOST_SNAPSHOTS)
_Wanted = Annotated[
    str,
    Path(
        description="A snapshot: its id, a year (its latest frozen revision), or a year and a revision.",
        max_length=64,
        examples=["2024", "2024.2"],
    ),
]
_YearQuery = Annotated[
    Annotated[int, limit_digits(4)] | None, Query(ge=2000, le=2999, description="Only snapshots of this year.")
]


class FreezeBody(Body):
    """`policy` names the thresholds that differ from the latest policy's, by section."""

    policy: dict[str, Any] = Field(
        default_factory=dict, description="Thresholds that differ from the latest policy's, by section."
    )


class RevisionChangePayload(Payload):
    """A return that came in, left, or has other content than in the revision before."""

    kind: ChangeKind
    organisation: str
    before_sha256: str | None
    after_sha256: str | None


class SnapshotPayload(Payload):
    """One revision of a year. `returns`, `lines` and `facts` count accepted returns, lines and staff rows."""

    id: uuid.UUID
    name: str = Field(description="Year and revision, as the command line takes them: 2024.2.")
    collection: int
    revision: int
    state: SnapshotState
    stage: str = Field(description="What is being done, while it is built.")
    share: float = Field(description="How much of that is done, 0 to 1.")
    content_hash: str | None = Field(description="SHA-256 of what it is made of; null until it is frozen.")
    spec_digest: str
    policy_digest: str
    started_at: dt.datetime
    started_by: str
    frozen_at: dt.datetime | None
    previous: uuid.UUID | None = Field(description="The revision before.")
    returns: int
    lines: int
    facts: int
    changed: dict[ChangeKind, int] = Field(description="How many returns the revision added, removed and changed.")
    changes: list[RevisionChangePayload] | None = Field(
        description="Which returns; null for callers who may not know them."
    )
    message: str | None = Field(description="Why it could not be frozen.")

    @classmethod
    def of(cls, snapshot: Snapshot, reader: Actor) -> SnapshotPayload:
        kinds = Counter(change.kind for change in snapshot.changes)
        values = {name: getattr(snapshot, name) for name in cls.model_fields if name not in ("changed", "changes")}
        return cls(
            **values,
            changed={"added": kinds["added"], "removed": kinds["removed"], "changed": kinds["changed"]},
            # who answered is told to those who look after the answers
            changes=[RevisionChangePayload.model_validate(change) for change in snapshot.changes]
            if is_allowed(reader, "snapshot.freeze")
            else None,
        )


class PolicyPayload(Payload):
    """The thresholds of a version. `stored_at` is when a result first used them, null when none has."""

    digest: str
    version: str
    stored_at: dt.datetime | None
    thresholds: dict[str, Any]

    @classmethod
    def of(cls, kept: KeptPolicy) -> PolicyPayload:
        policy = kept.policy
        return cls(digest=policy.digest, version=policy.version, stored_at=kept.stored_at, thresholds=policy.as_dict())


class PoliciesPayload(Payload):
    items: list[PolicyPayload]


@router.post(
    "/collections/{year}/snapshots",
    status_code=202,
    dependencies=[may("snapshot.freeze")],
    response_model=SnapshotPayload,
    responses={
        200: {"model": SnapshotPayload, "description": "Nothing has changed since the latest revision, which this is."},
        **document_problems(408, 409, 413, 415),
    },
)
def post_snapshot(platform: ThePlatform, caller: Caller, year: Year, body: BodyOf[FreezeBody]) -> Response:
    """Has the accepted returns of a collection frozen. Location says where to ask how far it is."""
    asked = revisions.request_freeze(platform, caller, year, Policy.from_dict(body.policy)).snapshot
    return _answer(asked, caller, status=202 if asked.state == "building" else 200, located=True)


@router.get(
    "/snapshots",
    dependencies=[may("margins.read")],
    response_model=PagePayload[SnapshotPayload],
    responses=document_problems(),
)
def list_snapshots(
    platform: ThePlatform, caller: Caller, year: _YearQuery = None, cursor: KeyCursor = None, limit: _Limit = 50
) -> Response:
    """The snapshots, the newest year and revision first."""
    page = revisions.list_snapshots(platform, caller, year, cursor=cursor, limit=limit)
    items = [SnapshotPayload.of(snapshot, caller) for snapshot in page.items]
    return json_answer(PagePayload[SnapshotPayload](items=items, next=page.next, total=page.total))


@router.get(
    "/snapshots/{snapshot}",
    dependencies=[may("margins.read")],
    response_model=SnapshotPayload,
    responses=document_problems(),
)
def get_snapshot(platform: ThePlatform, caller: Caller, snapshot: _Wanted) -> Response:
    """A snapshot. While it is being built, Retry-After says when to ask again."""
    return _answer(revisions.get_snapshot(platform, caller, snapshot), caller)


@router.get(
    "/policies", dependencies=[may("margins.read")], response_model=PoliciesPayload, responses=document_problems()
)
def list_policies(platform: ThePlatform, caller: Caller) -> Response:
    """The latest policy, and every other that a result was made under: what its digest stands for."""
    found = revisions.list_policies(platform, caller)
    return json_answer(PoliciesPayload(items=[PolicyPayload.of(kept) for kept in found]))


def _answer(snapshot: Snapshot, reader: Actor, *, status: int = 200, located: bool = False) -> Response:
    headers = {"Location": f"/api/v1/snapshots/{snapshot.id}"} if located else {}
    if snapshot.state == "building":
        headers["Retry-After"] = str(min(2, RETRY_SECONDS))
    return json_answer(SnapshotPayload.of(snapshot, reader), status, headers)
