"""Who acts in tests, and when."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable

from census_api.domain.kit.access import Actor, MemberRole, PlatformRole

NOW = dt.datetime(2024, 7, 15, 12, 30, tzinfo=dt.UTC)


def make_actor(
    name: str, *roles: PlatformRole, user_id: uuid.UUID | None = None, **members: Iterable[MemberRole]
) -> Actor:
    """A person here; keywords are organisation codes with the roles held there: `ALPHA=["editor"]`."""
    held = {code: frozenset(given) for code, given in members.items()}
    return Actor(
        name, "127.0.0.1", user_id or uuid.uuid5(uuid.NAMESPACE_DNS, name), roles=frozenset(roles), memberships=held
    )


ANN = Actor("ann", "127.0.0.1", kind="system")
"""May do everything, where a test is not about who may."""
EVE = make_actor("eve")
"""Has signed in, and that is all."""
TEAM = make_actor("tess", "census_team")
ADMINISTRATOR = make_actor("adam", "administrator")
ANALYST = make_actor("anna", "analyst")
PIPELINE = Actor("the survey", "127.0.0.1", uuid.uuid5(uuid.NAMESPACE_DNS, "survey"), "token", frozenset({"pipeline"}))
EDITOR = make_actor("eddie", ALPHA=["editor"])
SIGNATORY = make_actor("sigrid", ALPHA=["editor", "signatory"])
OTHER_EDITOR = make_actor("otto", BETA=["editor"])
OTHER_SIGNATORY = make_actor("olga", BETA=["editor", "signatory"])
