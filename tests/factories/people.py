"""Accounts for tests: people with a password that all of them share, and browsers and programs that act for them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import httpx
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from census_api.app import create_app
from census_api.domain.kit.access import SCOPES, SYSTEM, MemberRole, PlatformRole
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, passwords, tokens
from census_api.services.people.accounts import Roles
from census_api.store.people import queries as people
from tests.factories.calling import make_client

PASSWORD = "seven purple lanterns"
REAL_HASHER = passwords._hasher
# a real hash is costly on purpose, and a run of the tests makes thousands
passwords._hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
_HASH = passwords.hash_password(PASSWORD)


def add_person(
    platform: Platform, name: str, *roles: PlatformRole, at: dict[str, Iterable[MemberRole]] | None = None
) -> uuid.UUID:
    """A person who can sign in as NAME@example.org with PASSWORD."""
    held = {code: frozenset(given) for code, given in (at or {}).items()}
    account = accounts.add_person(platform, SYSTEM, f"{name}@example.org", name, Roles(frozenset(roles), held))
    with platform.database.transaction() as session:
        row = people.find_account(session, account.id, lock=True)
        assert row is not None
        row.password_hash = _HASH
    return account.id


def add_token(platform: Platform, account: uuid.UUID, scopes: Sequence[str] = SCOPES, days: int = 30) -> str:
    return tokens.create_token(platform, SYSTEM, account, "a test", scopes, days)[1]


class Browser:
    """Keeps cookies and sends the token of the forms that it has seen, as a person's browser would."""

    def __init__(self, platform: Platform, **settings: Any) -> None:
        if settings:
            platform = replace(platform, settings=platform.settings.model_copy(update=settings))
        self.client = make_client(create_app(platform), headers={"accept": "text/html"})
        self.form_token = ""

    def get(self, path: str, **more: Any) -> Any:
        answer = self.client.get(path, **more)
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', answer.text)
        self.form_token = found.group(1) if found else self.form_token
        return answer

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data={"form_token": self.form_token, **fields})

    def sign_in(self, name: str, password: str = PASSWORD, next: str = "") -> Any:
        self.get("/sign-in")
        return self.post("/sign-in", email=f"{name}@example.org", password=password, next=next)

    def see_form(self) -> None:
        """Looks at a page with a form on it."""
        self.get("/account")


def program(platform: Platform, token: str | None = None) -> httpx.Client:
    """A caller of the API that sends the token with every request."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return make_client(create_app(platform), headers=headers)
