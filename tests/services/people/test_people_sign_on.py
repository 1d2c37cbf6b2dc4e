"""Signing in at a provider: the whole way at one that is not ours, and what is believed of one that forges."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM, Actor
from census_api.domain.kit.errors import CensusError, ConfigError, Forbidden, SignInRequired, Unavailable
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, single_sign_on
from census_api.services.people.accounts import Roles
from census_api.services.people.sessions import actor_of_session
from census_api.services.people.sign_on_mapping import load_mapping
from tests.factories.actors import NOW
from tests.factories.calling import SITE
from tests.factories.sign_on import PEOPLE, Forger, agree, forging, settings_for

with warnings.catch_warnings():
    # of the libraries that the mock provider is made with
    warnings.simplefilter("ignore")
    import oidc_provider_mock  # type: ignore[import-untyped]  # the package has no types

HERE = "192.0.2.1"


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    users = [oidc_provider_mock.User(sub=sub, claims=dict(claims)) for sub, claims in PEOPLE.items()]
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=users) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def using(platform: Platform, issuer: str, folder: Path, **more: Any) -> Platform:
    changed = {**settings_for(issuer, folder), **more}
    return replace(platform, settings=platform.settings.model_copy(update=changed))


def sign_on(platform: Platform, person: str) -> tuple[Actor, str]:
    begun = single_sign_on.begin_sign_on(platform, HERE, SITE, "/receipts/1")
    back = agree(begun.address, person)
    query = dict(pair.split("=") for pair in back.split("?")[1].split("&"))
    opened, path = single_sign_on.complete_sign_on(platform, HERE, SITE, begun.secret, query)
    return actor_of_session(platform, opened.secret, HERE), path


def test_the_whole_way_makes_the_account_and_gives_the_roles(platform: Platform, mock: str, tmp_path: Path) -> None:
    here = using(platform, mock, tmp_path)
    tess, path = sign_on(here, "tess")
    assert (tess.name, tess.roles, path) == ("Tess Team", frozenset({"census_team"}), "/receipts/1")
    sid, _ = sign_on(here, "sid")
    assert sid.memberships == {"ALPHA": {"editor", "signatory"}}
    again, _ = sign_on(here, "tess")
    assert again.user_id == tess.user_id
    assert len(accounts.list_accounts(here, SYSTEM)) == 2


def test_roles_of_the_provider_come_and_go_and_those_given_here_stay(
    platform: Platform, mock: str, tmp_path: Path
) -> None:
    here = using(platform, mock, tmp_path)
    sid, _ = sign_on(here, "sid")
    assert sid.user_id is not None
    accounts.set_membership(here, SYSTEM, sid.user_id, "BETA", "editor", held=True)
    (tmp_path / "other").mkdir()
    narrower = using(platform, mock, tmp_path / "other")
    file = tmp_path / "other" / "mapping.toml"
    file.write_text('[[grant]]\nclaim = "organisation_codes"\nmember = "editor"\n')
    sid, _ = sign_on(narrower, "sid")
    assert sid.memberships == {"ALPHA": {"editor"}, "BETA": {"editor"}}


def test_who_was_invited_under_the_same_address_is_the_same_person(
    platform: Platform, mock: str, tmp_path: Path
) -> None:
    here = using(platform, mock, tmp_path)
    held = {"ALPHA": frozenset({"editor"})}
    nora = accounts.add_person(here, SYSTEM, "nora@example.org", "Nora", Roles(members=held))  # type: ignore[arg-type]  # the roles are pytest's parameters
    found, _ = sign_on(here, "nora")
    assert found.user_id == nora.id
    assert found.memberships == held


@pytest.mark.parametrize(("person", "why"), [("nora", "no role here yet"), ("mallory", "vouches for")])
def test_who_has_no_role_or_no_verified_address_gets_no_account(
    platform: Platform, mock: str, tmp_path: Path, person: str, why: str
) -> None:
    here = using(platform, mock, tmp_path)
    with pytest.raises(Forbidden, match=why):
        sign_on(here, person)
    assert accounts.list_accounts(here, SYSTEM) == []


def test_who_is_disabled_stays_out(platform: Platform, mock: str, tmp_path: Path) -> None:
    here = using(platform, mock, tmp_path)
    tess, _ = sign_on(here, "tess")
    assert tess.user_id is not None
    accounts.disable_account(here, SYSTEM, tess.user_id)
    with pytest.raises(SignInRequired, match="disabled"):
        sign_on(here, "tess")


@contextmanager
def forged(platform: Platform, folder: Path) -> Iterator[tuple[Platform, Forger, Callable[..., Any]]]:
    with forging() as forger:
        here = using(platform, forger.issuer, folder)

        def way(**changed: str) -> Any:
            begun = single_sign_on.begin_sign_on(here, HERE, SITE, "/")
            back = forger.authorize(begun.address)
            query = dict(pair.split("=", 1) for pair in back.split("?")[1].split("&"))
            return single_sign_on.complete_sign_on(here, HERE, SITE, begun.secret, {**query, **changed})

        yield here, forger, way


def test_an_honest_answer_is_believed_once(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (here, forger, way):
        opened, _ = way()
        assert actor_of_session(here, opened.secret, HERE).roles == {"census_team"}
        assert forger.asked["code_challenge_method"] == ["S256"]
        with pytest.raises(SignInRequired):
            way()


FORGERIES: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "somebody else"},
    "several audiences, meant for another": {"aud": ["census", "other"], "azp": "other"},
    "several audiences, meant for nobody": {"aud": ["census", "other"]},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another sign-in's nonce": {"nonce": "of another sign-in"},
    "no nonce": {"nonce": None},
    "run out": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "from the future": {"iat": 4_000_000_000},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
    "an endless subject": {"sub": "x" * 300},
}


@pytest.mark.parametrize("claims", FORGERIES.values(), ids=FORGERIES)
def test_claims_that_are_not_for_this_sign_in_are_not_believed(
    platform: Platform, tmp_path: Path, claims: dict[str, Any]
) -> None:
    with forged(platform, tmp_path) as (here, forger, way):
        forger.claims = claims
        with pytest.raises(SignInRequired, match="could not be trusted"):
            way()
        assert accounts.list_accounts(here, SYSTEM) == []


def test_signatures_of_others_are_not_believed(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (_, forger, way):
        forger.listed = RSAKey.generate_key(2048, {"kid": "1"})
        with pytest.raises(SignInRequired, match="could not be trusted"):
            way()


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_nothing_unsigned_and_nothing_signed_with_what_everybody_can_read(
    platform: Platform, tmp_path: Path, algorithm: str
) -> None:
    with forged(platform, tmp_path) as (_, forger, way):
        forger.algorithm = algorithm
        with pytest.raises(SignInRequired, match="could not be trusted"):
            way()


def test_keys_that_changed_are_asked_for_again(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (_, forger, way):
        way()
        forger.key, forger.codes_used = RSAKey.generate_key(2048, {"kid": "1"}), []
        assert way()


def test_more_claims_are_taken_of_the_same_person_only(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (here, forger, way):
        forger.claims = {"groups": None}
        forger.userinfo = {"sub": "tess", "groups": ["census-team"]}
        opened, _ = way()
        assert actor_of_session(here, opened.secret, HERE).roles == {"census_team"}
    with forged(platform, tmp_path) as (_, forger, way):
        forger.claims = {"groups": None, "sub": "nora", "email": "nora@example.org"}
        forger.userinfo = {"sub": "tess", "groups": ["census-team"]}
        with pytest.raises(Forbidden, match="no role"):
            way()


def test_a_claim_cannot_take_over_an_account_that_is_somebodys(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (here, forger, way):
        way()
        forger.codes_used, forger.claims = [], {"sub": "somebody else"}
        with pytest.raises(Forbidden, match="Another account"):
            way()
        assert len(accounts.list_accounts(here, SYSTEM)) == 1


def test_only_the_browser_that_began_can_end_it_and_only_once(platform: Platform, tmp_path: Path) -> None:
    with forged(platform, tmp_path) as (here, forger, way):
        for changed in ({"state": "another"}, {"state": ""}, {"iss": "https://elsewhere.example"}):
            with pytest.raises(SignInRequired):
                way(**changed)
        begun = single_sign_on.begin_sign_on(here, HERE, SITE, "/")
        state = forger.authorize(begun.address).split("state=")[1]
        for secret in (None, "", "guessed"):
            with pytest.raises(SignInRequired, match="not begun in this browser"):
                single_sign_on.complete_sign_on(here, HERE, SITE, secret, {"code": "c1", "state": state})
        late = replace(here, clock=lambda: NOW + dt.timedelta(minutes=10))
        with pytest.raises(SignInRequired, match="took too long"):
            single_sign_on.complete_sign_on(late, HERE, SITE, begun.secret, {"code": "c1", "state": state})
        with here.database.transaction() as session:
            assert begun.secret not in str(session.execute(text("SELECT * FROM sign_on_flow")).all())


def test_a_provider_that_is_away_or_another_is_waited_for(platform: Platform, tmp_path: Path) -> None:
    away = using(platform, "http://127.0.0.1:9", tmp_path)
    with pytest.raises(Unavailable, match="does not answer"):
        single_sign_on.begin_sign_on(away, HERE, SITE, "/")
    with forged(platform, tmp_path) as (here, forger, _):
        forger.says_issuer = "https://elsewhere.example"
        with pytest.raises(Unavailable):
            single_sign_on.begin_sign_on(here, HERE, SITE, "/")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("not toml =", "cannot be read"),
        ("[other]", "nothing else"),
        ('[claims]\nphone = "p"', "email and name"),
        ('[[grant]]\nvalue = "x"', "needs a claim"),
        ('[[grant]]\nclaim = "g"\nvalue = "x"\nrole = "root"', "a role is one of"),
        ('[[grant]]\nclaim = "g"\nrole = "census_team"', "needs a value"),
        ('[[grant]]\nclaim = "g"\nvalue = "x"\nrole = "analyst"\nmember = "editor"', "either a role or a member"),
        ('[[grant]]\nclaim = "g"\nmember = "editor"\norganisation = "ALPHA"', "needs the value"),
        ('[[grant]]\nclaim = 3\nmember = "editor"', "each a text"),
        ('grant = "x"', "nothing else"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_by_what_is_wrong(tmp_path: Path, content: str, what: str) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=what):
        load_mapping(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_mapping(tmp_path / "absent.toml")


def test_claims_of_any_shape_give_nothing_by_accident(tmp_path: Path) -> None:
    mapping = load_mapping(settings_for("http://127.0.0.1:1", tmp_path)["sso_mapping"])
    for claims in ({}, {"groups": None}, {"groups": {"census-team": True}}, {"groups": 3}, {"groups": [["census-team"]]},
                   {"groups": "census-team-helpers"}, {"organisation_codes": [None, 7, ""]}):  # fmt: skip
        assert mapping.applied_to(claims).roles == Roles()
    assert mapping.applied_to({"groups": "census-team"}).roles.platform == {"census_team"}


def test_no_provider_no_way(platform: Platform) -> None:
    with pytest.raises(CensusError, match="No other sign-in service"):
        single_sign_on.begin_sign_on(platform, HERE, SITE, "/")
