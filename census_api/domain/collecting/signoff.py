"""Sign-off: what stands in its way, what it binds, and the reference on its receipt."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from census_api.domain.collecting.deadlines import Timing, in_words
from census_api.domain.collecting.findings import Finding
from census_api.domain.collecting.returns import ReturnState, explain_refusal

GateCode = Literal["state", "closed", "not_newest", "errors", "rules_failed", "unexplained", "unanswered"]
GATES: tuple[GateCode, ...] = get_args(GateCode)
Standing = Literal["stands", "replaced", "set_aside"]

DECLARATION = "I declare that this return is complete and correct to the best of my knowledge."

# no letters that look like digits or each other; the last sign of a reference checks the others
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 16
_LOOKS_LIKE = str.maketrans("OIL", "011", " -")


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that stands in the way of sign-off. `keys` are those of the findings it is about, if any."""

    code: GateCode
    message: str
    count: int = 1
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Newer:
    """A submission that came in after the one in question. `pending` while it is still being checked."""

    number: int
    received_by: str
    received_at: dt.datetime
    pending: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a submission that somebody wants to sign. `closed` says why no return is taken now, if so.

    `unexplained` are its queries without an explanation, `unanswered` the number of the team's questions without a
    reply; `signed` is True when its own sign-off stands.
    """

    number: int
    state: ReturnState
    signed: bool
    errors: int
    failed_rules: Sequence[str]
    unexplained: Sequence[Finding]
    unanswered: int
    newer: Newer | None
    closed: str | None


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who declared which content correct, when, and in what role. `explanations_sha256` binds the explanations too."""

    id: uuid.UUID
    collection: int
    organisation: str
    submission: int
    reference: str
    name: str
    role: str
    signed_at: dt.datetime
    timing: Timing
    content_sha256: str
    explanations_sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sign-off as its receipt shows it. `standing` says what has become of it.

    `stands`: it is what counts; `replaced`: a later sign-off took its place; `set_aside`: the return was queried,
    reopened, declined or withdrawn since. `intact` is False when the stored return is not what was signed.
    """

    sign_off: SignOff
    organisation_name: str
    received_at: dt.datetime
    original_sha256: str
    nil_return: bool
    state: ReturnState
    standing: Standing
    intact: bool


def list_gates(of: Candidate) -> tuple[Gate, ...]:
    """Everything that stands in the way of signing, all at once; empty when it can be signed."""
    found = [*_by_state(of), *_by_findings(of)]
    if of.closed is not None:
        found.insert(0, Gate("closed", of.closed))
    if of.unanswered:
        asked = "1 question" if of.unanswered == 1 else f"{of.unanswered} questions"
        found.append(Gate("unanswered", f"The census team asked {asked} that nobody has answered yet.", of.unanswered))
    return tuple(found)


def _by_state(of: Candidate) -> list[Gate]:
    if of.signed:
        return [Gate("state", f"Submission {of.number} has been signed off already.")]
    found = []
    if of.state not in ("in_progress", "signed_off"):
        found.append(Gate("state", explain_refusal(of.state, "sign_off")))
    if of.newer is not None:
        by, at = of.newer.received_by, in_words(of.newer.received_at)
        then = "It is still being checked." if of.newer.pending else "Sign that one, or send your file again."
        found.append(Gate("not_newest", f"Submission {of.newer.number} came in from {by} on {at}. {then}"))
    return found


def _by_findings(of: Candidate) -> list[Gate]:
    found = []
    if of.errors:
        what = "1 error" if of.errors == 1 else f"{of.errors:,} errors"
        found.append(Gate("errors", f"The file has {what}. Correct them and send the file again.", of.errors))
    if of.failed_rules:
        codes = ", ".join(of.failed_rules)
        message = f"The checks {codes} could not run, through a fault of the platform. Tell the census team."
        found.append(Gate("rules_failed", message, len(of.failed_rules)))
    if of.unexplained:
        count = len(of.unexplained)
        what = "1 query has" if count == 1 else f"{count:,} queries have"
        keys = tuple(finding.key for finding in of.unexplained)
        message = f"{what} no explanation. Correct the figure, or explain why it is right, for each of them."
        found.append(Gate("unexplained", message, count, keys))
    return found


def new_reference() -> str:
    """A random reference in four groups of four: 75 random bits, and a sign that shows mistyping."""
    body = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH - 1))
    whole = body + _check_sign(body)
    return "-".join(whole[at : at + 4] for at in range(0, _LENGTH, 4))


def reference_of(typed: str) -> str | None:
    """The reference as it is stored, however it was typed; None when it cannot be one."""
    signs = typed.upper().translate(_LOOKS_LIKE)
    if len(signs) != _LENGTH or any(sign not in _SIGNS for sign in signs) or signs[-1] != _check_sign(signs[:-1]):
        return None
    return "-".join(signs[at : at + 4] for at in range(0, _LENGTH, 4))


def _check_sign(body: str) -> str:
    """Luhn's sum in base 32: no single wrong sign passes, and hardly any two that were swapped."""
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = _SIGNS.index(sign) * (2 if place % 2 == 0 else 1)
        total += value // 32 + value % 32
    return _SIGNS[-total % 32]
