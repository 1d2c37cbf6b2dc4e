"""Signing in at an OpenID Connect provider: code flow with PKCE, state and nonce; accounts are made as people come."""

from __future__ import annotations

import datetime as dt
import functools
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from census_api.domain.kit.access import MEMBER_ROLES, Actor
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound, SignInRequired
from census_api.domain.people import checked_email, checked_name, hash_of, new_secret
from census_api.services.kit import attempts
from census_api.services.kit.platform import Platform
from census_api.services.people import sessions
from census_api.services.people.accounts import Roles
from census_api.services.people.sessions import OpenedSession
from census_api.services.people.sign_on_mapping import Mapped, load_mapping
from census_api.services.people.sign_on_provider import Provider
from census_api.settings import Settings
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.people import credentials
from census_api.store.people import queries as people
from census_api.store.people.tables import AccountRow

log = structlog.get_logger(__name__)

CALLBACK = "/sign-in/callback"
_FLOW_MINUTES = 10
_BEGIN_AGAIN = "That sign-in was not begun in this browser, or took too long. Please begin again."
_NO_ROLE = "You are known to the sign-in service, but have no role here yet. Ask the census team to invite you."
_NO_EMAIL = "The sign-in service gave no e-mail address that it vouches for. Ask those who run it to add that."
_TAKEN = "Another account here has your e-mail address. Ask the census team to put that right."


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the secret that it keeps until it comes back."""

    address: str
    secret: str


def begin_sign_on(platform: Platform, address: str | None, base: str, next_page: str) -> Begun:
    """Begins a sign-on. `base` is this platform's address, `next_page` where to go afterwards.

    Raises NotFound where no provider is set, Unavailable when it does not answer, TooManyAttempts.
    """
    provider = _provider_of(platform.settings)
    attempts.count_attempt(platform, "sign_on", account=None, address=address)
    state, nonce, verifier, secret = (new_secret() for _ in range(4))
    where = provider.address(base + CALLBACK, state, nonce, verifier)
    now = platform.clock()
    with platform.database.transaction() as session:
        ends_at = now + dt.timedelta(minutes=_FLOW_MINUTES)
        credentials.add_flow(session, hash_of(secret), state, nonce, verifier, next_page, now, ends_at)
    return Begun(where, secret)


def complete_sign_on(
    platform: Platform, address: str | None, base: str, secret: str | None, answer: Mapping[str, str], *,
    before: str | None = None,
) -> tuple[OpenedSession, str]:  # fmt: skip
    """Ends a sign-on with what the provider sent back: a session, and the page to go to.

    The account is made at the first sign-on, or is the one that was invited under the same verified address; roles
    from claims are those of this sign-on. Raises SignInRequired, Forbidden for who has no role, Unavailable.
    """
    provider = _provider_of(platform.settings)
    attempts.count_attempt(platform, "sign_on", account=None, address=address)
    with platform.database.transaction() as session:
        flow = credentials.take_flow(session, hash_of(secret), platform.clock()) if secret else None
    if flow is None or not hmac.compare_digest(flow[0].encode(), answer.get("state", "").encode()):
        raise SignInRequired(_BEGIN_AGAIN)
    _, nonce, verifier, next_page = flow
    if not provider.came_from(answer.get("iss")) or "code" not in answer:
        raise SignInRequired("The sign-in service did not let you in. Please try again, or ask those who run it.")
    claims = provider.claims(answer["code"], base + CALLBACK, nonce, verifier)
    mapped = load_mapping(platform.settings.sso_mapping).applied_to(claims)
    with platform.database.transaction() as session:
        row = _account(session, platform, address, provider.issuer, claims, mapped)
        if not sessions.may_enter(platform, row):
            raise SignInRequired("Your account here is disabled. Ask the census team.")
        _take_over(session, platform, row, address, mapped.roles)
        authority = people.authority_of(session, row.id, areas=False)
        if not authority.roles and not authority.memberships:
            raise Forbidden(_NO_ROLE)
        return sessions.begin_session(session, platform, row, address, "the sign-in service", before=before), next_page


def check_settings(settings: Settings) -> None:
    """Raises ConfigError when the mapping of claims is not usable."""
    load_mapping(settings.sso_mapping)


def _provider_of(settings: Settings) -> Provider:
    if settings.sso_issuer is None:
        raise NotFound("No other sign-in service is used here. Sign in with your e-mail address and password.")
    return _provider(settings.sso_issuer, settings.sso_client_id, settings)


@functools.lru_cache(maxsize=4)
def _provider(_issuer: str, _client: str | None, settings: Settings) -> Provider:
    return Provider(settings)


def _account(
    session: Session, platform: Platform, address: str | None, issuer: str, claims: Mapping[str, Any], mapped: Mapped
) -> AccountRow:
    """The account of the subject; else the one of the verified address, from now on tied to the subject; else new."""
    row = people.find_by_subject(session, issuer, claims["sub"])
    if row is not None:
        return row
    # an address that nobody vouches for would let its claimant into whoever's account it is
    if mapped.email is None or claims.get("email_verified") not in (True, "true"):
        raise Forbidden(_NO_EMAIL)
    email = checked_email(mapped.email)
    row = people.find_by_email(session, email, lock=True)
    if row is not None and (row.subject is not None or row.demonstration):
        raise Forbidden(_TAKEN)
    action = "account.tied"
    if row is None:
        row = people.add_account(session, kind="person", name=_name(mapped, email), email=email)
        action = "account.added"
    if row is None:
        raise Forbidden(_TAKEN)
    row.issuer, row.subject = issuer, claims["sub"]
    session.flush()
    actor = Actor(row.name, address, row.id)
    audit.record(session, actor, action, subject=f"account {row.id}", detail={"by": "sign-on"}, at=platform.clock())
    return row


def _take_over(session: Session, platform: Platform, row: AccountRow, address: str | None, wanted: Roles) -> None:
    """Makes the roles that come from the provider those of this sign-on. Roles that were given here stay."""
    now, by = platform.clock(), "the sign-in service"
    keys = people.find_organisations(session, wanted.members)
    codes = {key: code for code, key in keys.items()}
    members = {(keys[code], role) for code, roles in wanted.members.items() if code in keys for role in roles}
    had_roles, had_members = people.from_provider(session, row.id)
    changes: list[tuple[str, str | None, str]] = []
    for role in sorted(had_roles - wanted.platform):
        people.take_role(session, row.id, role)
        changes.append(("role.taken", None, role))
    given = [
        role for role in sorted(wanted.platform - had_roles) if people.give_role(session, row.id, role, "provider", by)
    ]
    changes += [("role.given", None, role) for role in given]
    for key, member in had_members - members:
        people.end_memberships(session, row.id, key, (member,), now)
        changes.append(("membership.ended", codes.get(key), member))
    for key, member in sorted(members - had_members, key=lambda pair: (codes[pair[0]], MEMBER_ROLES.index(pair[1]))):
        if people.give_membership(session, row.id, key, member, "provider", by, now):
            changes.append(("membership.given", codes[key], member))
    for action, organisation, changed in changes:
        actor = Actor(by, address, kind="system")
        detail = {"role": changed}
        audit.record(
            session, actor, action, organisation=organisation, subject=f"account {row.id}", detail=detail, at=now
        )


def _name(mapped: Mapped, email: str) -> str:
    try:
        return checked_name(mapped.name or email)
    except InvalidRequest:
        return email[:100]
