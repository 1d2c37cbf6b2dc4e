"""Signing in and out: what a session opens, when it ends, and what is told to whom."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, text

from census_api.domain.kit.access import SYSTEM, Actor
from census_api.domain.kit.errors import CensusError, Forbidden, InvalidRequest, SignInRequired, TooManyAttempts
from census_api.domain.people import hash_of
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, passwords, second_factor, sessions
from census_api.services.people.sessions import OpenedSession, actor_of_session, pass_second_factor, sign_in, sign_out
from census_api.store.kit import tables
from census_api.store.people.tables import AccountRow
from tests.factories.actors import NOW
from tests.factories.people import PASSWORD, REAL_HASHER, add_person

HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
HERE = "192.0.2.1"


def at(platform: Platform, moment: dt.datetime) -> Platform:
    return replace(platform, clock=lambda: moment)


def enter(platform: Platform, name: str = "ann", password: str = PASSWORD, **more: Any) -> OpenedSession:
    return sign_in(platform, HERE, f"{name}@example.org", password, **more)


def is_out(platform: Platform, secret: str) -> bool:
    try:
        actor_of_session(platform, secret, HERE)
    except SignInRequired:
        return True
    return False


@pytest.fixture
def ann(platform: Platform) -> uuid.UUID:
    return add_person(platform, "ann", at={"ALPHA": ["editor"]})


def events(platform: Platform, action: str) -> list[tables.AuditEventRow]:
    with platform.database.transaction() as session:
        return list(session.scalars(select(tables.AuditEventRow).where(tables.AuditEventRow.action == action)))


def test_a_session_is_of_the_person_with_the_roles_of_now(platform: Platform, ann: uuid.UUID) -> None:
    opened = enter(platform)
    assert actor_of_session(platform, opened.secret, HERE) == Actor(
        "ann", HERE, ann, memberships={"ALPHA": frozenset({"editor"})}
    )
    accounts.set_membership(platform, SYSTEM, ann, "BETA", "signatory", held=True)
    accounts.set_membership(platform, SYSTEM, ann, "ALPHA", "editor", held=False)
    assert actor_of_session(platform, opened.secret, HERE).memberships == {"BETA": {"signatory"}}
    assert events(platform, "session.began")[0].actor_id == ann


def test_the_address_is_the_same_however_it_is_typed(platform: Platform, ann: uuid.UUID) -> None:
    opened = sign_in(platform, HERE, "  ANN@Example.org ", PASSWORD)
    assert actor_of_session(platform, opened.secret, HERE).user_id == ann


def test_signing_in_makes_a_new_session_and_ends_the_one_before(platform: Platform, ann: uuid.UUID) -> None:
    first = enter(platform)
    second = enter(platform, before=first.secret)
    assert first.secret != second.secret
    assert is_out(platform, first.secret)
    assert not is_out(platform, second.secret)


def test_a_secret_that_somebody_chose_is_never_a_session(platform: Platform, ann: uuid.UUID) -> None:
    assert enter(platform, before="fixed by somebody else").secret != "fixed by somebody else"
    assert is_out(platform, "fixed by somebody else")


def test_nothing_that_opens_a_door_is_in_the_database(platform: Platform, ann: uuid.UUID) -> None:
    opened = enter(platform)
    with platform.database.transaction() as session:
        names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        dump = "\n".join(
            str(row) for name in names for row in session.scalars(text(f'SELECT to_jsonb(t) FROM "{name}" AS t'))
        )
    assert hash_of(opened.secret) in dump
    assert opened.secret not in dump
    assert PASSWORD not in dump
    assert "$argon2id$" in dump


def test_idle_and_absolute_limits(platform: Platform, ann: uuid.UUID) -> None:
    idle, whole = platform.settings.session_idle_minutes * MINUTE, platform.settings.session_hours * HOUR
    lazy = enter(platform).secret
    assert not is_out(at(platform, NOW + idle - MINUTE / 60), lazy)
    assert is_out(at(platform, NOW + 2 * idle), lazy)
    busy, moment = enter(platform).secret, NOW
    while moment + idle / 2 < NOW + whole:
        moment += idle / 2
        assert not is_out(at(platform, moment), busy)
    assert is_out(at(platform, NOW + whole), busy)


@pytest.mark.parametrize(
    "end",
    [
        lambda platform, ann, secret: sign_out(platform, secret, HERE),
        lambda platform, ann, secret: accounts.disable_account(platform, SYSTEM, ann),
        lambda platform, ann, secret: accounts.change_password(
            platform, actor_of_session(platform, secret, HERE), PASSWORD, "eleven yellow kettles"
        ),
        lambda platform, ann, secret: accounts.reset_second_factor(platform, SYSTEM, ann),
    ],
    ids=["signed out", "disabled", "password changed", "second step reset"],
)
def test_what_ends_a_session_ends_it_at_once(
    platform: Platform, ann: uuid.UUID, end: Callable[[Platform, uuid.UUID, str], None]
) -> None:
    secret = enter(platform).secret
    end(platform, ann, secret)
    assert is_out(platform, secret)


def test_who_is_disabled_is_told_what_everybody_is_told(platform: Platform, ann: uuid.UUID) -> None:
    accounts.disable_account(platform, SYSTEM, ann)
    said = set()
    for name, password in (("ann", PASSWORD), ("ann", "wrong password"), ("nobody", PASSWORD)):
        with pytest.raises(SignInRequired) as refusal:
            enter(platform, name, password)
        said.add(refusal.value.message)
    assert len(said) == 1
    accounts.enable_account(platform, SYSTEM, ann)
    assert enter(platform)


def test_accounts_of_the_demonstration_open_nothing_elsewhere(platform: Platform) -> None:
    made = add_person(platform, "demo")
    with platform.database.transaction() as session:
        session.execute(text("UPDATE account SET demonstration = true"))
    with pytest.raises(SignInRequired):
        enter(platform, "demo")
    demo = replace(platform, settings=platform.settings.model_copy(update={"mode": "demo"}))
    secret = enter(demo, "demo").secret
    assert actor_of_session(demo, secret, HERE).user_id == made
    assert is_out(platform, secret)


def test_denials_are_in_the_audit_without_what_was_typed(platform: Platform, ann: uuid.UUID) -> None:
    for name in ("ann", "nobody-by-that-name"):
        with pytest.raises(SignInRequired):
            enter(platform, name, "a password that is wrong")
    denied = events(platform, "session.denied")
    assert [event.subject for event in denied] == [f"account {ann}", "an unknown account"]
    assert {event.address for event in denied} == {HERE}
    assert "wrong" not in str([vars(event) for event in denied])
    assert "nobody-by" not in str([vars(event) for event in denied])


def test_passwords_are_switched_off_where_a_provider_does_it_all(platform: Platform, ann: uuid.UUID) -> None:
    only = replace(platform, settings=platform.settings.model_copy(update={"local_sign_in": False}))
    with pytest.raises(Forbidden, match="Sign in with"):
        enter(only)


def test_guessing_one_account_is_stopped(platform: Platform, ann: uuid.UUID) -> None:
    outcomes = [refused(platform, f"198.51.100.{number}", "ann", f"guess number {number}") for number in range(20)]
    assert outcomes == [SignInRequired] * 10 + [TooManyAttempts] * 10
    with pytest.raises(TooManyAttempts) as refusal:
        enter(platform)
    assert 0 < refusal.value.seconds <= 901
    assert enter(at(platform, NOW + 15 * MINUTE))


def test_guessing_from_one_address_is_stopped_for_that_address(platform: Platform, ann: uuid.UUID) -> None:
    outcomes = [refused(platform, "198.51.100.1", f"name{number}", "whatever it is") for number in range(20)]
    assert outcomes == [SignInRequired] * 15 + [TooManyAttempts] * 5
    assert enter(platform)


def test_signing_in_forgets_what_was_mistyped(platform: Platform, ann: uuid.UUID) -> None:
    for _ in range(4):
        assert [refused(platform, HERE, "ann", "mistyped once more") for _ in range(3)] == [SignInRequired] * 3
        assert enter(platform)


def refused(platform: Platform, address: str, name: str, password: str) -> type[CensusError]:
    with pytest.raises((SignInRequired, TooManyAttempts)) as refusal:
        sign_in(platform, address, f"{name}@example.org", password)
    return type(refusal.value)


@pytest.fixture
def real_hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes as costly as people's own."""
    monkeypatch.setattr(passwords, "_hasher", REAL_HASHER)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


def test_a_password_is_kept_as_a_hash_that_is_costly_to_guess(real_hasher: None) -> None:
    kept = passwords.hash_password(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    assert passwords.is_right(PASSWORD, kept) == (True, None)
    assert passwords.is_right(PASSWORD + "!", kept) == (False, None)
    assert passwords.is_right(PASSWORD, "no hash at all") == (False, None)


def test_a_cheaper_hash_is_replaced_when_its_owner_signs_in(
    platform: Platform, ann: uuid.UUID, real_hasher: None
) -> None:
    enter(platform)
    with platform.database.transaction() as session:
        kept = session.get_one(AccountRow, ann).password_hash
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=47104,t=2,p=1$")


def test_unknown_people_take_as_long_as_known_ones(
    platform: Platform, ann: uuid.UUID, real_hasher: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(platform)  # from now on the hash is one of today's kind
    compared: list[str] = []

    class Watched:
        def verify_and_update(self, password: str, stored: str) -> tuple[bool, str | None]:
            compared.append(stored)
            return REAL_HASHER.verify_and_update(password, stored)

    passwords._nobodys()
    monkeypatch.setattr(passwords, "_hasher", Watched())
    kinds = []
    for name in ("ann", "nobody"):
        assert refused(platform, "198.51.100.7", name, "not the password") is SignInRequired
        (stored,) = compared
        kinds.append(stored.split("$")[1:4])
        compared.clear()
    assert kinds[0] == kinds[1], "one hash of the same cost is compared, whoever it is"


@pytest.fixture
def with_second_step(platform: Platform, ann: uuid.UUID) -> tuple[str, list[str]]:
    actor = actor_of_session(platform, enter(platform).secret, HERE)
    secret = second_factor.propose_factor("ann@example.org").secret
    return secret, second_factor.switch_on(platform, actor, secret, pyotp.TOTP(secret).at(NOW), PASSWORD)


def test_half_of_the_proof_opens_nothing(platform: Platform, with_second_step: tuple[str, list[str]]) -> None:
    half = enter(platform)
    assert half.waits_for_second_factor
    assert is_out(platform, half.secret)
    assert sessions.waits_for_second_factor(platform, half.secret)
    later = at(platform, NOW + MINUTE)
    code = pyotp.TOTP(with_second_step[0]).at(NOW + MINUTE)
    whole = pass_second_factor(later, HERE, half.secret, f" {code[:3]} {code[3:]} ")
    assert whole.secret != half.secret
    assert not is_out(later, whole.secret)
    with pytest.raises(SignInRequired):
        pass_second_factor(later, HERE, half.secret, code)


def test_each_code_opens_once(platform: Platform, with_second_step: tuple[str, list[str]]) -> None:
    secret, codes = with_second_step
    with pytest.raises(SignInRequired, match="used before"):
        # the code that switched it on
        pass_second_factor(platform, HERE, enter(platform).secret, pyotp.TOTP(secret).at(NOW))
    assert pass_second_factor(platform, HERE, enter(platform).secret, codes[0].upper())
    with pytest.raises(SignInRequired, match="used before"):
        pass_second_factor(platform, HERE, enter(platform).secret, codes[0])
    assert len(set(codes)) == 10


def test_codes_are_not_guessed_and_the_wait_is_short(
    platform: Platform, with_second_step: tuple[str, list[str]]
) -> None:
    half = enter(platform).secret
    outcomes = []
    for code in ("000000", "111111", "", "12345", "abcdef", "999999", "888888"):
        with pytest.raises((SignInRequired, TooManyAttempts)) as refusal:
            pass_second_factor(platform, HERE, half, code)
        outcomes.append(type(refusal.value))
    assert outcomes == [SignInRequired] * 5 + [TooManyAttempts] * 2
    with pytest.raises(SignInRequired, match="not signed in"):
        pass_second_factor(at(platform, NOW + 10 * MINUTE), HERE, half, "000000")


def test_the_key_of_the_second_step_is_encrypted(platform: Platform, with_second_step: tuple[str, list[str]]) -> None:
    with platform.database.transaction() as session:
        stored = session.scalar(text("SELECT second_factor FROM account WHERE second_factor IS NOT NULL"))
    assert isinstance(stored, str)
    assert with_second_step[0] not in stored


def test_the_second_step_is_switched_with_the_password_only(
    platform: Platform, ann: uuid.UUID, with_second_step: tuple[str, list[str]]
) -> None:
    actor = Actor("ann", HERE, ann)
    with pytest.raises(InvalidRequest, match="password is not right"):
        second_factor.switch_off(platform, actor, "not the password")
    second_factor.switch_off(platform, actor, PASSWORD)
    assert not enter(platform).waits_for_second_factor
    secret = second_factor.propose_factor("ann@example.org").secret
    with pytest.raises(InvalidRequest, match="code is not right"):
        second_factor.switch_on(platform, actor, secret, "000000", PASSWORD)
    with pytest.raises(InvalidRequest, match="not whole"):
        second_factor.switch_on(platform, actor, "short", "000000", PASSWORD)
