"""Who may make whom what; leaving, handing over, parents and areas."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.access import PLATFORM_ROLES, SYSTEM, Actor, MemberRole, PlatformRole
from census_api.domain.kit.errors import CensusError, Conflict, Forbidden, InvalidRequest, NotFound, SignInRequired
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.kit.platform import Platform
from census_api.services.people import accounts, one_time_links
from census_api.services.people.accounts import Roles
from census_api.services.people.sessions import actor_for
from census_api.services.register.organisations import load_frame, load_organisations
from census_api.store.people import queries as people
from tests.factories.actors import ANN
from tests.factories.mail import mails
from tests.factories.people import PASSWORD, add_person
from tests.patience import PATIENCE


def acting(platform: Platform, account: uuid.UUID) -> Actor:
    with platform.database.transaction() as session:
        row = people.find_account(session, account)
        assert row is not None
        return actor_for(session, platform, row, None)


@pytest.fixture
def cast(platform: Platform) -> dict[str, uuid.UUID]:
    return {
        "stranger": add_person(platform, "stranger"),
        "editor": add_person(platform, "editor", at={"ALPHA": ["editor"]}),
        "signatory": add_person(platform, "signatory", at={"ALPHA": ["editor", "signatory"]}),
        "other signatory": add_person(platform, "other", at={"BETA": ["signatory"]}),
        "analyst": add_person(platform, "analyst", "analyst"),
        "team": add_person(platform, "team", "census_team"),
        "administrator": add_person(platform, "administrator", "administrator"),
    }


# who may give a role at ALPHA to somebody else who belongs there; nobody may give one to themselves
MAY_GIVE: dict[str, set[str]] = {
    "stranger": set(), "editor": set(), "signatory": {"editor"}, "other signatory": set(), "analyst": set(),
    "team": {"editor", "signatory"}, "administrator": {"editor", "signatory"},
}  # fmt: skip
ROLES: tuple[MemberRole, ...] = ("editor", "signatory")


@pytest.mark.parametrize("held", [True, False], ids=["give", "take"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("who", MAY_GIVE)
def test_each_role_and_each_change_at_an_organisation(
    platform: Platform, cast: dict[str, uuid.UUID], who: str, role: MemberRole, held: bool
) -> None:
    target = add_person(platform, "target", at={"ALPHA": ["editor"] if held else ROLES})
    actor = acting(platform, cast[who])
    if role in MAY_GIVE[who]:
        accounts.set_membership(platform, actor, target, "ALPHA", role, held=held)
        assert (role in acting(platform, target).memberships.get("ALPHA", set())) is held
    else:
        with pytest.raises((Forbidden, NotFound)):
            accounts.set_membership(platform, actor, target, "ALPHA", role, held=held)
        assert acting(platform, target).memberships["ALPHA"] == frozenset({"editor"} if held else ROLES)


@pytest.mark.parametrize("who", MAY_GIVE)
def test_nobody_raises_their_own_role(platform: Platform, cast: dict[str, uuid.UUID], who: str) -> None:
    actor, own = acting(platform, cast[who]), cast[who]
    for member in ROLES:
        for organisation in ("ALPHA", "BETA"):
            with pytest.raises((Forbidden, NotFound)):
                accounts.set_membership(platform, actor, own, organisation, member, held=True)
    for role in PLATFORM_ROLES:
        with pytest.raises(Forbidden):
            accounts.set_role(platform, actor, own, role, held=True)
    assert acting(platform, own) == actor


@pytest.mark.parametrize("role", PLATFORM_ROLES)
@pytest.mark.parametrize("who", MAY_GIVE)
def test_only_administrators_give_roles_of_the_platform(
    platform: Platform, cast: dict[str, uuid.UUID], who: str, role: PlatformRole
) -> None:
    actor, target = acting(platform, cast[who]), cast["stranger"]
    if who == "administrator":
        accounts.set_role(platform, actor, target, role, held=True)
        assert acting(platform, target).roles == {role}
        accounts.set_role(platform, actor, target, role, held=False)
        return
    for change in (
        lambda: accounts.set_role(platform, actor, target, role, held=True),
        lambda: accounts.add_person(platform, actor, "new@example.org", "New", Roles(frozenset({role}))),
        lambda: accounts.disable_account(platform, actor, target),
        lambda: accounts.list_accounts(platform, actor),
    ):
        with pytest.raises(Forbidden):
            change()
    assert acting(platform, cast["stranger"]).roles == frozenset()


def test_a_signatory_adds_editors_and_no_signatories(platform: Platform, cast: dict[str, uuid.UUID]) -> None:
    actor = acting(platform, cast["signatory"])
    new = accounts.invite_member(platform, actor, "ALPHA", "New@Example.org", "New", "editor")
    assert new.memberships == {"ALPHA": {"editor"}}
    with pytest.raises(Forbidden, match="Ask the census team"):
        accounts.invite_member(platform, actor, "ALPHA", "boss@example.org", "Boss", "signatory")
    with pytest.raises(NotFound, match="There is no organisation 'BETA'"):
        accounts.invite_member(platform, actor, "BETA", "new@example.org", "New", "editor")
    again = accounts.invite_member(platform, actor, "ALPHA", "other@example.org", "Another name", "editor")
    assert again.name == "other"


def test_members_see_one_another_and_nothing_of_elsewhere(platform: Platform, cast: dict[str, uuid.UUID]) -> None:
    accounts.set_membership(platform, SYSTEM, cast["other signatory"], "ALPHA", "editor", held=True)
    seen = accounts.list_members(platform, acting(platform, cast["editor"]), "ALPHA")
    assert [account.name for account in seen] == ["editor", "other", "signatory"]
    assert all(set(account.memberships) == {"ALPHA"} for account in seen)
    full = accounts.list_members(platform, acting(platform, cast["team"]), "ALPHA")
    assert set(full[1].memberships) == {"ALPHA", "BETA"}
    with pytest.raises(NotFound):
        accounts.set_membership(
            platform, acting(platform, cast["signatory"]), cast["analyst"], "ALPHA", "editor", held=True
        )


def test_who_has_an_account_hears_of_a_new_role_by_mail(platform: Platform, cast: dict[str, uuid.UUID]) -> None:
    team = acting(platform, cast["team"])
    accounts.invite_member(platform, team, "ALPHA", "stranger@example.org", "Stranger", "editor")
    accounts.set_membership(platform, team, cast["stranger"], "ALPHA", "signatory", held=True)
    (mail,) = mails(platform)
    assert (mail.kind, mail.to, mail.organisation, mail.links) == (
        "member", "stranger@example.org", "ALPHA", {"page": "/returns"},
    )  # fmt: skip
    accounts.set_membership(platform, team, cast["stranger"], "BETA", "editor", held=True)
    accounts.hand_over(platform, team, "ALPHA", cast["signatory"], cast["analyst"])
    assert sorted((mail.to, mail.organisation) for mail in mails(platform)) == [
        ("analyst@example.org", "ALPHA"), ("stranger@example.org", "ALPHA"), ("stranger@example.org", "BETA"),
    ]  # fmt: skip


def test_who_has_not_signed_in_yet_hears_by_the_invitation(platform: Platform, cast: dict[str, uuid.UUID]) -> None:
    team = acting(platform, cast["team"])
    new = accounts.invite_member(platform, team, "ALPHA", "new@example.org", "New", "editor")
    one_time_links.invite_person(platform, team, new.id, organisation="ALPHA")
    accounts.set_membership(platform, team, new.id, "ALPHA", "signatory", held=True)
    assert [(mail.kind, mail.to) for mail in mails(platform)] == [("invite", "new@example.org")]


def test_who_leaves_keeps_a_name_in_the_history(platform: Platform, cast: dict[str, uuid.UUID]) -> None:
    editor, signatory = acting(platform, cast["editor"]), acting(platform, cast["signatory"])
    with pytest.raises(Forbidden):
        accounts.remove_member(platform, editor, "ALPHA", cast["signatory"])
    accounts.remove_member(platform, signatory, "ALPHA", cast["editor"])
    assert acting(platform, cast["editor"]).memberships == {}
    accounts.remove_member(platform, signatory, "ALPHA", cast["signatory"])
    with platform.database.transaction() as session:
        rows = session.execute(text("SELECT name, role, ended_at IS NOT NULL FROM membership JOIN account ON "
                                    "account.id = account_id WHERE name IN ('editor', 'signatory') ORDER BY 1, 2"))  # fmt: skip
        assert [tuple(row) for row in rows] == [
            ("editor", "editor", True), ("signatory", "editor", True), ("signatory", "signatory", True),
        ]  # fmt: skip
    with pytest.raises(NotFound):
        accounts.remove_member(platform, acting(platform, cast["team"]), "ALPHA", cast["editor"])


def test_a_role_is_handed_over_whole_and_there_are_never_more_of_it(
    platform: Platform, cast: dict[str, uuid.UUID]
) -> None:
    signatory, editor = acting(platform, cast["signatory"]), acting(platform, cast["editor"])
    with pytest.raises(InvalidRequest, match="not a member"):
        accounts.hand_over(platform, signatory, "ALPHA", cast["signatory"], cast["stranger"])
    with pytest.raises(Forbidden):
        accounts.hand_over(platform, editor, "ALPHA", cast["signatory"], cast["editor"])
    with pytest.raises(InvalidRequest, match="somebody else"):
        accounts.hand_over(platform, signatory, "ALPHA", cast["signatory"], cast["signatory"])
    with pytest.raises(NotFound):
        accounts.hand_over(
            platform, acting(platform, cast["other signatory"]), "ALPHA", cast["signatory"], cast["editor"]
        )
    accounts.hand_over(platform, signatory, "ALPHA", cast["signatory"], cast["editor"])
    assert acting(platform, cast["editor"]).memberships == {"ALPHA": {"editor", "signatory"}}
    assert acting(platform, cast["signatory"]).memberships == {}
    accounts.hand_over(platform, acting(platform, cast["team"]), "ALPHA", cast["editor"], cast["stranger"])
    assert acting(platform, cast["stranger"]).memberships == {"ALPHA": {"editor", "signatory"}}


def test_a_parents_member_is_a_member_of_everything_below(platform: Platform) -> None:
    load_organisations(platform, ANN, [
        Organisation("GROUP", "The group", "voluntary", parent="ALPHA"),
        Organisation("EAST", "Its east", "voluntary", parent="GROUP"),
        Organisation("WEST", "Its west", "voluntary", parent="GROUP"),
    ])  # fmt: skip
    load_organisations(platform, ANN, [Organisation("ALPHA", "Alpha", "voluntary", parent="EAST")])
    actor = acting(platform, add_person(platform, "ann", at={"GROUP": ["editor"], "WEST": ["signatory"]}))
    # the register goes round in a circle here, and it ends all the same
    assert actor.memberships == {
        "ALPHA": {"editor"}, "EAST": {"editor"}, "GROUP": {"editor"}, "WEST": {"editor", "signatory"},
    }  # fmt: skip
    below = acting(platform, add_person(platform, "ben", at={"WEST": ["editor"]}))
    assert below.memberships == {"WEST": {"editor"}}


def test_a_commissioner_sees_its_own_area_only_where_policy_says_so(platform: Platform) -> None:
    load_organisations(platform, ANN, [
        Organisation("COUNCIL", "The council", "la_commissioning"),
        Organisation("WIDE", "Works in two areas", "voluntary"),
    ])  # fmt: skip
    here, elsewhere = "E06000001", "E06000002"
    load_frame(platform, ANN, 2024, [
        FrameLine(2024, "COUNCIL", here, "commissioning"),
        FrameLine(2024, "ALPHA", here, "adult_community"),
        FrameLine(2024, "BETA", elsewhere, "adult_community"),
        FrameLine(2024, "WIDE", here, "adult_community"),
        FrameLine(2024, "WIDE", elsewhere, "adult_community"),
    ])  # fmt: skip
    cora = add_person(platform, "cora", at={"COUNCIL": ["editor"]})
    assert acting(platform, cora).watched == frozenset()
    open_to_areas = replace(platform, settings=platform.settings.model_copy(update={"area_reads": True}))
    assert acting(open_to_areas, cora).watched == {"ALPHA"}
    assert acting(open_to_areas, add_person(platform, "ann", at={"ALPHA": ["editor"]})).watched == frozenset()


def test_there_is_a_first_administrator_and_always_one(platform: Platform) -> None:
    first = accounts.first_administrator(platform, "root@example.org", "Root")
    with pytest.raises(Conflict, match="already"):
        accounts.first_administrator(platform, "second@example.org", "Second")
    changes: list[Callable[[], object]] = [
        lambda: accounts.disable_account(platform, SYSTEM, first.id),
        lambda: accounts.set_role(platform, SYSTEM, first.id, "administrator", held=False),
    ]
    for change in changes:
        with pytest.raises(Conflict, match="only administrator"):
            change()
    second = add_person(platform, "second", "administrator")
    outcomes: list[CensusError | None] = []
    barrier = threading.Barrier(2)

    def shut_out(account: uuid.UUID) -> None:
        barrier.wait(PATIENCE)
        try:
            accounts.disable_account(platform, SYSTEM, account)
            outcomes.append(None)
        except CensusError as refusal:
            outcomes.append(refusal)

    threads = [threading.Thread(target=shut_out, args=(account,)) for account in (first.id, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert outcomes.count(None) == 1


def test_an_address_has_one_account(platform: Platform) -> None:
    add_person(platform, "ann")
    with pytest.raises(Conflict, match="already"):
        accounts.add_person(platform, SYSTEM, "ANN@example.org", "Ann again", Roles())
    with pytest.raises(NotFound, match="There is no organisation 'NOBODY'"):
        accounts.add_person(
            platform, SYSTEM, "new@example.org", "New", Roles(members={"NOBODY": frozenset({"editor"})})
        )
    assert [account.name for account in accounts.list_accounts(platform, SYSTEM)] == ["ann"]


def test_a_password_is_changed_by_who_knows_it(platform: Platform) -> None:
    ann = acting(platform, add_person(platform, "ann"))
    with pytest.raises(InvalidRequest, match="present password is not right"):
        accounts.change_password(platform, ann, "something else", "eleven yellow kettles")
    with pytest.raises(InvalidRequest, match="too short"):
        accounts.change_password(platform, ann, PASSWORD, "short")
    with pytest.raises(SignInRequired):
        accounts.change_password(platform, replace(ann, kind="token"), PASSWORD, "eleven yellow kettles")
    accounts.change_password(platform, ann, PASSWORD, "eleven yellow kettles")
    with pytest.raises(InvalidRequest):
        accounts.change_password(platform, ann, PASSWORD, "eleven yellow kettles")
