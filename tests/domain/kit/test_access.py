"""The policy: each action x each role, written out; and who may know of what."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.kit.access import (
    ACTIONS,
    ANONYMOUS,
    MEMBER_ROLES,
    PLATFORM_ROLES,
    POLICY,
    SCOPES,
    SYSTEM,
    Action,
    Actor,
    authorise,
    is_allowed,
    is_loopback,
    tenants,
)
from census_api.domain.kit.errors import Forbidden, NotFound, SignInRequired
from tests.factories.actors import (
    ADMINISTRATOR,
    ANALYST,
    EDITOR,
    EVE,
    OTHER_SIGNATORY,
    PIPELINE,
    SIGNATORY,
    TEAM,
)

ACTORS = {"nobody": ANONYMOUS, "stranger": EVE, "editor": EDITOR, "signatory": SIGNATORY, "other": OTHER_SIGNATORY,
          "analyst": ANALYST, "pipeline": PIPELINE, "team": TEAM, "administrator": ADMINISTRATOR}  # fmt: skip

AT_AN_ORGANISATION: dict[Action, str] = {
    "return.read": "editor signatory team",
    "return.check": "editor signatory team",
    "return.submit": "editor signatory team",
    "return.explain": "editor signatory team",
    "return.sign_off": "signatory",
    "return.query": "team",
    "return.reply": "editor signatory team",
    "return.accept": "team",
    "return.reopen": "team",
    "return.decline": "team",
    "return.withdraw": "team",
    "return.extend": "team",
    "return.history": "editor signatory team",
    "organisation.read": "editor signatory team administrator",
    "members.manage": "signatory team administrator",
}
ON_THE_PLATFORM: dict[Action, str] = {
    "collection.read": "nobody stranger editor signatory other analyst pipeline team administrator",
    "return.check": "stranger editor signatory other analyst pipeline team administrator",
    "people.manage": "administrator",
    "tokens.manage": "stranger editor signatory other analyst team administrator",
    "register.manage": "team administrator",
    "frame.manage": "team administrator",
    "audit.read": "team administrator",
    "jobs.manage": "team administrator",
    "mail.manage": "team administrator",
    "export.raw": "team",
    "retention.delete": "team",
    "progress.read": "analyst team administrator",
    "snapshot.freeze": "team",
    "aggregate.read": "analyst team",
    "margins.read": "analyst pipeline team",
}


def outcome(call: Callable[[], None]) -> str:
    try:
        call()
    except (Forbidden, NotFound, SignInRequired) as refusal:
        return type(refusal).__name__
    return "allowed"


def test_the_tables_of_this_test_are_about_every_action() -> None:
    assert set(AT_AN_ORGANISATION) | set(ON_THE_PLATFORM) == set(get_args(Action)) == set(ACTIONS) == set(POLICY)


@pytest.mark.parametrize("action", AT_AN_ORGANISATION)
@pytest.mark.parametrize("name", ACTORS)
def test_who_may_do_what_at_an_organisation(action: Action, name: str) -> None:
    found = outcome(lambda: authorise(ACTORS[name], action, "ALPHA"))
    if name in AT_AN_ORGANISATION[action].split():
        assert found == "allowed"
    elif name == "nobody":
        assert found == "SignInRequired"
    else:
        knows = name in ("editor", "signatory", "team", "administrator")
        assert found == ("Forbidden" if knows else "NotFound")


@pytest.mark.parametrize("action", ON_THE_PLATFORM)
@pytest.mark.parametrize("name", ACTORS)
def test_who_may_do_what_on_the_platform(action: Action, name: str) -> None:
    found = outcome(lambda: authorise(ACTORS[name], action))
    if name in ON_THE_PLATFORM[action].split():
        assert found == "allowed"
    else:
        assert found == ("SignInRequired" if name == "nobody" else "Forbidden")


@pytest.mark.parametrize("action", ACTIONS)
def test_the_platform_itself_may_do_everything(action: Action) -> None:
    authorise(SYSTEM, action)
    authorise(SYSTEM, action, "ALPHA")


def test_an_organisation_that_may_not_be_known_is_refused_in_the_words_of_one_that_is_not_there() -> None:
    with pytest.raises(NotFound) as refusal:
        authorise(OTHER_SIGNATORY, "return.read", "ALPHA")
    assert refusal.value.message == "There is no organisation 'ALPHA' here. Check the code in your invitation."


def test_refusals_say_who_may() -> None:
    with pytest.raises(Forbidden, match="the organisation's signatories only"):
        authorise(EDITOR, "return.sign_off", "ALPHA")
    with pytest.raises(Forbidden, match="by the census team and administrators only"):
        authorise(ANALYST, "audit.read")


def test_a_token_does_no_more_than_its_scopes_and_never_what_needs_a_person() -> None:
    token = replace(SIGNATORY, kind="token", scopes=frozenset({"return.submit", "return.sign_off"}))
    authorise(token, "return.submit", "ALPHA")
    with pytest.raises(Forbidden, match=r"needs the scope return\.read"):
        authorise(token, "return.read", "ALPHA")
    with pytest.raises(Forbidden, match="a person has to sign in"):
        authorise(token, "return.sign_off", "ALPHA")
    with pytest.raises(NotFound):
        authorise(token, "return.submit", "BETA")
    assert "return.sign_off" not in SCOPES
    assert "people.manage" not in SCOPES


def test_who_watches_an_area_reads_and_does_nothing_else() -> None:
    watcher = replace(OTHER_SIGNATORY, watched=frozenset({"ALPHA"}))
    allowed = [action for action in AT_AN_ORGANISATION if is_allowed(watcher, action, "ALPHA")]
    assert allowed == ["return.read", "return.history", "organisation.read"]
    assert outcome(lambda: authorise(watcher, "return.submit", "ALPHA")) == "Forbidden"


def test_whose_data_a_transaction_may_touch() -> None:
    assert tenants(None) is tenants(SYSTEM) is tenants(TEAM) is tenants(ADMINISTRATOR) is None
    assert tenants(EDITOR) == frozenset({"ALPHA"})
    assert tenants(replace(EDITOR, watched=frozenset({"GAMMA"}))) == frozenset({"ALPHA", "GAMMA"})
    assert tenants(ANALYST) == tenants(ANONYMOUS) == frozenset()


@given(
    roles=st.frozensets(st.sampled_from(PLATFORM_ROLES)),
    held=st.dictionaries(st.sampled_from(["ALPHA", "BETA"]), st.frozensets(st.sampled_from(MEMBER_ROLES))),
    action=st.sampled_from(ACTIONS),
    scopes=st.frozensets(st.sampled_from(ACTIONS)),
    organisation=st.sampled_from(["ALPHA", "BETA", None]),
)
def test_narrowing_never_widens(
    roles: frozenset[str],
    held: dict[str, frozenset[str]],
    action: Action,
    scopes: frozenset[str],
    organisation: str | None,
) -> None:
    person = Actor("p", None, uuid.uuid4(), "person", roles, held)  # type: ignore[arg-type]  # the roles are pytest's parameters
    token = replace(person, kind="token", scopes=scopes)
    if is_allowed(token, action, organisation):
        assert is_allowed(person, action, organisation)
        assert action in scopes or action == "collection.read"
    if organisation is not None and is_allowed(person, action, organisation):
        assert person.knows(organisation)


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("127.0.0.1.example", False)],
)  # fmt: skip
def test_which_addresses_are_this_machine(address: str, here: bool) -> None:
    assert is_loopback(address) is here
