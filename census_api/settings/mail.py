"""The settings of mail: which way it leaves, and what that way needs. Part of `census_api.settings.Settings`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from census_api.domain.kit.access import is_loopback
from census_api.domain.kit.errors import ConfigError, InvalidRequest
from census_api.domain.mail import MAIL_KINDS, MailKind, checked_address

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_EVERY = "every"


class MailSettings(BaseSettings):
    """`mail_sender` is `outbox` (nothing leaves), `smtp` or `notify` (GOV.UK Notify); the demonstration never sends."""

    mail_sender: Literal["outbox", "smtp", "notify"] = "outbox"
    mail_from: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_ca_file: Path | None = None
    notify_url: str = "https://api.notifications.service.gov.uk"
    notify_api_key: SecretStr | None = None
    notify_templates: str = ""

    @field_validator("mail_from")
    @classmethod
    def _one_address(cls, address: str) -> str:
        try:
            return checked_address(address) if address else address
        except InvalidRequest:
            raise ValueError("must be one e-mail address, without a name") from None

    @field_validator("notify_url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError("must start with https://")
        return url.rstrip("/")

    @field_validator("notify_api_key")
    @classmethod
    def _with_both_halves(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not re.fullmatch(f".*-?{_UUID}-{_UUID}", key.get_secret_value()):
            raise ValueError("must be a key of GOV.UK Notify: a name and two identifiers, joined by hyphens")
        return key

    @field_validator("notify_templates")
    @classmethod
    def _kinds_and_templates(cls, text: str) -> str:
        for pair in text.split():
            kind, _, template = pair.partition("=")
            if kind not in (*MAIL_KINDS, _EVERY) or not re.fullmatch(_UUID, template):
                raise ValueError(
                    f"must be words of the form kind=template, separated by spaces, where a kind is {_EVERY} or one of "
                    f"{', '.join(MAIL_KINDS)}"
                )
        return text

    @property
    def notify_key_parts(self) -> tuple[str, str]:
        """The service that the key is for, and the secret."""
        key = self.notify_api_key.get_secret_value() if self.notify_api_key else ""
        return key[-73:-37], key[-36:]

    def notify_template(self, kind: MailKind) -> str:
        """The template for a kind: its own, else the one for every kind, else nothing."""
        given = dict(pair.split("=", 1) for pair in self.notify_templates.split())
        return given.get(kind, given.get(_EVERY, ""))


def refuse_unusable_mail(settings: MailSettings, public_url: str | None) -> None:
    """Raises ConfigError, in one line, where the chosen way cannot work."""
    if settings.mail_sender == "outbox":
        return
    if public_url is None:
        raise ConfigError("The setting CENSUS_PUBLIC_URL is missing: links in mail need the address that people use.")
    if settings.mail_sender == "smtp":
        _refuse_unusable_smtp(settings)
        return
    if settings.notify_api_key is None:
        raise ConfigError("The setting CENSUS_NOTIFY_API_KEY is missing: CENSUS_MAIL_SENDER=notify needs it.")
    without = [kind for kind in MAIL_KINDS if not settings.notify_template(kind)]
    if without:
        raise ConfigError(f"The setting CENSUS_NOTIFY_TEMPLATES has no template for {', '.join(without)}.")


def _refuse_unusable_smtp(settings: MailSettings) -> None:
    if not settings.smtp_host or not settings.mail_from:
        raise ConfigError("CENSUS_MAIL_SENDER=smtp needs the settings CENSUS_SMTP_HOST and CENSUS_MAIL_FROM.")
    if bool(settings.smtp_user) != (settings.smtp_password is not None):
        raise ConfigError("The settings CENSUS_SMTP_USER and CENSUS_SMTP_PASSWORD are needed both, or neither.")
    if settings.smtp_security == "none" and not is_loopback(settings.smtp_host):
        raise ConfigError(
            "The setting CENSUS_SMTP_SECURITY may be none only for a mail server on this machine. Use starttls or tls."
        )
