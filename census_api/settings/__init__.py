"""The settings: everything that the environment decides, read in one place, refused in one line."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from census_api.domain.kit.access import is_loopback
from census_api.domain.kit.errors import ConfigError
from census_api.settings.mail import MailSettings, refuse_unusable_mail

_PREFIX = "CENSUS_"


def default_data_dir() -> Path:
    """Where this user's census data is kept unless CENSUS_DATA_DIR says otherwise."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "census"
    # the freedesktop rule: a relative path there is to be ignored
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else home / ".local" / "state") / "census"


class Settings(MailSettings):
    """Each field is the environment variable CENSUS_<FIELD>; the database is DATABASE_URL.

    Sizes are bytes unless their name says otherwise. Without a database URL the platform runs its own Postgres in
    `data_dir`.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    mode: Literal["production", "demo"] = "production"
    database_url: SecretStr | None = Field(default=None, validation_alias=AliasChoices("database_url", "DATABASE_URL"))
    data_dir: Path = Field(default_factory=default_data_dir)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)

    max_upload_bytes: int = Field(default=20_000_000, ge=1_000, le=100_000_000)
    long_file_bytes: int = Field(default=1_000_000, ge=0)
    sandbox_workers: int = Field(default=2, ge=1, le=64)
    sandbox_memory_mb: int = Field(default=1500, ge=256)
    sandbox_seconds: float = Field(default=20, gt=0, le=600)
    job_attempts: int = Field(default=3, ge=1, le=10)

    keep_drafts_days: int | None = Field(default=1095, ge=1)
    keep_returns_days: int | None = Field(default=3650, ge=1)

    pool_size: int = Field(default=10, ge=1, le=200)
    pool_seconds: float = Field(default=2, gt=0, le=60)
    statement_seconds: float = Field(default=30, gt=0, le=600)

    public_url: str | None = None
    proxies: str = ""
    secret_key: SecretStr | None = None
    metrics_token: SecretStr | None = None
    session_idle_minutes: int = Field(default=60, ge=5, le=1440)
    session_hours: int = Field(default=12, ge=1, le=72)
    local_sign_in: bool = True
    area_reads: bool = False
    sso_issuer: str | None = None
    sso_client_id: str | None = None
    sso_client_secret: SecretStr | None = None
    sso_name: str = "your organisation's sign-in"
    sso_mapping: Path | None = None

    contact_email: str = ""
    contact_phone: str = ""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    @field_validator("public_url", "sso_issuer")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        """https, but for this machine itself, where nobody listens in between."""
        if url is None:
            return None
        parts = urlsplit(url)
        here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if (
            not (parts.scheme == "https" or here)
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be an address that starts with https://")
        return url.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _no_path(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).path:
            raise ValueError("must be an address without a path, such as https://census.example")
        return url

    @field_validator("secret_key", "metrics_token")
    @classmethod
    def _hard_to_guess(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and (len(secret.get_secret_value()) < 32 or len(set(secret.get_secret_value())) < 10):
            raise ValueError("must be at least 32 random characters; openssl rand -hex 32 makes some")
        return secret

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(tuple(_DRIVERS)):
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @property
    def cookies_are_secure(self) -> bool:
        """False only for the demonstration on this machine, which speaks plain HTTP."""
        return self.mode == "production"

    @property
    def sqlalchemy_url(self) -> str | None:
        """The database's URL with the driver that the platform uses, password included; None for our own Postgres."""
        if self.database_url is None:
            return None
        url = self.database_url.get_secret_value()
        return "postgresql+psycopg://" + url.split("://", 1)[1]


_DRIVERS = ("postgresql://", "postgres://", "postgresql+psycopg://")


def read_settings(**overrides: object) -> Settings:
    """The settings of this process; an override (a command's option) wins over the environment.

    Raises ConfigError in one line that names the variable and never repeats its value.
    """
    _refuse_misspelt(os.environ)
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0]).lower()
        message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise ConfigError(f"The setting {_variable(field)} is not usable: it {_as_clause(message)}.") from None
    _refuse_unsafe(settings)
    return settings


def _refuse_unsafe(settings: Settings) -> None:
    """Settings that are each usable, but not together."""
    https = (settings.public_url or "").startswith("https://")
    if not is_loopback(settings.host) and (settings.mode == "demo" or settings.database_url is None or not https):
        raise ConfigError(
            "The setting CENSUS_HOST must be this machine (127.0.0.1) in the demonstration and with the embedded "
            "database. Elsewhere it needs DATABASE_URL, and CENSUS_PUBLIC_URL with the https:// address that people use."
        )
    refuse_unusable_mail(settings, settings.public_url)
    if settings.sso_issuer is not None and settings.sso_client_id is None:
        raise ConfigError("The setting CENSUS_SSO_CLIENT_ID is missing: CENSUS_SSO_ISSUER needs it.")
    if not settings.local_sign_in and settings.sso_issuer is None:
        raise ConfigError(
            "The setting CENSUS_LOCAL_SIGN_IN is off and CENSUS_SSO_ISSUER is missing: nobody could sign in."
        )
    if settings.mode == "demo" and not settings.local_sign_in:
        raise ConfigError("The setting CENSUS_LOCAL_SIGN_IN must be on in the demonstration, whose accounts are local.")


def refuse_to_serve_without_secret(settings: Settings) -> None:
    """Raises ConfigError where several processes may share a database, and so have to share a secret, but have none."""
    if settings.mode == "production" and settings.database_url is not None and settings.secret_key is None:
        raise ConfigError(
            "The setting CENSUS_SECRET_KEY is missing: with a database of your own the platform needs a secret of at "
            "least 32 random characters, the same for every process. openssl rand -hex 32 makes one."
        )


def _as_clause(message: str) -> str:
    return message if message.startswith(("must", "should")) else f"is wrong ({message[:1].lower()}{message[1:]})"


def _variable(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else _PREFIX + field.upper()


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    """A setting that is silently not read is worse than one that is refused."""
    known = [_variable(field) for field in Settings.model_fields]
    for name in environment:
        if name.startswith(_PREFIX) and name not in known:
            meant = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if meant:
                raise ConfigError(f"There is no setting {name}. Did you mean {meant[0]}?")
