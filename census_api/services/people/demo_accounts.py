"""The accounts of the demonstration, one for each role. Everybody may know their passwords, so they work nowhere else."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass

from census_api.domain.kit.access import SCOPES, SYSTEM, MemberRole, PlatformRole
from census_api.domain.kit.errors import ConfigError
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, tokens
from census_api.services.people.accounts import Roles
from census_api.services.people.passwords import hash_password
from census_api.settings import Settings
from census_api.store.people import queries as people

PASSWORD = "invented people only"  # noqa: S105 - shown on the sign-in page of every demonstration
_TOKEN_DAYS = 365


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One of them: what it is for, what it may do, and the token that a program would send for it."""

    name: str
    email: str | None
    what: str
    roles: frozenset[PlatformRole] = frozenset()
    organisations: tuple[str, ...] = ()
    members: frozenset[MemberRole] = frozenset()

    @property
    def token(self) -> str:
        """Known to everybody, like the password."""
        return f"{tokens.PREFIX}demo_{self.name.lower().replace(' ', '_')}"


_EDITOR: frozenset[MemberRole] = frozenset({"editor"})
_BOTH: frozenset[MemberRole] = frozenset({"editor", "signatory"})
DEMO_ACCOUNTS = (
    DemoAccount("Edith Editor", "editor@demo.example", "employer: fills in and sends returns",
                organisations=("DEMO-ERRORS", "DEMO-QUERIES"), members=_EDITOR),
    DemoAccount("Sid Signatory", "signatory@demo.example", "employer: also signs them off",
                organisations=("DEMO-CLEAN", "DEMO-ERRORS", "DEMO-QUERIES", "DEMO-NIL", "DEMO-LARGE"), members=_BOTH),
    DemoAccount("Tess Team", "team@demo.example", "census team: runs the collection", frozenset({"census_team"})),
    DemoAccount("Anna Analyst", "analyst@demo.example", "analyst: asks for figures", frozenset({"analyst"})),
    DemoAccount("Adam Administrator", "administrator@demo.example", "administrator: looks after accounts",
                frozenset({"administrator"})),
    DemoAccount("Survey Pipeline", None, "a program: takes margins by token", frozenset({"pipeline"})),
)  # fmt: skip


def ensure_accounts(platform: Platform) -> None:
    """Makes those that are not there yet. Raises ConfigError outside the demonstration."""
    if platform.settings.mode != "demo":
        raise ConfigError("The accounts of the demonstration exist in the demonstration only.")
    with platform.database.transaction() as session:
        there = {account.name for account in people.list_accounts(session) if account.demonstration}
    for account in DEMO_ACCOUNTS:
        if account.name not in there:
            _add(platform, account)


def list_shown(settings: Settings) -> tuple[DemoAccount, ...]:
    """Those that the sign-in page lists: none outside the demonstration."""
    return DEMO_ACCOUNTS if settings.mode == "demo" else ()


def refuse_elsewhere(platform: Platform) -> None:
    """Raises ConfigError when a platform that is no demonstration would run on a demonstration's database."""
    if platform.settings.mode == "demo":
        return
    with platform.database.snapshot() as session:
        if people.has_demonstration_accounts(session):
            raise ConfigError(
                "This database holds the accounts of a demonstration, whose passwords everybody knows. Use another "
                "database: the setting DATABASE_URL or CENSUS_DATA_DIR says which."
            )


def _add(platform: Platform, account: DemoAccount) -> None:
    with platform.database.transaction() as session:
        known = people.find_organisations(session, account.organisations)
    roles = Roles(account.roles, {code: account.members for code in account.organisations if code in known})
    if account.email is None:
        made = accounts.add_machine(platform, SYSTEM, account.name, roles, demonstration=True)
    else:
        made = accounts.add_person(platform, SYSTEM, account.email, account.name, roles, demonstration=True)
        _set_password(platform, made.id)
    tokens.create_token(platform, SYSTEM, made.id, "demonstration", SCOPES, _TOKEN_DAYS, secret=account.token)


@functools.cache
def _hashed() -> str:
    """Their one password, hashed once: that is made to take long, and there is nothing to hide."""
    return hash_password(PASSWORD)


def _set_password(platform: Platform, account_id: uuid.UUID) -> None:
    made = _hashed()
    with platform.database.transaction() as session:
        row = people.find_account(session, account_id, lock=True)
        assert row is not None
        row.password_hash = made
