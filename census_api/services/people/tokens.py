"""Tokens of programs: random, shown once, for named actions, for a limited time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import structlog

from census_api.domain.kit.access import SCOPES, Actor, authorise
from census_api.domain.kit.errors import InvalidRequest, NotFound, SignInRequired
from census_api.domain.people import ApiToken, checked_name, hash_of, new_secret
from census_api.services.kit.platform import Platform
from census_api.services.people.sessions import actor_for, may_enter
from census_api.store.kit import audit
from census_api.store.people import credentials as stored
from census_api.store.people import queries as people

log = structlog.get_logger(__name__)

PREFIX = "census_"
"""So that a token that got lost in a text can be found and known for what it is."""
MOST_DAYS = 400
_SEEN_EVERY = dt.timedelta(minutes=1)
_INVALID = "This token is not valid: it is unknown, has run out, or was revoked. Ask for a new one."
_NO_ACCOUNT = "There is no such account. Check its number or address in the list of accounts."


def create_token(
    platform: Platform, actor: Actor, account_id: uuid.UUID, name: str, scopes: Sequence[str], days: int, *,
    secret: str | None = None,
) -> tuple[ApiToken, str]:  # fmt: skip
    """A new token of an account, and its secret, which is shown this once.

    It can do what the account may do at the moment of use, as far as its scopes go. Raises Forbidden for another's
    account unless the actor manages people, InvalidRequest for an unknown scope or a life of more than 400 days.
    `secret` is given for the well-known tokens of the demonstration.
    """
    authorise(actor, "tokens.manage")
    if account_id != actor.user_id:
        authorise(actor, "people.manage")
    wanted = _checked_scopes(scopes)
    if not 1 <= days <= MOST_DAYS:
        raise InvalidRequest(f"A token lasts 1 to {MOST_DAYS} days.", field="days")
    now, made = platform.clock(), secret or new_secret(PREFIX)
    with platform.database.transaction() as session:
        row = people.find_account(session, account_id)
        if row is None or row.disabled_at is not None:
            raise NotFound(_NO_ACCOUNT)
        token = stored.add_token(
            session, row.id, hash_of(made), checked_name(name), wanted, actor.name, now, now + dt.timedelta(days=days)
        )
        detail = {"account": str(row.id), "scopes": list(wanted), "ends_at": token.ends_at.isoformat()}
        audit.record(session, actor, "token.made", subject=f"token {token.id}", detail=detail, at=now)
    return token, made


def list_tokens(platform: Platform, actor: Actor, *, everybody: bool = False) -> list[ApiToken]:
    """The actor's own tokens, or everybody's, the newest first."""
    authorise(actor, "people.manage" if everybody else "tokens.manage")
    with platform.database.snapshot() as session:
        return stored.list_tokens(session, None if everybody else actor.user_id or uuid.UUID(int=0))


def revoke_token(platform: Platform, actor: Actor, token_id: uuid.UUID) -> None:
    """The token opens nothing from now on. Raises NotFound for an unknown one and for another's."""
    authorise(actor, "tokens.manage")
    now = platform.clock()
    with platform.database.transaction() as session:
        token = stored.find_token(session, token_id)
        manages = actor.kind == "system" or "administrator" in actor.roles
        if token is None or not (manages or token.account_id == actor.user_id):
            raise NotFound("You have no token of that number.")
        if stored.revoke_token(session, token_id, now):
            audit.record(session, actor, "token.revoked", subject=f"token {token_id}", at=now)


def actor_of_token(platform: Platform, secret: str, address: str | None) -> Actor:
    """Who the token speaks for, with what it may do as of now. Raises SignInRequired when it is not valid.

    Nothing that comes of it is a session: the token has to be sent each time.
    """
    now = platform.clock()
    with platform.database.transaction() as session:
        found = stored.find_by_secret(session, hash_of(secret))
        if found is not None:
            token, row = found
            if token.revoked_at is None and token.ends_at > now and may_enter(platform, row):
                if token.used_at is None or token.used_at + _SEEN_EVERY <= now:
                    stored.see_token(session, token.id, now)
                return actor_for(session, platform, row, address, scopes=frozenset(token.scopes))
    log.warning("token_denied", client=address, known=found is not None)
    raise SignInRequired(_INVALID)


def _checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    if not scopes or any(scope not in SCOPES for scope in scopes):
        raise InvalidRequest(f"A token needs scopes, each one of: {', '.join(SCOPES)}.", field="scopes")
    return tuple(scope for scope in SCOPES if scope in scopes)
