"""Invitations and new passwords: links that work once, for a while, and are known here by their hash alone."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, NotFound
from census_api.domain.people import LinkPurpose, hash_of, new_secret
from census_api.services.kit import attempts
from census_api.services.kit.platform import Platform
from census_api.services.mail import writing
from census_api.services.people import passwords, sessions
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.people import credentials
from census_api.store.people import queries as people
from census_api.store.people.tables import AccountRow

log = structlog.get_logger(__name__)

_INVITE_DAYS = 7
_RESET_HOURS = 1
_EVEN_SECONDS = 0.25
_USED = "This link was used before or has run out. Ask for a new one."
_PAGES: dict[LinkPurpose, str] = {"invite": "/accept", "reset": "/new-password"}


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A link that was made: the page with its secret, to be given to its person and to nobody else."""

    path: str
    ends_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whom a link is for, and what it does."""

    purpose: LinkPurpose
    name: str
    email: str | None
    ends_at: dt.datetime


def invite_person(
    platform: Platform, actor: Actor, account_id: uuid.UUID, *, organisation: str | None = None
) -> IssuedLink | None:
    """Sends an account its invitation by mail. Earlier invitations of it stop working.

    With an organisation its signatories may, for members of it. None, and no mail, where the account has a password or
    signs in at the provider already. Raises NotFound, and Conflict for an account that is disabled.
    """
    authorise(actor, "people.manage" if organisation is None else "members.manage", organisation)
    with platform.database.transaction() as session:
        row = people.find_account(session, account_id, lock=True)
        if row is None or row.email is None:
            raise NotFound("There is no person of that number to invite.")
        if organisation is not None and organisation not in people.as_domain(session, row).memberships:
            raise NotFound("That person has no role at this organisation. Add them first.")
        if row.disabled_at is not None:
            raise Conflict("That account is disabled. Enable it before you invite its person.")
        if row.password_hash is not None or row.subject is not None:
            return None
        return _make(session, platform, actor, row, "invite", organisation)


def request_reset(platform: Platform, address: str | None, email: str) -> None:
    """Sends a link to a new password, if there is somebody of that address who uses one.

    Nobody can tell from the answer or the time it takes whether there is. Raises TooManyAttempts.
    """
    named = email.strip().lower()[:300]
    attempts.count_attempt(platform, "reset", account=named, address=address)
    with _evenly(_EVEN_SECONDS), platform.database.transaction() as session:
        row = people.find_by_email(session, named, lock=True) if named.isprintable() else None
        usable = platform.settings.local_sign_in and row is not None and sessions.may_enter(platform, row)
        if row is not None and usable and row.password_hash is not None:
            _make(session, platform, Actor(SYSTEM.name, address, kind="system"), row, "reset", None)


def find_waiting(platform: Platform, address: str | None, secret: str) -> Waiting:
    """Whom the link is for. Raises NotFound when it was used or has run out, TooManyAttempts."""
    attempts.count_attempt(platform, "link", account=None, address=address)
    with platform.database.transaction() as session:
        found = credentials.find_link(session, hash_of(secret), platform.clock())
        if found is None or not sessions.may_enter(platform, found[1]):
            raise NotFound(_USED)
        purpose: LinkPurpose = "invite" if found[0].purpose == "invite" else "reset"
        link = Waiting(purpose, found[1].name, found[1].email, found[0].ends_at)
    # not within the transaction above: who holds one connection must not wait for another
    attempts.forgive_attempts(platform, "link", account=None, address=address)
    return link


def redeem_link(platform: Platform, address: str | None, secret: str, password: str) -> Waiting:
    """Sets the password that the link is for, once. Every session of the account ends.

    Raises NotFound when it was used or has run out, InvalidRequest for a password that will not do (the link then
    works still), TooManyAttempts.
    """
    found = find_waiting(platform, address, secret)
    made = passwords.hash_password(passwords.check_acceptable(password, found.name, found.email))
    with platform.database.transaction() as session:
        account_id = credentials.use_link(session, hash_of(secret), platform.clock())
        row = people.find_account(session, account_id, lock=True) if account_id is not None else None
        if row is None or not sessions.may_enter(platform, row):
            raise NotFound(_USED)
        row.password_hash = made
        people.forget_proofs(session, row.id)
        credentials.drop_links(session, row.id)
        action = "invitation.accepted" if found.purpose == "invite" else "password.reset"
        actor = Actor(row.name, address, row.id)
        audit.record(session, actor, action, subject=f"account {row.id}", at=platform.clock())
    return found


def _make(
    session: Session, platform: Platform, actor: Actor, row: AccountRow, purpose: LinkPurpose, organisation: str | None
) -> IssuedLink:
    now = platform.clock()
    lasts = dt.timedelta(days=_INVITE_DAYS) if purpose == "invite" else dt.timedelta(hours=_RESET_HOURS)
    words = f"{_INVITE_DAYS} days" if purpose == "invite" else f"{_RESET_HOURS} hour"
    secret = new_secret()
    path = f"{_PAGES[purpose]}/{secret}"
    credentials.add_link(session, hash_of(secret), purpose, row.id, actor.name, now, now + lasts)
    writing.enqueue_mail(
        session,
        "invite" if purpose == "invite" else "password_reset",
        row.email or "",
        organisation=organisation,
        collection=None,
        links={"link": path},
        facts={"name": row.name, "expires": words},
        at=now,
    )
    action = "invitation.sent" if purpose == "invite" else "password.reset_requested"
    audit.record(session, actor, action, organisation=organisation, subject=f"account {row.id}", at=now)
    return IssuedLink(path, now + lasts)


@contextmanager
def _evenly(seconds: float) -> Iterator[None]:
    """Takes at least so long: what was done, or not done, shows in no clock."""
    began = time.monotonic()
    try:
        yield
    finally:
        time.sleep(max(0.0, began + seconds - time.monotonic()))
