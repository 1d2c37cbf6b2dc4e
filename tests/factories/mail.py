"""People who can get mail, and a platform that can send it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr
from sqlalchemy import create_engine, text

from census_api.domain.collecting.returns import ReturnState
from census_api.domain.mail import FACTS as OF_KIND
from census_api.domain.mail import Mail, MailKind
from census_api.services.kit.platform import Platform
from census_api.services.mail.outbox import list_mails
from census_api.services.mail.writing import enqueue_mail
from census_api.settings import Settings
from census_api.store.people import queries as people
from census_api.store.register import queries as register
from tests.factories.actors import NOW, TEAM
from tests.factories.mail_servers import SECRET, SERVICE, TEMPLATE, Notify, SmtpServer

PUBLIC = "https://census.example"

FACTS = {"expires": "7 days", "closes": "30 September 2024", "days_left": "7", "reference": "WC24-ABCD-1234"}


def add_person(
    platform: Platform, email: str, *organisations: str, name: str = "Ann Example", team: bool = False,
    disabled: bool = False,
) -> None:  # fmt: skip
    """An account that may edit for the organisations, or is of the census team."""
    with platform.database.transaction() as session:
        account = people.add_account(session, kind="person", name=name, email=email)
        assert account is not None
        account.disabled_at = NOW if disabled else None
        for code in organisations:
            found = register.find_organisation(session, code)
            assert found is not None
            people.give_membership(session, account.id, found[0], "editor", "local", "a test", NOW)
        if team:
            people.give_role(session, account.id, "census_team", "local", "a test")


def set_state(platform: Platform, organisation: str, state: ReturnState, year: int = 2024) -> None:
    """Makes a return that is in a state, without the steps that lead there and the rules that watch over them."""
    engine = create_engine(platform.database.url())
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("INSERT INTO return (collection_year, id, organisation_id, state) "
                 "SELECT :year, gen_random_uuid(), id, :state FROM organisation WHERE code = :code"),
            {"year": year, "state": state, "code": organisation},
        )  # fmt: skip
    engine.dispose()


def write(
    platform: Platform, kind: MailKind = "query", to: str = "ann@example.org", *, organisation: str | None = "ALPHA",
    collection: int | None = 2024, at: dt.datetime | None = NOW, link: str = "/collections/2024/returns/ALPHA", **given: Any,
) -> bool:  # fmt: skip
    """Writes one mail, as a service would in the transaction of its own change."""
    facts = {name: FACTS[name] for name in OF_KIND[kind]} | given.pop("facts", {})
    with platform.database.transaction() as session:
        return enqueue_mail(
            session, kind, to, organisation=organisation, collection=collection, links={"return": link}, facts=facts,
            at=at, **given,
        )  # fmt: skip


def mails(platform: Platform) -> list[Mail]:
    """All of the outbox, oldest first."""
    return list(list_mails(platform, TEAM, limit=200).items)[::-1]


@dataclass(slots=True)
class Clock:
    """A clock that a test moves."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += dt.timedelta(**time)


def by_smtp(platform: Platform, server: SmtpServer, clock: Clock, **more: Any) -> Platform:
    given = {"smtp_security": "none"} | more
    settings = Settings(
        mail_sender="smtp", mail_from="census@nhs.example", smtp_host="127.0.0.1", smtp_port=server.port,
        public_url=PUBLIC, **given,
    )  # fmt: skip
    return replace(platform, settings=settings, clock=clock)


def by_notify(platform: Platform, server: Notify, clock: Clock) -> Platform:
    settings = Settings(
        mail_sender="notify", notify_url=server.url, notify_api_key=SecretStr(f"our_key-{SERVICE}-{SECRET}"),
        notify_templates=f"every={TEMPLATE}", public_url=PUBLIC,
    )  # fmt: skip
    return replace(platform, settings=settings, clock=clock)


def only(platform: Platform) -> Mail:
    (mail,) = mails(platform)
    return mail


def events(platform: Platform) -> list[str]:
    with platform.database.transaction() as session:
        query = text("SELECT action FROM audit_event WHERE action LIKE 'mail%' ORDER BY id")
        return list(session.scalars(query))
