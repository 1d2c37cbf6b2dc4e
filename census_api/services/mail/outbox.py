"""The outbox as the census team sees it: what was sent, what was not and why, and sending it again."""

from __future__ import annotations

import uuid

from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, NotFound
from census_api.domain.kit.paging import Page, cursor_after, page_size, position_of
from census_api.domain.mail import Letter, Mail, MailKind, MailState
from census_api.services.kit.platform import Platform
from census_api.services.mail.writing import in_words
from census_api.store.kit import audit
from census_api.store.mail import queries as outbox

MOST_MAILS = 200
_UNKNOWN = "There is no such mail here."


def list_mails(
    platform: Platform, actor: Actor, *, state: MailState | None = None, kind: MailKind | None = None,
    cursor: str | None = None, limit: int = 50,
) -> Page[Mail]:  # fmt: skip
    """A page of the outbox, newest first. Raises InvalidRequest for cursor or limit."""
    authorise(actor, "mail.manage")
    before, size = position_of(cursor), page_size(limit, MOST_MAILS)
    with platform.database.snapshot(SYSTEM) as session:
        mails, last, total = outbox.page_mails(session, state=state, kind=kind, before=before, limit=size)
    return Page(tuple(mails), None if last is None else cursor_after(last), total)


def count_mails(platform: Platform, actor: Actor) -> dict[MailState, int]:
    """How many mails are in each state."""
    authorise(actor, "mail.manage")
    with platform.database.snapshot(SYSTEM) as session:
        return outbox.count_states(session)


def read_mail(platform: Platform, actor: Actor, mail_id: uuid.UUID) -> tuple[Mail, Letter]:
    """One mail, and its words. Raises NotFound.

    A link that lets its holder in is shown to nobody: only the demonstration, where no mail arrives, shows it here.
    """
    authorise(actor, "mail.manage")
    with platform.database.snapshot(SYSTEM) as session:
        mail = outbox.find_mail(session, mail_id)
    if mail is None:
        raise NotFound(_UNKNOWN)
    hidden = mail.is_secret and platform.settings.mode != "demo"
    return mail, in_words(mail, platform.settings.public_url or "", hide_link=hidden)


def send_again(platform: Platform, actor: Actor, mail_id: uuid.UUID) -> Mail:
    """Puts a mail that failed or was held back on the way. Raises NotFound, Conflict for one that is on its way."""
    authorise(actor, "mail.manage")
    now = platform.clock()
    with platform.database.transaction(SYSTEM) as session:
        if outbox.find_mail(session, mail_id) is None:
            raise NotFound(_UNKNOWN)
        mail = outbox.send_again(session, mail_id, now)
        if mail is None:
            raise Conflict("This mail was sent, or is on its way. Only one that failed or was held can be sent again.")
        audit.record(
            session,
            actor,
            "mail.sent_again",
            organisation=mail.organisation,
            collection=mail.collection,
            subject=f"{mail.kind.replace('_', ' ')} mail {mail.id}",
            at=now,
        )
    return mail
