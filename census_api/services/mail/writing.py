"""Writing mail: into the outbox in the transaction that has the reason for it, and from the outbox into words."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType
from zoneinfo import ZoneInfo

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.mail import (
    SECRET_KINDS,
    Letter,
    Mail,
    MailKind,
    checked_address,
    checked_facts,
    checked_links,
    once_key,
)
from census_api.store.kit.session import Session
from census_api.store.mail import queries as outbox
from census_api.store.mail.queries import MailDraft
from census_api.store.people import addressees
from census_api.store.people.addressees import Addressee, Named
from census_api.store.register import queries as register

TEMPLATES = Path(__file__).resolve().parent / "templates"
_HIDDEN = "(This link is for the recipient alone.)"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_ENGLAND = ZoneInfo("Europe/London")


def enqueue_mail(
    session: Session, kind: MailKind, to: str, *, organisation: str | None, collection: int | None,
    links: Mapping[str, str], facts: Mapping[str, str], about: str | None = None, at: dt.datetime | None = None,
) -> bool:  # fmt: skip
    """Writes a mail into the outbox. It is sent after the caller's transaction commits, or never.

    `organisation` is a code, `links` holds the one link, a path of this platform; `facts` are those that
    `census_api.domain.mail` lists for the kind, and may give the recipient's `name`. `about` names the event (the key
    of a query, say): one mail for each event and address. Without it a kind goes to an address once a day for each
    organisation and collection. False when the mail was written before. Raises InvalidRequest for an address that is
    none, ValueError for links or facts that the kind does not have.
    """
    found = None
    if organisation is not None:
        found = register.find_organisation(session, organisation)
        if found is None:
            raise ValueError("mail about an organisation that is not in the register")
    when = at or outbox.read_clock(session)
    of = None if found is None else Named(found[0], found[1].code, found[1].name)
    return outbox.add_mail(
        session, draft_mail(kind, to, of=of, collection=collection, links=links, facts=facts, about=about, at=when)
    )


def draft_mail(
    kind: MailKind, to: str, *, of: Named | None, collection: int | None, links: Mapping[str, str],
    facts: Mapping[str, str], about: str | None, at: dt.datetime,
) -> MailDraft:  # fmt: skip
    """A mail about an organisation, checked and ready to be written. See `enqueue_mail`."""
    links = checked_links(kind, links)
    facts = checked_facts(kind, facts if of is None else {"organisation": of.name, **facts})
    event = about or facts.get("reference") or (links[next(iter(links))] if kind in SECRET_KINDS else None)
    code = None if of is None else of.code
    key = once_key(kind, to, code, collection, event, at.astimezone(_ENGLAND).date())
    return MailDraft(kind, checked_address(to), None if of is None else of.id, collection, key, links, facts, at)


def enqueue_to_members(
    session: Session, kind: MailKind, of: Named, collection: int, *, links: Mapping[str, str],
    facts: Mapping[str, str] = _NOTHING, about: str | None = None, at: dt.datetime | None = None,
) -> int:  # fmt: skip
    """Writes a mail to everybody who may act for an organisation; says how many people that are. See `enqueue_mail`."""
    people = addressees.list_members(session, [of.id])[of.id]
    return _to_each(session, people, kind, of, collection, links, facts, about, at)


def enqueue_to_team(
    session: Session, kind: MailKind, organisation: str, collection: int, *, links: Mapping[str, str],
    about: str | None = None, at: dt.datetime | None = None,
) -> int:  # fmt: skip
    """Writes a mail about an organisation's return to everybody of the census team; says how many people that are."""
    found = register.find_organisation(session, organisation)
    if found is None:
        return 0
    of = Named(found[0], found[1].code, found[1].name)
    return _to_each(session, addressees.list_team(session), kind, of, collection, links, _NOTHING, about, at)


def drafts_to(
    people: Sequence[Addressee], kind: MailKind, of: Named, collection: int, *, links: Mapping[str, str],
    facts: Mapping[str, str], about: str | None, at: dt.datetime,
) -> list[MailDraft]:  # fmt: skip
    """A mail to each of these people, but for those whose address cannot get mail: that must stop nothing else."""
    written = []
    for person in people:
        with contextlib.suppress(InvalidRequest):
            named = {**facts, "name": person.name}
            written.append(
                draft_mail(
                    kind, person.address, of=of, collection=collection, links=links, facts=named, about=about, at=at
                )
            )
    return written


def _to_each(
    session: Session, people: Sequence[Addressee], kind: MailKind, of: Named, collection: int,
    links: Mapping[str, str], facts: Mapping[str, str], about: str | None, at: dt.datetime | None,
) -> int:  # fmt: skip
    when = at or outbox.read_clock(session)
    written = drafts_to(people, kind, of, collection, links=links, facts=facts, about=about, at=when)
    for entry in written:
        outbox.add_mail(session, entry)
    return len(written)


def return_page(year: int, organisation: str) -> str:
    """The path of the page on which an organisation's return is looked after: where most mail leads."""
    return f"/collections/{year}/returns/{organisation}"


def in_words(mail: Mail, address: str, *, hide_link: bool = False) -> Letter:
    """The mail as its recipient reads it. `address` is where the platform is reached: no link leads elsewhere.

    Empty where that is not known, as in the demonstration: links are paths then. `hide_link` leaves the link out. Raises ValueError for a link that would.
    """
    text = template_of(mail).substitute(
        greeting=_greeting(mail.facts.get("name", "")),
        organisation=mail.facts.get("organisation") or "your organisation",
        for_organisation=f", for {mail.facts['organisation']}" if mail.facts.get("organisation") else "",
        year=str(mail.collection or ""),
        link=_HIDDEN if hide_link or not mail.links else _link(mail, address),
        closes=mail.facts.get("closes", ""),
        deadline=_deadline(int(mail.facts.get("days_left", "0"))),
        expires=_expires(mail.facts.get("expires", "")),
        reference=mail.facts.get("reference", ""),
    )
    subject, _, body = text.partition("\n\n")
    return Letter(mail.to, subject.removeprefix("Subject: "), body)


def template_of(mail: Mail) -> Template:
    """The words for a mail: a reminder after the last day has its own."""
    late = mail.kind == "reminder" and int(mail.facts["days_left"]) < 0
    return _template("reminder_late" if late else mail.kind)


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.txt").read_text("utf-8"))


def _greeting(name: str) -> str:
    return f"Dear {name}," if name else "Hello,"


def _link(mail: Mail, address: str) -> str:
    link = next(iter(mail.links.values()))
    base = address.rstrip("/")
    if link.startswith("/"):
        return base + link
    if base and not link.startswith(f"{base}/"):
        raise ValueError("a link that leads to another place than this platform")
    return link


def _deadline(days_left: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days_left, f"in {days_left} days")


def _expires(expires: str) -> str:
    """`7 days` is a length of time, anything else a date."""
    return f"on {expires}" if expires.count(" ") > 1 else f"in {expires}"
