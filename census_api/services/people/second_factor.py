"""The second factor: a code that an authenticator shows, and recovery codes for who has lost it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import pyotp

from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import Conflict, InvalidRequest, SignInRequired
from census_api.domain.people import hash_of
from census_api.services.kit.platform import Platform
from census_api.services.people.passwords import is_right as is_password
from census_api.services.people.secrets_at_rest import open_secret, seal_secret
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.people import queries as people
from census_api.store.people.tables import AccountRow

_ISSUER = "Workforce census"
_STEP_SECONDS = 30
_STEPS_EITHER_SIDE = 1
_RECOVERY_CODES = 10
_WRONG = "That code is not right. Check that the clock of the telephone is, and type the code that is shown now."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is told. It counts once a code of it was typed."""

    secret: str
    address: str


def propose_factor(email: str) -> Enrolment:
    """A new secret for somebody's authenticator. Nothing is stored."""
    return propose_again(pyotp.random_base32(32), email)


def propose_again(secret: str, email: str) -> Enrolment:
    """The same proposal once more; a secret that is none is not shown again, but replaced by a new one."""
    if not _is_secret(secret):
        return propose_factor(email)
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER))


def switch_on(platform: Platform, actor: Actor, secret: str, code: str, password: str) -> list[str]:
    """Makes the proposed secret the second factor, and returns the recovery codes, which are shown once.

    Raises InvalidRequest when the code is not one of that secret, SignInRequired for a wrong password, Conflict when
    there is one already.
    """
    if not _is_secret(secret):
        raise InvalidRequest("The key of the authenticator is not whole. Begin again from your account's page.")
    step = _step_of(secret, code, platform)
    if step is None:
        raise InvalidRequest(_WRONG)
    codes = [f"{secrets.token_hex(5)}-{secrets.token_hex(5)}" for _ in range(_RECOVERY_CODES)]
    with platform.database.transaction() as session:
        row = _own(session, actor, password)
        if row.second_factor is not None:
            raise Conflict("There is a second step already. Switch it off before you set up another.")
        row.second_factor = seal_secret(platform.settings, secret, str(row.id))
        row.used_step = step
        people.set_recovery_codes(session, row.id, map(hash_of, codes))
        audit.record(session, actor, "second_factor.on", subject=f"account {row.id}", at=platform.clock())
    return codes


def switch_off(platform: Platform, actor: Actor, password: str) -> None:
    """Signing in needs the password alone again. Raises SignInRequired for a wrong password."""
    with platform.database.transaction() as session:
        clear_factor(session, _own(session, actor, password))
        audit.record(session, actor, "second_factor.off", subject=f"account {actor.user_id}", at=platform.clock())


def clear_factor(session: Session, row: AccountRow) -> None:
    """Forgets the second factor of an account."""
    row.second_factor = None
    row.used_step = None
    people.set_recovery_codes(session, row.id, ())


def is_right(session: Session, platform: Platform, row: AccountRow, code: str) -> bool:
    """Whether the code opens the locked account. Each code does so once."""
    if row.second_factor is None:
        return False
    typed = "".join(code.split()).lower()
    step = _step_of(open_secret(platform.settings, row.second_factor, str(row.id)), typed, platform)
    if step is None:
        return people.use_recovery_code(session, row.id, hash_of(typed))
    if row.used_step is not None and step <= row.used_step:
        return False
    row.used_step = step
    return True


def _own(session: Session, actor: Actor, password: str) -> AccountRow:
    row = people.find_account(session, actor.user_id, lock=True) if actor.user_id is not None else None
    if row is None or actor.kind != "person":
        raise SignInRequired("Sign in to change how you sign in.")
    if not is_password(password, row.password_hash)[0]:
        raise InvalidRequest("Your password is not right. Nothing was changed.")
    return row


def _step_of(secret: str, code: str, platform: Platform) -> int | None:
    """The step of time whose code it is, near enough to now; None when it is none."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit() and len(typed) == 6):
        return None
    now = int(platform.clock().timestamp()) // _STEP_SECONDS
    generator = pyotp.TOTP(secret)
    near = range(now - _STEPS_EITHER_SIDE, now + _STEPS_EITHER_SIDE + 1)
    return next((step for step in near if hmac.compare_digest(generator.generate_otp(step), typed)), None)


def _is_secret(secret: str) -> bool:
    return len(secret) == 32 and all(letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for letter in secret)
