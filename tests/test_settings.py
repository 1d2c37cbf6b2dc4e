"""Settings: read once, refused in one line that names the variable and never its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from census_api.domain.kit.errors import ConfigError
from census_api.settings import Settings, default_data_dir, read_settings


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"CENSUS_{field.upper()}", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_nothing_set_is_a_platform_on_this_machine_with_its_own_database() -> None:
    settings = read_settings()
    assert (settings.host, settings.mode, settings.sqlalchemy_url) == ("127.0.0.1", "production", None)
    assert settings.max_upload_bytes == 20_000_000
    assert settings.data_dir == default_data_dir()


def test_the_environment_decides_and_a_commands_option_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENSUS_PORT", "8123")
    monkeypatch.setenv("CENSUS_DATA_DIR", str(tmp_path / "a b"))
    monkeypatch.setenv("CENSUS_MODE", "demo")
    settings = read_settings(port=9000, host=None)
    assert (settings.port, settings.mode, settings.data_dir) == (9000, "demo", tmp_path / "a b")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_url_gets_the_platforms_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://me:hush@db.example/census")
    settings = read_settings()
    assert settings.sqlalchemy_url == "postgresql+psycopg://me:hush@db.example/census"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CENSUS_PORT", "eighty-secret"),
        ("CENSUS_PORT", "70000"),
        ("CENSUS_HOST", "0.0.0.0"),
        ("CENSUS_HOST", "::"),
        ("CENSUS_HOST", "census.example"),
        ("CENSUS_MODE", "debug-secret"),
        ("CENSUS_SANDBOX_WORKERS", "0"),
        ("CENSUS_SANDBOX_SECONDS", "nan"),
        ("CENSUS_MAX_UPLOAD_BYTES", "1e99"),
        ("CENSUS_LOG_LEVEL", "loud"),
        ("CENSUS_SECRET_KEY", "short-secret"),
        ("CENSUS_SECRET_KEY", "secret" * 10),
        ("CENSUS_PUBLIC_URL", "http://census.example"),
        ("CENSUS_PUBLIC_URL", "https://census.example/secret"),
        ("CENSUS_PUBLIC_URL", "https://me:secret@census.example"),
        ("CENSUS_SSO_ISSUER", "http://secret.example"),
        ("CENSUS_SESSION_HOURS", "0"),
        ("DATABASE_URL", "mysql://me:secret@db.example/census"),
        ("DATABASE_URL", "secret"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refusal:
        read_settings()
    assert name in refusal.value.message
    assert "\n" not in refusal.value.message
    assert "secret" not in refusal.value.message


def test_a_misspelt_setting_is_not_silently_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENSUS_DATADIR", "/somewhere")
    with pytest.raises(ConfigError, match=r"no setting CENSUS_DATADIR\. Did you mean CENSUS_DATA_DIR"):
        read_settings()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENSUS_OF_BIRDS", "yes")
    assert read_settings().port == 8000


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_every_name_of_this_machine_will_do(host: str) -> None:
    assert read_settings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_machines_are_let_in_over_https_with_a_database_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    good = {"DATABASE_URL": "postgresql://db.example/census", "CENSUS_PUBLIC_URL": "https://census.example"}
    for name, value in good.items():
        monkeypatch.setenv(name, value)
    assert read_settings(host=host).host == host
    with pytest.raises(ConfigError, match="CENSUS_HOST"):
        read_settings(host=host, mode="demo")
    for name, value in good.items():
        monkeypatch.delenv(name)
        with pytest.raises(ConfigError, match="CENSUS_HOST"):
            read_settings(host=host)
        monkeypatch.setenv(name, value)


def test_settings_that_would_let_nobody_in_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="CENSUS_SSO_CLIENT_ID"):
        read_settings(sso_issuer="https://login.example")
    with pytest.raises(ConfigError, match="nobody could sign in"):
        read_settings(local_sign_in=False)
    with pytest.raises(ConfigError, match="accounts are local"):
        read_settings(local_sign_in=False, sso_issuer="https://login.example", sso_client_id="x", mode="demo")
    assert read_settings(local_sign_in=False, sso_issuer="https://login.example/", sso_client_id="x").sso_issuer == (
        "https://login.example"
    )


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENSUS_SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("CENSUS_SSO_CLIENT_SECRET", "of the client")
    assert "0123456789" not in repr(read_settings())
    assert "of the client" not in repr(read_settings())
