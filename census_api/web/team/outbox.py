"""The outbox as pages for the census team: what was sent, what was not and why, and sending it again."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.mail import MAIL_STATES, Mail, MailState
from census_api.services.mail.outbox import count_mails, list_mails, read_mail, send_again
from census_api.web.kit.visit import ThePosted, TheVisit

router = APIRouter(include_in_schema=False)

_DOOR = [may("mail.manage")]
_WORDS: dict[MailState, str] = {
    "waiting": "Waiting",
    "sending": "On its way",
    "sent": "Sent",
    "returned": "Did not arrive",
    "held": "Not sent from here",
    "failed": "Needs a person",
}
MailId = Annotated[uuid.UUID, Path()]


@router.get("/outbox", dependencies=_DOOR)
def show_outbox(
    visit: TheVisit,
    state: Annotated[MailState | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """A page of mails, newest first, of one state or of all."""
    found = list_mails(visit.platform, visit.actor, state=state, cursor=cursor, limit=50)
    counts = count_mails(visit.platform, visit.actor)
    return visit.page(
        "outbox.html",
        mails=[_row(mail) for mail in found.items],
        chosen=state,
        states=[(entry, _WORDS[entry], counts[entry]) for entry in MAIL_STATES],
        total=sum(counts.values()),
        following=found.next,
    )


@router.get("/outbox/{mail}", dependencies=_DOOR)
def one_mail(visit: TheVisit, mail: MailId) -> Response:
    """One mail, word for word."""
    found, letter = read_mail(visit.platform, visit.actor, mail)
    link = next(iter(found.links.values()), "") if visit.platform.settings.mode == "demo" else ""
    return visit.page("mail.html", mail=_row(found), letter=letter, link=link)


@router.post("/outbox/{mail}/send-again", dependencies=_DOOR)
def send_mail_again(visit: TheVisit, mail: MailId, _: ThePosted) -> Response:
    """Puts a mail back on the way."""
    send_again(visit.platform, visit.actor, mail)
    return visit.go(f"/outbox/{mail}")


def _row(mail: Mail) -> dict[str, str | bool]:
    return {
        "id": str(mail.id),
        "kind": mail.kind.replace("_", " ").capitalize(),
        "state": mail.state,
        "state_words": _WORDS[mail.state],
        "to": mail.to,
        "about": " ".join(str(part) for part in (mail.organisation, mail.collection) if part),
        "written": in_words(mail.created_at),
        "sent": in_words(mail.sent_at) if mail.sent_at else "",
        "problem": mail.problem or "",
        "can_be_sent": mail.state in ("held", "failed"),
    }
