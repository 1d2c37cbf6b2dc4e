"""Which claims of the sign-on provider give which roles: a file that whoever runs the platform writes.

```toml
[claims]                      # what the provider calls them; these are the defaults
email = "email"
name = "name"

[[grant]]                     # a value of a claim gives a role of the platform
claim = "groups"
value = "census-team"
role = "census_team"

[[grant]]                     # or a role at one organisation
claim = "groups"
value = "alpha-signatories"
organisation = "ALPHA"
member = "signatory"

[[grant]]                     # or at the organisations whose codes the claim lists
claim = "organisation_codes"
member = "editor"
```
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES, MemberRole, PlatformRole
from census_api.domain.kit.errors import ConfigError
from census_api.services.people.accounts import Roles

_KEYS = {"claim", "value", "role", "organisation", "member"}


@dataclass(frozen=True, slots=True)
class Grant:
    """One line: who has `value` in `claim` gets `role`, or `member` at `organisation`.

    Without a value every value counts; without an organisation it is the value that names it.
    """

    claim: str
    value: str | None
    role: PlatformRole | None
    organisation: str | None
    member: MemberRole | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the mapping makes of one person's claims."""

    email: str | None
    name: str | None
    roles: Roles


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """The whole file. Without a file the address and the name are read, and no claim gives a role."""

    email: str = "email"
    name: str = "name"
    grants: tuple[Grant, ...] = ()

    def applied_to(self, claims: Mapping[str, Any]) -> Mapped:
        """What these claims give. Claims of another shape than text, or a list of texts, give nothing."""
        platform: set[PlatformRole] = set()
        members: dict[str, set[MemberRole]] = defaultdict(set)
        for grant in self.grants:
            for value in _texts(claims.get(grant.claim)):
                if grant.value is not None and value != grant.value:
                    continue
                if grant.role is not None:
                    platform.add(grant.role)
                if grant.member is not None:
                    members[grant.organisation or value].add(grant.member)
        held = {code: frozenset(roles) for code, roles in members.items()}
        email, name = (next(iter(_texts(claims.get(key))), None) for key in (self.email, self.name))
        return Mapped(email, name, Roles(frozenset(platform), held))


def load_mapping(file: Path | None) -> ClaimMapping:
    """The mapping of a file. Raises ConfigError naming what is wrong in it."""
    if file is None:
        return ClaimMapping()
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(
            "The file of CENSUS_SSO_MAPPING cannot be read as TOML. Check its name and content."
        ) from None
    claims, grants = tree.get("claims", {}), tree.get("grant", [])
    if set(tree) - {"claims", "grant"} or not isinstance(claims, dict) or not isinstance(grants, list):
        raise _wrong("it has [claims] and [[grant]], and nothing else")
    if set(claims) - {"email", "name"} or not all(isinstance(value, str) for value in claims.values()):
        raise _wrong("[claims] names the claims email and name")
    found = tuple(_grant(number, entry) for number, entry in enumerate(grants, start=1))
    return ClaimMapping(claims.get("email", "email"), claims.get("name", "name"), found)


def _grant(number: int, entry: Any) -> Grant:
    where = f"[[grant]] number {number}"
    if not isinstance(entry, dict) or set(entry) - _KEYS or not all(isinstance(value, str) for value in entry.values()):
        raise _wrong(f"{where} has claim, value, role, organisation and member, each a text")
    if "claim" not in entry or ("role" in entry) == ("member" in entry):
        raise _wrong(f"{where} needs a claim, and either a role or a member")
    role = next((role for role in PLATFORM_ROLES if role == entry.get("role")), None)
    member = next((role for role in MEMBER_ROLES if role == entry.get("member")), None)
    if role is None and member is None:
        raise _wrong(f"{where}: a role is one of {', '.join(PLATFORM_ROLES)}; a member is {' or '.join(MEMBER_ROLES)}")
    if role is not None and ("value" not in entry or "organisation" in entry):
        raise _wrong(f"{where} gives a role of the platform: it needs a value, and no organisation")
    if "organisation" in entry and "value" not in entry:
        raise _wrong(f"{where} needs the value that gives the role at {entry['organisation'][:40]}")
    return Grant(entry["claim"], entry.get("value"), role, entry.get("organisation"), member)


def _texts(claim: object) -> list[str]:
    values = claim if isinstance(claim, list) else [claim]
    return [value for value in values if isinstance(value, str) and value]


def _wrong(what: str) -> ConfigError:
    return ConfigError(f"The file of CENSUS_SSO_MAPPING is not usable: {what}.")
