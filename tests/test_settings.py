"""Settings: read once, refused in one line that names the variable and never its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from census_api.domain.errors import ConfigError
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
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://me:secret@db.example/census")
    settings = read_settings()
    assert settings.sqlalchemy_url == "postgresql+psycopg://me:secret@db.example/census"
    assert "secret" not in repr(settings)


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
