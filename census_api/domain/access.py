"""Who acts, and what they may do. The one place that decides."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from census_api.domain.errors import NotFound

Action = Literal["read", "submit", "manage"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program behind a call. `address` is where a request came from, None inside the platform."""

    name: str
    address: str | None = None


def authorise(actor: Actor, action: Action, organisation: str | None = None) -> None:
    """Returns when the actor may do it. Raises NotFound: who may not know of a thing is told that it is not there.

    There are no accounts, so everybody on this machine may do everything and nobody else may do anything.
    `action` and `organisation` (a code, None for what belongs to no organisation) say what is asked for.
    """
    if actor.address is not None and not is_loopback(actor.address):
        what = "Nothing" if organisation is None else f"No organisation {organisation}"
        raise NotFound(f"{what} is here that you may {action}. Sign in at the machine that runs the census.")


def is_loopback(address: str) -> bool:
    """True for addresses that reach only this machine: 127.0.0.0/8, ::1, and the name localhost."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
