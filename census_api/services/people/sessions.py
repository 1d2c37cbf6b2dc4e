"""Signing in and out. A session is the platform's; the browser has a random secret that stands for it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import structlog

from census_api.domain.kit.access import ANONYMOUS, Actor
from census_api.domain.kit.errors import CensusError, Forbidden, SignInRequired
from census_api.domain.people import hash_of, new_secret
from census_api.services.kit import attempts
from census_api.services.kit.platform import Platform
from census_api.services.people import passwords, second_factor
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.people import credentials
from census_api.store.people import queries as people
from census_api.store.people.tables import AccountRow

log = structlog.get_logger(__name__)

_SEEN_EVERY = dt.timedelta(minutes=1)
_HALF_WAY = dt.timedelta(minutes=10)
"""How long somebody may look for the telephone that shows the second factor."""
_WRONG = "The e-mail address or the password is not right. Check both, or ask for a new password."
_ENDED = "You are not signed in any more. Sign in again; what was sent in before is kept."


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that began. `secret` is for the browser alone; with `waits_for_second_factor` it opens nothing yet."""

    secret: str
    ends_at: dt.datetime
    waits_for_second_factor: bool


def sign_in(
    platform: Platform, address: str | None, email: str, password: str, *, before: str | None = None
) -> OpenedSession:
    """Begins a session for who knows the password; the session `before` (a secret), whoever's it was, ends.

    Raises SignInRequired in the same words, and after the same time, whether or not there is such a person;
    TooManyAttempts; Forbidden where local accounts are switched off.
    """
    if not platform.settings.local_sign_in:
        raise Forbidden(f"Passwords are not used here. Sign in with {platform.settings.sso_name}.")
    named = email.strip().lower()[:300]
    attempts.count_attempt(platform, "sign_in", account=named, address=address)
    with platform.database.transaction() as session:
        row = people.find_by_email(session, named) if named.isprintable() else None
        stored = row.password_hash if row is not None and may_enter(platform, row) else None
    right, newer = passwords.is_right(password, stored)
    if row is None or not right:
        raise _denied(platform, address, row.id if row is not None else None, SignInRequired(_WRONG))
    attempts.forgive_attempts(platform, "sign_in", account=named, address=address)
    with platform.database.transaction() as session:
        locked = people.find_account(session, row.id, lock=True)
        if locked is None or not may_enter(platform, locked) or locked.password_hash != stored:
            raise SignInRequired(_WRONG)
        if newer is not None:
            locked.password_hash = newer
        return begin_session(session, platform, locked, address, "password", before=before)


def pass_second_factor(platform: Platform, address: str | None, secret: str, code: str) -> OpenedSession:
    """Turns a session that waits into one that opens doors, under a new secret.

    `code` is what the authenticator shows, or a recovery code. Raises SignInRequired, TooManyAttempts.
    """
    hashed, now = hash_of(secret), platform.clock()
    with platform.database.transaction() as session:
        found = credentials.find_session(session, hashed)
    if found is None or not found[0].waits_for_second_factor or found[0].ends_at <= now:
        raise SignInRequired(_ENDED)
    attempts.count_attempt(platform, "second_factor", account=str(found[1].id), address=address)
    wrong = SignInRequired("That code is not right, or was used before. Type the one that is shown now.")
    with platform.database.transaction() as session:
        row = people.find_account(session, found[1].id, lock=True)
        right = row is not None and second_factor.is_right(session, platform, row, code)
        if row is not None and right and may_enter(platform, row) and credentials.end_session(session, hashed):
            opened = _open(session, platform, row, waits=False)
            _record(session, row, address, "session.began", platform.clock(), {"by": "password and second factor"})
            return opened
    raise _denied(platform, address, found[1].id, wrong)


def begin_session(
    session: Session, platform: Platform, row: AccountRow, address: str | None, by: str, *, before: str | None = None
) -> OpenedSession:
    """A session for an account that has proved who it is; `by` says how. It waits where a second factor is set."""
    if before is not None:
        credentials.end_session(session, hash_of(before))
    waits = row.second_factor is not None and by == "password"
    opened = _open(session, platform, row, waits=waits)
    if not waits:
        _record(session, row, address, "session.began", platform.clock(), {"by": by})
    return opened


def actor_of_session(platform: Platform, secret: str, address: str | None) -> Actor:
    """Who the session is of, with what they may do as of now. Raises SignInRequired when it has ended."""
    now = platform.clock()
    idle = dt.timedelta(minutes=platform.settings.session_idle_minutes)
    with platform.database.transaction() as session:
        found = credentials.find_session(session, hash_of(secret))
        if found is None:
            raise SignInRequired(_ENDED)
        row, account = found
        if (
            row.waits_for_second_factor
            or row.ends_at <= now
            or row.seen_at + idle <= now
            or not may_enter(platform, account)
        ):
            raise SignInRequired(_ENDED)
        if row.seen_at + _SEEN_EVERY <= now:
            credentials.see_session(session, row.token_hash, now)
        return actor_for(session, platform, account, address)


def waits_for_second_factor(platform: Platform, secret: str) -> bool:
    """Whether the session is one that has given half of its proof."""
    with platform.database.snapshot() as session:
        found = credentials.find_session(session, hash_of(secret))
        return found is not None and found[0].waits_for_second_factor and found[0].ends_at > platform.clock()


def sign_out(platform: Platform, secret: str, address: str | None) -> None:
    """Ends the session at once. One that has ended already stays so."""
    with platform.database.transaction() as session:
        account_id = credentials.end_session(session, hash_of(secret))
        row = people.find_account(session, account_id) if account_id is not None else None
        if row is not None:
            _record(session, row, address, "session.ended", platform.clock(), {"by": "signing out"})


def may_enter(platform: Platform, row: AccountRow) -> bool:
    """False for who is disabled, and for the accounts of the demonstration anywhere else."""
    return row.disabled_at is None and (not row.demonstration or platform.settings.mode == "demo")


def actor_for(
    session: Session, platform: Platform, row: AccountRow, address: str | None, *, scopes: frozenset[str] | None = None
) -> Actor:
    """The account as an actor, with what it may do as of this transaction. With `scopes` it is a token's."""
    authority = people.authority_of(session, row.id, areas=platform.settings.area_reads)
    return Actor(
        name=row.name,
        address=address,
        user_id=row.id,
        kind="person" if scopes is None else "token",
        roles=authority.roles,
        memberships=authority.memberships,
        scopes=scopes,
        watched=authority.watched - frozenset(authority.memberships),
    )


def _open(session: Session, platform: Platform, row: AccountRow, *, waits: bool) -> OpenedSession:
    now = platform.clock()
    ends_at = now + (_HALF_WAY if waits else dt.timedelta(hours=platform.settings.session_hours))
    secret = new_secret()
    credentials.begin_session(session, hash_of(secret), row.id, waits=waits, at=now, ends_at=ends_at)
    return OpenedSession(secret, ends_at, waits)


def _denied(platform: Platform, address: str | None, account_id: uuid.UUID | None, error: CensusError) -> CensusError:
    """Notes that somebody was turned away: by whose account if there is one, never by what was typed."""
    log.warning("sign_in_denied", client=address, known=account_id is not None)
    with platform.database.transaction() as session:
        subject = f"account {account_id}" if account_id is not None else "an unknown account"
        actor = Actor(ANONYMOUS.name, address)
        audit.record(session, actor, "session.denied", subject=subject, at=platform.clock())
    return error


def _record(
    session: Session, row: AccountRow, address: str | None, action: str, at: dt.datetime, detail: dict[str, str]
) -> None:
    actor = Actor(row.name, address, row.id)
    audit.record(session, actor, action, subject=f"account {row.id}", detail=detail, at=at)
