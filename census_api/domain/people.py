"""People and programs as the platform knows them: accounts, passwords, links and tokens. Nothing secret is in here."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from census_api.domain.kit.access import Actor, MemberRole, PlatformRole
from census_api.domain.kit.errors import InvalidRequest

AccountKind = Literal["person", "machine"]
ACCOUNT_KINDS: tuple[AccountKind, ...] = get_args(AccountKind)
LinkPurpose = Literal["invite", "reset"]
LINK_PURPOSES: tuple[LinkPurpose, ...] = get_args(LinkPurpose)
Source = Literal["local", "provider"]
SOURCES: tuple[Source, ...] = get_args(Source)
"""Where a role comes from: given here, or said by the sign-on provider at every sign-in."""

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
_LONGEST_NAME = 100
_LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@[^\s@\"(),:;<>\[\\\].]+(\.[^\s@\"(),:;<>\[\\\].]+)+")


@dataclass(frozen=True, slots=True)
class Account:
    """One person or machine. `memberships` are those given by name, without what follows from a parent."""

    id: uuid.UUID
    kind: AccountKind
    name: str
    email: str | None
    roles: frozenset[PlatformRole]
    memberships: Mapping[str, frozenset[MemberRole]]
    disabled_at: dt.datetime | None
    has_password: bool
    has_second_factor: bool
    demonstration: bool
    issuer: str | None = None

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    def seen_from(self, organisation: str) -> Account:
        """What members of an organisation may know of one another: nothing of other organisations."""
        return replace(
            self,
            roles=frozenset(),
            memberships={organisation: self.memberships[organisation]},
            has_password=False,
            has_second_factor=False,
            issuer=None,
        )


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without what opens the door."""

    id: uuid.UUID
    name: str
    account: str
    account_id: uuid.UUID
    scopes: tuple[str, ...]
    made_at: dt.datetime
    ends_at: dt.datetime
    revoked_at: dt.datetime | None
    used_at: dt.datetime | None


def checked_email(text: str) -> str:
    """The address in lower case. Raises InvalidRequest unless it looks like one."""
    email = text.strip().lower()
    if len(email) > _LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidRequest("That is not an e-mail address. It looks like name@organisation.example.", field="email")
    return email


def checked_name(text: str) -> str:
    """The name of a person, machine or token, spaces folded. Raises InvalidRequest unless 1 to 100 printable characters."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(f"A name has 1 to {_LONGEST_NAME} letters, digits or signs.", field="name")
    return name


def checked_password(password: str, common: frozenset[str], *, about: tuple[str, ...] = ()) -> str:
    """The password itself. Raises InvalidRequest saying why it will not do.

    `common` are passwords that are guessed first, case-folded; `about` are words about the person, who are guessed next.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidRequest(
            f"The password is too short. Choose at least {SHORTEST_PASSWORD} characters; three words will do."
        )
    if len(password) > LONGEST_PASSWORD:
        raise InvalidRequest(f"The password is too long. Choose at most {LONGEST_PASSWORD} characters.")
    if "\x00" in password or not password.isprintable():
        raise InvalidRequest(
            "The password holds a character that cannot be typed. Choose letters, digits, signs and spaces."
        )
    folded = password.casefold()
    if is_common(folded, common) or len(set(folded)) < 5:
        raise InvalidRequest("Many people use that password, so it is guessed first. Choose one that is your own.")
    if any(_is_made_of(folded, word.casefold()) for word in about if len(word) >= 4):
        raise InvalidRequest("The password is your name or address. Choose one that others cannot guess.")
    return password


def is_common(folded: str, common: frozenset[str]) -> bool:
    """True for a common password, also with digits or signs around it, or said twice."""
    core = folded.strip("0123456789 !?.,-_*#@$%&+=/")
    half = folded[: len(folded) // 2]
    return folded in common or core in common or (half * 2 == folded and half in common)


def may_give(actor: Actor, role: MemberRole, organisation: str) -> bool:
    """Whether the actor may give that role at an organisation: a signatory makes editors, never another signatory."""
    if actor.sees_all:
        return True
    return role == "editor" and "signatory" in actor.memberships.get(organisation, frozenset())


def _is_made_of(folded: str, word: str) -> bool:
    # the word with a few characters more is still the word
    return word in folded and len(folded) - len(word) < 5


def new_secret(prefix: str = "") -> str:
    """A secret of 256 random bits, fit for an address or a header."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is stored of a secret: random as it is, nobody can guess it from its hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
