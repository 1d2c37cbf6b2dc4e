"""Sending by GOV.UK Notify, played by a server on loopback: asked before anything goes out a second time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from census_api.domain.kit.errors import Conflict
from census_api.services.kit.platform import Platform
from census_api.services.mail.delivery import note_returned, send_due
from census_api.services.mail.outbox import send_again
from census_api.settings import Settings
from census_api.store.mail import queries as outbox
from tests.factories.actors import TEAM
from tests.factories.mail import Clock, by_notify, events, mails, only, write
from tests.factories.mail_servers import (
    SERVICE,
    TEMPLATE,
    Notify,
    notify_server,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notify() -> Iterator[Notify]:
    with notify_server() as server:
        yield server


def test_a_mail_goes_out_by_notify_with_its_template_and_reference(
    platform: Platform, notify: Notify, clock: Clock
) -> None:
    write(platform, "reminder", facts={"name": "Ann"})
    platform = by_notify(platform, notify, clock)
    assert send_due(platform) == {"sent": 1}
    (sent,) = notify.mails
    assert (sent["path"], sent["template_id"], sent["email_address"]) == (
        "/v2/notifications/email", TEMPLATE, "ann@example.org",
    )  # fmt: skip
    assert sent["reference"] == str(only(platform).id)
    assert sent["personalisation"]["subject"] == "The workforce census 2024 closes in 7 days"
    assert sent["personalisation"]["body"].startswith("Dear Ann,\n\nThe return of Alpha Recovery")
    assert set(sent["personalisation"]) == {"subject", "body", "name", "organisation", "closes", "days_left"}
    assert notify.services == [SERVICE]


def test_a_kind_can_have_a_template_of_its_own() -> None:
    other = "00000000-0000-4000-8000-000000000000"
    settings = Settings(notify_templates=f"every={TEMPLATE} receipt={other}")
    assert (settings.notify_template("receipt"), settings.notify_template("query")) == (other, TEMPLATE)


@pytest.mark.parametrize(
    ("status", "state", "others"), [(400, "failed", 2), (429, "waiting", 1), (503, "waiting", 1), (403, "waiting", 1)]
)
def test_what_notify_answers_decides_what_happens_next(
    platform: Platform, notify: Notify, clock: Clock, status: int, state: str, others: int
) -> None:
    write(platform, about="1")
    write(platform, about="2")
    platform = by_notify(platform, notify, clock)
    notify.status = status
    assert send_due(platform) == {state: others}
    assert f"(HTTP {status})" in (mails(platform)[0].problem or "")
    notify.status = 201
    clock.pass_by(minutes=2)
    send_due(platform)
    assert len(notify.mails) == (0 if state == "failed" else 2)


def test_when_notify_falls_silent_it_is_asked_before_anything_is_sent_twice(
    platform: Platform, notify: Notify, clock: Clock
) -> None:
    write(platform)
    platform = by_notify(platform, notify, clock)
    notify.silent = True
    assert send_due(platform) == {"waiting": 1}
    notify.silent = False
    clock.pass_by(minutes=2)
    assert send_due(platform) == {"sent": 1}
    assert notify.asked_for == [str(only(platform).id)]
    assert len(notify.mails) == 1


def test_after_a_death_notify_is_asked_whether_it_has_the_mail(
    platform: Platform, notify: Notify, clock: Clock
) -> None:
    write(platform)
    platform = by_notify(platform, notify, clock)
    with platform.database.transaction() as session:
        outbox.claim_mail(session, clock.now, dt.timedelta(minutes=5))
    clock.pass_by(minutes=6)
    assert send_due(platform) == {"sent": 1}
    assert (len(notify.asked_for), len(notify.mails)) == (1, 1)


def test_what_notify_could_not_deliver_is_shown_and_not_sent_again(
    platform: Platform, notify: Notify, clock: Clock
) -> None:
    write(platform, about="1")
    write(platform, about="2")
    platform = by_notify(platform, notify, clock)
    assert send_due(platform) == {"sent": 2}
    gone = mails(platform)[0]
    notify.returned = [str(gone.id), "another program's", str(gone.id).upper()]
    notify.status = 200
    assert [note_returned(platform), note_returned(platform)] == [1, 0]
    assert [mail.state for mail in mails(platform)] == ["returned", "sent"]
    assert "could not deliver" in (mails(platform)[0].problem or "")
    assert events(platform) == ["mail.sent", "mail.sent", "mail.returned"]
    with pytest.raises(Conflict):
        send_again(platform, TEAM, gone.id)
    notify.status = 503
    assert note_returned(platform) == 0
