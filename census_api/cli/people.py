"""`census user` and `census token`: accounts and tokens, by whoever runs the platform."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from census_api.cli.kit.database import OPERATOR, opened_platform
from census_api.cli.kit.printing import make_plain, say
from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES, SCOPES, MemberRole, PlatformRole
from census_api.domain.kit.errors import ConfigError, InvalidRequest
from census_api.logging import configure_logging
from census_api.settings import read_settings

if TYPE_CHECKING:
    from census_api.domain.people import Account
    from census_api.services.kit.platform import Platform
    from census_api.services.people.one_time_links import IssuedLink


def run_first_administrator(email: str, name: str, data_dir: Path | None) -> int:
    """Makes the account that everything else begins with, and prints its invitation."""
    from census_api.services.people import accounts, one_time_links

    with _opened(data_dir) as platform:
        account = accounts.first_administrator(platform, email, name)
        _print_link(platform, account, one_time_links.invite_person(platform, OPERATOR, account.id))
    return 0


def run_add(
    email: str, name: str, roles: Sequence[str], at: Sequence[str], machine: bool, invite: bool, data_dir: Path | None
) -> int:
    """Adds a person or a program."""
    from census_api.services.people import accounts, one_time_links
    from census_api.services.people.accounts import Roles

    wanted = Roles(frozenset(map(_platform_role, roles)), _memberships(at))
    with _opened(data_dir) as platform:
        if machine:
            account = accounts.add_machine(platform, OPERATOR, name, wanted)
        else:
            account = accounts.add_person(platform, OPERATOR, email, name, wanted)
        say(f"Added {make_plain(account.name)}, account {account.id}.")
        if invite and not machine:
            _print_link(platform, account, one_time_links.invite_person(platform, OPERATOR, account.id))
    return 0


def run_list(data_dir: Path | None) -> int:
    """Prints everybody, one a line."""
    from census_api.services.people import accounts

    with _opened(data_dir) as platform:
        for account in accounts.list_accounts(platform, OPERATOR):
            print(_line(account))
    return 0


def run_disable(who: str, enable: bool, data_dir: Path | None) -> int:
    """Shuts an account out, or lets it in again."""
    from census_api.services.people import accounts

    with _opened(data_dir) as platform:
        account = _found(platform, who)
        (accounts.enable_account if enable else accounts.disable_account)(platform, OPERATOR, account.id)
        say(
            f"{make_plain(account.name)} {'can sign in again' if enable else 'is shut out, and every session has ended'}."
        )
    return 0


def run_invite(who: str, data_dir: Path | None) -> int:
    """Prints a new invitation; earlier ones stop working."""
    from census_api.services.people import one_time_links

    with _opened(data_dir) as platform:
        account = _found(platform, who)
        link = one_time_links.invite_person(platform, OPERATOR, account.id)
        if link is None:
            say(f"{make_plain(account.name)} has signed in before. No invitation is needed.")
        else:
            _print_link(platform, account, link)
    return 0


def run_role(who: str, role: str, at: str | None, take: bool, data_dir: Path | None) -> int:
    """Gives or takes a role, of the platform or at an organisation."""
    from census_api.services.people import accounts

    with _opened(data_dir) as platform:
        account = _found(platform, who)
        if at is None:
            accounts.set_role(platform, OPERATOR, account.id, _platform_role(role), held=not take)
        else:
            accounts.set_membership(platform, OPERATOR, account.id, at, _member_role(role), held=not take)
        print(_line(_found(platform, who)))
    return 0


def run_second_step(who: str, data_dir: Path | None) -> int:
    """Forgets the second step of who has lost it."""
    from census_api.services.people import accounts

    with _opened(data_dir) as platform:
        account = _found(platform, who)
        accounts.reset_second_factor(platform, OPERATOR, account.id)
        say(f"{make_plain(account.name)} signs in with the password alone, until a new second step is set up.")
    return 0


def run_token_create(who: str, name: str, scopes: Sequence[str], days: int, data_dir: Path | None) -> int:
    """Prints a new token, which is shown this once."""
    from census_api.services.people import tokens

    with _opened(data_dir) as platform:
        account = _found(platform, who)
        token, secret = tokens.create_token(platform, OPERATOR, account.id, name, scopes or SCOPES, days)
        say(f"Token {token.id} of {make_plain(account.name)} works until {_day(token.ends_at)}. It is shown only now:")
        print(secret)
    return 0


def run_token_list(data_dir: Path | None) -> int:
    """Prints all tokens, one a line, without what opens the door."""
    from census_api.services.people import tokens

    with _opened(data_dir) as platform:
        now = platform.clock()
        for token in tokens.list_tokens(platform, OPERATOR, everybody=True):
            state = (
                "revoked" if token.revoked_at else "run out" if token.ends_at <= now else f"until {_day(token.ends_at)}"
            )
            used = f"used {_day(token.used_at)}" if token.used_at else "never used"
            scopes = "everything" if token.scopes == SCOPES else " ".join(token.scopes)
            words = (str(token.id), make_plain(token.account), make_plain(token.name), state, used, scopes)
            print("  ".join(words))
    return 0


def run_token_revoke(token: str, data_dir: Path | None) -> int:
    """Shuts a token out."""
    from census_api.services.people import tokens

    with _opened(data_dir) as platform:
        tokens.revoke_token(platform, OPERATOR, _number(token))
        say("The token opens nothing any more.")
    return 0


@contextmanager
def _opened(data_dir: Path | None) -> Iterator[Platform]:
    settings = read_settings(data_dir=data_dir)
    configure_logging("warning", settings.log_format)
    with opened_platform(settings) as platform:
        yield platform


def _found(platform: Platform, who: str) -> Account:
    """By number, by e-mail address, or for a program by name."""
    from census_api.services.people import accounts

    if "@" in who:
        return accounts.get_account(platform, OPERATOR, who.strip().lower())
    named = [account for account in accounts.list_accounts(platform, OPERATOR) if account.name == who]
    return named[0] if len(named) == 1 else accounts.get_account(platform, OPERATOR, _number(who))


def _number(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest(
            "Nobody and nothing goes by that. Give an e-mail address, or a number from the list."
        ) from None


def _platform_role(name: str) -> PlatformRole:
    found = next((role for role in PLATFORM_ROLES if role == name.replace("-", "_")), None)
    if found is None:
        raise ConfigError(
            f"A role of the platform is one of {', '.join(PLATFORM_ROLES)}. Others need --at ORGANISATION."
        )
    return found


def _member_role(name: str) -> MemberRole:
    found = next((role for role in MEMBER_ROLES if role == name), None)
    if found is None:
        raise ConfigError(f"A role at an organisation is one of {', '.join(MEMBER_ROLES)}.")
    return found


def _memberships(at: Sequence[str]) -> dict[str, frozenset[MemberRole]]:
    """Of `CODE:role` and `CODE:role+role`."""
    found: dict[str, frozenset[MemberRole]] = {}
    for entry in at:
        code, _, roles = entry.partition(":")
        found[code] = found.get(code, frozenset()) | frozenset(map(_member_role, (roles or "editor").split("+")))
    return found


def _line(account: Account) -> str:
    roles = [
        *sorted(account.roles),
        *(f"{code}:{'+'.join(sorted(held))}" for code, held in account.memberships.items()),
    ]
    state = (
        "disabled" if account.is_disabled else "can sign in" if account.has_password or account.issuer else "invited"
    )
    state = state if account.kind == "person" or account.is_disabled else "a program"
    return "  ".join(
        (str(account.id), make_plain(account.name), account.email or "-", state, " ".join(roles) or "no role")
    )


def _print_link(platform: Platform, account: Account, link: IssuedLink | None) -> None:
    if link is None:
        return
    base = platform.settings.public_url or f"http://{platform.settings.host}:{platform.settings.port}"
    say(
        f"{make_plain(account.name)} chooses a password here, once, until {_day(link.ends_at)}; the link was mailed too:"
    )
    print(f"{base}{link.path}")


def _day(moment: dt.datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
