"""The settings of mail: what cannot work is refused at the start, in one line that names the variable."""

from __future__ import annotations

import pytest

from census_api.domain.kit.errors import ConfigError
from census_api.settings import Settings, read_settings
from tests.factories.mail_servers import SECRET, SERVICE, TEMPLATE

KEY = f"our_key-{SERVICE}-{SECRET}"
PUBLIC = {"CENSUS_PUBLIC_URL": "https://census.example"}
SMTP = {"CENSUS_MAIL_SENDER": "smtp", "CENSUS_SMTP_HOST": "mail.example", "CENSUS_MAIL_FROM": "census@nhs.example"}
NOTIFY = {
    "CENSUS_MAIL_SENDER": "notify",
    "CENSUS_NOTIFY_API_KEY": KEY,
    "CENSUS_NOTIFY_TEMPLATES": f"every={TEMPLATE}",
}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_settings()


def test_without_a_word_nothing_leaves_the_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch).mail_sender == "outbox"


def test_both_ways_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **PUBLIC, **SMTP).smtp_security == "starttls"
    found = read(monkeypatch, **PUBLIC, **NOTIFY)
    assert found.notify_key_parts == (SERVICE, SECRET)
    assert found.notify_template("query") == TEMPLATE
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (SMTP, "CENSUS_PUBLIC_URL"),
        (NOTIFY, "CENSUS_PUBLIC_URL"),
        ({**PUBLIC, "CENSUS_MAIL_SENDER": "smtp"}, "CENSUS_SMTP_HOST"),
        ({**PUBLIC, **SMTP, "CENSUS_SMTP_SECURITY": "none"}, "CENSUS_SMTP_SECURITY"),
        ({**PUBLIC, **SMTP, "CENSUS_SMTP_USER": "census"}, "CENSUS_SMTP_PASSWORD"),
        ({**PUBLIC, **SMTP, "CENSUS_MAIL_FROM": "Census <census@nhs.example>"}, "CENSUS_MAIL_FROM"),
        ({**PUBLIC, **SMTP, "CENSUS_MAIL_FROM": "a@b.org\r\nBcc: c@d.org"}, "CENSUS_MAIL_FROM"),
        ({**PUBLIC, **NOTIFY, "CENSUS_NOTIFY_API_KEY": "a-secret"}, "CENSUS_NOTIFY_API_KEY"),
        ({**PUBLIC, **NOTIFY, "CENSUS_NOTIFY_URL": "http://notify.example"}, "CENSUS_NOTIFY_URL"),
        ({**PUBLIC, **NOTIFY, "CENSUS_NOTIFY_TEMPLATES": "x=y"}, "CENSUS_NOTIFY_TEMPLATES"),
        ({**PUBLIC, **NOTIFY, "CENSUS_NOTIFY_TEMPLATES": f"receipt={TEMPLATE}"}, "CENSUS_NOTIFY_TEMPLATES"),
        ({**PUBLIC, "CENSUS_MAIL_SENDER": "pigeon"}, "CENSUS_MAIL_SENDER"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=named) as refusal:
        read(monkeypatch, **variables)
    message = str(refusal.value)
    assert "\n" not in message
    assert not any(secret in message for secret in (SECRET, "a-secret", "pigeon", "Bcc"))


def test_a_key_without_a_name_is_a_key_too() -> None:
    assert Settings(notify_api_key=f"{SERVICE}-{SECRET}").notify_key_parts == (SERVICE, SECRET)  # type: ignore[arg-type]  # pydantic turns text into a secret
