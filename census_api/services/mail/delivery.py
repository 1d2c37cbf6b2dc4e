"""Sending what is in the outbox: each mail once, one that fails tried again, none in the way of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractContextManager

import structlog

from census_api.domain.kit.access import SYSTEM
from census_api.domain.mail import Mail, MailState
from census_api.services.kit.platform import Platform
from census_api.services.mail.senders import AwayError, NotSentError, RejectedError, Sender, UnclearError, opened_sender
from census_api.services.mail.writing import in_words
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.mail import queries as outbox
from census_api.store.mail.queries import Claimed

log = structlog.get_logger(__name__)

_LEASE = dt.timedelta(minutes=5)
_LONGEST_PAUSE = dt.timedelta(minutes=15)
_MOST_AT_ONCE = 100
_KEPT = dt.timedelta(days=400)
_FAULT = "The platform could not write or send this message because of a fault of its own. Tell who runs the platform."
_RETURNED = "The mail service could not deliver it. Check the address with the organisation, and invite the right one."
_TOO_LATE = "It could not be sent for a whole day. The last reason was: "


def send_due(platform: Platform, opened: AbstractContextManager[Sender | None] | None = None) -> dict[MailState, int]:
    """Sends the mails that are due, at most 100, and says how many came to which state.

    Each is taken in a transaction of its own before it is sent, and ended in another: a worker that dies in between
    leaves a mail of which nobody knows whether it went out, and that is never sent twice without asking. `opened` is
    another sender than the settings name.
    """
    ended: dict[MailState, int] = {}
    with opened or opened_sender(platform.settings) as sender:
        for _ in range(_MOST_AT_ONCE):
            claimed = _claim(platform)
            if claimed is None:
                break
            problem = _sent(platform, sender, claimed)
            state = _end(platform, claimed.mail, problem, held=sender is None)
            ended[state] = ended.get(state, 0) + 1
            if isinstance(problem, AwayError):
                break
    return ended


def note_returned(platform: Platform, opened: AbstractContextManager[Sender | None] | None = None) -> int:
    """Asks the service which mails it could not deliver, and says how many are new. Nothing when it does not answer."""
    with opened or opened_sender(platform.settings) as sender:
        try:
            found = sender.returned() if sender is not None else []
        except NotSentError as problem:
            log.warning("mail_service_silent", reason=str(problem))
            return 0
    with platform.database.transaction(SYSTEM) as session:
        mails = outbox.give_back(session, found, _RETURNED) if found else []
        for mail in mails:
            _record(session, mail, "mail.returned", {"reason": _RETURNED}, platform.clock())
    return len(mails)


def forget_old(platform: Platform) -> int:
    """Deletes mails of more than 400 days: longer than a collection, so that no opening is told twice. Says how many."""
    with platform.database.transaction(SYSTEM) as session:
        return outbox.forget_before(session, platform.clock() - _KEPT)


def _claim(platform: Platform) -> Claimed | None:
    with platform.database.transaction(SYSTEM) as session:
        return outbox.claim_mail(session, platform.clock(), _LEASE)


def _sent(platform: Platform, sender: Sender | None, claimed: Claimed) -> NotSentError | None:
    if sender is None:
        return None
    mail = claimed.mail
    try:
        letter = in_words(mail, platform.settings.public_url or "")
        sender.send(mail, letter, interrupted=claimed.interrupted)
    except NotSentError as problem:
        return problem
    except Exception as problem:
        log.exception("mail_fault", mail=str(mail.id), kind=type(problem).__name__)
        return NotSentError(_FAULT)
    return None


def _end(platform: Platform, mail: Mail, problem: NotSentError | None, *, held: bool) -> MailState:
    now = platform.clock()
    state, words = _outcome(mail, problem, now, held=held)
    pause = min(dt.timedelta(minutes=2 ** min(mail.attempts - 1, 10)), _LONGEST_PAUSE)
    with platform.database.transaction(SYSTEM) as session:
        ours = outbox.finish_mail(
            session, mail, state, now, next_try=now + pause if state == "waiting" else None, problem=words
        )
        if ours and state in ("sent", "failed"):
            _record(session, mail, f"mail.{state}", {"attempts": mail.attempts, "reason": words or ""}, now)
    if state != "sent":
        log.warning("mail_not_sent", mail=str(mail.id), mail_kind=mail.kind, state=state, attempts=mail.attempts)
    return state


def _record(session: Session, mail: Mail, action: str, detail: Mapping[str, object], at: dt.datetime) -> None:
    subject = f"{mail.kind.replace('_', ' ')} mail {mail.id}"
    audit.record(
        session, SYSTEM, action, organisation=mail.organisation, collection=mail.collection, subject=subject,
        detail=detail, at=at,
    )  # fmt: skip


def _outcome(mail: Mail, problem: NotSentError | None, now: dt.datetime, *, held: bool) -> tuple[MailState, str | None]:
    if problem is None:
        return ("held", None) if held else ("sent", None)
    words = str(problem)
    if isinstance(problem, RejectedError | UnclearError):
        return "failed", words
    return ("failed", _TOO_LATE + words) if now >= mail.give_up_at else ("waiting", words)
