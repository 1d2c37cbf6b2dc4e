"""Mail: to whom it may go, what it may say, and how often. Never a figure and never a finding: only names and links."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from census_api.domain.kit.errors import InvalidRequest

MailKind = Literal[
    "invite",
    "password_reset",
    "member",
    "opening",
    "reminder",
    "query",
    "reply",
    "receipt",
    "reopened",
    "accepted",
    "declined",
    "withdrawn",
]
MAIL_KINDS: tuple[MailKind, ...] = get_args(MailKind)
MailState = Literal["waiting", "sending", "sent", "returned", "held", "failed"]
MAIL_STATES: tuple[MailState, ...] = get_args(MailState)

SECRET_KINDS: frozenset[MailKind] = frozenset({"invite", "password_reset"})
"""Their link lets whoever has it in: shown to nobody but the recipient, and forgotten once it is sent."""

_OPTIONAL_FACTS = frozenset({"name", "organisation"})
FACTS: Mapping[MailKind, frozenset[str]] = MappingProxyType(
    {
        "invite": frozenset({"expires"}),
        "password_reset": frozenset({"expires"}),
        "member": frozenset(),
        "opening": frozenset({"closes"}),
        "reminder": frozenset({"closes", "days_left"}),
        "query": frozenset(),
        "reply": frozenset(),
        "receipt": frozenset({"reference"}),
        "reopened": frozenset(),
        "accepted": frozenset(),
        "declined": frozenset(),
        "withdrawn": frozenset(),
    }
)
"""The facts that a mail of each kind must have, beside the name of the recipient and of the organisation."""

_DAY = r"[0-9]{1,2} [A-Z][a-z]{2,8} [0-9]{4}"
_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "expires": re.compile(rf"[0-9]{{1,3}} (minute|hour|day)s?|{_DAY}( at [0-9]{{1,2}}:[0-9]{{2}})?"),
        "closes": re.compile(_DAY),
        "days_left": re.compile(r"-?[0-9]{1,3}"),
        "reference": re.compile(r"[A-Za-z0-9-]{4,60}"),
    }
)
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LINK = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)?/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*")
_LONGEST_ADDRESS = 254
_LONGEST_LINK = 600
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the outbox. `organisation` is a code; `links` are empty once a secret one was sent.

    `attempts` counts the tries so far, `next_try` is when the next one may begin, `give_up_at` when no more is made,
    `problem` says in plain words why it was not sent.
    """

    id: uuid.UUID
    kind: MailKind
    state: MailState
    to: str
    organisation: str | None
    collection: int | None
    links: Mapping[str, str]
    facts: Mapping[str, str]
    created_at: dt.datetime
    next_try: dt.datetime
    give_up_at: dt.datetime
    attempts: int
    sent_at: dt.datetime | None
    problem: str | None

    @property
    def is_secret(self) -> bool:
        return self.kind in SECRET_KINDS


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in words: plain text, no header but these two."""

    to: str
    subject: str
    body: str


def checked_address(address: str) -> str:
    """The address itself. Raises InvalidRequest unless it is one plain e-mail address of at most 254 characters.

    What it accepts cannot break out of a header: no space, comma, quote, control character or line break.
    """
    local = address.partition("@")[0]
    if len(address) > _LONGEST_ADDRESS or len(local) > 64 or not _ADDRESS.fullmatch(address):
        raise InvalidRequest("That is not an e-mail address that mail can be sent to. Check it for spaces and commas.")
    return address


def checked_links(kind: MailKind, links: Mapping[str, str]) -> dict[str, str]:
    """The link of a mail, under whatever name: a path of this platform, or an address that starts with http.

    Raises ValueError, a fault of the caller, unless there is exactly one and it is that.
    """
    if len(links) != 1:
        raise ValueError(f"a mail of kind {kind} has exactly one link")
    for address in links.values():
        if len(address) > _LONGEST_LINK or not _LINK.fullmatch(address) or address.startswith("//"):
            raise ValueError(f"the link of a mail of kind {kind} is no address of this platform")
    return dict(links)


def checked_facts(kind: MailKind, facts: Mapping[str, str]) -> dict[str, str]:
    """The facts of a mail, names made plain. Raises ValueError, a fault of the caller, for others than the kind has.

    Every fact but the two names has a shape that no figure, finding or sentence of a return fits in.
    """
    missing = FACTS[kind] - set(facts)
    if missing or set(facts) - FACTS[kind] - _OPTIONAL_FACTS:
        raise ValueError(f"a mail of kind {kind} has the facts {sorted(FACTS[kind] | _OPTIONAL_FACTS)}")
    for name, value in facts.items():
        if name in _SHAPES and not _SHAPES[name].fullmatch(value):
            raise ValueError(f"the fact {name} of a mail of kind {kind} has another shape")
    return {name: plain_name(value) if name in _OPTIONAL_FACTS else value for name, value in facts.items()}


def plain_name(text: str) -> str:
    """A name fit for a mail: letters, digits and a few signs, at most 120 characters, nothing that reads as an address.

    Who may write a name could else write a sentence with a link into the platform's own mail.
    """
    kept = "".join(letter if _is_of_a_name(letter) else " " for letter in unicodedata.normalize("NFC", text))
    apart = re.sub(r"\.(?=\S)|(?<!\w)/|/(?!\w)", " ", kept[:_LONGEST_NAME])
    return " ".join(apart.split())


def _is_of_a_name(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LM" or letter.isdecimal() or letter in " &'’,.()/+-"


def once_key(
    kind: MailKind, to: str, organisation: str | None, collection: int | None, about: str | None, day: dt.date
) -> str:
    """Two mails with one key are one mail: the second is not written.

    `about` names the event that the mail tells of; without it a kind goes to an address once a day for each
    organisation and collection.
    """
    parts = (kind, to.lower(), organisation or "", str(collection or ""), about or day.isoformat())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


DEFAULT_DAYS_LEFT = (28, 14, 7, 2, 0, -1)
"""Reminders of a collection that has no plan of its own: days before its last day, below zero after it."""


@dataclass(frozen=True, slots=True)
class ReminderPlan:
    """When employers of a collection hear from us by themselves: at its opening, and with so many `days_left`.

    `version` grows with every change; 0 is the plan that nobody has changed.
    """

    collection: int
    opening: bool = True
    days_left: tuple[int, ...] = DEFAULT_DAYS_LEFT
    version: int = 0


def checked_days_left(days: list[int]) -> tuple[int, ...]:
    """Days left in falling order. Raises InvalidRequest for repeated ones, more than 20, or outside -60 to 120."""
    if len(days) > 20 or len(set(days)) != len(days) or any(not -60 <= day <= 120 for day in days):
        raise InvalidRequest(
            "The days of the reminders are at most 20 different whole numbers from 120 (before the last day) to -60 "
            "(after it)."
        )
    return tuple(sorted(days, reverse=True))


def days_between(today: dt.date, last_day: dt.date) -> int:
    """Days left: 0 on the last day itself, -1 on the day after."""
    return (last_day - today).days
