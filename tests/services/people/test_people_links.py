"""Invitations and new passwords: once, for a while, for one person, and told to nobody else."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, SignInRequired, TooManyAttempts
from census_api.domain.people import hash_of
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts
from census_api.services.people.accounts import Roles
from census_api.services.people.one_time_links import (
    IssuedLink,
    find_waiting,
    invite_person,
    redeem_link,
    request_reset,
)
from census_api.services.people.sessions import actor_of_session, sign_in
from tests.factories.actors import EDITOR, NOW, SIGNATORY
from tests.factories.people import PASSWORD, add_person
from tests.patience import PATIENCE

HERE = "192.0.2.1"
NEW = "three brown suitcases"
AT_ONCE = 20


@pytest.fixture
def ben(platform: Platform) -> uuid.UUID:
    return accounts.add_person(platform, SYSTEM, "ben@example.org", "Ben", Roles()).id


def secret_of(link: IssuedLink | None) -> str:
    assert link is not None
    return link.path.rsplit("/", 1)[1]


def mailed(platform: Platform) -> list[tuple[str, str, str]]:
    with platform.database.transaction() as session:
        rows = session.execute(text("SELECT kind, recipient, links::text FROM mail ORDER BY created_at, id"))
        return [(kind, to, links) for kind, to, links in rows]


def test_an_invitation_sets_the_password_once(platform: Platform, ben: uuid.UUID) -> None:
    secret = secret_of(invite_person(platform, SYSTEM, ben))
    assert find_waiting(platform, HERE, secret).email == "ben@example.org"
    redeem_link(platform, HERE, secret, NEW)
    assert sign_in(platform, HERE, "ben@example.org", NEW)
    calls: list[Callable[[], object]] = [
        lambda: find_waiting(platform, HERE, secret),
        lambda: redeem_link(platform, HERE, secret, NEW),
    ]
    for call in calls:
        with pytest.raises(NotFound, match="used before or has run out"):
            call()
    assert [entry[:2] for entry in mailed(platform)] == [("invite", "ben@example.org")]


def test_of_twenty_at_once_exactly_one_gets_in(platform: Platform, ben: uuid.UUID) -> None:
    secret = secret_of(invite_person(platform, SYSTEM, ben))
    barrier = threading.Barrier(AT_ONCE)
    outcomes: list[int | None] = []

    def use(number: int) -> None:
        barrier.wait(PATIENCE)
        try:
            redeem_link(platform, f"192.0.2.{number}", secret, f"suitcases in number {number}")
        except NotFound:
            outcomes.append(None)
        else:
            outcomes.append(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    winners = [number for number in outcomes if number is not None]
    assert len(outcomes) == AT_ONCE
    assert len(winners) == 1
    assert sign_in(platform, HERE, "ben@example.org", f"suitcases in number {winners[0]}")


def test_a_password_that_will_not_do_leaves_the_link_as_it_was(platform: Platform, ben: uuid.UUID) -> None:
    secret = secret_of(invite_person(platform, SYSTEM, ben))
    with pytest.raises(InvalidRequest, match="too short"):
        redeem_link(platform, HERE, secret, "short")
    redeem_link(platform, HERE, secret, NEW)


def test_links_run_out_and_newer_ones_take_their_place(platform: Platform, ben: uuid.UUID) -> None:
    first = secret_of(invite_person(platform, SYSTEM, ben))
    second = secret_of(invite_person(platform, SYSTEM, ben))
    with pytest.raises(NotFound):
        find_waiting(platform, HERE, first)
    late = replace(platform, clock=lambda: NOW + dt.timedelta(days=7))
    with pytest.raises(NotFound):
        redeem_link(late, HERE, second, NEW)
    redeem_link(platform, HERE, second, NEW)


def test_links_of_who_is_disabled_open_nothing(platform: Platform, ben: uuid.UUID) -> None:
    secret = secret_of(invite_person(platform, SYSTEM, ben))
    accounts.disable_account(platform, SYSTEM, ben)
    with pytest.raises(NotFound):
        redeem_link(platform, HERE, secret, NEW)
    with pytest.raises(Conflict, match="disabled"):
        invite_person(platform, SYSTEM, ben)


def test_links_are_stored_as_hashes(platform: Platform, ben: uuid.UUID) -> None:
    secret = secret_of(invite_person(platform, SYSTEM, ben))
    with platform.database.transaction() as session:
        assert session.scalars(text("SELECT token_hash FROM one_time_link")).all() == [hash_of(secret)]


def test_signatories_invite_members_of_their_own_organisation(platform: Platform) -> None:
    cleo = accounts.invite_member(platform, SIGNATORY, "ALPHA", "cleo@example.org", "Cleo", "editor")
    assert invite_person(platform, SIGNATORY, cleo.id, organisation="ALPHA") is not None
    with pytest.raises(Forbidden):
        invite_person(platform, EDITOR, cleo.id, organisation="ALPHA")
    with pytest.raises(NotFound):
        invite_person(platform, SIGNATORY, cleo.id, organisation="BETA")
    with pytest.raises(Forbidden):
        invite_person(platform, SIGNATORY, cleo.id)
    other = add_person(platform, "other")
    with pytest.raises(NotFound):
        invite_person(platform, SIGNATORY, other, organisation="ALPHA")


def test_who_has_a_password_needs_no_invitation(platform: Platform) -> None:
    assert invite_person(platform, SYSTEM, add_person(platform, "ann")) is None
    assert mailed(platform) == []


def test_a_new_password_ends_every_session(platform: Platform) -> None:
    add_person(platform, "ann")
    old = sign_in(platform, HERE, "ann@example.org", PASSWORD).secret
    request_reset(platform, HERE, "Ann@Example.org")
    ((kind, to, links),) = mailed(platform)
    assert (kind, to) == ("password_reset", "ann@example.org")
    redeem_link(platform, HERE, links.split("/new-password/")[1].split('"')[0], NEW)
    with pytest.raises(SignInRequired):
        actor_of_session(platform, old, HERE)
    with pytest.raises(SignInRequired):
        sign_in(platform, HERE, "ann@example.org", PASSWORD)
    assert sign_in(platform, HERE, "ann@example.org", NEW)


def test_asking_for_a_link_tells_nobody_who_has_an_account(platform: Platform, ben: uuid.UUID) -> None:
    add_person(platform, "ann")
    accounts.disable_account(platform, SYSTEM, add_person(platform, "gone"))
    taken: list[float] = []
    for name in ("ann", "ben", "gone", "nobody", "not an address", "x\x00y"):
        began = time.monotonic()
        request_reset(platform, f"192.0.2.{len(taken)}", f"{name}@example.org")
        taken.append(time.monotonic() - began)
    assert all(seconds >= 0.25 for seconds in taken)
    assert max(taken) - min(taken) < 0.2
    assert [to for _, to, _ in mailed(platform)] == ["ann@example.org"]


def test_nobody_is_flooded_with_links(platform: Platform) -> None:
    add_person(platform, "ann")
    for number in range(3):
        request_reset(platform, f"192.0.2.{number}", "ann@example.org")
    with pytest.raises(TooManyAttempts):
        request_reset(platform, "192.0.2.99", "ann@example.org")


def test_links_are_not_guessed(platform: Platform) -> None:
    for number in range(30):
        with pytest.raises(NotFound):
            find_waiting(platform, HERE, f"guess {number}")
    with pytest.raises(TooManyAttempts):
        find_waiting(platform, HERE, "guess 31")
