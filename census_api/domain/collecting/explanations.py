"""Explanations: why a figure that a rule asks about is right. One for each finding, never one for all."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.errors import InvalidRequest

ReasonCode = Literal[
    "checked", "service_change", "staffing_change", "transfer", "recording_change", "estimate", "other"
]
REASONS: tuple[ReasonCode, ...] = get_args(ReasonCode)
REASON_LABELS: Mapping[ReasonCode, str] = MappingProxyType(
    {
        "checked": "Checked against our own records and right",
        "service_change": "A service opened, closed, moved or changed in size",
        "staffing_change": "Recruitment, leavers or a reorganisation of our own staff",
        "transfer": "Staff came from, or went to, another organisation",
        "recording_change": "Recorded or counted in another way than last year",
        "estimate": "Estimated, because our records do not hold it",
        "other": "Another reason, given in words",
    }
)
DropReason = Literal["value_changed", "resolved"]

SHORTEST = 10
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one finding of one submission stands. `value` is what the finding was about when it was given.

    `carried_from` is the number of the submission that it was first given for, None when that is this one.
    """

    finding_key: str
    value: str | None
    reason: ReasonCode
    text: str
    given_by: str
    given_at: dt.datetime
    carried_from: int | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """An explanation of the submission before that was not carried over, and why."""

    explanation: Explanation
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Carried:
    """What of the explanations of the submission before goes on, and what does not. Both in the order given."""

    kept: tuple[Explanation, ...]
    dropped: tuple[Dropped, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {"carried": len(self.kept), "dropped": len(self.dropped)}

    def as_json(self) -> dict[str, Any]:
        """What a report says of it: how many were carried over, and which were dropped."""
        gone = [{"finding_key": entry.explanation.finding_key, "reason": entry.reason} for entry in self.dropped]
        return {"carried": len(self.kept), "dropped": gone}


NOTHING_CARRIED = Carried((), ())


def carry_explanations(before: Iterable[Explanation], number: int, findings: Iterable[Finding]) -> Carried:
    """Which explanations of submission `number` stand for the findings of the next one.

    An explanation goes on while a query of the same key has the same value. It is dropped as `value_changed` when the
    query is there with another value, as `resolved` when the query is not there any more.
    """
    queries = {finding.key: finding for finding in findings if finding.severity == "query"}
    kept, dropped = [], []
    for explanation in before:
        finding = queries.get(explanation.finding_key)
        if finding is None:
            dropped.append(Dropped(explanation, "resolved"))
        elif finding.value != explanation.value:
            dropped.append(Dropped(explanation, "value_changed"))
        else:
            kept.append(_carried(explanation, number))
    return Carried(tuple(kept), tuple(dropped))


def checked_reason(code: str) -> ReasonCode:
    """The reason itself. Raises InvalidRequest that lists the reasons."""
    for reason in REASONS:
        if reason == code:
            return reason
    raise InvalidRequest(f"A reason is one of {', '.join(REASONS)}.")


def checked_text(
    text: str, what: str, *, shortest: int = SHORTEST, longest: int = LONGEST, field: str | None = None
) -> str:
    """A text that people wrote, trimmed, its lines kept. `what` names it in the message, for example `An explanation`,
    and `field` its place in the request.

    Raises InvalidRequest when it is too short or long, has no letter in it, or characters that cannot be stored.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    trimmed = "\n".join(lines).strip()
    if not shortest <= len(trimmed) <= longest or not any(letter.isalpha() for letter in trimmed):
        raise InvalidRequest(
            f"{what} has {shortest} to {longest:,} characters, in words that others understand.", field=field
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" for letter in trimmed):
        raise InvalidRequest(
            f"{what} holds characters that cannot be read. Type it again rather than pasting it.", field=field
        )
    return trimmed


def sha256_of(explanations: Iterable[Explanation]) -> str:
    """SHA-256 of what explanations say, whatever their order: what a sign-off binds beside the content."""
    said = sorted((entry.finding_key, entry.reason, entry.text) for entry in explanations)
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _carried(explanation: Explanation, number: int) -> Explanation:
    first = number if explanation.carried_from is None else explanation.carried_from
    return Explanation(
        explanation.finding_key, explanation.value, explanation.reason, explanation.text, explanation.given_by,
        explanation.given_at, first,
    )  # fmt: skip
