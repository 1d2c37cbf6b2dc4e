"""The outbox: a mail is there exactly when its reason is, once for each event, and read by nobody but the team."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from census_api.domain.mail import MAIL_STATES
from census_api.domain.register.organisations import Organisation
from census_api.services.kit.platform import Platform
from census_api.services.mail.delivery import send_due
from census_api.services.mail.outbox import count_mails, list_mails, read_mail, send_again
from census_api.services.mail.writing import enqueue_mail, enqueue_to_members, enqueue_to_team
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.people.addressees import Named
from census_api.store.register.queries import find_organisation
from tests.factories.actors import ADMINISTRATOR, ANALYST, ANN, EDITOR, NOW, OTHER_EDITOR, SIGNATORY, TEAM
from tests.factories.mail import FACTS, add_person, mails, write
from tests.patience import PATIENCE

LINK = {"return": "/collections/2024/returns/ALPHA"}


def test_a_mail_is_written_with_the_name_of_its_organisation(platform: Platform) -> None:
    assert write(platform, "query", facts={"name": "Ann Example"})
    (mail,) = mails(platform)
    assert (mail.kind, mail.state, mail.to, mail.organisation, mail.collection) == (
        "query", "waiting", "ann@example.org", "ALPHA", 2024,
    )  # fmt: skip
    assert mail.facts == {"organisation": "Alpha Recovery", "name": "Ann Example"}
    assert (mail.created_at, mail.attempts, mail.sent_at, mail.problem) == (NOW, 0, None, None)


def test_no_mail_without_its_reason(platform: Platform) -> None:
    def ends_badly() -> None:
        with platform.database.transaction() as session:
            enqueue_mail(session, "query", "a@b.org", organisation="ALPHA", collection=2024, links=LINK, facts={})
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        ends_badly()
    assert mails(platform) == []


def test_an_event_is_told_once_and_another_one_too(platform: Platform) -> None:
    assert write(platform, about="q1")
    assert not write(platform, about="q1")
    assert write(platform, about="q2")
    assert write(platform, to="bob@example.org", about="q1")
    assert len(mails(platform)) == 3


def test_a_receipt_is_its_reference_and_an_invitation_its_link(platform: Platform) -> None:
    assert write(platform, "receipt")
    assert not write(platform, "receipt")
    assert write(platform, "receipt", facts={"reference": "WC24-OTHER-1"})
    assert write(platform, "invite", organisation=None, collection=None, link="/invitations/one")
    assert not write(platform, "invite", organisation=None, collection=None, link="/invitations/one")
    assert write(platform, "invite", organisation=None, collection=None, link="/invitations/two")


def test_the_same_mail_from_many_at_once_is_written_once(platform: Platform) -> None:
    barrier = threading.Barrier(6)
    written: list[bool] = []

    def run() -> None:
        barrier.wait(PATIENCE)
        written.append(write(platform, about="q1"))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(written) == [False] * 5 + [True]
    assert len(mails(platform)) == 1


def test_what_has_no_place_in_a_mail_stops_its_transaction(platform: Platform) -> None:
    with pytest.raises(InvalidRequest, match="not an e-mail address"):
        write(platform, to="a@b.org\r\nBcc: c@d.org")
    for wrong in ({"facts": {"finding": "E17"}}, {"link": "javascript:x"}, {"organisation": "NOBODY"}):
        with pytest.raises(ValueError, match="mail"):
            write(platform, **wrong)
    assert mails(platform) == []


def test_who_acts_for_an_organisation_can_cause_mail_about_it_and_read_none(platform: Platform) -> None:
    for actor, organisation in ((SIGNATORY, "ALPHA"), (OTHER_EDITOR, "BETA")):
        with platform.database.transaction(actor) as session:
            assert enqueue_mail(
                session, "receipt", "a@b.org", organisation=organisation, collection=2024, links=LINK,
                facts={"reference": FACTS["reference"]}, at=NOW,
            )  # fmt: skip
    with platform.database.transaction(SIGNATORY) as session:
        assert session.scalar(text("SELECT count(*) FROM mail")) == 0
        assert session.execute(text("UPDATE mail SET recipient = 'eve@evil.example' RETURNING id")).all() == []
        assert session.execute(text("DELETE FROM mail RETURNING id")).all() == []
    with pytest.raises(Exception, match="row-level security"), platform.database.transaction(EDITOR) as session:
        session.execute(
            text("INSERT INTO mail (id, kind, state, recipient, organisation_id, once_key, links, facts, created_at, "
                 "next_try, give_up_at) SELECT gen_random_uuid(), 'query', 'waiting', 'a@b.org', gen_random_uuid(), 'k', "
                 "'{}', '{}', now(), now(), now()")
        )  # fmt: skip
    assert len(mails(platform)) == 2


def test_members_are_those_of_the_organisation_and_of_those_above_it(platform: Platform) -> None:
    load_organisations(platform, ANN, [Organisation("GROUP", "Group"), Organisation("BELOW", "Below", parent="GROUP")])
    add_person(platform, "low@example.org", "BELOW")
    add_person(platform, "high@example.org", "GROUP")
    add_person(platform, "gone@example.org", "BELOW", disabled=True)
    add_person(platform, "other@example.org", "ALPHA")
    with platform.database.transaction() as session:
        for code, people in (("BELOW", 2), ("GROUP", 1), ("BETA", 0)):
            found = find_organisation(session, code)
            assert found is not None
            of = Named(found[0], code, found[1].name)
            assert enqueue_to_members(session, "query", of, 2024, links=LINK, about="q", at=NOW) == people
    assert [(mail.organisation, mail.to) for mail in mails(platform)] == [
        ("BELOW", "high@example.org"), ("BELOW", "low@example.org"), ("GROUP", "high@example.org"),
    ]  # fmt: skip


def test_an_answer_goes_to_the_whole_team(platform: Platform) -> None:
    add_person(platform, "tess@example.org", team=True, name="Tess")
    add_person(platform, "tom@example.org", team=True, name="Tom")
    add_person(platform, "left@example.org", team=True, disabled=True)
    with platform.database.transaction(EDITOR) as session:
        assert enqueue_to_team(session, "reply", "ALPHA", 2024, links=LINK, about="r1", at=NOW) == 2
    assert [(mail.to, mail.facts["name"]) for mail in mails(platform)] == [
        ("tess@example.org", "Tess"), ("tom@example.org", "Tom"),
    ]  # fmt: skip


def test_the_outbox_is_for_the_team(platform: Platform) -> None:
    write(platform)
    (mail,) = mails(platform)
    for actor in (EDITOR, SIGNATORY, ANALYST):
        for call in (
            lambda who: list_mails(platform, who),
            lambda who: count_mails(platform, who),
            lambda who: read_mail(platform, who, mail.id),
            lambda who: send_again(platform, who, mail.id),
        ):
            with pytest.raises(Forbidden):
                call(actor)
    assert read_mail(platform, ADMINISTRATOR, mail.id)[0] == mail


def test_the_outbox_is_read_in_pages_and_by_state_and_kind(platform: Platform) -> None:
    for number in range(5):
        write(platform, about=f"q{number}")
    write(platform, "accepted")
    first = list_mails(platform, TEAM, limit=4)
    assert (len(first.items), first.total) == (4, 6)
    assert first.items[0].kind == "accepted"
    second = list_mails(platform, TEAM, limit=4, cursor=first.next)
    assert (len(second.items), second.next) == (2, None)
    assert len({mail.id for mail in (*first.items, *second.items)}) == 6
    assert list_mails(platform, TEAM, kind="accepted").total == 1
    assert list_mails(platform, TEAM, state="sent").items == ()
    assert count_mails(platform, TEAM) == {state: 6 if state == "waiting" else 0 for state in MAIL_STATES}


def test_a_secret_link_is_shown_in_the_demonstration_only(platform: Platform) -> None:
    write(platform, "invite", collection=None, link="/invitations/secret")
    (mail,) = mails(platform)
    assert "secret" not in read_mail(platform, TEAM, mail.id)[1].body
    demo = replace(platform, settings=Settings(mode="demo"))
    assert "\n/invitations/secret\n" in read_mail(demo, TEAM, mail.id)[1].body


def test_without_a_sender_and_in_the_demonstration_mail_is_held(platform: Platform) -> None:
    write(platform)
    demo = replace(platform, settings=Settings(mode="demo", mail_sender="smtp", smtp_host="127.0.0.1", smtp_port=9))
    assert send_due(demo) == {"held": 1}
    write(platform, "accepted")
    assert send_due(platform) == {"held": 1}
    assert [mail.state for mail in mails(platform)] == ["held", "held"]
    # a sender that is set up later must not send what is old
    assert send_due(platform) == {}


def test_only_what_failed_or_was_held_can_be_sent_again(platform: Platform) -> None:
    write(platform)
    (mail,) = mails(platform)
    with pytest.raises(Conflict, match="on its way"):
        send_again(platform, TEAM, mail.id)
    send_due(platform)
    assert send_again(platform, TEAM, mail.id).state == "waiting"
    with pytest.raises(NotFound):
        send_again(platform, TEAM, EDITOR.user_id or mail.id)
    with platform.database.transaction() as session:
        events = session.execute(text("SELECT action, actor FROM audit_event WHERE action LIKE 'mail%'")).all()
    assert [tuple(event) for event in events] == [("mail.sent_again", TEAM.name)]
