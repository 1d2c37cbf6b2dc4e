"""Until there are accounts: everything on this machine, nothing from elsewhere."""

from __future__ import annotations

from typing import get_args

import pytest

from census_api.domain.access import Action, Actor, authorise, is_loopback
from census_api.domain.errors import NotFound


@pytest.mark.parametrize("action", get_args(Action))
@pytest.mark.parametrize("organisation", [None, "ALPHA"])
def test_who_may_do_what(action: Action, organisation: str | None) -> None:
    authorise(Actor("the platform itself"), action, organisation)
    authorise(Actor("a browser here", "127.0.0.1"), action, organisation)
    for address in ("192.0.2.7", "2001:db8::1", "0.0.0.0", "", "unknown"):
        with pytest.raises(NotFound):
            authorise(Actor("somebody", address), action, organisation)


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("127.0.0.1.example", False)],
)  # fmt: skip
def test_which_addresses_are_this_machine(address: str, here: bool) -> None:
    assert is_loopback(address) is here
