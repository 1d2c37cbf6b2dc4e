"""Sending by SMTP, to a real server: nothing twice, nothing silently lost, one mail never in the way of another."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from census_api.services.kit.platform import Platform
from census_api.services.mail.delivery import forget_old, send_due
from census_api.services.mail.outbox import send_again
from census_api.services.upkeep.reconcile import read_figures
from census_api.store.mail import queries as outbox
from tests.factories.actors import NOW, TEAM
from tests.factories.mail import PUBLIC, Clock, by_smtp, events, mails, only, write
from tests.factories.mail_servers import (
    SmtpServer,
    make_certificate,
    smtp_server,
)
from tests.patience import PATIENCE


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_server() as server:
        yield server


def test_a_mail_goes_out_by_smtp_word_for_word(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform, "receipt", facts={"name": "Zoë O’Neil"})
    platform = by_smtp(platform, smtp, clock)
    assert send_due(platform) == {"sent": 1}
    (message,) = smtp.messages()
    mail = only(platform)
    assert (mail.state, mail.sent_at, mail.attempts, mail.problem) == ("sent", NOW, 1, None)
    assert smtp.recipients == ["ann@example.org"]
    assert message["From"] == "Workforce census <census@nhs.example>"
    assert message["To"] == "ann@example.org"
    assert message["Subject"] == "Receipt for your return to the workforce census 2024"
    assert message["Message-ID"] == f"<{mail.id}@nhs.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    body = message.get_content().replace("\r\n", "\n")
    assert body.startswith("Dear Zoë O’Neil,\n\nThe return of Alpha Recovery to the workforce census 2024 is signed.")
    assert f"\n\n{PUBLIC}/collections/2024/returns/ALPHA\n\n" in body
    assert events(platform) == ["mail.sent"]
    assert send_due(platform) == {}
    assert len(smtp.letters) == 1


def test_no_text_becomes_a_header(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    with platform.database.transaction() as session:
        # even what another program wrote into the database
        session.execute(text("UPDATE organisation SET name = E'X\\r\\nBcc: eve@evil.example' WHERE code = 'ALPHA'"))
    write(platform, "query", facts={"name": "Ann\r\nBcc: eve@evil.example\r\n\r\nHello"})
    assert send_due(by_smtp(platform, smtp, clock)) == {"sent": 1}
    (message,) = smtp.messages()
    assert "Bcc" not in message
    assert smtp.recipients == ["ann@example.org"]
    assert message.get_content().startswith("Dear Ann Bcc eve evil example Hello,")


def test_a_header_with_a_line_break_in_it_is_never_sent(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform)
    with platform.database.transaction() as session:
        session.execute(text("UPDATE mail SET recipient = E'a@b.org\\r\\nBcc: eve@evil.example'"))
    platform = by_smtp(platform, smtp, clock)
    assert send_due(platform) == {"waiting": 1}
    assert (smtp.letters, smtp.recipients) == ([], [])
    assert "fault of its own" in (only(platform).problem or "")


def test_starttls_and_login_come_before_the_letter(platform: Platform, tmp_path: Path, clock: Clock) -> None:
    tls, authority = make_certificate(tmp_path)
    write(platform)
    with smtp_server(tls) as server:
        ours = by_smtp(
            platform, server, clock, smtp_security="starttls", smtp_ca_file=authority, smtp_user="census",
            smtp_password=SecretStr("s3cret"),
        )  # fmt: skip
        assert send_due(ours) == {"sent": 1}
        assert server.encrypted == [True]
        assert len(server.logins) == 1


def test_a_server_that_cannot_encrypt_or_prove_itself_gets_nothing(
    platform: Platform, smtp: SmtpServer, tmp_path: Path, clock: Clock
) -> None:
    write(platform)
    assert send_due(by_smtp(platform, smtp, clock, smtp_security="starttls")) == {"waiting": 1}
    clock.pass_by(hours=1)
    tls, _ = make_certificate(tmp_path)
    with smtp_server(tls) as stranger:
        assert send_due(by_smtp(platform, stranger, clock, smtp_security="starttls")) == {"waiting": 1}
        assert stranger.letters == []
        assert stranger.logins == []
    assert smtp.letters == []


def test_one_connection_carries_many_letters(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    for number in range(20):
        write(platform, about=str(number))
    assert send_due(by_smtp(platform, smtp, clock)) == {"sent": 20}
    assert (len(smtp.letters), smtp.connections) == (20, 1)


def test_two_workers_at_once_send_each_mail_once(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    for number in range(30):
        write(platform, about=str(number))
    ours = by_smtp(platform, smtp, clock)
    threads = [threading.Thread(target=send_due, args=[ours]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    ids = [message["Message-ID"] for message in smtp.messages()]
    assert (len(ids), len(set(ids))) == (30, 30)
    assert {mail.state for mail in mails(platform)} == {"sent"}


def test_a_busy_server_is_tried_again_later_each_time(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform)
    platform = by_smtp(platform, smtp, clock)
    smtp.answers["rcpt"] = 450
    pauses = []
    for _ in range(6):
        assert send_due(platform) == {"waiting": 1}
        pauses.append(round((only(platform).next_try - clock.now).total_seconds() / 60))
        assert send_due(platform) == {}
        clock.pass_by(minutes=pauses[-1])
    assert pauses == [1, 2, 4, 8, 15, 15]
    assert "asked to wait. (SMTP 450)" in (only(platform).problem or "")
    smtp.answers.clear()
    assert send_due(platform) == {"sent": 1}
    assert only(platform).problem is None


def test_after_a_day_it_is_given_up_and_the_team_can_send_it_again(
    platform: Platform, smtp: SmtpServer, clock: Clock
) -> None:
    write(platform)
    platform = by_smtp(platform, smtp, clock)
    smtp.answers["data-end"] = 451
    send_due(platform)
    clock.pass_by(hours=24)
    assert send_due(platform) == {"failed": 1}
    assert (only(platform).problem or "").startswith("It could not be sent for a whole day.")
    assert events(platform) == ["mail.failed"]
    smtp.answers.clear()
    assert send_due(platform) == {}
    send_again(platform, TEAM, only(platform).id)
    assert send_due(platform) == {"sent": 1}
    assert len(smtp.letters) == 1


@pytest.mark.parametrize(("verb", "code"), [("rcpt", 550), ("data", 554), ("data-end", 554)])
def test_a_mail_that_is_refused_for_good_fails_and_the_next_one_goes(
    platform: Platform, smtp: SmtpServer, clock: Clock, verb: str, code: int
) -> None:
    write(platform, to="gone@example.org")
    platform = by_smtp(platform, smtp, clock)
    smtp.answers[verb] = code
    assert send_due(platform) == {"failed": 1}
    assert f"(SMTP {code})" in (only(platform).problem or "")
    assert "so be it" not in (only(platform).problem or "")
    smtp.answers.clear()
    write(platform, to="bob@example.org")
    assert send_due(platform) == {"sent": 1}


@pytest.mark.parametrize("answers", [{"mail": 530}, {"ehlo": 421, "mail": 421}, {"auth": 535}])
def test_a_service_that_lets_nobody_in_is_left_alone_for_a_while(
    platform: Platform, smtp: SmtpServer, clock: Clock, answers: dict[str, int]
) -> None:
    for number in range(3):
        write(platform, about=str(number))
    smtp.answers.update(answers)
    platform = by_smtp(platform, smtp, clock, smtp_user="census", smtp_password=SecretStr("s3cret"))
    assert send_due(platform) == {"waiting": 1}
    assert sorted(mail.attempts for mail in mails(platform)) == [0, 0, 1]
    smtp.answers.clear()
    clock.pass_by(minutes=2)
    assert send_due(platform) == {"sent": 3}


def test_a_server_that_is_not_there_costs_nothing_but_time(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform)
    away = by_smtp(platform, replace(smtp, port=1), clock)
    assert send_due(away) == {"waiting": 1}
    assert "cannot be reached" in (only(platform).problem or "")


def test_when_the_line_goes_dead_after_the_letter_a_person_decides(
    platform: Platform, smtp: SmtpServer, clock: Clock
) -> None:
    write(platform)
    platform = by_smtp(platform, smtp, clock)
    smtp.hang_up_after = "data-end"
    assert send_due(platform) == {"failed": 1}
    assert "may have arrived" in (only(platform).problem or "")
    clock.pass_by(days=2)
    smtp.hang_up_after = ""
    assert send_due(platform) == {}
    send_again(platform, TEAM, only(platform).id)
    assert send_due(platform) == {"sent": 1}


def test_a_worker_that_dies_while_sending_leaves_a_mail_that_is_never_sent_blindly(
    platform: Platform, smtp: SmtpServer, clock: Clock
) -> None:
    write(platform)
    platform = by_smtp(platform, smtp, clock)
    with platform.database.transaction() as session:
        outbox.claim_mail(session, clock.now, dt.timedelta(minutes=5))
    assert only(platform).state == "sending"
    assert send_due(platform) == {}
    clock.pass_by(minutes=6)
    assert send_due(platform) == {"failed": 1}
    assert smtp.letters == []
    assert "may have arrived" in (only(platform).problem or "")


def test_a_late_end_of_an_old_try_changes_nothing(platform: Platform, clock: Clock) -> None:
    write(platform)
    with platform.database.transaction() as session:
        first = outbox.claim_mail(session, clock.now, dt.timedelta(minutes=5))
    clock.pass_by(minutes=6)
    with platform.database.transaction() as session:
        second = outbox.claim_mail(session, clock.now, dt.timedelta(minutes=5))
        assert first
        assert second
        assert (first.interrupted, second.interrupted) == (False, True)
        assert not outbox.finish_mail(session, first.mail, "sent", clock.now)
        assert outbox.finish_mail(session, second.mail, "failed", clock.now, problem="x")
    assert only(platform).state == "failed"


def test_a_secret_link_is_forgotten_once_it_is_sent(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform, "invite", collection=None, link="/invitations/top-secret")
    write(platform, "accepted")
    platform = by_smtp(platform, smtp, clock)
    assert send_due(platform) == {"sent": 2}
    assert f"{PUBLIC}/invitations/top-secret" in smtp.messages()[0].get_content()
    assert [dict(mail.links) for mail in mails(platform)] == [{}, {"return": "/collections/2024/returns/ALPHA"}]
    with platform.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM mail WHERE mail::text LIKE '%top-secret%'")) == 0


def test_addresses_are_not_kept_for_ever(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform, about="sent")
    platform = by_smtp(platform, smtp, clock)
    send_due(platform)
    write(platform, about="waits")
    clock.pass_by(days=400)
    assert forget_old(platform) == 0
    clock.pass_by(seconds=1)
    assert forget_old(platform) == 1
    assert only(platform).state == "waiting"


def test_the_metrics_show_what_is_stuck(platform: Platform, smtp: SmtpServer, clock: Clock) -> None:
    write(platform, about="refused")
    smtp.answers["rcpt"] = 550
    send_due(by_smtp(platform, smtp, clock))
    write(platform, about="waits")
    found = read_figures(platform)
    assert (found["census_mails_unsent"], found["census_mails_not_delivered"]) == (1, 1)
    assert found["census_mails_oldest_seconds"] > 0
