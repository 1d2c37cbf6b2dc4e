"""`census user` and `census token`, as whoever runs the platform types them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from census_api.cli.run import run_command
from census_api.services.kit.platform import open_platform
from census_api.services.people.one_time_links import redeem_link
from census_api.services.people.sessions import sign_in
from census_api.services.people.tokens import actor_of_token
from census_api.settings import read_settings

PASSWORD = "three brown suitcases"
Census = Callable[..., tuple[int, str, str]]


@pytest.fixture
def census(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Census:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)

    def call(*words: str) -> tuple[int, str, str]:
        code = run_command(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_the_first_administrator_comes_from_one_command(census: Census, fresh_database_url: str) -> None:
    code, out, _ = census("user", "first-administrator", "root@example.org", "Root")
    assert (code, out.startswith("http://127.0.0.1:8000/accept/")) == (0, True)
    with open_platform(read_settings(), fresh_database_url) as platform:
        redeem_link(platform, None, out.strip().rsplit("/", 1)[1], PASSWORD)
        assert sign_in(platform, None, "root@example.org", PASSWORD)
    code, _, err = census("user", "first-administrator", "second@example.org", "Second")
    assert (code, "There is an administrator already" in err) == (2, True)


def test_people_and_programs_are_added_listed_and_shut_out(census: Census) -> None:
    assert census("user", "add", "Ann O'Neil", "--email", "ann@example.org", "--role", "census-team")[0] == 0
    assert census("user", "add", "Survey", "--machine", "--role", "pipeline")[0] == 0
    assert census("user", "role", "ann@example.org", "analyst")[0] == 0
    code, out, _ = census("user", "role", "ann@example.org", "census_team", "--take")
    assert (code, out.strip().endswith("ann@example.org  invited  analyst")) == (0, True)
    assert census("user", "disable", "Survey")[0] == 0
    lines = census("user", "list")[1].splitlines()
    assert [line.split("  ")[1:] for line in lines] == [
        ["Ann O'Neil", "ann@example.org", "invited", "analyst"],
        ["Survey", "-", "disabled", "pipeline"],
    ]
    assert census("user", "enable", "Survey")[0] == 0
    assert "/accept/" in census("user", "invite", "ann@example.org")[1]
    assert census("user", "reset-second-step", "ann@example.org")[0] == 0


def test_a_token_is_shown_once_and_can_be_revoked(census: Census, fresh_database_url: str) -> None:
    census("user", "add", "Survey", "--machine", "--role", "pipeline")
    code, secret, err = census("token", "create", "Survey", "weights", "--scope", "margins.read", "--days", "30")
    assert (code, secret.startswith("census_"), "shown only now" in err) == (0, True, True)
    with open_platform(read_settings(), fresh_database_url) as platform:
        actor = actor_of_token(platform, secret.strip(), None)
        assert (actor.name, actor.scopes, actor.roles) == (
            "Survey",
            frozenset({"margins.read"}),
            frozenset({"pipeline"}),
        )
    listed = census("token", "list")[1]
    assert secret.strip() not in listed
    assert listed.rstrip().endswith("margins.read")
    assert census("token", "revoke", listed.split("  ")[0])[0] == 0
    assert "  revoked  " in census("token", "list")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("user", "disable", "nobody@example.org"), "no such account"),
        (("user", "disable", "nobody"), "goes by that"),
        (("user", "add", "X", "--email", "no address"), "not an e-mail address"),
        (("user", "add", "X", "--email", "x@example.org", "--role", "owner"), "one of analyst"),
        (("user", "add", "X", "--email", "x@example.org", "--at", "NOWHERE:editor"), "no organisation 'NOWHERE'"),
        (("user", "add", "X", "--email", "x@example.org", "--at", "NOWHERE:owner"), "one of editor"),
        (("token", "create", "nobody", "x"), "goes by that"),
        (("token", "revoke", "x"), "goes by that"),
    ],
)
def test_what_is_wrong_is_one_sentence(census: Census, words: tuple[str, ...], said: str) -> None:
    code, out, err = census(*words)
    assert (code, out, said in err) == (2, "", True)
    assert err.count("\n") == 1


def test_a_database_of_a_demonstration_is_not_served_for_real(census: Census, fresh_database_url: str) -> None:
    census("user", "add", "X", "--email", "x@example.org")
    engine = create_engine(fresh_database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE account SET demonstration = true"))
    engine.dispose()
    for words in (("serve", "--port", "0"), ("worker",), ("user", "list")):
        code, _, err = census(*words)
        assert code == 2
    assert "accounts of a demonstration" in err


def test_serving_a_database_of_ones_own_needs_a_secret(census: Census, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CENSUS_SECRET_KEY", raising=False)
    code, _, err = census("serve", "--port", "0")
    assert (code, "CENSUS_SECRET_KEY is missing" in err) == (2, True)
