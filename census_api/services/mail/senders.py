"""The ways out of the outbox: an SMTP server, GOV.UK Notify, or none.

A sender raises one of four errors, because what happens next differs: try this mail later, give the whole service a
rest, never try this mail again, or ask a person, since nobody can know whether it went out.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from typing import TYPE_CHECKING, Protocol

from census_api.domain.mail import Letter, Mail

if TYPE_CHECKING:
    import httpx

    from census_api.settings import Settings

_SECONDS = 20.0
_NOTIFY_CLOCK_SECONDS = 30


class NotSentError(Exception):
    """The mail did not go out. The sentence is for the census team, and quotes nothing that a server said."""


class TryLaterError(NotSentError):
    """This mail was turned away for now."""


class AwayError(NotSentError):
    """The service does not answer, or does not let us in: no other mail would fare better now."""


class RejectedError(NotSentError):
    """This mail will never be taken."""


class UnclearError(NotSentError):
    """The service fell silent after it had the mail: it may have gone out."""


class Sender(Protocol):
    """Sends one letter at a time. `interrupted` is True when an earlier try never said how it ended."""

    def send(self, mail: Mail, letter: Letter, *, interrupted: bool) -> None: ...

    def returned(self) -> list[uuid.UUID]:
        """Mails of late that the service took and could not deliver, as far as it says so."""
        ...


@contextlib.contextmanager
def opened_sender(settings: Settings) -> Iterator[Sender | None]:
    """The sender that the settings name, None where mail stays in the outbox. The demonstration never sends."""
    if settings.mode == "demo" or settings.mail_sender == "outbox":
        yield None
    elif settings.mail_sender == "smtp":
        sender = SmtpSender(settings)
        try:
            yield sender
        finally:
            sender.close()
    else:
        import httpx

        with httpx.Client(base_url=settings.notify_url, timeout=_SECONDS) as client:
            yield NotifySender(settings, client)


@dataclass(slots=True)
class SmtpSender:
    """One connection for many letters, opened with the first."""

    settings: Settings
    _connection: smtplib.SMTP | None = field(default=None, init=False)

    def send(self, mail: Mail, letter: Letter, *, interrupted: bool) -> None:
        if interrupted:
            raise UnclearError(_UNCLEAR)
        message = self._message(mail, letter)
        connection = self._connected()
        try:
            mine, _ = connection.mail(self.settings.mail_from)
            theirs, _ = connection.rcpt(letter.to)
        except (OSError, smtplib.SMTPException) as problem:
            self.close()
            raise AwayError(_AWAY) from problem
        if mine >= 400:
            # it is us who may not send: no other letter would fare better
            self.close()
            raise AwayError(f"{_AWAY} (SMTP {mine})")
        if theirs >= 400:
            self._reset()
            raise _refusal(theirs)
        try:
            code, _ = connection.data(message.as_bytes(policy=SMTP))
        except smtplib.SMTPDataError as problem:
            # refused before the letter itself was sent
            self._reset()
            raise _refusal(problem.smtp_code) from problem
        except (OSError, smtplib.SMTPException) as problem:
            self.close()
            raise UnclearError(_UNCLEAR) from problem
        if code >= 400:
            raise _refusal(code)

    def returned(self) -> list[uuid.UUID]:
        """None: a mail server sends what it cannot deliver back to the address that it came from."""
        return []

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _message(self, mail: Mail, letter: Letter) -> EmailMessage:
        """Raises ValueError for a header with a line break in it, which no letter has."""
        message = EmailMessage(policy=SMTP)
        sender = self.settings.mail_from
        message["From"] = formataddr(("Workforce census", sender))
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate(mail.created_at.timestamp())
        # the same for every try, so that mail servers can tell a second copy
        message["Message-ID"] = f"<{mail.id}@{sender.rsplit('@', 1)[1]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            try:
                self._connection = self._opened()
            except (OSError, smtplib.SMTPException) as problem:
                raise AwayError(_AWAY) from problem
        return self._connection

    def _opened(self) -> smtplib.SMTP:
        settings = self.settings
        trusted = ssl.create_default_context(cafile=settings.smtp_ca_file)
        if settings.smtp_security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=_SECONDS, context=trusted
            )
        else:
            connection = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_SECONDS)
        try:
            if settings.smtp_security == "starttls":
                connection.starttls(context=trusted)
            connection.ehlo_or_helo_if_needed()
            if settings.smtp_user and settings.smtp_password:
                connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except BaseException:
            connection.close()
            raise
        return connection

    def _reset(self) -> None:
        """Makes the connection fit for the next letter, or drops it."""
        try:
            if self._connection is not None:
                self._connection.rset()
        except (OSError, smtplib.SMTPException):
            self.close()


@dataclass(frozen=True, slots=True)
class NotifySender:
    """GOV.UK Notify, by its API. A template there needs no more than ((subject)) and ((body))."""

    settings: Settings
    client: httpx.Client

    def send(self, mail: Mail, letter: Letter, *, interrupted: bool) -> None:
        # whatever became of earlier tries, Notify knows
        if (interrupted or mail.attempts > 1) and self._has(mail.id):
            return
        body = {
            "email_address": letter.to,
            "template_id": self.settings.notify_template(mail.kind),
            "reference": str(mail.id),
            "personalisation": {**mail.facts, "subject": letter.subject, "body": letter.body},
        }
        answer = self._asked("POST", "/v2/notifications/email", body)
        if answer.status_code != 201:
            raise _notify_refusal(answer.status_code)

    def returned(self) -> list[uuid.UUID]:
        """The latest 250."""
        answer = self._asked("GET", "/v2/notifications?template_type=email&status=failed")
        if answer.status_code != 200:
            raise _notify_refusal(answer.status_code)
        references = [entry.get("reference") for entry in answer.json().get("notifications", ())]
        return [uuid.UUID(reference) for reference in references if _is_ours(reference)]

    def _has(self, mail_id: uuid.UUID) -> bool:
        """Whether Notify took this mail in an earlier try, of which we never saw the end."""
        answer = self._asked("GET", f"/v2/notifications?reference={mail_id}")
        if answer.status_code != 200:
            raise _notify_refusal(answer.status_code)
        return bool(answer.json().get("notifications"))

    def _asked(self, method: str, path: str, body: object = None) -> httpx.Response:
        import httpx

        try:
            return self.client.request(
                method, path, json=body, headers={"Authorization": f"Bearer {_notify_token(self.settings)}"}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            raise AwayError(_AWAY) from problem
        except httpx.HTTPError as problem:
            # the next try asks Notify first whether it has the mail
            raise TryLaterError(_SILENT) from problem


def _is_ours(reference: object) -> bool:
    """Other programs may use the same service, and call their mails what they like."""
    try:
        return isinstance(reference, str) and str(uuid.UUID(reference)) == reference
    except ValueError:
        return False


def _notify_token(settings: Settings) -> str:
    """A token of Notify's own making, good for seconds: signed with the second half of the API key."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    service, secret = settings.notify_key_parts
    now = int(time.time())
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, {"iss": service, "iat": now}, OctKey.import_key(secret))


def _refusal(code: int) -> NotSentError:
    if code == 421:
        return AwayError(_AWAY)
    return RejectedError(f"{_REJECTED} (SMTP {code})") if code >= 500 else TryLaterError(f"{_LATER} (SMTP {code})")


def _notify_refusal(status: int) -> NotSentError:
    if status in (401, 403):
        return AwayError(f"{_LOCKED} (HTTP {status})")
    if status == 429 or status >= 500:
        return AwayError(f"{_LATER} (HTTP {status})")
    return RejectedError(f"{_REJECTED} (HTTP {status})")


_AWAY = "The mail service cannot be reached, or did not let the platform in. Check its settings if this goes on."
_SILENT = "The mail service did not answer in time. The platform asks it again before it sends a second time."
_LATER = "The mail service asked to wait."
_LOCKED = "The mail service did not accept the platform's key. Check the key in the settings."
_REJECTED = "The mail service refused this message. Check the address, then send it again."
_UNCLEAR = (
    "The connection broke while the message was handed over, so it may have arrived. Ask the recipient before you send "
    "it again."
)
