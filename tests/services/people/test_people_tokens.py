"""Tokens of programs: what they open, for how long, and what they never become."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import SCOPES, SYSTEM, Actor
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound, SignInRequired
from census_api.domain.people import hash_of
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts
from census_api.services.people.accounts import Roles
from census_api.services.people.tokens import actor_of_token, create_token, list_tokens, revoke_token
from tests.factories.actors import NOW, make_actor
from tests.factories.people import add_person, add_token

HERE = "192.0.2.1"


@pytest.fixture
def pipeline(platform: Platform) -> uuid.UUID:
    return accounts.add_machine(platform, SYSTEM, "Survey", Roles(frozenset({"pipeline"}))).id


def is_out(platform: Platform, secret: str) -> bool:
    try:
        actor_of_token(platform, secret, HERE)
    except SignInRequired:
        return True
    return False


def test_a_token_speaks_for_its_account_as_far_as_its_scopes(platform: Platform, pipeline: uuid.UUID) -> None:
    token, secret = create_token(platform, SYSTEM, pipeline, "weights", ["margins.read", "collection.read"], 30)
    assert secret.startswith("census_")
    assert token.scopes == ("collection.read", "margins.read")
    assert actor_of_token(platform, secret, HERE) == Actor(
        "Survey", HERE, pipeline, "token", frozenset({"pipeline"}), {}, frozenset({"margins.read", "collection.read"})
    )


def test_only_the_hash_is_stored(platform: Platform, pipeline: uuid.UUID) -> None:
    secret = add_token(platform, pipeline)
    with platform.database.transaction() as session:
        assert session.scalars(text("SELECT token_hash FROM api_token")).all() == [hash_of(secret)]
        assert secret not in str(session.execute(text("SELECT * FROM audit_event")).all())


def test_what_ends_a_token_ends_it_at_once(platform: Platform, pipeline: uuid.UUID) -> None:
    short, long = add_token(platform, pipeline, days=1), add_token(platform, pipeline)
    tomorrow = replace(platform, clock=lambda: NOW + dt.timedelta(days=1))
    assert is_out(tomorrow, short)
    assert not is_out(tomorrow, long)
    revoke_token(platform, SYSTEM, list_tokens(platform, SYSTEM, everybody=True)[0].id)
    assert [is_out(platform, secret) for secret in (short, long)].count(True) == 1
    accounts.disable_account(platform, SYSTEM, pipeline)
    assert is_out(platform, short)
    assert is_out(platform, long)
    for secret in ("", "census_", "census_" + "x" * 43, "\ud800"):
        assert is_out(platform, secret)


def test_a_token_may_what_its_owner_may_now(platform: Platform) -> None:
    ann = add_person(platform, "ann", at={"ALPHA": ["editor"]})
    secret = add_token(platform, ann)
    assert "ALPHA" in actor_of_token(platform, secret, HERE).memberships
    accounts.set_membership(platform, SYSTEM, ann, "ALPHA", "editor", held=False)
    assert actor_of_token(platform, secret, HERE).memberships == {}


def test_people_make_and_revoke_their_own(platform: Platform) -> None:
    ann, ben = (make_actor(name, user_id=add_person(platform, name)) for name in ("ann", "ben"))
    assert ann.user_id is not None
    token, secret = create_token(platform, ann, ann.user_id, "mine", ["return.read"], 10)
    assert [entry.name for entry in list_tokens(platform, ann)] == ["mine"]
    assert list_tokens(platform, ben) == []
    with pytest.raises(NotFound):
        revoke_token(platform, ben, token.id)
    with pytest.raises(Forbidden):
        create_token(platform, ben, ann.user_id, "hers", ["return.read"], 10)
    with pytest.raises(Forbidden):
        list_tokens(platform, ben, everybody=True)
    revoke_token(platform, ann, token.id)
    assert is_out(platform, secret)


def test_a_token_makes_no_tokens(platform: Platform) -> None:
    ann = add_person(platform, "ann", "administrator")
    actor = actor_of_token(platform, add_token(platform, ann), HERE)
    for call in (
        lambda: create_token(platform, actor, ann, "child", ["return.read"], 10),
        lambda: list_tokens(platform, actor),
        lambda: accounts.list_accounts(platform, actor),
    ):
        with pytest.raises(Forbidden, match="a person has to sign in"):
            call()


@pytest.mark.parametrize("scopes", [[], ["everything"], ["return.sign_off"], ["people.manage"], ["return.read", ""]])
def test_scopes_are_known_ones(platform: Platform, pipeline: uuid.UUID, scopes: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="each one of"):
        create_token(platform, SYSTEM, pipeline, "x", scopes, 10)


@pytest.mark.parametrize("days", [0, -1, 401])
def test_tokens_end(platform: Platform, pipeline: uuid.UUID, days: int) -> None:
    with pytest.raises(InvalidRequest, match="1 to 400 days"):
        create_token(platform, SYSTEM, pipeline, "x", SCOPES, days)
