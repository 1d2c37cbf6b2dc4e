"""Addresses, names and passwords: what is taken, and what is said about the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.people import (
    checked_email,
    checked_name,
    checked_password,
    hash_of,
    may_give,
    new_secret,
)
from census_api.services.people.passwords import check_acceptable, common_passwords
from tests.factories.actors import ADMINISTRATOR, ANALYST, EDITOR, OTHER_SIGNATORY, SIGNATORY, TEAM


@pytest.mark.parametrize("text", ["ann@example.org", " Ann.O'Neil+census@Mail.Example.ORG ", "a@b.c"])
def test_addresses_are_kept_in_lower_case(text: str) -> None:
    assert checked_email(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    ["", "ann", "ann@", "@example.org", "ann@example", "a b@example.org", "ann@example.org,bob@example.org",
     "ann@example.org\nBcc: x@y.z", "<ann@example.org>", "ann@@example.org", "a@" + "b" * 260 + ".org", "ann@.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not an e-mail address"):
        checked_email(text)


def test_names_are_folded_and_bounded() -> None:
    assert checked_name("  Ann \t O'Neil ") == "Ann O'Neil"
    for text in ("", "   ", "x" * 101, "Ann\x00", "\x1b[31mAnn"):
        with pytest.raises(InvalidRequest):
            checked_name(text)


@pytest.mark.parametrize(
    "password", ["seven purple lanterns", "x7!Kq9#Lm2$z", "ein langer Satz mit Umlauten: äöü", "a b c d e f g h i j", "q" * 30 + "wxyz12345" * 9]
)  # fmt: skip
def test_long_passwords_of_ones_own_are_taken(password: str) -> None:
    assert check_acceptable(password, "Ann O'Neil", "ann@example.org") == password


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "too short"),
        ("", "too short"),
        ("x" * 257, "too long"),
        ("qwertyuiop12", "Many people"),
        ("Password1234", "Many people"),
        ("PASSWORD2024!", "Many people"),
        ("letmein!!!!!!", "Many people"),
        ("liverpool2023!!", "Many people"),
        ("123456789012", "Many people"),
        ("aaaaaaaaaaaaaa", "Many people"),
        ("abababababab", "Many people"),
        ("changemechangeme", "Many people"),
        ("correcthorsebatterystaple", "Many people"),
        ("ann.oneil@nhs.example", "your name or address"),
        ("ann.oneil1234", "your name or address"),
        ("with a\x00zero byte", "cannot be typed"),
        ("with a\nline break", "cannot be typed"),
    ],
)
def test_passwords_that_are_guessed_are_refused(password: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        check_acceptable(password, "Ann ONeil", "ann.oneil@nhs.example")


def test_the_list_of_common_passwords_is_a_list() -> None:
    common = common_passwords()
    assert len(common) > 1900
    assert all(word == word.casefold() and word.strip() == word for word in common)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=12, max_size=64))
def test_no_password_is_refused_for_being_long_up_to_64(password: str) -> None:
    if len(set(password.casefold())) >= 5:
        assert checked_password(password, frozenset()) == password


def test_secrets_are_of_256_bits_and_never_twice() -> None:
    made = {new_secret("census_") for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 50 for secret in made)
    assert hash_of("a") != hash_of("b")
    assert len(hash_of("\ud800")) == 64


@pytest.mark.parametrize(
    ("actor", "editor", "signatory"),
    [(TEAM, True, True), (ADMINISTRATOR, True, True), (SIGNATORY, True, False), (EDITOR, False, False),
     (OTHER_SIGNATORY, False, False), (ANALYST, False, False)],
)  # fmt: skip
def test_who_may_give_which_role_at_an_organisation(actor: object, editor: bool, signatory: bool) -> None:
    assert may_give(actor, "editor", "ALPHA") is editor  # type: ignore[arg-type]  # the actors are pytest's parameters
    assert may_give(actor, "signatory", "ALPHA") is signatory  # type: ignore[arg-type]  # the actors are pytest's parameters
